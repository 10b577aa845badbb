//! `/v1/influxdb`: what clients of InfluxDB 1.x write with. As in Gnocchi a database is a resource type, the tag `host`
//! (or the one that a header names) is the resource, and `measurement.field@tag=value,…` is the metric.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Read as _;
use std::sync::Arc;
use std::time::SystemTime;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use collector_index::{Ensured, IndexError};
use collector_model::{Measure, Timestamp};
use collector_storage::Batch;
use serde_json::{Map, json};

use super::auth::Caller;
use super::error::{ApiError, ApiResult};
use super::json::{RawBody, busy};
use super::named_metrics::{Kind, NamedResource, resolve};
use super::openapi::{Endpoints, Operation};
use super::query::Params;
use crate::app::App;
use crate::auth::policy::Action;
use crate::ingest::line_protocol::{self, Point};
use crate::metrics::Input;

/// Database where the client names none.
const DEFAULT_DATABASE: &str = "influxdb";
/// Header that names the tag whose value is the resource.
const RESOURCE_TAG: &str = "x-gnocchi-influxdb-tag-resource-id";
/// The tag where no header does.
const DEFAULT_RESOURCE_TAG: &str = "host";

/// Its routes.
pub(super) fn endpoints() -> Endpoints {
    Endpoints::new()
        .get(
            Operation::new("/influxdb/ping", "Answer as an InfluxDB").done(204),
            ping,
        )
        .post(
            Operation::new("/influxdb/query", "Create a database: a resource type")
                .query(&["q"])
                .body_of("application/x-www-form-urlencoded", "InfluxQuery")
                .done(204)
                .refuses(&[501]),
            query,
        )
        .post(
            Operation::new("/influxdb/write", "Write InfluxDB's line protocol")
                .query(&["db", "precision"])
                .body_of("text/plain", "LineProtocol")
                .done(204)
                .refuses(&[404, 409, 507]),
            write,
        )
}

async fn ping(State(app): State<Arc<App>>) -> Response {
    let version = format!("Gnocchi {}", app.api().compatibility.build());
    (StatusCode::NO_CONTENT, [("x-influxdb-version", version)]).into_response()
}

async fn query(
    State(app): State<Arc<App>>,
    caller: Caller,
    params: Params,
    body: RawBody,
) -> ApiResult {
    let form = Params::of_form(body.bytes());
    let Some(query) = params.get("q").or_else(|| form.get("q")) else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let Some(database) = created_database(query) else {
        return Err(ApiError::new(
            StatusCode::NOT_IMPLEMENTED,
            json!({"cause": "Not implemented error", "detail": "q", "reason": "Query not implemented"}),
        ));
    };
    caller.require(Action::CreateResourceType)?;
    match app.index.create_resource_type(database, [].into()).await {
        Ok(_) | Err(IndexError::ResourceTypeAlreadyExists(_)) => {
            Ok(StatusCode::NO_CONTENT.into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// The name in `CREATE DATABASE name`, the only query that there is.
fn created_database(query: &str) -> Option<&str> {
    let mut words = query
        .trim()
        .trim_end_matches(';')
        .trim_end()
        .splitn(3, char::is_whitespace);
    let (create, database, name) = (words.next()?, words.next()?, words.next()?.trim());
    if !create.eq_ignore_ascii_case("create") || !database.eq_ignore_ascii_case("database") {
        return None;
    }
    match name.strip_prefix('"') {
        Some(quoted) => quoted
            .strip_suffix('"')
            .filter(|name| !name.is_empty() && !name.contains(['"', '\\'])),
        None => {
            let starts =
                name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
            let goes_on = name
                .chars()
                .all(|one| one.is_ascii_alphanumeric() || one == '_');
            (starts && goes_on).then_some(name)
        }
    }
}

async fn write(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    params: Params,
    body: RawBody,
) -> ApiResult {
    let text_of = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let tag = text_of(RESOURCE_TAG).unwrap_or(DEFAULT_RESOURCE_TAG);
    let unit = unit(params.get("precision").unwrap_or("ns"))?;
    let limit = app.api().max_body_size;
    let (text, _share) = match text_of(header::CONTENT_ENCODING.as_str()) {
        Some(encoding) if encoding.eq_ignore_ascii_case("gzip") => {
            let share = app.bodies.share(None).ok_or_else(busy)?;
            (Cow::Owned(gunzip(body.bytes(), limit)?), Some(share))
        }
        _ => (Cow::Borrowed(body.bytes()), None),
    };
    let points = Points::read(&text, tag, unit)?;
    let kind = Kind {
        name: params.get("db").unwrap_or(DEFAULT_DATABASE),
        attributes: None,
    };
    let answers = resolve(&app, &caller, &kind, &points.named()).await;
    // Where a resource is refused nothing is written.
    let ensured = answers.and_then(|answers| answers.into_iter().collect::<ApiResult<Vec<_>>>());
    let ensured = ensured.inspect_err(|error| {
        let reason = match error.status.is_server_error() {
            true => "catalogue",
            false => "resource",
        };
        let inputs = &app.metrics.inputs;
        inputs.rejected(Input::InfluxDb, reason, points.measures());
    })?;
    let batch = points.batch(&ensured);
    if !batch.is_empty() {
        let stored = app.measures.write(batch, Input::InfluxDb).await;
        stored.map_err(ApiError::of_named)?;
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Nanoseconds of the unit that timestamps are in.
fn unit(precision: &str) -> ApiResult<i64> {
    Ok(match precision {
        "n" | "ns" => 1,
        "u" | "us" | "µ" | "µs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => {
            return Err(ApiError::argument(
                "precision",
                "expected ns, u, ms, s, m or h",
            ));
        }
    })
}

fn gunzip(body: &[u8], limit: usize) -> ApiResult<Vec<u8>> {
    let mut text = Vec::new();
    let mut reader = flate2::read::MultiGzDecoder::new(body).take(limit as u64 + 1);
    reader
        .read_to_end(&mut text)
        .map_err(|error| ApiError::bad_request(format!("body is not gzip: {error}")))?;
    if text.len() > limit {
        let reason = format!("body is larger than {limit} bytes after decompression");
        return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, reason));
    }
    Ok(text)
}

fn value_error(detail: &str, reason: String) -> ApiError {
    ApiError::bad_request(json!({"cause": "Value error", "detail": detail, "reason": reason}))
}

/// Measures by resource and metric, in the order in which they came.
#[derive(Default)]
struct Points {
    places: HashMap<String, usize>,
    resources: Vec<(String, Metrics)>,
}

#[derive(Default)]
struct Metrics {
    places: HashMap<String, usize>,
    measures: Vec<(String, Vec<Measure>)>,
}

impl Points {
    fn read(text: &[u8], tag: &str, unit: i64) -> ApiResult<Self> {
        let now = Timestamp::from(SystemTime::now());
        let mut points = Self::default();
        for (line, number) in text.split(|byte| *byte == b'\n').zip(1_u32..) {
            let bad = || value_error("line", format!("Unable to parse line {number}"));
            let line = std::str::from_utf8(line).map_err(|_| bad())?;
            let Some(point) = line_protocol::parse(line).map_err(|_| bad())? else {
                continue;
            };
            let timestamp = match point.timestamp {
                Some(timestamp) => Timestamp(timestamp.checked_mul(unit).ok_or_else(bad)?),
                None => now,
            };
            points.add(point, tag, timestamp)?;
        }
        Ok(points)
    }

    fn add(&mut self, mut point: Point<'_>, tag: &str, timestamp: Timestamp) -> ApiResult<()> {
        let Some(at) = point.tags.iter().rposition(|(key, _)| key == tag) else {
            let reason = format!("Unable to find key `{tag}' in tags");
            return Err(value_error("key", reason));
        };
        let (_, resource) = point.tags.swap_remove(at);
        point.tags.retain(|(key, _)| key != tag);
        point.tags.sort_by(|(a, _), (b, _)| a.cmp(b));
        let mut tags = String::new();
        for (key, value) in &point.tags {
            tags.push(if tags.is_empty() { '@' } else { ',' });
            tags.push_str(key);
            tags.push('=');
            tags.push_str(value);
        }
        let next = self.resources.len();
        let place = *self.places.entry(resource.to_string()).or_insert(next);
        if place == next {
            self.resources
                .push((resource.into_owned(), Metrics::default()));
        }
        let Some((_, metrics)) = self.resources.get_mut(place) else {
            return Ok(());
        };
        for (field, value) in point.fields {
            // Gnocchi takes no slash in a metric's name.
            let name = format!("{}.{field}{tags}", point.measurement).replace('/', "_");
            metrics.add(name, Measure::new(timestamp, value));
        }
        Ok(())
    }

    fn named(&self) -> Vec<NamedResource<'_>> {
        let resources = self.resources.iter();
        let named = resources.map(|(original, metrics)| NamedResource {
            original: original.clone(),
            attributes: Map::new(),
            metrics: metrics
                .measures
                .iter()
                .map(|(name, _)| name.as_str())
                .collect(),
        });
        named.collect()
    }

    /// How many measures there are.
    fn measures(&self) -> usize {
        let metrics = self.resources.iter();
        let metrics = metrics.flat_map(|(_, metrics)| &metrics.measures);
        metrics.map(|(_, measures)| measures.len()).sum()
    }

    /// The measures under the ids that the catalogue has given.
    fn batch(self, ensured: &[Ensured]) -> Batch {
        let mut batch = Batch::new();
        for ((_, metrics), ensured) in self.resources.into_iter().zip(ensured) {
            let ids = ensured.metrics.iter().map(|metric| metric.metric.id);
            let measures = metrics.measures.into_iter().map(|(_, measures)| measures);
            batch.extend(ids.zip(measures));
        }
        batch
    }
}

impl Metrics {
    fn add(&mut self, name: String, measure: Measure) {
        match self
            .places
            .get(&name)
            .and_then(|at| self.measures.get_mut(*at))
        {
            Some((_, measures)) => measures.push(measure),
            None => {
                self.places.insert(name.clone(), self.measures.len());
                self.measures.push((name, vec![measure]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_database_can_be_asked_for() {
        for (query, name) in [
            ("create database influxdbtest", Some("influxdbtest")),
            ("CREATE DATABASE \"my db\" ;", Some("my db")),
            ("Create  database x", None),
            ("create database 1x", None),
            ("create database", None),
            ("select metrics plz", None),
        ] {
            assert_eq!(created_database(query), name, "{query}");
        }
    }

    #[test]
    fn lines_become_metrics_of_the_resource_that_a_tag_names() {
        let text = b"cpu,host=a,z=1,b=/x idle=1,text=\"t\" 5\ncpu,b=/x,z=1,host=a idle=2 6\n\nmem,host=b free=3i 7";
        let points = Points::read(text, "host", 1000).unwrap();
        let named = points.named().into_iter();
        let named: Vec<_> = named.map(|one| (one.original, one.metrics.len())).collect();
        assert_eq!(named, [("a".to_owned(), 1), ("b".to_owned(), 1)]);
        let found: Vec<_> = points
            .resources
            .into_iter()
            .map(|(original, metrics)| (original, metrics.measures))
            .collect();
        let measure = |nanos, value| Measure::new(Timestamp(nanos), value);
        assert_eq!(
            found,
            [
                (
                    "a".to_owned(),
                    vec![(
                        "cpu.idle@b=_x,z=1".to_owned(),
                        vec![measure(5000, 1.0), measure(6000, 2.0)]
                    )]
                ),
                (
                    "b".to_owned(),
                    vec![("mem.free".to_owned(), vec![measure(7000, 3.0)])]
                ),
            ]
        );
    }

    #[test]
    fn a_bad_line_is_named_by_its_number() {
        let reason = |text: &[u8]| {
            let error = Points::read(text, "host", 1).err().unwrap();
            error.detail["reason"].as_str().unwrap().to_owned()
        };
        assert_eq!(reason(b"cpu,host=a v=1\ncpu"), "Unable to parse line 2");
        assert_eq!(reason(b"cpu,host=a v=\xff"), "Unable to parse line 1");
        assert_eq!(reason(b"cpu,x=a v=1"), "Unable to find key `host' in tags");
    }

    #[test]
    fn a_compressed_body_may_not_grow_too_large() {
        use std::io::Write as _;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&[b'a'; 1000]).unwrap();
        let compressed = encoder.finish().unwrap();
        assert_eq!(gunzip(&compressed, 1000).unwrap().len(), 1000);
        assert_eq!(gunzip(&compressed, 999).unwrap_err().status, 413);
        assert_eq!(gunzip(b"text", 999).unwrap_err().status, 400);
    }
}
