//! `/v1/prometheus/write`: Prometheus' remote write 1.0. As in Gnocchi the resource is `job@instance` of the type
//! `prometheus`, and the metric has the series' name; of several series with one name on a resource the last one counts,
//! the others are counted as rejected. Only what the series' cache does not know goes through the catalogue.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use collector_model::{Attribute, AttributeType, MetricId};
use serde_json::{Map, Value};

use super::auth::Caller;
use super::error::{ApiError, ApiResult};
use super::json::RawBody;
use super::named_metrics::{Kind, NamedResource, resolve};
use super::openapi::{Endpoints, Operation};
use super::reply::accepted;
use crate::app::App;
use crate::ingest::remote_write::{self, Labels, Received, SeriesKey, SnappyError, WireError};
use crate::metrics::Input;

/// Resource type of what is written.
const RESOURCE_TYPE: &str = "prometheus";
/// What stands for a label that a series does not have.
const NO_LABEL: &str = "none";

/// Its routes.
pub(super) fn endpoints() -> Endpoints {
    Endpoints::new().post(
        Operation::new("/prometheus/write", "Write by Prometheus' remote write")
            .body_of("application/x-protobuf", "RemoteWrite")
            .done(202)
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
    supported(&headers)?;
    let length = remote_write::decompressed_length(body.bytes(), app.api().max_body_size)?;
    let _share = app
        .bodies
        .share(Some(length as u64))
        .ok_or_else(super::json::busy)?;
    let request = app.request_buffers.decompress(body.bytes(), length)?;
    let sender = app.series.sender(caller.judged_as());
    let received = Received::read(&request, |labels| app.series.key(sender, labels))?;
    app.index.freshen().await?;
    let mut metrics = app.series.find(received.keys());
    let new = if metrics.contains(&None) {
        resolve_new(&app, &caller, &received, &mut metrics).await?
    } else {
        New::default()
    };
    let (batch, same_name) = received.batch(&metrics)?;
    for (reason, count) in [
        ("stale_marker", received.stale),
        ("same_name", same_name),
        ("bad_series", received.bad + new.bad),
        ("resource", new.lost),
    ] {
        app.metrics
            .inputs
            .rejected(Input::RemoteWrite, reason, count);
    }
    if !batch.is_empty() {
        app.measures.write_sorted(batch, Input::RemoteWrite).await?;
    }
    // What can be written is; then the sender is told of the rest.
    let bad = new.bad_series.as_ref().or(received.refused.as_ref());
    match (new.refused, bad) {
        (Some(error), _) => Err(error),
        (None, Some(reason)) => Err(ApiError::bad_request(reason.as_str())),
        (None, None) => Ok(accepted()),
    }
}

/// What came of series that were not known.
#[derive(Default)]
struct New {
    /// Measures of refused resources.
    lost: usize,
    /// Why the first of these was refused.
    refused: Option<ApiError>,
    /// Measures of series that cannot be a metric.
    bad: usize,
    /// What is wrong with the first of these.
    bad_series: Option<String>,
}

/// Finds or creates the metrics of the series that have none yet, and remembers them.
async fn resolve_new(
    app: &App,
    caller: &Caller,
    received: &Received<'_>,
    metrics: &mut [Option<MetricId>],
) -> ApiResult<New> {
    let mut new = New::default();
    let mut targets = Targets::default();
    let series = received.series().zip(received.keys()).zip(metrics.iter());
    for (at, (((series, measures), key), _)) in series
        .enumerate()
        .filter(|(_, (_, metric))| metric.is_none())
    {
        let one = NewSeries { at, key, measures };
        if let Err(reason) = targets.add(one, &series.labels()?) {
            new.bad += measures;
            new.bad_series.get_or_insert(reason);
        }
    }
    let kind = Kind {
        name: RESOURCE_TYPE,
        attributes: Some(attributes()),
    };
    let answers = resolve(app, caller, &kind, &targets.resources()).await?;
    let mut known = Vec::new();
    for (target, answer) in targets.targets.into_iter().zip(answers) {
        let ensured = match answer {
            Ok(ensured) => ensured,
            Err(error) => {
                new.lost += target
                    .series
                    .iter()
                    .map(|(one, _)| one.measures)
                    .sum::<usize>();
                new.refused.get_or_insert(error);
                continue;
            }
        };
        for (series, name) in target.series {
            let Some(ensured_metric) = ensured.metrics.get(name) else {
                continue;
            };
            let id = ensured_metric.metric.id;
            if let Some(metric) = metrics.get_mut(series.at) {
                *metric = Some(id);
            }
            let current = ensured.current.clone();
            known.extend(current.map(|current| (series.key, id, current)));
        }
    }
    app.series.keep(known.into_iter());
    Ok(new)
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

/// A series that is not known.
#[derive(Debug, Clone, Copy)]
struct NewSeries {
    /// Its place in the request.
    at: usize,
    key: SeriesKey,
    /// How many measures it has.
    measures: usize,
}

/// One job and instance.
struct Target<'a> {
    job: &'a str,
    instance: &'a str,
    /// Names of its metrics, each once.
    names: Vec<&'a str>,
    /// Series with the place of their name.
    series: Vec<(NewSeries, usize)>,
}

/// New series by resource and metric.
#[derive(Default)]
struct Targets<'a> {
    /// Place in `targets` by job and instance.
    places: HashMap<(&'a str, &'a str), usize>,
    targets: Vec<Target<'a>>,
    /// Place in a target's names, by the target's place and the name.
    names: HashMap<(usize, &'a str), usize>,
}

impl<'a> Targets<'a> {
    /// Adds a series; the error says why it cannot be a metric.
    fn add(&mut self, series: NewSeries, labels: &Labels<'a>) -> Result<(), String> {
        let name = labels.get("__name__").filter(|name| !name.contains('/'));
        let name =
            name.ok_or_else(|| format!("series without a usable __name__: {:?}", labels.0))?;
        let job = labels.get("job").unwrap_or(NO_LABEL);
        let instance = labels.get("instance").unwrap_or(NO_LABEL);
        let next = self.targets.len();
        let place = *self.places.entry((job, instance)).or_insert(next);
        if place == next {
            self.targets.push(Target {
                job,
                instance,
                names: Vec::new(),
                series: Vec::new(),
            });
        }
        if let Some(target) = self.targets.get_mut(place) {
            let next = target.names.len();
            let at = *self.names.entry((place, name)).or_insert(next);
            if at == next {
                target.names.push(name);
            }
            target.series.push((series, at));
        }
        Ok(())
    }

    fn resources(&self) -> Vec<NamedResource<'a>> {
        let named = self.targets.iter().map(|target| NamedResource {
            // Gnocchi takes no slash in an id.
            original: format!("{}@{}", target.job, target.instance).replace('/', "_"),
            attributes: Map::from_iter([
                ("job".to_owned(), Value::String(target.job.to_owned())),
                (
                    "instance".to_owned(),
                    Value::String(target.instance.to_owned()),
                ),
            ]),
            metrics: target.names.clone(),
        });
        named.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::remote_write::SeriesCache;

    #[test]
    fn series_are_put_together_by_job_instance_and_name() {
        let cache = SeriesCache::default();
        let key = cache.key(cache.sender("me"), b"labels");
        let mut targets = Targets::default();
        let mut add = |labels: &[(&'static str, &'static str)], at| {
            let series = NewSeries {
                at,
                key,
                measures: 1,
            };
            targets.add(series, &Labels(labels.to_vec()))
        };
        let cpu = [
            ("__name__", "cpu"),
            ("instance", "a:9100"),
            ("job", "k/node"),
        ];
        add(&cpu, 0).unwrap();
        add(&[("__name__", "up")], 1).unwrap();
        add(&cpu, 2).unwrap();
        let refused = add(&[("job", "nameless")], 3).unwrap_err();
        assert!(refused.contains("nameless"), "{refused}");
        add(&[("__name__", "a/b")], 4).unwrap_err();
        let resources = targets.resources();
        let found: Vec<_> = resources
            .iter()
            .map(|one| (one.original.as_str(), one.metrics.as_slice()))
            .collect();
        assert_eq!(
            found,
            [
                ("k_node@a:9100", ["cpu"].as_slice()),
                ("none@none", &["up"]),
            ]
        );
        assert_eq!(resources[0].attributes["job"], "k/node");
        let series = targets.targets.iter().map(|target| {
            let series = target.series.iter();
            series
                .map(|(one, name)| (one.at, *name))
                .collect::<Vec<_>>()
        });
        let expected = [vec![(0, 0), (2, 0)], vec![(1, 0)]];
        assert_eq!(series.collect::<Vec<_>>(), expected);
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
