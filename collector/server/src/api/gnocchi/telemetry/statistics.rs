//! `/v2/meters/NAME/statistics`: the samples of a meter put together, in one or by periods, for all resources or by
//! groups.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use collector_model::Timestamp;
use serde_json::{Map, Value, json};

use super::super::auth::Caller;
use super::super::bounds::{Bounds, too_large};
use super::super::computing::blocking;
use super::super::error::{ApiError, ApiResult};
use super::super::json::reply;
use super::super::query::Params;
use super::condition::{Conditions, SOURCE, text_of};
use super::meter::{Meter, find};
use super::numbers::{self, Window};
use super::samples::{moment, object};
use super::statistic::{Function, Sums};
use crate::app::App;

/// What groups may be made by.
const GROUPS: [&str; 5] = [
    "project_id",
    "resource_id",
    "source",
    "user_id",
    "resource_metadata.instance_type",
];
const SECOND: i64 = 1_000_000_000;

/// What the query string says beside the conditions.
#[derive(Debug, Clone, Default, PartialEq)]
struct Question {
    /// Length of a period in seconds; 0 is one for all.
    period: i64,
    groupby: Vec<String>,
    /// None are the standard five.
    functions: Vec<Function>,
}

impl Question {
    fn of(params: &Params) -> ApiResult<Self> {
        let period = params.get("period").filter(|text| !text.is_empty());
        let period = period.map_or(Ok(0), str::parse::<i64>);
        let fits = |period: &i64| (0..=i64::MAX / SECOND).contains(period);
        let period = period.ok().filter(fits).ok_or_else(|| {
            ApiError::bad_request(
                "Invalid input for field/attribute period. expected seconds, 0 or more",
            )
        })?;
        let groupby: Vec<String> = params.all("groupby").map(str::to_owned).collect();
        let unknown: Vec<_> = groupby
            .iter()
            .filter(|it| !GROUPS.contains(&it.as_str()))
            .collect();
        if !unknown.is_empty() {
            return Err(ApiError::bad_request(format!(
                "Unknown argument: \"groupby\": Invalid groupby fields: {unknown:?}, valid: {GROUPS:?}"
            )));
        }
        let parameters: Vec<&str> = params.all("aggregate.param").collect();
        let functions = params.all("aggregate.func").enumerate();
        let functions = functions.map(|(at, name)| Function::of(name, parameters.get(at).copied()));
        Ok(Self {
            period,
            groupby,
            functions: functions.collect::<ApiResult<_>>()?,
        })
    }
}

/// What a meter says of a field that groups are made by.
fn group_value(meter: &Meter, field: &str) -> String {
    let resource = &meter.resource;
    let value = match field {
        "project_id" => resource.project_id.clone(),
        "user_id" => resource.user_id.clone(),
        "resource_id" => Some(resource.original_resource_id.clone()),
        "source" => Some(SOURCE.to_owned()),
        // Gnocchi's resource types call the same so.
        _ => {
            let names = ["instance_type", "flavor_name", "flavor_id"];
            let found = names.iter().find_map(|name| resource.attributes.get(*name));
            found.and_then(text_of)
        }
    };
    value.unwrap_or_default()
}

/// `GET /v2/meters/NAME/statistics`.
pub(super) async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
    params: Params,
) -> ApiResult {
    let conditions = Conditions::of_meter(&params, name)?;
    let question = Question::of(&params)?;
    let bounds = Bounds::of(&app.api());
    let most = bounds.resources() as usize;
    let meters = find(&app, &caller, &conditions, most, &bounds).await?;
    bounds.check(meters.len(), "meters")?;
    let most_entries = app.api().max_aggregate_points;
    let (store, mut left) = (Arc::clone(&app.store), bounds);
    let views = blocking(bounds, move || {
        let longest = (question.period > 0).then(|| question.period.saturating_mul(SECOND));
        let mut read = Vec::with_capacity(meters.len());
        for meter in &meters {
            let windows = numbers::windows(store.as_ref(), &mut left, meter, &conditions, longest)?;
            read.push((meter, windows));
        }
        let entries = compute(&read, &question, &conditions);
        if entries.len() > most_entries {
            return Err(too_large("more periods than max_aggregate_points"));
        }
        let views = entries
            .iter()
            .map(|((from, group), sums)| view(&question, &conditions, *from, group, sums));
        Ok(views.collect::<Vec<_>>())
    });
    Ok(reply(StatusCode::OK, &views.await?))
}

/// Start of the period, and the values of the groups.
type Key = (i64, Vec<String>);

/// Puts the windows together. Periods begin at the start that is asked for, or at the first sample of all.
fn compute(
    read: &[(&Meter, Vec<Window>)],
    question: &Question,
    conditions: &Conditions,
) -> BTreeMap<Key, Sums> {
    let firsts = read.iter().filter_map(|(_, windows)| windows.first());
    let first = firsts.map(|window| window.timestamp).min();
    let Some(origin) = conditions.start.or(first) else {
        return BTreeMap::new();
    };
    let length = question.period.saturating_mul(SECOND);
    let mut entries: BTreeMap<Key, Sums> = BTreeMap::new();
    for (meter, windows) in read {
        let fields = question.groupby.iter();
        let group: Vec<String> = fields.map(|field| group_value(meter, field)).collect();
        for window in windows {
            let since = window.timestamp.0.saturating_sub(origin.0);
            // No period: all in one.
            let number = since.checked_div(length).unwrap_or(0);
            let from = origin.0.saturating_add(number.saturating_mul(length));
            let entry = entries.entry((from, group.clone()));
            let sums = entry.or_insert_with(|| Sums::new(meter));
            sums.add(window);
            for function in &question.functions {
                if let Function::Cardinality(of) = function {
                    let seen = sums.seen.entry(of.clone()).or_default();
                    seen.insert(group_value(meter, of));
                }
            }
        }
    }
    entries
}

fn view(
    question: &Question,
    conditions: &Conditions,
    from: i64,
    group: &[String],
    sums: &Sums,
) -> Map<String, Value> {
    let last = conditions
        .stop
        .map_or(sums.last, |stop| sums.last.min(stop));
    let seconds = |from: Timestamp, to: Timestamp| Timestamp(to.0.saturating_sub(from.0)).seconds();
    let (begin, end) = match question.period {
        0 => (sums.first, last),
        period => {
            let end = from.saturating_add(period.saturating_mul(SECOND));
            (Timestamp(from), Timestamp(end))
        }
    };
    let fields = question.groupby.iter().zip(group);
    let group: Map<String, Value> = fields
        .map(|(field, it)| (field.clone(), json!(it)))
        .collect();
    let mut view = object([
        ("unit", json!(sums.unit)),
        ("duration", json!(seconds(sums.first, last))),
        ("duration_start", json!(moment(sums.first))),
        ("duration_end", json!(moment(last))),
        ("period", json!(question.period)),
        ("period_start", json!(moment(begin))),
        ("period_end", json!(moment(end))),
        (
            "groupby",
            if group.is_empty() {
                Value::Null
            } else {
                Value::Object(group)
            },
        ),
    ]);
    let standard = [
        Function::Count,
        Function::Avg,
        Function::Min,
        Function::Max,
        Function::Sum,
    ];
    let functions = match &question.functions[..] {
        [] => &standard[..],
        asked => asked,
    };
    let mut aggregate = Map::new();
    for function in functions {
        let number = function.value(sums);
        let name = function.name();
        aggregate.insert(name.clone(), json!(number));
        match function {
            // A count of samples is far below what a double holds exactly.
            Function::Count => view.insert(name, json!(number as u64)),
            Function::Stddev | Function::Cardinality(_) => None,
            _ => view.insert(name, json!(number)),
        };
    }
    if !question.functions.is_empty() {
        view.insert("aggregate".to_owned(), Value::Object(aggregate));
    }
    view
}

#[cfg(test)]
#[path = "statistics_tests.rs"]
mod tests;
