//! The door of the inputs by HTTP. So many requests with measures of each input are at work at once, the waiting for the
//! store included; more are sent away with 503 and Retry-After before their body is kept, so that a store that is slow
//! costs a bounded memory and leaves the listener to readers. What was refused is counted by its input.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tokio::sync::Semaphore;
use tokio_stream::StreamExt as _;

use super::error::ApiError;
use crate::app::App;
use crate::metrics::{AT_ONCE, Input, PerInput};

/// How long the rest of a refused request is listened to.
const DRAIN_TIME: Duration = Duration::from_secs(10);

/// The places for requests, by input.
#[derive(Debug)]
pub(crate) struct Doors(PerInput<Semaphore>);

impl Default for Doors {
    fn default() -> Self {
        Self(PerInput::new(|| Semaphore::new(AT_ONCE)))
    }
}

/// Middleware around all endpoints.
pub(super) async fn admit(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    let input = route.and_then(|route| input_of(request.method(), route.as_str()));
    let Some(input) = input else {
        return next.run(request).await;
    };
    let response = match app.doors.0.of(input).try_acquire() {
        // Held until the answer is there.
        Ok(_place) => next.run(request).await,
        Err(_) => {
            drain(request).await;
            full(input).into_response()
        }
    };
    if response.status().is_client_error() || response.status().is_server_error() {
        let status = response.status().as_u16();
        app.metrics.inputs.refused_request(input, status);
    }
    response
}

/// Which input a request is of, if it brings measures.
fn input_of(method: &Method, route: &str) -> Option<Input> {
    let ends = |end: &str| route.ends_with(end);
    if method != Method::POST {
        None
    } else if ends("/prometheus/write") {
        Some(Input::RemoteWrite)
    } else if ends("/influxdb/write") {
        Some(Input::InfluxDb)
    } else if ends("/ceilometer/samples") || ends("/ceilometer/events") {
        Some(Input::Ceilometer)
    } else {
        ends("/measures").then_some(Input::Gnocchi)
    }
}

fn full(input: Input) -> ApiError {
    let input = input.name();
    ApiError::busy(format!("{AT_ONCE} requests of {input} are at work already"))
}

/// Reads a request to its end and keeps nothing of it: the answer of who is still sending would be lost with the
/// connection. The listener bounds its length.
pub(super) async fn drain(request: Request) {
    // Who asks before he sends needs no more than the answer.
    if request.headers().contains_key(header::EXPECT) {
        return;
    }
    let read = async {
        let mut pieces = Body::into_data_stream(request.into_body());
        while let Some(Ok(_)) = pieces.next().await {}
    };
    // Who takes longer is cut off.
    let _ = tokio::time::timeout(DRAIN_TIME, read).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_writing_measures_is_an_input_and_reading_is_none() {
        for (method, route, input) in [
            (
                Method::POST,
                "/v1/prometheus/write",
                Some(Input::RemoteWrite),
            ),
            (
                Method::POST,
                "/gnocchi/v1/influxdb/write",
                Some(Input::InfluxDb),
            ),
            (
                Method::POST,
                "/v1/ceilometer/samples",
                Some(Input::Ceilometer),
            ),
            (
                Method::POST,
                "/v1/ceilometer/events",
                Some(Input::Ceilometer),
            ),
            (
                Method::POST,
                "/v1/metric/{id}/measures",
                Some(Input::Gnocchi),
            ),
            (
                Method::POST,
                "/v1/batch/resources/metrics/measures",
                Some(Input::Gnocchi),
            ),
            (Method::GET, "/v1/metric/{id}/measures", None),
            (Method::POST, "/v1/metric", None),
            (Method::POST, "/v1/influxdb/query", None),
        ] {
            assert_eq!(input_of(&method, route), input, "{method} {route}");
        }
    }

    #[test]
    fn one_input_that_is_full_leaves_room_in_the_others() {
        let doors = Doors::default();
        let of = |input| doors.0.of(input).try_acquire();
        let all: Vec<_> = (0..AT_ONCE).map(|_| of(Input::Gnocchi).unwrap()).collect();
        assert!(of(Input::Gnocchi).is_err() && of(Input::RemoteWrite).is_ok());
        drop(all);
        assert!(of(Input::Gnocchi).is_ok());
    }
}
