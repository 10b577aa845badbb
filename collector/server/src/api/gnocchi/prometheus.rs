//! `/v1/prometheus/write`: Prometheus' remote write, versions 1.0 and 2.0. As in Gnocchi the metric has the series' name; of
//! several series with one name on a resource the last one counts, the others are counted as rejected. Only what the
//! series' cache does not know goes through the catalogue.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::auth::Caller;
use super::error::{ApiError, ApiResult};
use super::json::RawBody;
use super::openapi::{Endpoints, Operation};
use super::prometheus_series::{New, resolve_new};
use super::reply::accepted;
use crate::app::App;
use crate::ingest::remote_write::{self, Received, SnappyError, Version, WireError};
use crate::metrics::Input;

const SAMPLES_WRITTEN: HeaderName =
    HeaderName::from_static("x-prometheus-remote-write-samples-written");
const HISTOGRAMS_WRITTEN: HeaderName =
    HeaderName::from_static("x-prometheus-remote-write-histograms-written");
const EXEMPLARS_WRITTEN: HeaderName =
    HeaderName::from_static("x-prometheus-remote-write-exemplars-written");

/// Its routes.
pub(super) fn endpoints() -> Endpoints {
    Endpoints::new().post(
        Operation::new("/prometheus/write", "Write by Prometheus' remote write")
            .body_of("application/x-protobuf", "RemoteWrite")
            .done(202)
            .done(204)
            .refuses(&[404, 409, 507]),
        write,
    )
}

async fn write(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    body: RawBody,
) -> ApiResult {
    let version = version(&headers)?;
    let mut written = 0;
    let result = store(&app, &caller, &body, version, &mut written).await;
    match version {
        Version::V1 => result.map(|()| accepted()),
        Version::V2 => Ok(told(result, written)),
    }
}

/// Stores what can be stored, and counts it in `written` with the markers of series that have ended; then the error is
/// about the rest.
async fn store(
    app: &App,
    caller: &Caller,
    body: &RawBody,
    version: Version,
    written: &mut usize,
) -> ApiResult<()> {
    let limit = app.api().max_body_size;
    let length = remote_write::decompressed_length(body.bytes(), limit)?;
    let _share = app
        .bodies
        .share(Some(length as u64))
        .ok_or_else(super::json::busy)?;
    let request = app.request_buffers.decompress(body.bytes(), length)?;
    let sender = app.series.sender(caller.judged_as());
    let key = |labels: &[u8]| app.series.key(sender, labels);
    let received = Received::read(version, &request, limit, key)?;
    app.metrics.remote_write.request(version, &received.unused);
    app.index.freshen().await?;
    let mut metrics = app.series.find(received.keys());
    let new = if metrics.contains(&None) {
        resolve_new(app, caller, &received, &mut metrics).await?
    } else {
        New::default()
    };
    let (batch, same_name) = received.batch(&metrics)?;
    let histograms = received.unused.histograms;
    for (reason, count) in [
        ("stale_marker", received.stale),
        ("same_name", same_name),
        ("bad_series", received.bad + new.bad),
        ("resource", new.lost),
        ("native_histogram", histograms),
    ] {
        app.metrics
            .inputs
            .rejected(Input::RemoteWrite, reason, count);
    }
    let measures = batch.received();
    if !batch.is_empty() {
        let stored = app.measures.write_sorted(batch, Input::RemoteWrite).await;
        stored.map_err(ApiError::of_named)?;
    }
    *written = measures + received.stale;
    // What can be written is; then the sender is told of the rest.
    let bad = new.bad_series.as_ref().or(received.refused.as_ref());
    match (new.refused, bad) {
        (Some(error), _) => Err(error),
        (None, Some(reason)) => Err(ApiError::bad_request(reason.as_str())),
        // Version 1.0 has no way to say so but to refuse what has been written.
        (None, None) if histograms > 0 && version == Version::V2 => {
            Err(ApiError::bad_request(format!(
                "native histograms are not kept: {histograms} refused, {written} samples written"
            )))
        }
        (None, None) => Ok(()),
    }
}

/// An answer of version 2.0, which says how much has been written, whatever came of it.
fn told(result: ApiResult<()>, written: usize) -> Response {
    let mut response = match result {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => error.into_response(),
    };
    let headers = response.headers_mut();
    for (name, count) in [
        (SAMPLES_WRITTEN, written),
        (HISTOGRAMS_WRITTEN, 0),
        (EXEMPLARS_WRITTEN, 0),
    ] {
        headers.insert(name, count.into());
    }
    response
}

/// The version that the headers name; 415 for one that is unknown and for another compression, so that the sender falls
/// back to what is known.
fn version(headers: &HeaderMap) -> ApiResult<Version> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let encoding = text(header::CONTENT_ENCODING).unwrap_or("snappy");
    let mut parts = text(header::CONTENT_TYPE)
        .unwrap_or(PROTOBUF)
        .split(';')
        .map(str::trim);
    let is_protobuf = parts
        .next()
        .is_some_and(|media| media.eq_ignore_ascii_case(PROTOBUF));
    let message = parts.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.eq_ignore_ascii_case("proto")
            .then_some(value.trim_matches('"'))
    });
    let version = match message {
        None | Some("prometheus.WriteRequest") => Some(Version::V1),
        Some("io.prometheus.write.v2.Request") => Some(Version::V2),
        Some(_) => None,
    };
    let supported = is_protobuf && encoding.eq_ignore_ascii_case("snappy");
    version.filter(|_| supported).ok_or_else(|| {
        ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "expected remote write 1.0 or 2.0: Content-Type: application/x-protobuf with proto=prometheus.WriteRequest or \
             proto=io.prometheus.write.v2.Request, Content-Encoding: snappy",
        )
    })
}

const PROTOBUF: &str = "application/x-protobuf";

impl From<SnappyError> for ApiError {
    fn from(error: SnappyError) -> Self {
        let status = match error {
            SnappyError::Invalid(_) => StatusCode::BAD_REQUEST,
            SnappyError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        };
        Self::new(status, error.to_string())
    }
}

impl From<WireError> for ApiError {
    fn from(error: WireError) -> Self {
        Self::bad_request(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_apart_and_others_refused() {
        let read = |name: header::HeaderName, value: &str| {
            let headers = HeaderMap::from_iter([(name, value.parse().unwrap())]);
            version(&headers).map_err(|error| error.status.as_u16())
        };
        for (content_type, expected) in [
            ("application/x-protobuf", Ok(Version::V1)),
            (
                "Application/X-Protobuf; proto=prometheus.WriteRequest",
                Ok(Version::V1),
            ),
            (
                "application/x-protobuf;proto=io.prometheus.write.v2.Request",
                Ok(Version::V2),
            ),
            (
                "application/x-protobuf; charset=x; proto=\"io.prometheus.write.v2.Request\"",
                Ok(Version::V2),
            ),
            (
                "application/x-protobuf;proto=io.prometheus.write.v3.Request",
                Err(415),
            ),
            ("application/json", Err(415)),
        ] {
            assert_eq!(
                read(header::CONTENT_TYPE, content_type),
                expected,
                "{content_type}"
            );
        }
        assert_eq!(read(header::CONTENT_ENCODING, "snappy"), Ok(Version::V1));
        assert_eq!(read(header::CONTENT_ENCODING, "zstd"), Err(415));
        assert_eq!(version(&HeaderMap::new()).unwrap(), Version::V1);
    }

    #[test]
    fn version_2_says_what_was_written_in_every_answer() {
        for (result, status) in [
            (Ok(()), 204),
            (Err(ApiError::bad_request("no")), 400),
            (Err(super::super::json::busy()), 503),
        ] {
            let response = told(result, 7);
            assert_eq!(response.status(), status);
            assert_eq!(response.headers()[&SAMPLES_WRITTEN], "7");
            assert_eq!(response.headers()[&HISTOGRAMS_WRITTEN], "0");
            assert_eq!(response.headers()[&EXEMPLARS_WRITTEN], "0");
        }
    }
}
