//! `/v1/prometheus/write`: Prometheus' remote write 1.0. As in Gnocchi the resource is `job@instance` of the type
//! `prometheus`, and the metric has the series' name; of several series with one name on a resource the last one counts,
//! the others are counted as rejected.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::post;
use collector_model::{Attribute, AttributeType, Measure, Timestamp};
use serde_json::{Map, Value};

use super::auth::Caller;
use super::error::{ApiError, ApiResult};
use super::json::RawBody;
use super::named_measures::{Kind, NamedResource, write_partly};
use super::reply::accepted;
use crate::app::App;
use crate::ingest::remote_write::{self, Series, SnappyError, WireError};

/// Resource type of what is written.
const RESOURCE_TYPE: &str = "prometheus";
/// What stands for a label that a series does not have.
const NO_LABEL: &str = "none";
const NANOS_OF_MILLI: i64 = 1_000_000;

/// Its route.
pub(super) fn router() -> Router<Arc<App>> {
    Router::new().route("/prometheus/write", post(write))
}

async fn write(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    body: RawBody,
) -> ApiResult {
    supported(&headers)?;
    let length = remote_write::decompressed_length(body.bytes(), app.api().max_body_size)?;
    let _share = app
        .bodies
        .share(Some(length as u64))
        .ok_or_else(super::json::busy)?;
    let request = remote_write::decompress(body.bytes())?;
    let mut received = Received::default();
    remote_write::read(&request, |series| {
        received.add(series);
        Ok::<_, ApiError>(())
    })?;
    for (reason, count) in [
        ("stale_marker", received.stale),
        ("same_name", received.same_name),
        ("bad_series", received.bad),
    ] {
        if count > 0 {
            app.metrics.rejected(reason, count);
        }
    }
    let refused = received.refused.take();
    let kind = Kind {
        name: RESOURCE_TYPE,
        attributes: Some(attributes()),
    };
    write_partly(&app, &caller, kind, received.resources()).await?;
    match refused {
        Some(reason) => Err(ApiError::bad_request(reason)),
        None => Ok(accepted()),
    }
}

/// 415 for another compression or another version of remote write, so that the sender falls back to this one.
fn supported(headers: &HeaderMap) -> ApiResult<()> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let encoding = text(header::CONTENT_ENCODING).unwrap_or("snappy");
    let content_type = text(header::CONTENT_TYPE).unwrap_or_default();
    let second = content_type.contains("io.prometheus.write.v2");
    if !encoding.eq_ignore_ascii_case("snappy") || second {
        return Err(ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "expected remote write 1.0 with Content-Encoding: snappy",
        ));
    }
    Ok(())
}

/// Attributes of the resource type, as Gnocchi creates it.
fn attributes() -> BTreeMap<String, Attribute> {
    let text = || Attribute {
        kind: AttributeType::String {
            min_length: 1,
            max_length: 512,
        },
        required: true,
    };
    [("instance", text()), ("job", text())]
        .map(|(name, attribute)| (name.to_owned(), attribute))
        .into()
}

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

/// The measures of one job and instance.
struct Target<'a> {
    job: &'a str,
    instance: &'a str,
    metrics: Vec<(&'a str, Vec<Measure>)>,
}

/// The series of a request by resource and metric.
#[derive(Default)]
struct Received<'a> {
    /// Place in `targets` by job and instance.
    places: HashMap<(&'a str, &'a str), usize>,
    targets: Vec<Target<'a>>,
    /// Place in a target's metrics, by the target's and the metric's name.
    metrics: HashMap<(usize, &'a str), usize>,
    stale: usize,
    same_name: usize,
    bad: usize,
    /// Why the first bad series is bad.
    refused: Option<String>,
}

impl<'a> Received<'a> {
    fn add(&mut self, series: &Series<'a>) {
        let Some(name) = series.label("__name__").filter(|name| !name.contains('/')) else {
            self.bad += series.samples.len();
            self.refused.get_or_insert_with(|| {
                format!("series without a usable __name__: {:?}", series.labels)
            });
            return;
        };
        let mut measures = Vec::with_capacity(series.samples.len());
        for sample in &series.samples {
            let nanos = sample.timestamp.checked_mul(NANOS_OF_MILLI);
            match nanos.filter(|nanos| *nanos >= 0) {
                _ if remote_write::is_stale(sample.value) => self.stale += 1,
                Some(nanos) => measures.push(Measure::new(Timestamp(nanos), sample.value)),
                None => {
                    self.bad += 1;
                    self.refused.get_or_insert_with(|| {
                        format!(
                            "{name}: timestamp {} ms is not between 1970 and 2262",
                            sample.timestamp
                        )
                    });
                }
            }
        }
        if !measures.is_empty() {
            self.put(series, name, measures);
        }
    }

    fn put(&mut self, series: &Series<'a>, name: &'a str, measures: Vec<Measure>) {
        let job = series.label("job").unwrap_or(NO_LABEL);
        let instance = series.label("instance").unwrap_or(NO_LABEL);
        let next = self.targets.len();
        let place = *self.places.entry((job, instance)).or_insert(next);
        if place == next {
            self.targets.push(Target {
                job,
                instance,
                metrics: Vec::new(),
            });
        }
        let Some(Target { metrics, .. }) = self.targets.get_mut(place) else {
            return;
        };
        let at = *self.metrics.entry((place, name)).or_insert(metrics.len());
        match metrics.get_mut(at) {
            Some((_, before)) => {
                self.same_name += before.len();
                *before = measures;
            }
            None => metrics.push((name, measures)),
        }
    }

    fn resources(self) -> Vec<NamedResource<'a>> {
        let named = self.targets.into_iter().map(|target| NamedResource {
            // Gnocchi takes no slash in an id.
            original: format!("{}@{}", target.job, target.instance).replace('/', "_"),
            attributes: Map::from_iter([
                ("job".to_owned(), Value::String(target.job.to_owned())),
                (
                    "instance".to_owned(),
                    Value::String(target.instance.to_owned()),
                ),
            ]),
            metrics: target.metrics,
        });
        named.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::remote_write::Sample;

    fn series<'a>(labels: &[(&'a str, &'a str)], samples: &[(f64, i64)]) -> Series<'a> {
        let samples = samples.iter();
        Series {
            labels: labels.to_vec(),
            samples: samples
                .map(|(value, timestamp)| Sample {
                    value: *value,
                    timestamp: *timestamp,
                })
                .collect(),
        }
    }

    #[test]
    fn series_are_put_together_by_job_instance_and_name() {
        let mut received = Received::default();
        let cpu = [("__name__", "cpu"), ("instance", "a:9100"), ("job", "node")];
        received.add(&series(&cpu, &[(1.0, 1000), (2.0, 2000)]));
        received.add(&series(&[("__name__", "up")], &[(1.0, 1000)]));
        received.add(&series(&cpu, &[(3.0, 3000)]));
        assert_eq!((received.same_name, received.bad), (2, 0));
        let resources = received.resources();
        let found: Vec<_> = resources
            .iter()
            .map(|one| (one.original.as_str(), one.metrics.clone()))
            .collect();
        let measure = |nanos, value| vec![Measure::new(Timestamp(nanos), value)];
        assert_eq!(
            found,
            [
                ("node@a:9100", vec![("cpu", measure(3_000_000_000, 3.0))]),
                ("none@none", vec![("up", measure(1_000_000_000, 1.0))]),
            ]
        );
        assert_eq!(resources[0].attributes["job"], "node");
    }

    #[test]
    fn what_is_no_measure_is_counted_and_left_out() {
        let mut received = Received::default();
        let stale = f64::from_bits(0x7ff0_0000_0000_0002);
        received.add(&series(
            &[("__name__", "up")],
            &[(stale, 1), (f64::NAN, 2), (1.0, -1)],
        ));
        received.add(&series(&[("job", "nameless")], &[(1.0, 1)]));
        received.add(&series(&[("__name__", "quiet")], &[]));
        assert_eq!((received.stale, received.bad), (1, 2));
        assert!(
            received
                .refused
                .as_ref()
                .unwrap()
                .starts_with("up: timestamp -1 ms")
        );
        let resources = received.resources();
        assert_eq!(resources.len(), 1);
        assert_eq!(resources[0].metrics[0].1.len(), 1);
    }

    #[test]
    fn another_version_or_compression_is_refused() {
        let check = |name: header::HeaderName, value: &str| {
            let headers = HeaderMap::from_iter([(name, value.parse().unwrap())]);
            supported(&headers).map_err(|error| error.status.as_u16())
        };
        assert_eq!(
            check(header::CONTENT_TYPE, "application/x-protobuf"),
            Ok(())
        );
        assert_eq!(check(header::CONTENT_ENCODING, "snappy"), Ok(()));
        assert_eq!(check(header::CONTENT_ENCODING, "zstd"), Err(415));
        assert_eq!(
            check(
                header::CONTENT_TYPE,
                "application/x-protobuf;proto=io.prometheus.write.v2.Request"
            ),
            Err(415)
        );
    }
}
