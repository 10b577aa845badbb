//! What Gnocchi 4.7 does where measures come for a resource that has ended: those from its end on bring it back.

use std::collections::BTreeMap;

use collector_index::{IndexError, Metric, ResourceUpdate};
use collector_model::Timestamp;
use uuid::Uuid;

use super::auth::Caller;
use super::error::ApiResult;
use crate::app::App;

/// Takes back the ends of the resources of metrics that have got measures, the last of that moment, where the caller's
/// release of Gnocchi does so. Which of them have ended is asked of the catalogue's memory.
pub(super) async fn bring_back<'m>(
    app: &App,
    caller: &Caller,
    measured: impl Iterator<Item = (&'m Metric, Option<Timestamp>)>,
) -> ApiResult<()> {
    if !caller.dialect.brings_back_resources() {
        return Ok(());
    }
    let mut newest: BTreeMap<Uuid, Timestamp> = BTreeMap::new();
    for (metric, last) in measured {
        if let (Some(id), Some(last)) = (metric.resource_id, last) {
            let newest = newest.entry(id).or_insert(last);
            *newest = last.max(*newest);
        }
    }
    let ids: Vec<Uuid> = newest.keys().copied().collect();
    for (id, end) in app.index.ended(&ids).await? {
        if newest.get(&id).is_none_or(|newest| *newest < end) {
            continue;
        }
        let update = ResourceUpdate {
            ended_at: Some(None),
            ..ResourceUpdate::default()
        };
        match app.index.update_resource("generic", id, update).await {
            // Deleted since its measures were taken.
            Ok(_) | Err(IndexError::NoSuchResource(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
