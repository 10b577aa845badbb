//! Resources as rows: reading them, inserting many at once, and moving a revision into the history. Between here and
//! the API a resource's attributes are those that are not null.

use std::collections::{BTreeMap, HashMap};

use collector_model::{MetricId, Timestamp};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::db::{Bound, DbConnection, DbRow, Statement, query};
use crate::sql::{CHUNK, id_list, many, once};
use crate::{IndexError, Resource, ResourceType};

/// Columns of a resource `r` as it is, as [`of_row`] reads them.
pub(crate) const CURRENT: &str = "r.id, r.original_resource_id, r.type, r.creator, r.project_id, \
     r.user_id, r.started_at, r.ended_at, r.revision_start, CAST(r.attributes AS TEXT), CAST(-1 AS BIGINT), NULL";

/// Columns of a revision `r` from [`ALL_REVISIONS`], as [`of_row`] reads them.
pub(crate) const REVISION: &str = "r.id, r.original_resource_id, r.type, r.creator, r.project_id, \
     r.user_id, r.started_at, r.ended_at, r.revision_start, CAST(r.attributes AS TEXT), r.revision, \
     r.revision_end";

/// Former revisions and resources as they are.
pub(crate) const ALL_REVISIONS: &str = "(SELECT id, original_resource_id, type, creator, \
     project_id, user_id, started_at, ended_at, revision_start, attributes, revision, \
     revision_end FROM resource_history UNION ALL SELECT id, original_resource_id, type, creator, \
     project_id, user_id, started_at, ended_at, revision_start, attributes, -1, NULL \
     FROM resource)";

/// Reads a row of [`CURRENT`] or [`REVISION`]; its metrics are to be added.
pub(crate) fn of_row(row: &DbRow) -> Result<Resource, IndexError> {
    let id: Uuid = row.try_get(0)?;
    let attributes = serde_json::from_str(row.try_get(9)?);
    Ok(Resource {
        id,
        original_resource_id: row.try_get(1)?,
        resource_type: row.try_get(2)?,
        creator: row.try_get(3)?,
        project_id: row.try_get(4)?,
        user_id: row.try_get(5)?,
        started_at: Timestamp(row.try_get(6)?),
        ended_at: row.try_get::<Option<_>>(7)?.map(Timestamp),
        revision_start: Timestamp(row.try_get(8)?),
        attributes: attributes.map_err(|error| IndexError::Corrupt {
            what: "resource",
            id: id.to_string(),
            reason: error.to_string(),
        })?,
        revision: row.try_get(10)?,
        revision_end: row.try_get::<Option<_>>(11)?.map(Timestamp),
        metrics: BTreeMap::new(),
    })
}

/// Makes a resource as a row has it one as the API shows it: with all attributes of its type, and no others.
pub(crate) fn complete(resource: &mut Resource, resource_type: &ResourceType) {
    let mut kept = std::mem::take(&mut resource.attributes);
    let attributes = resource_type.attributes.keys().map(|name| {
        let value = kept.remove(name).unwrap_or(Value::Null);
        (name.clone(), value)
    });
    resource.attributes = attributes.collect();
}

/// The resource of an id as it is.
pub(crate) async fn find(
    connection: &mut DbConnection,
    id: Uuid,
) -> Result<Option<Resource>, IndexError> {
    let mut statement =
        Statement::new(format!("SELECT {CURRENT} FROM resource AS r WHERE r.id = "));
    statement.push_bind(id);
    let row = once(&mut statement).fetch_optional(connection).await?;
    row.as_ref().map(of_row).transpose()
}

/// The resources of these ids as they are, those that exist.
pub(crate) async fn find_many(
    connection: &mut DbConnection,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Resource>, IndexError> {
    let mut found = HashMap::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let mut statement = Statement::new(format!(
            "SELECT {CURRENT} FROM resource AS r WHERE r.id IN "
        ));
        id_list(&mut statement, chunk.iter().copied());
        for row in once(&mut statement).fetch_all(connection).await? {
            let resource = of_row(&row)?;
            found.insert(resource.id, resource);
        }
    }
    Ok(found)
}

/// Active metrics of resources by name.
pub(crate) async fn metric_names(
    connection: &mut DbConnection,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, BTreeMap<String, MetricId>>, IndexError> {
    let mut found: HashMap<Uuid, BTreeMap<String, MetricId>> = HashMap::new();
    for chunk in ids.chunks(CHUNK) {
        let mut statement = Statement::new(
            "SELECT resource_id, name, id FROM metric WHERE status = 'active' \
             AND name IS NOT NULL AND resource_id IN ",
        );
        id_list(&mut statement, chunk.iter().copied());
        for row in once(&mut statement).fetch_all(connection).await? {
            let metrics = found.entry(row.try_get(0)?).or_default();
            metrics.insert(row.try_get(1)?, row.try_get(2)?);
        }
    }
    Ok(found)
}

/// Inserts new resources, with nothing but their own row.
pub(crate) async fn insert(
    connection: &mut DbConnection,
    resources: &[Resource],
) -> Result<(), IndexError> {
    for chunk in resources.chunks(CHUNK) {
        let mut statement = Statement::new(
            "INSERT INTO resource (id, original_resource_id, type, creator, project_id, user_id, \
             started_at, ended_at, revision_start, attributes) VALUES ",
        );
        for (at, resource) in chunk.iter().enumerate() {
            statement.push(if at > 0 { ", " } else { "" });
            statement.push_row([
                resource.id.into(),
                (&resource.original_resource_id).into(),
                (&resource.resource_type).into(),
                (&resource.creator).into(),
                (&resource.project_id).into(),
                (&resource.user_id).into(),
                resource.started_at.0.into(),
                resource.ended_at.map(|ended| ended.0).into(),
                resource.revision_start.0.into(),
                Bound::Json(json(&resource.attributes)),
            ]);
        }
        many(&mut statement, chunk.len())
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// Moves the current revision into the history and writes the resource as the next one.
pub(crate) async fn revise(
    connection: &mut DbConnection,
    next: &Resource,
) -> Result<(), IndexError> {
    query(
        "INSERT INTO resource_history (id, original_resource_id, type, creator, project_id, \
         user_id, started_at, ended_at, revision_start, attributes, revision_end) \
         SELECT id, original_resource_id, type, creator, project_id, user_id, started_at, \
         ended_at, revision_start, attributes, $1 FROM resource WHERE id = $2",
    )
    .bind(next.revision_start.0)
    .bind(next.id)
    .execute(connection)
    .await?;
    let mut update = Statement::new("UPDATE resource SET project_id = ");
    update.push_bind(&next.project_id).push(", user_id = ");
    update.push_bind(&next.user_id).push(", started_at = ");
    update.push_bind(next.started_at.0).push(", ended_at = ");
    update.push_bind(next.ended_at.map(|ended| ended.0));
    update
        .push(", revision_start = ")
        .push_bind(next.revision_start.0);
    update
        .push(", attributes = ")
        .push_bind(Bound::Json(json(&next.attributes)));
    update.push(" WHERE id = ").push_bind(next.id);
    update.kept(true).execute(connection).await?;
    Ok(())
}

/// When the next revision of a resource starts: now, but always after the current one, also by a clock that was set
/// back.
pub(crate) fn next_revision(resource: &Resource, now: Timestamp) -> Timestamp {
    now.max(Timestamp(resource.revision_start.0.saturating_add(1_000)))
}

fn json(attributes: &Map<String, Value>) -> String {
    Value::Object(attributes.clone()).to_string()
}
