//! Finding resources: by id, by filter, as they are or with their history.

use std::collections::{HashMap, HashSet};

use collector_model::{Timestamp, parse_uuid};
use uuid::Uuid;

use super::row::{ALL_REVISIONS, CURRENT, REVISION, complete, find, metric_names, of_row};
use super::write::is_of;
use crate::db::{DbConnection, Statement};
use crate::filter::compile::condition;
use crate::filter::fields::Fields;
use crate::page::Order;
use crate::resource_type::GENERIC;
use crate::sql::{is_literal, once};
use crate::{Filter, Index, IndexError, Page, Resource, ResourceQuery, ResourceType};

/// Order of a list of resources where none is asked for.
pub(crate) const OWN_ORDER: [&str; 2] = ["revision_start", "started_at"];

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
    /// [`IndexError::FilterTooLarge`], [`IndexError::InvalidPagination`]; [`IndexError::TimedOut`].
    pub async fn list_resources(&self, query: &ResourceQuery) -> Result<Vec<Resource>, IndexError> {
        let snapshot = self.snapshot().await?;
        let resource_type = snapshot.resource_type(&query.resource_type)?;
        let fields = Fields::Resource {
            resource_type,
            history: query.history,
            dialect: self.dialect(),
        };
        let order = Order::new(&query.page.sort, &OWN_ORDER, fields)?;
        let mut statement = select(resource_type, query, fields, self.now())?;
        let mut reader = self.searcher().await?;
        if let Some(marker) = &query.page.marker {
            let mut keys = Statement::new("SELECT ");
            order.push_columns(&mut keys);
            keys.push(format_args!(" FROM {} AS r WHERE ", source(query).1));
            push_condition(&mut keys, resource_type, None, fields, self.now())?;
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

    /// Ids of the resources of a type that a filter finds.
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
        push_condition(
            &mut statement,
            resource_type,
            Some(filter),
            fields,
            self.now(),
        )?;
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
        let (mut metrics, mut missing) = (HashMap::new(), Vec::new());
        for id in ids {
            match self.known.get(&id) {
                Some(known) => drop(metrics.insert(id, known.names())),
                None => missing.push(id),
            }
        }
        metrics.extend(metric_names(connection, &missing).await?);
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

/// The columns of a list's entries, and where they are from.
fn source(query: &ResourceQuery) -> (&'static str, &'static str) {
    if query.history {
        (REVISION, ALL_REVISIONS)
    } else {
        (CURRENT, "resource")
    }
}

/// A list in no order yet, of all that the query's filter finds.
pub(crate) fn select(
    resource_type: &ResourceType,
    query: &ResourceQuery,
    fields: Fields<'_>,
    now: Timestamp,
) -> Result<Statement, IndexError> {
    let (columns, source) = source(query);
    let mut statement = Statement::new(format!("SELECT {columns} FROM {source} AS r WHERE "));
    let filter = query.filter.as_ref();
    push_condition(&mut statement, resource_type, filter, fields, now)?;
    Ok(statement)
}

/// Adds that a resource is of a type and found by the filter. The type is part of the text, for only so the indexes on
/// its attributes are known to have all of it.
fn push_condition(
    statement: &mut Statement,
    resource_type: &ResourceType,
    filter: Option<&Filter>,
    fields: Fields<'_>,
    now: Timestamp,
) -> Result<(), IndexError> {
    let name = &resource_type.name;
    if name == GENERIC {
        statement.push("1 = 1");
    } else if filter.is_some() && is_literal(name) {
        statement.push(fields.dialect().is_of_type(name));
    } else {
        statement.push("r.type = ").push_bind(name);
    }
    if let Some(filter) = filter {
        statement.push(" AND ");
        condition(statement, filter, fields, now)?;
    }
    Ok(())
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
