//! Metrics as rows: reading them and inserting many at once.

use std::sync::Arc;

use collector_model::MetricId;
use uuid::Uuid;

use crate::db::{Bound, DbConnection, DbRow, Statement};
use crate::snapshot::Snapshot;
use crate::sql::{CHUNK, id_list, many, once};
use crate::{IndexError, Metric, MetricStatus};

/// Columns of a metric `m` as [`of_row`] reads them.
pub(crate) const COLUMNS: &str =
    "m.id, m.creator, m.name, m.unit, m.resource_id, m.archive_policy_name, m.status";

/// Reads a row of [`COLUMNS`]. `None` where the snapshot does not have its policy: a snapshot taken after the row was
/// read lacks it only if both have been deleted since.
pub(crate) fn of_row(row: &DbRow, snapshot: &Snapshot) -> Result<Option<Arc<Metric>>, IndexError> {
    let policy: &str = row.try_get(5)?;
    let Some(policy) = snapshot.policies.get(policy) else {
        return Ok(None);
    };
    let status: &str = row.try_get(6)?;
    Ok(Some(Arc::new(Metric {
        id: row.try_get(0)?,
        creator: row.try_get(1)?,
        name: row.try_get(2)?,
        unit: row.try_get(3)?,
        resource_id: row.try_get(4)?,
        archive_policy: Arc::clone(policy),
        status: if status == MetricStatus::Active.name() {
            MetricStatus::Active
        } else {
            MetricStatus::Delete
        },
    })))
}

pub(crate) fn of_rows(rows: &[DbRow], snapshot: &Snapshot) -> Result<Vec<Arc<Metric>>, IndexError> {
    let metrics = rows.iter().map(|row| of_row(row, snapshot));
    metrics.filter_map(Result::transpose).collect()
}

impl MetricStatus {
    /// Its name in the catalogue and in Gnocchi's API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Delete => "delete",
        }
    }
}

/// Reads active metrics whose `column`, `id` or `resource_id`, is one of these; for who has the turn.
pub(crate) async fn find_many(
    connection: &mut DbConnection,
    snapshot: &Snapshot,
    column: &str,
    ids: &[Uuid],
) -> Result<Vec<Arc<Metric>>, IndexError> {
    of_rows(&find_rows(connection, column, ids).await?, snapshot)
}

/// Reads the rows of active metrics whose `column`, `id` or `resource_id`, is one of these.
pub(crate) async fn find_rows(
    connection: &mut DbConnection,
    column: &str,
    ids: &[Uuid],
) -> Result<Vec<DbRow>, IndexError> {
    let mut found = Vec::new();
    for chunk in ids.chunks(CHUNK) {
        let mut statement = Statement::new(format!(
            "SELECT {COLUMNS} FROM metric AS m WHERE m.status = 'active' AND m.{column} IN "
        ));
        id_list(&mut statement, chunk.iter().copied());
        found.extend(once(&mut statement).fetch_all(connection).await?);
    }
    Ok(found)
}

/// Inserts new metrics, which are active.
pub(crate) async fn insert(
    connection: &mut DbConnection,
    metrics: &[Arc<Metric>],
) -> Result<(), IndexError> {
    for chunk in metrics.chunks(CHUNK) {
        let mut statement = Statement::new(
            "INSERT INTO metric \
             (status, id, archive_policy_name, creator, resource_id, name, unit) VALUES ",
        );
        for (at, metric) in chunk.iter().enumerate() {
            statement.push(if at > 0 {
                ", ('active', "
            } else {
                "('active', "
            });
            statement.push_values::<Bound>([
                metric.id.into(),
                (&metric.archive_policy.name).into(),
                (&metric.creator).into(),
                metric.resource_id.into(),
                (&metric.name).into(),
                (&metric.unit).into(),
            ]);
            statement.push(")");
        }
        many(&mut statement, chunk.len())
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// Marks metrics as deleted, and takes them from their resource.
pub(crate) async fn mark_deleted(
    connection: &mut DbConnection,
    ids: &[MetricId],
) -> Result<(), IndexError> {
    for chunk in ids.chunks(CHUNK) {
        let mut statement =
            Statement::new("UPDATE metric SET status = 'delete', resource_id = NULL WHERE id IN ");
        id_list(&mut statement, chunk.iter().copied());
        once(&mut statement).execute(connection).await?;
    }
    Ok(())
}
