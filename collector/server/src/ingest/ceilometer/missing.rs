//! What the definitions name and the catalogue has not: archive policies, resource types and attributes. They are made when
//! something needs them, so that a newer Ceilometer's files are all that its samples and events ask for.

use std::collections::{BTreeMap, BTreeSet};

use collector_index::{
    AttributeChange, Index, IndexError, ResourceTypeChange, ceilometer_attributes,
};
use collector_model::{Attribute, AttributeType};

use super::definitions::{Definitions, ResourceDefinition};

/// Fields of an event that resources of all types have.
const COMMON: [&str; 3] = ["id", "project_id", "user_id"];
/// An attribute of which nothing more is known, as `ceilometer-upgrade` defines new ones.
const TEXT: Attribute = Attribute {
    kind: AttributeType::String {
        min_length: 0,
        max_length: 255,
    },
    required: false,
};

/// Whether the catalogue refused for want of something that definitions name.
pub(super) fn is_want(error: &IndexError) -> bool {
    matches!(
        error,
        IndexError::NoSuchArchivePolicy(_)
            | IndexError::NoSuchResourceType(_)
            | IndexError::ResourceAttribute { .. }
    )
}

impl Definitions {
    /// Makes all that is missing.
    ///
    /// # Errors
    /// What the catalogue refuses, such as an attribute's name that is none, or its failure.
    pub(super) async fn make_missing(&self, index: &Index) -> Result<(), IndexError> {
        for policy in &self.policies {
            match index.create_archive_policy(policy).await {
                Ok(()) | Err(IndexError::ArchivePolicyAlreadyExists(_)) => {}
                Err(error) => return Err(error),
            }
        }
        for (name, attributes) in self.types() {
            let known = match index.resource_type(name).await {
                Ok(known) => known,
                Err(IndexError::NoSuchResourceType(_)) => {
                    let attributes = ceilometer_attributes(name).unwrap_or_default();
                    match index.create_resource_type(name, attributes).await {
                        Ok(created) => created,
                        // Another collector has just made it.
                        Err(IndexError::ResourceTypeAlreadyExists(_)) => {
                            index.resource_type(name).await?
                        }
                        Err(error) => return Err(error),
                    }
                }
                Err(error) => return Err(error),
            };
            let missing = attributes.into_iter();
            let missing = missing.filter(|name| !known.attributes.contains_key(*name));
            let set: BTreeMap<_, _> = missing.map(|name| (name.to_owned(), text())).collect();
            if !set.is_empty() {
                let names: Vec<&String> = set.keys().collect();
                tracing::info!(resource_type = name, attributes = ?names, "attributes added");
                let change = ResourceTypeChange {
                    set,
                    ..ResourceTypeChange::default()
                };
                index.update_resource_type(name, change).await?;
            }
        }
        Ok(())
    }

    /// Attributes by resource type.
    fn types(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut types: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for definition in &self.resources {
            let attributes = types.entry(&definition.resource_type).or_default();
            attributes.extend(names(definition));
        }
        types
    }
}

fn names(definition: &ResourceDefinition) -> impl Iterator<Item = &str> {
    let told = definition.events.attributes.keys();
    let told = told.filter(|name| !COMMON.contains(&name.as_str()));
    let names = definition.attributes.keys().chain(told);
    names.map(String::as_str)
}

fn text() -> AttributeChange {
    AttributeChange {
        attribute: TEXT,
        fill: None,
    }
}
