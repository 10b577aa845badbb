//! `GET /console/inputs`: each way by which measures come in, whether it takes them now, and what became of them. The page
//! asks for it again and again and makes rates of the counts.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::Serialize;

use crate::app::App;
use crate::metrics::{AT_ONCE, Input, InputFigures};

/// Whether an input takes measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Condition {
    /// It does.
    Taking,
    /// Some are sent away or wait, because the store is slow.
    Busy,
    /// The store refuses them.
    Refusing,
    /// What they come from cannot be reached.
    Down,
    /// It is not configured.
    Off,
}

/// One input as the page shows it.
#[derive(Debug, Serialize)]
struct InputState {
    input: &'static str,
    state: Condition,
    /// Why it does not take them.
    reason: Option<String>,
    accepted: u64,
    rejected: BTreeMap<&'static str, u64>,
    refused_requests: BTreeMap<u16, u64>,
    late: u64,
    duplicates: u64,
    queue_measures: u64,
    lag_seconds: Option<f64>,
}

/// All inputs, in a fixed order.
pub(super) async fn inputs(State(app): State<Arc<App>>) -> impl IntoResponse {
    let store = app.store.stats();
    let refusal = match &store.poisoned {
        Some(reason) => Some(reason.clone()),
        None => store.disk_full.then(|| "no space is left".to_owned()),
    };
    let states = Input::ALL.map(|input| {
        let figures = app.metrics.inputs.figures(input);
        let (state, reason) = state(&app, input, &figures, refusal.as_ref());
        InputState {
            input: input.name(),
            state,
            reason,
            accepted: figures.accepted,
            rejected: figures.rejected,
            refused_requests: figures.refused_requests,
            late: figures.late,
            duplicates: figures.duplicates,
            queue_measures: figures.waiting_measures,
            lag_seconds: figures.lag_seconds,
        }
    });
    Json(states)
}

fn state(
    app: &App,
    input: Input,
    figures: &InputFigures,
    refusal: Option<&String>,
) -> (Condition, Option<String>) {
    let is_off = match input {
        Input::Amqp => app.amqp.connection().is_none(),
        Input::Statsd => !app.metrics.statsd.is_listening(),
        Input::Scrape => app.scrapes.health().0 == 0,
        _ => false,
    };
    if is_off {
        return (Condition::Off, None);
    }
    if let Some(reason) = refusal {
        return (Condition::Refusing, Some(reason.clone()));
    }
    match input {
        Input::Amqp => match app.amqp.connection() {
            Some(Err(reason)) => (Condition::Down, Some(reason)),
            _ => (Condition::Taking, None),
        },
        Input::Scrape if app.scrapes.health().1 == 0 => (Condition::Down, None),
        _ if input.is_http() && figures.waiting_batches >= AT_ONCE as u64 => {
            (Condition::Busy, None)
        }
        _ => (Condition::Taking, None),
    }
}
