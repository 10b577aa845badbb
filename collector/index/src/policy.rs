//! Archive policies in the catalogue. What a policy is, and which changes it takes, is the model's.

use std::collections::BTreeSet;
use std::sync::Arc;

use collector_model::{Aggregation, ArchivePolicy, Definition, Granularity, MetricId};
use serde_json::{Value, json};

use crate::changes::Change;
use crate::db::{DbConnection, DbRow, query, query_scalar};
use crate::{Index, IndexError};

/// Columns as [`of_row`] reads them.
pub(crate) const SELECT: &str =
    "SELECT name, back_window, definition, aggregation_methods FROM archive_policy";

impl Index {
    /// All archive policies, sorted by name.
    ///
    /// # Errors
    /// Only where the database fails.
    pub async fn archive_policies(&self) -> Result<Vec<Arc<ArchivePolicy>>, IndexError> {
        Ok(self.snapshot().await?.policies.values().cloned().collect())
    }

    /// The archive policy of a name.
    ///
    /// # Errors
    /// [`IndexError::NoSuchArchivePolicy`].
    pub async fn archive_policy(&self, name: &str) -> Result<Arc<ArchivePolicy>, IndexError> {
        self.snapshot().await?.policy(name).cloned()
    }

    /// Adds an archive policy.
    ///
    /// # Errors
    /// [`IndexError::ArchivePolicyAlreadyExists`].
    pub async fn create_archive_policy(&self, policy: &ArchivePolicy) -> Result<(), IndexError> {
        let mut transaction = self.begin().await?;
        if self
            .snapshot_in(&mut transaction)
            .await?
            .policies
            .contains_key(&policy.name)
        {
            return Err(IndexError::ArchivePolicyAlreadyExists(policy.name.clone()));
        }
        insert(&mut transaction, policy).await?;
        transaction.will_change(Change::Definitions);
        self.commit(transaction).await
    }

    /// Changes points and timespans of an archive policy, and its back window where one is given; the store has to be
    /// told for all of [`Index::metrics_of_archive_policy`].
    ///
    /// # Errors
    /// [`IndexError::NoSuchArchivePolicy`], or [`IndexError::Policy`] where granularities differ.
    pub async fn update_archive_policy(
        &self,
        name: &str,
        definition: Vec<Definition>,
        back_window: Option<u32>,
    ) -> Result<Arc<ArchivePolicy>, IndexError> {
        let mut transaction = self.begin().await?;
        let snapshot = self.snapshot_in(&mut transaction).await?;
        let mut policy = snapshot.policy(name)?.with_definition(definition)?;
        policy.back_window = back_window.unwrap_or(policy.back_window);
        query("UPDATE archive_policy SET definition = $1, back_window = $2 WHERE name = $3")
            .bind(definition_json(&policy))
            .bind(i64::from(policy.back_window))
            .bind(name)
            .execute(&mut transaction)
            .await?;
        // Metrics carry their policy with them.
        transaction.will_change(Change::Everything);
        self.commit(transaction).await?;
        Ok(Arc::new(policy))
    }

    /// Deletes an archive policy.
    ///
    /// # Errors
    /// [`IndexError::NoSuchArchivePolicy`], or [`IndexError::ArchivePolicyInUse`] by metrics (also deleted ones that
    /// are not expunged yet) or rules.
    pub async fn delete_archive_policy(&self, name: &str) -> Result<(), IndexError> {
        let mut transaction = self.begin().await?;
        let used: bool = query_scalar(
            "SELECT EXISTS (SELECT 1 FROM metric WHERE archive_policy_name = $1) \
             OR EXISTS (SELECT 1 FROM archive_policy_rule WHERE archive_policy_name = $1)",
        )
        .bind(name)
        .fetch_one(&mut transaction)
        .await?;
        if used {
            return Err(IndexError::ArchivePolicyInUse(name.to_owned()));
        }
        let deleted = query("DELETE FROM archive_policy WHERE name = $1")
            .bind(name)
            .execute(&mut transaction)
            .await?;
        if deleted == 0 {
            return Err(IndexError::NoSuchArchivePolicy(name.to_owned()));
        }
        transaction.will_change(Change::Definitions);
        self.commit(transaction).await
    }

    /// The active metrics that have an archive policy.
    ///
    /// # Errors
    /// Only where the database fails.
    pub async fn metrics_of_archive_policy(&self, name: &str) -> Result<Vec<MetricId>, IndexError> {
        let mut reader = self.reader().await?;
        let ids = query_scalar(
            "SELECT id FROM metric WHERE archive_policy_name = $1 AND status = 'active' ORDER BY id",
        );
        Ok(ids.bind(name).fetch_all(&mut reader).await?)
    }
}

pub(crate) async fn insert(
    connection: &mut DbConnection,
    policy: &ArchivePolicy,
) -> Result<(), IndexError> {
    let methods: Vec<String> = policy
        .aggregation_methods
        .iter()
        .map(ToString::to_string)
        .collect();
    query(
        "INSERT INTO archive_policy (name, back_window, definition, aggregation_methods) \
         VALUES ($1, $2, $3, $4)",
    )
    .bind(&policy.name)
    .bind(i64::from(policy.back_window))
    .bind(definition_json(policy))
    .bind(json!(methods).to_string())
    .execute(connection)
    .await?;
    Ok(())
}

fn definition_json(policy: &ArchivePolicy) -> String {
    let archives: Vec<Value> = policy
        .definition
        .iter()
        .map(
            |archive| json!({"granularity": archive.granularity.nanos(), "points": archive.points}),
        )
        .collect();
    Value::Array(archives).to_string()
}

/// Reads a row of [`SELECT`].
pub(crate) fn of_row(row: &DbRow) -> Result<ArchivePolicy, IndexError> {
    let name: String = row.try_get(0)?;
    let back_window: i64 = row.try_get(1)?;
    let (definition, methods): (&str, &str) = (row.try_get(2)?, row.try_get(3)?);
    let definition = read_definition(definition);
    let methods = read_methods(methods);
    let corrupt = |reason: String| IndexError::Corrupt {
        what: "archive policy",
        id: name.clone(),
        reason,
    };
    match (definition, methods, u32::try_from(back_window)) {
        (Some(definition), Some(methods), Ok(back_window)) => {
            ArchivePolicy::new(name.clone(), back_window, definition, methods)
                .map_err(|error| corrupt(error.to_string()))
        }
        _ => Err(corrupt(
            "definition, methods or back window cannot be read".to_owned(),
        )),
    }
}

fn read_definition(json: &str) -> Option<Vec<Definition>> {
    let archives: Vec<Value> = serde_json::from_str(json).ok()?;
    let archives = archives.iter().map(|archive| {
        let granularity = Granularity::from_nanos(archive.get("granularity")?.as_i64()?)?;
        let points = archive.get("points")?.as_u64();
        Definition::new(Some(granularity), points, None).ok()
    });
    archives.collect()
}

fn read_methods(json: &str) -> Option<BTreeSet<Aggregation>> {
    let names: Vec<String> = serde_json::from_str(json).ok()?;
    names.iter().map(|name| name.parse().ok()).collect()
}
