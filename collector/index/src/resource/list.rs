//! Finding resources: by id, by filter, as they are or with their history.

use std::collections::HashSet;

use collector_model::parse_uuid;
use uuid::Uuid;

use super::row::{ALL_REVISIONS, CURRENT, REVISION, complete, find, metric_names, of_row};
use super::write::is_of;
use crate::db::{DbConnection, Statement};
use crate::filter::compile::condition;
use crate::filter::fields::Fields;
use crate::page::Order;
use crate::resource_type::GENERIC;
use crate::sql::once;
use crate::{Filter, Index, IndexError, Page, Resource, ResourceQuery, ResourceType};

/// Order of a list of resources where none is asked for.
const OWN_ORDER: [&str; 2] = ["revision_start", "started_at"];

impl Index {
    /// The resource of an id; `generic` finds one of any type.
    ///
    /// # Errors
    /// [`IndexError::NoSuchResourceType`], [`IndexError::NoSuchResource`].
    pub async fn resource(&self, resource_type: &str, id: Uuid) -> Result<Resource, IndexError> {
        self.snapshot().await?.resource_type(resource_type)?;
        let mut reader = self.reader().await?;
        let found = find(&mut reader, id).await?;
        let found = found.filter(|resource| is_of(resource, resource_type));
        let found = found.ok_or(IndexError::NoSuchResource(id))?;
        let mut found = self.finish_all(&mut reader, vec![found]).await?;
        found.pop().ok_or(IndexError::NoSuchResource(id))
    }

    /// The resources that a query asks for; by default those changed last come last.
    ///
    /// # Errors
    /// [`IndexError::NoSuchResourceType`], and where the filter or the page is not valid
    /// [`IndexError::ResourceAttribute`], [`IndexError::FilterValue`], [`IndexError::FilterOperator`],
    /// [`IndexError::FilterTooLarge`], [`IndexError::InvalidPagination`].
    pub async fn list_resources(&self, query: &ResourceQuery) -> Result<Vec<Resource>, IndexError> {
        let snapshot = self.snapshot().await?;
        let resource_type = snapshot.resource_type(&query.resource_type)?;
        let fields = Fields::Resource {
            resource_type,
            history: query.history,
            dialect: self.dialect(),
        };
        let order = Order::new(&query.page.sort, &OWN_ORDER, fields)?;
        let (columns, source) = if query.history {
            (REVISION, ALL_REVISIONS)
        } else {
            (CURRENT, "resource")
        };
        let mut statement = Statement::new(format!("SELECT {columns} FROM {source} AS r WHERE "));
        push_type(&mut statement, resource_type);
        if let Some(filter) = &query.filter {
            statement.push(" AND ");
            condition(&mut statement, filter, fields, self.now())?;
        }
        let mut reader = self.reader().await?;
        if let Some(marker) = &query.page.marker {
            let mut keys = Statement::new("SELECT ");
            order.push_columns(&mut keys);
            keys.push(format_args!(" FROM {source} AS r WHERE "));
            push_type(&mut keys, resource_type);
            push_marker(&mut keys, marker, query.history)?;
            let row = once(&mut keys).fetch_optional(&mut reader).await?;
            let row = row.ok_or_else(|| Page::invalid_marker(marker))?;
            statement.push(" AND ");
            order.push_after(&mut statement, &order.read_marker(&row)?);
        }
        order.push(&mut statement, query.page.limit);
        let rows = once(&mut statement).fetch_all(&mut reader).await?;
        let resources = rows.iter().map(of_row).collect::<Result<Vec<_>, _>>()?;
        self.finish_all(&mut reader, resources).await
    }

    /// Ids of the resources of a type that a filter finds; for who has the turn.
    pub(super) async fn matching_ids(
        &self,
        connection: &mut DbConnection,
        resource_type: &ResourceType,
        filter: &Filter,
    ) -> Result<Vec<Uuid>, IndexError> {
        let fields = Fields::Resource {
            resource_type,
            history: false,
            dialect: self.dialect(),
        };
        let mut statement = Statement::new("SELECT r.id FROM resource AS r WHERE ");
        push_type(&mut statement, resource_type);
        statement.push(" AND ");
        condition(&mut statement, filter, fields, self.now())?;
        let rows = once(&mut statement).fetch_all(connection).await?;
        let ids = rows.iter().map(|row| row.try_get(0));
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// Adds to resources what the API shows of them beyond their rows. One whose type has been deleted since its row
    /// was read is gone itself, and left out.
    async fn finish_all(
        &self,
        connection: &mut DbConnection,
        mut resources: Vec<Resource>,
    ) -> Result<Vec<Resource>, IndexError> {
        let ids: HashSet<Uuid> = resources.iter().map(|resource| resource.id).collect();
        let ids: Vec<Uuid> = ids.into_iter().collect();
        let metrics = metric_names(connection, &ids).await?;
        let snapshot = self.snapshot().await?;
        resources.retain_mut(|resource| {
            let Some(resource_type) = snapshot.types.get(&resource.resource_type) else {
                return false;
            };
            complete(resource, resource_type);
            if let Some(names) = metrics.get(&resource.id) {
                resource.metrics.clone_from(names);
            }
            true
        });
        Ok(resources)
    }
}

fn push_type(statement: &mut Statement, resource_type: &ResourceType) {
    if resource_type.name == GENERIC {
        statement.push("1 = 1");
    } else {
        statement.push("r.type = ");
        statement.push_bind(resource_type.name.clone());
    }
}

fn push_marker(statement: &mut Statement, marker: &str, history: bool) -> Result<(), IndexError> {
    let (id, revision) = match marker.split_once('@') {
        Some((id, revision)) if history => (id, Some(revision)),
        None if !history => (marker, None),
        _ => return Err(Page::invalid_marker(marker)),
    };
    let id = parse_uuid(id).ok_or_else(|| Page::invalid_marker(marker))?;
    statement.push(" AND r.id = ");
    statement.push_bind(id);
    if let Some(revision) = revision {
        let revision: i64 = revision.parse().map_err(|_| Page::invalid_marker(marker))?;
        statement.push(" AND r.revision = ");
        statement.push_bind(revision);
    }
    Ok(())
}
