//! Creating, changing and deleting resources.

use collector_model::MetricId;
use uuid::Uuid;

use super::check::{self, Required};
use super::row::{complete, find, insert, metric_names, next_revision, revise};
use crate::changes::Change;
use crate::db::{DbConnection, Statement};
use crate::metric::attach::{Owner, active_metrics};
use crate::metric::row::mark_deleted;
use crate::resource_type::GENERIC;
use crate::sql::{CHUNK, id_list, once, to_micros};
use crate::{
    Deleted, Filter, Index, IndexError, MetricsUpdate, NewResource, Resource, ResourceType,
    ResourceUpdate,
};

impl Index {
    /// Creates a resource with its metrics.
    ///
    /// # Errors
    /// [`IndexError::NoSuchResourceType`], [`IndexError::ResourceAlreadyExists`], [`IndexError::StartAfterEnd`],
    /// [`IndexError::ResourceAttribute`], [`IndexError::ResourceValue`]; for its metrics
    /// [`IndexError::NoSuchArchivePolicy`], [`IndexError::NoArchivePolicyRuleMatch`], [`IndexError::NoSuchMetric`].
    pub async fn create_resource(&self, new: NewResource) -> Result<Resource, IndexError> {
        let now = self.now();
        let mut transaction = self.begin().await?;
        let snapshot = self.snapshot_in(&mut transaction).await?;
        let resource_type = snapshot.resource_type(&new.resource_type)?;
        let given = check::attributes(resource_type, &new.attributes, Required::Demand, now)?;
        let mut resource = Resource {
            id: new.id,
            revision: -1,
            original_resource_id: new
                .original_resource_id
                .unwrap_or_else(|| new.id.to_string()),
            resource_type: new.resource_type,
            creator: new.creator,
            project_id: new.project_id,
            user_id: new.user_id,
            started_at: new.started_at.map_or(now, to_micros),
            ended_at: new.ended_at.map(to_micros),
            revision_start: now,
            revision_end: None,
            attributes: serde_json::Map::new(),
            metrics: Default::default(),
        };
        check::merge(&mut resource.attributes, &given);
        if resource
            .ended_at
            .is_some_and(|ended| ended < resource.started_at)
        {
            return Err(IndexError::StartAfterEnd);
        }
        if find(&mut transaction, resource.id).await?.is_some() {
            return Err(IndexError::ResourceAlreadyExists(resource.id));
        }
        insert(&mut transaction, std::slice::from_ref(&resource)).await?;
        let owner = Owner {
            id: resource.id,
            creator: resource.creator.as_deref(),
        };
        self.attach(&mut transaction, &snapshot, owner, &new.metrics)
            .await?;
        finish(&mut transaction, &mut resource, resource_type).await?;
        self.commit(transaction).await?;
        Ok(resource)
    }

    /// Changes a resource. What changes its fields or attributes makes a new revision; what changes nothing, or only
    /// its metrics, does not.
    ///
    /// # Errors
    /// [`IndexError::NoSuchResource`], [`IndexError::RevisionChanged`], [`IndexError::ResourceAttribute`],
    /// [`IndexError::ResourceValue`] (also where it would end before it starts); for its metrics
    /// [`IndexError::NoSuchArchivePolicy`], [`IndexError::NoArchivePolicyRuleMatch`], [`IndexError::NoSuchMetric`],
    /// [`IndexError::NamedMetricAlreadyExists`].
    pub async fn update_resource(
        &self,
        resource_type: &str,
        id: Uuid,
        update: ResourceUpdate,
    ) -> Result<Resource, IndexError> {
        let now = self.now();
        let mut transaction = self.begin().await?;
        let snapshot = self.snapshot_in(&mut transaction).await?;
        let asked = snapshot.resource_type(resource_type)?;
        let found = find(&mut transaction, id).await?;
        let mut resource = found
            .filter(|resource| is_of(resource, resource_type))
            .ok_or(IndexError::NoSuchResource(id))?;
        if update
            .if_revision
            .is_some_and(|revision| revision != resource.revision_start)
        {
            return Err(IndexError::RevisionChanged(id));
        }
        // A resource that is changed as a generic one has no attributes to change.
        let given = check::attributes(asked, &update.attributes, Required::Leave, now)?;
        let changes = [
            check::set(&mut resource.project_id, update.project_id),
            check::set(&mut resource.user_id, update.user_id),
            check::set(&mut resource.started_at, update.started_at.map(to_micros)),
            check::set(
                &mut resource.ended_at,
                update.ended_at.map(|ended| ended.map(to_micros)),
            ),
            check::merge(&mut resource.attributes, &given),
        ];
        if changes.contains(&true) {
            if let Some(ended) = resource.ended_at
                && ended < resource.started_at
            {
                return Err(IndexError::ResourceValue {
                    resource_type: resource.resource_type,
                    attribute: "ended_at".to_owned(),
                    value: ended.to_string(),
                    reason: String::new(),
                });
            }
            resource.revision_start = next_revision(&resource, now);
            revise(&mut transaction, &resource).await?;
            transaction.will_change(Change::Resource(id));
        }
        let owner = Owner {
            id,
            creator: resource.creator.as_deref(),
        };
        match &update.metrics {
            MetricsUpdate::Keep => {}
            MetricsUpdate::Append(specs) => {
                self.attach(&mut transaction, &snapshot, owner, specs)
                    .await?;
            }
            MetricsUpdate::Replace(specs) => {
                self.detach_all(&mut transaction, id).await?;
                self.attach(&mut transaction, &snapshot, owner, specs)
                    .await?;
            }
        }
        let own = snapshot.resource_type(&resource.resource_type)?;
        finish(&mut transaction, &mut resource, own).await?;
        self.commit(transaction).await?;
        Ok(resource)
    }

    /// Deletes a resource with its history, and marks its metrics as deleted: those returned are to be deleted in the
    /// store now, and then expunged.
    ///
    /// # Errors
    /// [`IndexError::NoSuchResource`].
    pub async fn delete_resource(&self, id: Uuid) -> Result<Vec<MetricId>, IndexError> {
        let mut transaction = self.begin().await?;
        let metrics = active_metrics(&mut transaction, id).await?;
        if self.delete_rows(&mut transaction, &[id], &metrics).await? == 0 {
            return Err(IndexError::NoSuchResource(id));
        }
        self.commit(transaction).await?;
        Ok(metrics)
    }

    /// Deletes all resources of a type that a filter finds, as [`Index::delete_resource`] does.
    ///
    /// # Errors
    /// As [`Index::list_resources`].
    pub async fn delete_resources(
        &self,
        resource_type: &str,
        filter: &Filter,
    ) -> Result<Deleted, IndexError> {
        // Once without the turn to write: a filter that takes too long holds nobody up.
        let snapshot = self.snapshot().await?;
        let asked = snapshot.resource_type(resource_type)?;
        let mut searcher = self.searcher().await?;
        self.matching_ids(&mut searcher, asked, filter).await?;
        drop(searcher);
        let mut transaction = self.begin().await?;
        let snapshot = self.snapshot_in(&mut transaction).await?;
        let resource_type = snapshot.resource_type(resource_type)?;
        let ids = self
            .matching_ids(&mut transaction, resource_type, filter)
            .await?;
        let metrics = metric_ids(&mut transaction, &ids).await?;
        let resources = self.delete_rows(&mut transaction, &ids, &metrics).await?;
        self.commit(transaction).await?;
        Ok(Deleted { resources, metrics })
    }

    async fn delete_rows(
        &self,
        connection: &mut DbConnection,
        ids: &[Uuid],
        metrics: &[MetricId],
    ) -> Result<u64, IndexError> {
        mark_deleted(connection, metrics).await?;
        let mut deleted = 0;
        for chunk in ids.chunks(CHUNK) {
            let mut statement = Statement::new("DELETE FROM resource WHERE id IN ");
            id_list(&mut statement, chunk.iter().copied());
            let done = once(&mut statement).execute(connection).await?;
            deleted += done;
        }
        for id in ids {
            connection.will_change(Change::Resource(*id));
        }
        for id in metrics {
            connection.will_change(Change::Metric(*id));
        }
        Ok(deleted)
    }
}

/// Whether a resource is found under the name of a type.
pub(super) fn is_of(resource: &Resource, resource_type: &str) -> bool {
    resource_type == GENERIC || resource.resource_type == resource_type
}

/// Adds to a resource what the API shows of it beyond its row.
async fn finish(
    connection: &mut DbConnection,
    resource: &mut Resource,
    resource_type: &ResourceType,
) -> Result<(), IndexError> {
    let mut metrics = metric_names(connection, &[resource.id]).await?;
    resource.metrics = metrics.remove(&resource.id).unwrap_or_default();
    complete(resource, resource_type);
    Ok(())
}

/// Ids of the resources' active metrics, also of those without a name.
async fn metric_ids(
    connection: &mut DbConnection,
    resources: &[Uuid],
) -> Result<Vec<MetricId>, IndexError> {
    let mut found = Vec::new();
    for chunk in resources.chunks(CHUNK) {
        let mut statement =
            Statement::new("SELECT id FROM metric WHERE status = 'active' AND resource_id IN ");
        id_list(&mut statement, chunk.iter().copied());
        for row in once(&mut statement).fetch_all(connection).await? {
            found.push(row.try_get(0)?);
        }
    }
    Ok(found)
}
