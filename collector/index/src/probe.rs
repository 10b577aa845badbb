//! Whether the catalogue takes anything at all, for those who have to know whether a failure is its own or that of what
//! was asked of it.

use std::sync::Arc;

use uuid::Uuid;

use crate::metric::{new_id, row as metric_row};
use crate::resource::row as resource_row;
use crate::{Index, IndexError, Metric, MetricStatus, Resource};

/// Type of the resource, which every catalogue has.
const TYPE: &str = "generic";

impl Index {
    /// Writes a resource and a metric as any other call does, and takes both back: nobody sees them, nothing stays.
    ///
    /// # Errors
    /// Only where the database fails.
    pub async fn probe(&self) -> Result<(), IndexError> {
        let now = self.now();
        let mut transaction = self.begin().await?;
        let snapshot = self.snapshot_in(&mut transaction).await?;
        let id = Uuid::now_v7();
        let resource = Resource {
            id,
            revision: -1,
            original_resource_id: id.to_string(),
            resource_type: TYPE.to_owned(),
            creator: None,
            project_id: None,
            user_id: None,
            started_at: now,
            ended_at: None,
            revision_start: now,
            revision_end: None,
            attributes: serde_json::Map::new(),
            metrics: std::collections::BTreeMap::new(),
        };
        resource_row::insert(&mut transaction, std::slice::from_ref(&resource)).await?;
        // A bare catalogue has no policy, and so no metrics.
        if let Some(policy) = snapshot.policies.values().next() {
            let metric = Arc::new(Metric {
                id: new_id(),
                creator: None,
                name: Some("probe".to_owned()),
                unit: None,
                resource_id: Some(id),
                archive_policy: Arc::clone(policy),
                status: MetricStatus::Active,
            });
            metric_row::insert(&mut transaction, std::slice::from_ref(&metric)).await?;
        }
        drop(transaction.end());
        Ok(())
    }
}
