//! Resource types in the catalogue. What an attribute is, and which values it takes, is the model's.

use std::collections::BTreeMap;
use std::sync::Arc;

use collector_model::{Attribute, AttributeError, Timestamp};
use serde_json::Value;

use crate::attribute_index::bring_in_line;
use crate::changes::Change;
use crate::db::{DbConnection, DbRow, query, query_scalar};
use crate::sql::is_attribute_name;
use crate::{Index, IndexError, ResourceType, ResourceTypeChange};

/// The type that finds resources of every type.
pub(crate) const GENERIC: &str = "generic";

/// Columns as [`of_row`] reads them.
pub(crate) const SELECT: &str = "SELECT name, attributes, updated_at FROM resource_type";

impl Index {
    /// All resource types, sorted by name.
    ///
    /// # Errors
    /// Only where the database fails.
    pub async fn resource_types(&self) -> Result<Vec<Arc<ResourceType>>, IndexError> {
        Ok(self.snapshot().await?.types.values().cloned().collect())
    }

    /// The resource type of a name.
    ///
    /// # Errors
    /// [`IndexError::NoSuchResourceType`].
    pub async fn resource_type(&self, name: &str) -> Result<Arc<ResourceType>, IndexError> {
        self.snapshot().await?.resource_type(name).cloned()
    }

    /// Adds a resource type.
    ///
    /// # Errors
    /// [`IndexError::ResourceTypeAlreadyExists`], or [`IndexError::Attribute`] where one is not valid.
    pub async fn create_resource_type(
        &self,
        name: &str,
        attributes: BTreeMap<String, Attribute>,
    ) -> Result<Arc<ResourceType>, IndexError> {
        let new = ResourceType {
            name: name.to_owned(),
            attributes,
            updated_at: self.now(),
        };
        check(&new.attributes)?;
        let mut transaction = self.begin().await?;
        if self
            .snapshot_in(&mut transaction)
            .await?
            .types
            .contains_key(name)
        {
            return Err(IndexError::ResourceTypeAlreadyExists(new.name));
        }
        insert(&mut transaction, &new).await?;
        bring_in_line(&mut transaction).await?;
        transaction.will_change(Change::Definitions);
        self.commit(transaction).await?;
        Ok(Arc::new(new))
    }

    /// Adds, redefines and removes attributes of a resource type, with the values that its resources have or lack. It
    /// makes no revisions.
    ///
    /// # Errors
    /// [`IndexError::NoSuchResourceType`], [`IndexError::ResourceAttribute`] where one to remove is not there,
    /// [`IndexError::Attribute`] where one to set is not valid or its `fill` is not of its type.
    pub async fn update_resource_type(
        &self,
        name: &str,
        change: ResourceTypeChange,
    ) -> Result<Arc<ResourceType>, IndexError> {
        let now = self.now();
        let mut transaction = self.begin().await?;
        let snapshot = self.snapshot_in(&mut transaction).await?;
        let mut changed = ResourceType::clone(snapshot.resource_type(name)?);
        changed.updated_at = now;
        for attribute in &change.remove {
            if changed.attributes.remove(attribute).is_none() {
                return Err(IndexError::ResourceAttribute {
                    resource_type: name.to_owned(),
                    attribute: attribute.clone(),
                });
            }
            remove(&mut transaction, name, attribute).await?;
        }
        for (attribute, set) in change.set {
            if let Some(fill) = &set.fill {
                let fill = set.attribute.kind.normalise(fill, now)?;
                check_one(&attribute, &set.attribute)?;
                fill_in(&mut transaction, name, &attribute, &fill).await?;
            }
            changed.attributes.insert(attribute, set.attribute);
        }
        check(&changed.attributes)?;
        query("UPDATE resource_type SET attributes = $1, updated_at = $2 WHERE name = $3")
            .bind(json(&changed.attributes)?)
            .bind(now.0)
            .bind(name)
            .execute(&mut transaction)
            .await?;
        bring_in_line(&mut transaction).await?;
        // What it knows of the resources' attributes no longer holds.
        transaction.will_change(Change::Everything);
        self.commit(transaction).await?;
        Ok(Arc::new(changed))
    }

    /// Deletes a resource type.
    ///
    /// # Errors
    /// [`IndexError::NoSuchResourceType`], or [`IndexError::ResourceTypeInUse`] by resources.
    pub async fn delete_resource_type(&self, name: &str) -> Result<(), IndexError> {
        let mut transaction = self.begin().await?;
        let used: bool = query_scalar("SELECT EXISTS (SELECT 1 FROM resource WHERE type = $1)")
            .bind(name)
            .fetch_one(&mut transaction)
            .await?;
        if used || name == GENERIC {
            return Err(IndexError::ResourceTypeInUse(name.to_owned()));
        }
        let deleted = query("DELETE FROM resource_type WHERE name = $1")
            .bind(name)
            .execute(&mut transaction)
            .await?;
        if deleted == 0 {
            return Err(IndexError::NoSuchResourceType(name.to_owned()));
        }
        bring_in_line(&mut transaction).await?;
        transaction.will_change(Change::Definitions);
        self.commit(transaction).await
    }
}

fn check(attributes: &BTreeMap<String, Attribute>) -> Result<(), AttributeError> {
    attributes
        .iter()
        .try_for_each(|(name, attribute)| check_one(name, attribute))
}

fn check_one(name: &str, attribute: &Attribute) -> Result<(), AttributeError> {
    if !is_attribute_name(name) {
        return Err(AttributeError::Name(name.to_owned()));
    }
    attribute.check(name)
}

fn json(attributes: &BTreeMap<String, Attribute>) -> Result<String, AttributeError> {
    serde_json::to_string(attributes).map_err(|error| AttributeError::Value(error.to_string()))
}

pub(crate) async fn insert(
    connection: &mut DbConnection,
    new: &ResourceType,
) -> Result<(), IndexError> {
    query("INSERT INTO resource_type (name, attributes, updated_at) VALUES ($1, $2, $3)")
        .bind(&new.name)
        .bind(json(&new.attributes)?)
        .bind(new.updated_at.0)
        .execute(connection)
        .await?;
    Ok(())
}

async fn remove(
    connection: &mut DbConnection,
    resource_type: &str,
    attribute: &str,
) -> Result<(), IndexError> {
    let dialect = connection.dialect();
    for statement in dialect.remove_attribute() {
        query(statement)
            .bind(dialect.attribute_key(attribute))
            .bind(resource_type)
            .execute(connection)
            .await?;
    }
    Ok(())
}

async fn fill_in(
    connection: &mut DbConnection,
    resource_type: &str,
    attribute: &str,
    value: &Value,
) -> Result<(), IndexError> {
    let dialect = connection.dialect();
    for statement in dialect.fill_attribute() {
        query(statement)
            .bind(dialect.attribute_key(attribute))
            .bind(resource_type)
            .bind(value.to_string())
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// Reads a row of [`SELECT`].
pub(crate) fn of_row(row: &DbRow) -> Result<ResourceType, IndexError> {
    let name: String = row.try_get(0)?;
    let attributes = serde_json::from_str(row.try_get(1)?);
    let attributes = attributes.map_err(|error| IndexError::Corrupt {
        what: "resource type",
        id: name.clone(),
        reason: error.to_string(),
    })?;
    Ok(ResourceType {
        name,
        attributes,
        updated_at: Timestamp(row.try_get(2)?),
    })
}
