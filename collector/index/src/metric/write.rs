//! Creating, deleting and expunging metrics.

use std::sync::Arc;

use collector_model::MetricId;
use uuid::Uuid;

use super::attach::taken;
use super::row::{insert, mark_deleted};
use crate::changes::Change;
use crate::db::{Statement, query, query_scalar};
use crate::metric::new_id;
use crate::sql::{CHUNK, id_list, once};
use crate::{Index, IndexError, Metric, MetricStatus, NewMetric};

impl Index {
    /// Creates a metric.
    ///
    /// # Errors
    /// [`IndexError::NoSuchArchivePolicy`], [`IndexError::NoArchivePolicyRuleMatch`], [`IndexError::NoSuchResource`],
    /// [`IndexError::NamedMetricAlreadyExists`].
    pub async fn create_metric(&self, new: NewMetric) -> Result<Arc<Metric>, IndexError> {
        let mut transaction = self.begin().await?;
        let snapshot = self.snapshot_in(&mut transaction).await?;
        let policy =
            snapshot.policy_of_new(new.archive_policy_name.as_deref(), new.name.as_deref())?;
        if let Some(resource_id) = new.resource_id {
            let exists: bool = query_scalar("SELECT EXISTS (SELECT 1 FROM resource WHERE id = $1)")
                .bind(resource_id)
                .fetch_one(&mut transaction)
                .await?;
            if !exists {
                return Err(IndexError::NoSuchResource(resource_id));
            }
            if let Some(name) = &new.name
                && taken(&mut transaction, resource_id, name, None).await?
            {
                return Err(IndexError::NamedMetricAlreadyExists(name.clone()));
            }
            transaction.will_change(Change::Resource(resource_id));
        }
        let metric = Arc::new(Metric {
            id: new_id(),
            creator: new.creator,
            name: new.name,
            unit: new.unit,
            resource_id: new.resource_id,
            archive_policy: Arc::clone(policy),
            status: MetricStatus::Active,
        });
        insert(&mut transaction, std::slice::from_ref(&metric)).await?;
        let _turn = self.commit_in_turn(transaction).await?;
        self.metrics.insert(metric.id, Arc::clone(&metric), 1);
        Ok(metric)
    }

    /// Marks a metric as deleted and takes it from its resource. It is to be deleted in the store now, and then
    /// expunged; after a crash in between [`Index::deleted_metrics`] still has it.
    ///
    /// # Errors
    /// [`IndexError::NoSuchMetric`] where it does not exist or is deleted already.
    pub async fn delete_metric(&self, id: MetricId) -> Result<(), IndexError> {
        let mut transaction = self.begin().await?;
        let row = query("SELECT resource_id FROM metric WHERE id = $1 AND status = 'active'")
            .bind(id)
            .fetch_optional(&mut transaction)
            .await?;
        let row = row.ok_or_else(|| IndexError::NoSuchMetric(id.to_string()))?;
        mark_deleted(&mut transaction, &[id]).await?;
        if let Some(resource_id) = row.try_get::<Option<Uuid>>(0)? {
            transaction.will_change(Change::Resource(resource_id));
        }
        transaction.will_change(Change::Metric(id));
        self.commit(transaction).await
    }

    /// All metrics that are marked as deleted and not expunged.
    ///
    /// # Errors
    /// Only where the database fails.
    pub async fn deleted_metrics(&self) -> Result<Vec<MetricId>, IndexError> {
        let mut reader = self.reader().await?;
        let mut ids = query_scalar("SELECT id FROM metric WHERE status = 'delete' ORDER BY id");
        Ok(ids.fetch_all(&mut reader).await?)
    }

    /// Forgets deleted metrics for good, once the store has; ids of others are left alone.
    ///
    /// # Errors
    /// Only where the database fails.
    pub async fn expunge_metrics(&self, ids: &[MetricId]) -> Result<(), IndexError> {
        if ids.is_empty() {
            return Ok(());
        }
        let mut transaction = self.begin().await?;
        for chunk in ids.chunks(CHUNK) {
            let mut statement =
                Statement::new("DELETE FROM metric WHERE status = 'delete' AND id IN ");
            id_list(&mut statement, chunk.iter().copied());
            once(&mut statement).execute(&mut transaction).await?;
        }
        self.commit(transaction).await
    }
}
