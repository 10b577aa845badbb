//! The requests of the benchmark, whole and encoded before the clock runs: what Ceilometer's publisher posts, and what
//! pages ask for.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// Metrics of one resource.
pub(crate) const METRICS: usize = 10;
/// Resources in one POST of measures.
const RESOURCES_PER_POST: usize = 50;
/// Seconds between the measures of a metric: the granularity of the policy.
pub(crate) const STEP: u64 = 300;
/// The first measure: 2026-01-01T00:00:00Z.
const START: u64 = 1_767_225_600;
/// Resources of one project.
const OF_A_PROJECT: usize = 100;
/// Name of the archive policy.
const POLICY: &str = "ceilometer-low";

/// A whole request, with the body's length.
pub(crate) fn request(method: &str, path: &str, body: &[u8]) -> Vec<u8> {
    let mut request = format!(
        "{method} {path} HTTP/1.1\r\nhost: bench\r\nauthorization: basic YWRtaW46\r\naccept: application/json, */*\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

fn post(path: &str, body: &Value) -> Vec<u8> {
    request("POST", path, body.to_string().as_bytes())
}

/// Ceilometer's archive policy and a type of resource with two attributes.
pub(crate) fn preparations() -> Vec<Vec<u8>> {
    let policy = json!({
        "name": POLICY, "aggregation_methods": ["mean"], "back_window": 0,
        "definition": [{"granularity": "5 minutes", "timespan": "30 days"}],
    });
    let text = json!({"type": "string", "required": false, "min_length": 0, "max_length": 255});
    let kind =
        json!({"name": "bench_instance", "attributes": {"host": text, "display_name": text}});
    vec![
        post("/v1/archive_policy", &policy),
        post("/v1/resource_type", &kind),
    ]
}

/// The id of a resource: scattered, as Nova's are.
pub(crate) fn resource(at: usize) -> String {
    let id = (at as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    let hex = format!("{id:032x}");
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    parts.join("-")
}

fn project(at: usize) -> String {
    format!("project-{}", at / OF_A_PROJECT)
}

/// A request for each resource that creates it.
pub(crate) fn resources(count: usize) -> Vec<Vec<u8>> {
    let one = |at: usize| {
        json!({
            "id": resource(at), "project_id": project(at), "user_id": "user",
            "host": format!("compute-{}", at % 16), "display_name": format!("vm-{at}"),
        })
    };
    (0..count)
        .map(|at| post("/v1/resource/bench_instance", &one(at)))
        .collect()
}

/// Requests with measures `from..from + points` of all metrics of so many resources. `salt` makes the names of the
/// metrics others'.
pub(crate) fn measures(resources: usize, salt: &str, from: u64, points: u64) -> Vec<Vec<u8>> {
    let all: Vec<usize> = (0..resources).collect();
    let path = "/v1/batch/resources/metrics/measures?create_metrics=true";
    let body = |chunk: &[usize]| {
        let mut body = String::from("{");
        for (place, at) in chunk.iter().enumerate() {
            let comma = if place > 0 { ", " } else { "" };
            let _ = write!(body, "{comma}\"{}\": {{", resource(*at));
            for metric in 0..METRICS {
                let comma = if metric > 0 { ", " } else { "" };
                let _ = write!(
                    body,
                    "{comma}\"bench.{salt}{metric:02}\": {{\"measures\": ["
                );
                for point in from..from + points {
                    let comma = if point > from { ", " } else { "" };
                    let value = (point * 40_503 + (at * 9_973 + metric * 331) as u64) % 1_000_003;
                    let _ = write!(
                        body,
                        "{comma}{{\"timestamp\": \"{}\", \"value\": {}}}",
                        moment(point),
                        value as f64 / 1_000.0
                    );
                }
                let _ = write!(
                    body,
                    "], \"archive_policy_name\": \"{POLICY}\", \"unit\": \"x\"}}"
                );
            }
            body.push('}');
        }
        body.push('}');
        request("POST", path, body.as_bytes())
    };
    all.chunks(RESOURCES_PER_POST).map(body).collect()
}

/// The time of a measure, as Ceilometer writes it.
pub(crate) fn moment(point: u64) -> String {
    let seconds = START + point * STEP;
    let (days, clock) = ((seconds / 86_400) as i64, seconds % 86_400);
    let (year, month, day) = civil(days);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}",
        clock / 3_600,
        clock / 60 % 60,
        clock % 60
    )
}

/// The date of a day since 1970, by the count of days in eras of 400 years.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let month = (shifted_month + 2) % 12 + 1;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// The last point of a metric from this measure on.
pub(crate) fn latest(metric: &str, point: u64) -> Vec<u8> {
    request(
        "GET",
        &format!("/v1/metric/{metric}/measures?start={}", moment(point)),
        b"",
    )
}

/// The questions of pages: their name, the request, and how many entries the answer has.
pub(crate) fn questions(metric: &str) -> Vec<(&'static str, Vec<u8>, usize)> {
    let (start, stop) = (moment(0), moment(86_400 / STEP));
    let day = format!("granularity={STEP}&start={start}&stop={stop}");
    let grouped = json!({
        "resource_type": "bench_instance", "search": "display_name like 'vm-%' and project_id in ['project-0']",
        "operations": "(aggregate mean (metric bench.00 mean))",
    });
    let found =
        json!({"and": [{"=": {"project_id": "project-0"}}, {"like": {"display_name": "vm-%"}}]});
    vec![
        (
            "a day at 300 s of one metric",
            request("GET", &format!("/v1/metric/{metric}/measures?{day}"), b""),
            288,
        ),
        (
            "group by project, 100 metrics",
            post(
                &format!("/v1/aggregates?{day}&groupby=project_id"),
                &grouped,
            ),
            1,
        ),
        (
            "search of 100 resources",
            post("/v1/search/resource/bench_instance?limit=100", &found),
            100,
        ),
        (
            "list of 100 metrics",
            request("GET", "/v1/metric?limit=100", b""),
            100,
        ),
    ]
}
