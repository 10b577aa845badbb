//! Samples: `/v2/samples`, and in the older form `/v2/meters/NAME`. The newest first.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use collector_index::IndexError;
use collector_model::{AggregatePoint, Timestamp};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::super::auth::Caller;
use super::super::bounds::Bounds;
use super::super::computing::blocking;
use super::super::error::{ApiError, ApiResult};
use super::super::json::reply;
use super::super::query::Params;
use super::condition::{Conditions, SOURCE, text_of};
use super::meter::{Meter, find, limit};
use super::numbers;
use crate::app::App;
use crate::auth::policy::Action;

/// A sample of a meter.
struct Sample<'m> {
    meter: &'m Meter,
    point: AggregatePoint,
}

/// What an answer calls the fields that its form has a name of its own for.
struct Form {
    id: &'static str,
    name: &'static str,
    kind: &'static str,
    unit: &'static str,
    volume: &'static str,
    metadata: &'static str,
}

/// The form of `/v2/samples`.
const FORM: Form = Form {
    id: "id",
    name: "meter",
    kind: "type",
    unit: "unit",
    volume: "volume",
    metadata: "metadata",
};

/// The form of `/v2/meters/NAME`.
const OLD_FORM: Form = Form {
    id: "message_id",
    name: "counter_name",
    kind: "counter_type",
    unit: "counter_unit",
    volume: "counter_volume",
    metadata: "resource_metadata",
};

/// `GET /v2/meters/NAME`.
pub(super) async fn list_of_meter(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
    params: Params,
) -> ApiResult {
    let conditions = Conditions::of_meter(&params, name)?;
    answer(&app, &caller, &params, conditions, &OLD_FORM).await
}

/// `GET /v2/samples`.
pub(super) async fn list(State(app): State<Arc<App>>, caller: Caller, params: Params) -> ApiResult {
    let conditions = Conditions::of(&params)?;
    answer(&app, &caller, &params, conditions, &FORM).await
}

async fn answer(
    app: &App,
    caller: &Caller,
    params: &Params,
    conditions: Conditions,
    form: &'static Form,
) -> ApiResult {
    let limit = limit(app, params)?;
    let bounds = Bounds::of(&app.api());
    let most = bounds.resources() as usize;
    let meters = find(app, caller, &conditions, most, &bounds).await?;
    bounds.check(meters.len(), "meters")?;
    let (store, mut left) = (Arc::clone(&app.store), bounds);
    let views = blocking(bounds, move || {
        let mut newest: Vec<Sample<'_>> = Vec::new();
        for meter in &meters {
            let points = numbers::samples(store.as_ref(), &mut left, meter, &conditions)?;
            let points = points.into_iter().rev().take(limit);
            newest.extend(points.map(|point| Sample { meter, point }));
            if newest.len() > 16 * limit {
                keep_newest(&mut newest, limit);
            }
        }
        keep_newest(&mut newest, limit);
        Ok(newest.iter().map(|it| it.view(form)).collect::<Vec<_>>())
    });
    Ok(reply(StatusCode::OK, &views.await?))
}

fn keep_newest(samples: &mut Vec<Sample<'_>>, most: usize) {
    samples.sort_by_key(|sample| std::cmp::Reverse(sample.point.timestamp));
    samples.truncate(most);
}

/// `GET /v2/samples/ID`.
pub(super) async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult {
    let unknown = || ApiError::not_found(format!("Sample {id} Not Found"));
    let (metric, timestamp) = parse_id(&id).ok_or_else(unknown)?;
    let metric = match app.index.metric(metric).await {
        Err(IndexError::NoSuchMetric(_)) => return Err(unknown()),
        found => found?,
    };
    let resource = metric.resource_id.ok_or_else(unknown)?;
    let action = Action::GetMeasures;
    caller.require_of_metric(&app, action, &metric).await?;
    let resource = Arc::new(app.index.resource("generic", resource).await?);
    let meter = Meter { metric, resource };
    let conditions = Conditions {
        start: Some(timestamp),
        stop: Some(Timestamp(timestamp.0.saturating_add(1))),
        ..Conditions::default()
    };
    let (store, bounds) = (Arc::clone(&app.store), Bounds::of(&app.api()));
    let mut left = bounds;
    let view = blocking(bounds, move || {
        let points = numbers::samples(store.as_ref(), &mut left, &meter, &conditions)?;
        let found = points.first().map(|point| {
            Sample {
                meter: &meter,
                point: *point,
            }
            .view(&FORM)
        });
        Ok(found)
    });
    let view: Option<Map<String, Value>> = view.await?;
    let found: Option<Response> = view.map(|view| reply(StatusCode::OK, &view));
    found.ok_or_else(unknown)
}

/// Metric and moment of a sample's id.
fn parse_id(id: &str) -> Option<(Uuid, Timestamp)> {
    let (metric, nanos) = id.split_at_checked(36)?;
    let nanos = nanos.strip_prefix('-')?.parse().ok()?;
    Some((metric.parse().ok()?, Timestamp(nanos)))
}

impl Sample<'_> {
    fn id(&self) -> String {
        format!("{}-{}", self.meter.metric.id, self.point.timestamp.0)
    }

    fn view(&self, form: &Form) -> Map<String, Value> {
        let resource = &self.meter.resource;
        object([
            (form.id, json!(self.id())),
            (form.name, json!(self.meter.name())),
            (form.kind, json!(self.meter.kind())),
            (form.unit, json!(self.unit())),
            (form.volume, json!(self.point.value)),
            ("user_id", json!(resource.user_id)),
            ("project_id", json!(resource.project_id)),
            ("resource_id", json!(resource.original_resource_id)),
            ("source", json!(SOURCE)),
            ("timestamp", json!(moment(self.point.timestamp))),
            ("recorded_at", json!(moment(self.point.timestamp))),
            (form.metadata, metadata(&resource.attributes)),
        ])
    }

    fn unit(&self) -> &str {
        self.meter.metric.unit.as_deref().unwrap_or_default()
    }
}

/// An object of these fields.
pub(super) fn object<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    let fields = fields.into_iter();
    fields
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// What is known of a resource beside its ids, all of it text as in Ceilometer.
pub(super) fn metadata(attributes: &Map<String, Value>) -> Value {
    let known = attributes.iter();
    let known = known.filter_map(|(name, value)| Some((name.clone(), text_of(value)?.into())));
    Value::Object(known.collect())
}

/// A moment as Ceilometer prints it: UTC, not said to be.
pub(super) fn moment(timestamp: Timestamp) -> String {
    let text = timestamp.to_string();
    text.strip_suffix("+00:00").unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_samples_id_is_its_metric_and_its_moment() {
        let metric = Uuid::from_u128(7);
        let id = format!("{metric}-1425652437000000000");
        assert_eq!(
            parse_id(&id),
            Some((metric, Timestamp(1_425_652_437_000_000_000)))
        );
        for wrong in [
            "",
            "x",
            &metric.to_string(),
            &format!("{metric}-soon"),
            &"é".repeat(30),
        ] {
            assert_eq!(parse_id(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn moments_do_not_tell_their_zone() {
        let at = Timestamp(1_425_652_437_500_000_000);
        assert_eq!(moment(at), "2015-03-06T14:33:57.500000");
    }
}
