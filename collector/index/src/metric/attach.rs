//! Metrics of a resource that a request names together with the resource: new ones are created, existing ones moved to
//! it. Part of the transaction that creates or changes the resource.

use std::sync::Arc;

use collector_model::MetricId;
use uuid::Uuid;

use super::row::insert;
use crate::changes::Change;
use crate::db::{DbConnection, query, query_scalar};
use crate::metric::new_id;
use crate::snapshot::Snapshot;
use crate::{Index, IndexError, Metric, MetricSpec, MetricSpecs, MetricStatus};

/// The resource that gets metrics.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner<'a> {
    pub(crate) id: Uuid,
    pub(crate) creator: Option<&'a str>,
}

impl Index {
    /// Gives a resource metrics; what is kept in memory of them, and of the resources they come from, is dropped.
    pub(crate) async fn attach(
        &self,
        connection: &mut DbConnection,
        snapshot: &Snapshot,
        owner: Owner<'_>,
        specs: &MetricSpecs,
    ) -> Result<(), IndexError> {
        connection.will_change(Change::Resource(owner.id));
        let mut new = Vec::new();
        for (name, spec) in specs {
            match spec {
                MetricSpec::Existing(id) => self.adopt(connection, owner, name, *id).await?,
                MetricSpec::New {
                    unit,
                    archive_policy_name,
                } => {
                    if taken(connection, owner.id, name, None).await? {
                        return Err(IndexError::NamedMetricAlreadyExists(name.clone()));
                    }
                    let policy = archive_policy_name.as_deref();
                    new.push(Arc::new(Metric {
                        id: new_id(),
                        creator: owner.creator.map(str::to_owned),
                        name: Some(name.clone()),
                        unit: unit.clone(),
                        resource_id: Some(owner.id),
                        archive_policy: Arc::clone(snapshot.policy_of_new(policy, Some(name))?),
                        status: MetricStatus::Active,
                    }));
                }
            }
        }
        insert(connection, &new).await
    }

    /// Moves an existing metric to the resource and names it.
    async fn adopt(
        &self,
        connection: &mut DbConnection,
        owner: Owner<'_>,
        name: &str,
        id: MetricId,
    ) -> Result<(), IndexError> {
        let row = query(
            "SELECT resource_id FROM metric WHERE id = $1 AND status = 'active' \
             AND creator IS NOT DISTINCT FROM $2",
        );
        let row = row
            .bind(id)
            .bind(owner.creator)
            .fetch_optional(connection)
            .await?;
        let row = row.ok_or_else(|| IndexError::NoSuchMetric(id.to_string()))?;
        if taken(connection, owner.id, name, Some(id)).await? {
            return Err(IndexError::NamedMetricAlreadyExists(name.to_owned()));
        }
        query("UPDATE metric SET resource_id = $1, name = $2 WHERE id = $3")
            .bind(owner.id)
            .bind(name)
            .bind(id)
            .execute(connection)
            .await?;
        if let Some(former) = row.try_get::<Option<Uuid>>(0)? {
            connection.will_change(Change::Resource(former));
        }
        connection.will_change(Change::Metric(id));
        Ok(())
    }

    /// Takes all metrics from a resource; they live on without one.
    pub(crate) async fn detach_all(
        &self,
        connection: &mut DbConnection,
        resource_id: Uuid,
    ) -> Result<(), IndexError> {
        let ids = active_metrics(connection, resource_id).await?;
        query("UPDATE metric SET resource_id = NULL WHERE resource_id = $1 AND status = 'active'")
            .bind(resource_id)
            .execute(connection)
            .await?;
        connection.will_change(Change::Resource(resource_id));
        for id in ids {
            connection.will_change(Change::Metric(id));
        }
        Ok(())
    }
}

/// Ids of a resource's active metrics.
pub(crate) async fn active_metrics(
    connection: &mut DbConnection,
    resource_id: Uuid,
) -> Result<Vec<MetricId>, IndexError> {
    let ids = query_scalar(
        "SELECT id FROM metric WHERE resource_id = $1 AND status = 'active' ORDER BY id",
    );
    Ok(ids.bind(resource_id).fetch_all(connection).await?)
}

/// Whether a resource has a metric of that name that is not this one.
pub(crate) async fn taken(
    connection: &mut DbConnection,
    resource_id: Uuid,
    name: &str,
    but: Option<MetricId>,
) -> Result<bool, IndexError> {
    let taken = query_scalar(
        "SELECT EXISTS (SELECT 1 FROM metric WHERE resource_id = $1 AND name = $2 \
         AND id IS DISTINCT FROM $3)",
    );
    let mut taken = taken.bind(resource_id).bind(name).bind(but);
    Ok(taken.fetch_one(connection).await?)
}
