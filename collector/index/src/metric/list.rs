//! Finding metrics: by id, by resource and name, and by filter.

use std::collections::HashMap;
use std::sync::Arc;

use collector_model::{MetricId, Timestamp, parse_uuid};
use uuid::Uuid;

use super::row::{COLUMNS, find_many, find_rows, of_rows};
use crate::db::{DbConnection, Statement};
use crate::ensure::Known;
use crate::filter::compile::condition;
use crate::filter::fields::{Fields, is_of_resource};
use crate::page::Order;
use crate::resource_type::GENERIC;
use crate::sql::once;
use crate::{Filter, Index, IndexError, Metric, MetricQuery, MetricStatus, Page};

impl Index {
    /// The active metric of an id.
    ///
    /// # Errors
    /// [`IndexError::NoSuchMetric`].
    pub async fn metric(&self, id: MetricId) -> Result<Arc<Metric>, IndexError> {
        let found = self.metrics(&[id]).await?.pop();
        found.ok_or_else(|| IndexError::NoSuchMetric(id.to_string()))
    }

    /// The active metrics among these ids, in their order: from memory, and what is not there by one query for 500.
    ///
    /// # Errors
    /// Only where the database fails.
    pub async fn metrics(&self, ids: &[MetricId]) -> Result<Vec<Arc<Metric>>, IndexError> {
        self.freshen().await?;
        let (found, missing) = self.in_memory(ids);
        if missing.is_empty() {
            return Ok(in_order(ids, found, &[]));
        }
        // On the writing connection, for only who has that may fill what is kept in memory.
        let mut turn = self.turn().await?;
        let snapshot = self.snapshot_in(&mut turn).await?;
        let read = find_many(&mut turn, &snapshot, "id", &missing).await?;
        for metric in &read {
            self.metrics.insert(metric.id, Arc::clone(metric), 1);
        }
        Ok(in_order(ids, found, &read))
    }

    /// What memory has of these ids, in their order, and the ids that it lacks.
    fn in_memory(&self, ids: &[MetricId]) -> (Vec<Option<Arc<Metric>>>, Vec<MetricId>) {
        let found: Vec<_> = ids.iter().map(|id| self.metrics.get(id)).collect();
        let lacks = ids.iter().zip(&found).filter(|(_, found)| found.is_none());
        let missing = lacks.map(|(id, _)| *id).collect();
        (found, missing)
    }

    /// The active metric of a name on a resource.
    ///
    /// # Errors
    /// [`IndexError::NoSuchMetric`] with the name, also where there is no such resource.
    pub async fn metric_of_resource(
        &self,
        resource_id: Uuid,
        name: &str,
    ) -> Result<Arc<Metric>, IndexError> {
        let found = self
            .metrics_of_resources(&[(resource_id, vec![name])])
            .await?;
        let found = found.into_iter().next();
        found.ok_or_else(|| IndexError::NoSuchMetric(name.to_owned()))
    }

    /// The active metrics of these names on these resources, those that exist, in no particular order: from memory, and
    /// of resources that it does not have by one query for 500.
    ///
    /// # Errors
    /// Only where the database fails.
    pub async fn metrics_of_resources(
        &self,
        wanted: &[(Uuid, Vec<&str>)],
    ) -> Result<Vec<Arc<Metric>>, IndexError> {
        self.freshen().await?;
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for (id, names) in wanted {
            let known = self.known.get(id);
            let metrics = known.and_then(|known| {
                let metrics = names.iter().map(|name| known.metric(name).cloned());
                metrics.collect::<Option<Vec<_>>>()
            });
            match metrics {
                Some(metrics) => found.extend(metrics),
                None => missing.push((*id, names)),
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        // On the writing connection, for only who has that may fill what is kept in memory.
        let mut turn = self.turn().await?;
        let snapshot = self.snapshot_in(&mut turn).await?;
        let ids: Vec<Uuid> = missing.iter().map(|(id, _)| *id).collect();
        let mut by_resource: HashMap<Uuid, Vec<Arc<Metric>>> = HashMap::new();
        for metric in find_many(&mut turn, &snapshot, "resource_id", &ids).await? {
            if let Some(id) = metric.resource_id.filter(|_| metric.name.is_some()) {
                by_resource.entry(id).or_default().push(metric);
            }
        }
        let mut read: HashMap<Uuid, Arc<Known>> = HashMap::new();
        for (id, mut metrics) in by_resource {
            metrics.sort_unstable_by(|a, b| a.name.cmp(&b.name));
            let before = self.known.get(&id);
            let agrees = before.map_or_else(Vec::new, |known| known.fingerprints().to_vec());
            let known = Arc::new(Known::new(agrees, metrics));
            self.known.insert(id, Arc::clone(&known), known.weight());
            read.insert(id, known);
        }
        for (id, names) in missing {
            let Some(known) = read.get(&id) else { continue };
            found.extend(names.iter().filter_map(|name| known.metric(name).cloned()));
        }
        Ok(found)
    }

    /// The metrics that a query asks for; by default in the order of their ids. The database is asked for the ids, and
    /// for more only of active metrics that are not in memory and of deleted ones: a row costs by its columns.
    ///
    /// # Errors
    /// Where the filter or the page is not valid: [`IndexError::ResourceAttribute`], [`IndexError::FilterValue`],
    /// [`IndexError::FilterOperator`], [`IndexError::FilterTooLarge`], [`IndexError::InvalidPagination`];
    /// [`IndexError::TimedOut`].
    pub async fn list_metrics(&self, query: &MetricQuery) -> Result<Vec<Arc<Metric>>, IndexError> {
        let snapshot = self.snapshot().await?;
        let fields = Fields::Metric {
            generic: snapshot.resource_type(GENERIC)?,
            dialect: self.dialect(),
        };
        let order = Order::new(&query.page.sort, &[], fields)?;
        let mut statement = select(query, fields, self.now())?;
        let mut reader = self.searcher().await?;
        if let Some(marker) = &query.page.marker {
            statement.push(" AND ");
            push_after(&mut statement, &mut reader, &order, query, marker).await?;
        }
        order.push(&mut statement, query.page.limit);
        let rows = once(&mut statement).fetch_all(&mut reader).await?;
        if query.status == MetricStatus::Delete {
            drop(reader);
            return of_rows(&rows, &*self.snapshot().await?);
        }
        let ids = rows.iter().map(|row| row.try_get(0));
        let ids = ids.collect::<Result<Vec<MetricId>, _>>()?;
        let (found, missing) = self.in_memory(&ids);
        let rows = find_rows(&mut reader, "id", &missing).await?;
        drop(reader);
        let read = of_rows(&rows, &*self.snapshot().await?)?;
        Ok(in_order(&ids, found, &read))
    }
}

/// Metrics in the order of their ids: those found, and those read since.
fn in_order(
    ids: &[MetricId],
    found: Vec<Option<Arc<Metric>>>,
    read: &[Arc<Metric>],
) -> Vec<Arc<Metric>> {
    let read: HashMap<MetricId, &Arc<Metric>> = read.iter().map(|one| (one.id, one)).collect();
    let all = ids.iter().zip(found);
    let all = all.map(|(id, found)| found.or_else(|| read.get(id).map(|one| Arc::clone(one))));
    all.flatten().collect()
}

/// A list in no order yet, of all that the query's filter finds: the ids of active metrics, all of deleted ones.
pub(crate) fn select(
    query: &MetricQuery,
    fields: Fields<'_>,
    now: Timestamp,
) -> Result<Statement, IndexError> {
    let joined = if query.filter.as_ref().is_some_and(mentions_resource) {
        " LEFT JOIN resource AS r ON r.id = m.resource_id"
    } else {
        ""
    };
    let columns = match query.status {
        MetricStatus::Active => "m.id",
        MetricStatus::Delete => COLUMNS,
    };
    let mut statement = Statement::new(format!(
        "SELECT {columns} FROM metric AS m{joined} WHERE {}",
        with_status(query)
    ));
    if let Some(filter) = &query.filter {
        statement.push(" AND ");
        condition(&mut statement, filter, fields, now)?;
    }
    Ok(statement)
}

async fn push_after(
    statement: &mut Statement,
    reader: &mut DbConnection,
    order: &Order,
    query: &MetricQuery,
    marker: &str,
) -> Result<(), IndexError> {
    let id = parse_uuid(marker).ok_or_else(|| Page::invalid_marker(marker))?;
    let mut keys = Statement::new("SELECT ");
    order.push_columns(&mut keys);
    let status = with_status(query);
    keys.push(format_args!(" FROM metric AS m WHERE {status} AND m.id = "));
    keys.push_bind(id);
    let row = once(&mut keys).fetch_optional(reader).await?;
    let row = row.ok_or_else(|| Page::invalid_marker(marker))?;
    order.push_after(statement, &order.read_marker(&row)?);
    Ok(())
}

/// A literal, for the deleted ones have an index of their own that a bound value would not be looked up in.
fn with_status(query: &MetricQuery) -> String {
    format!("m.status = '{}'", query.status.name())
}

fn mentions_resource(filter: &Filter) -> bool {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => parts.iter().any(mentions_resource),
        Filter::Not(part) => mentions_resource(part),
        Filter::Compare { field, .. } | Filter::In { field, .. } => is_of_resource(field),
    }
}
