//! statsd of the shipped binary beside gnocchi-statsd: the same datagrams, by Python's statsd client and by hand, give the
//! same metrics and values.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::net::UdpSocket;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::gnocchi::{Release, start_gnocchi};
use support::{ACCEPT_JSON, ADMIN, Collector, JSON};
use testkit::http::request;
use testkit::tools::run;
use testkit::{Peer, Running, free_port, metric, scrape};

const RESOURCE: &str = "07f26121-5777-48ba-8a0b-d70468133dd9";
/// What Debian's python3-statsd sends, to each of the ports.
const CLIENT: &str = "
import statsd, sys
for port in sys.argv[1:]:
    client = statsd.StatsClient('127.0.0.1', int(port), prefix='app')
    client.incr('hits', 3); client.incr('hits'); client.decr('hits', 2)
    client.gauge('load', 4.5); client.gauge('load', 5.25)
    client.timing('took', 320); client.timing('took', 80.5)
    with client.pipeline() as pipe:
        pipe.incr('piped'); pipe.gauge('piped', 7)
";
/// By hand: with a rate, and with lines between them that are none.
const DATAGRAM: &str =
    "raw:2|c|@0.5\nraw\nraw:x|c\nraw:1|s\nraw:1|h\nraw:1|g|@0.1\nraw.low:-3|g\n\n";

fn policy() -> Value {
    json!({"name": "hourly", "definition": [{"granularity": 3600, "points": 24}], "aggregation_methods": ["sum", "last"]})
}

fn section(port: u16, delay: &str) -> String {
    format!(
        "statsd: {{resource_id: {RESOURCE}, port: {port}, creator: admin, archive_policy_name: hourly, flush_delay: {delay}}}\n"
    )
}

/// The sum of what counters had and the last of the others, by name of the metric.
fn values(url: &str) -> BTreeMap<String, f64> {
    let get = |path: &str| request("GET", &format!("{url}{path}"), &[ADMIN, ACCEPT_JSON], b"");
    let resource = get(&format!("v1/resource/generic/{RESOURCE}"));
    if resource.status == 404 {
        return BTreeMap::new();
    }
    let resource = resource.expect_status(200).json();
    let names = resource["metrics"].as_object().unwrap().iter();
    let values = names.filter_map(|(name, id)| {
        let counts = name.ends_with("|c");
        let method = if counts { "sum" } else { "last" };
        let path = format!(
            "v1/metric/{}/measures?refresh=true&aggregation={method}",
            id.as_str().unwrap()
        );
        let measures = get(&path).expect_status(200).json();
        let mut values = measures
            .as_array()
            .unwrap()
            .iter()
            .map(|point| point[2].as_f64().unwrap());
        let value = if counts {
            Some(values.sum())
        } else {
            values.next_back()
        };
        Some((name.clone(), value?))
    });
    values.collect()
}

/// Asks until the answer is as expected, or for a minute.
fn wait_for<T: PartialEq>(expected: &T, ask: impl Fn() -> T) -> T {
    let start = Instant::now();
    loop {
        let found = ask();
        if found == *expected || start.elapsed() > Duration::from_secs(60) {
            return found;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn gnocchi_statsd(dir: &Path, port: u16) -> Running {
    let config = dir.join("statsd.conf");
    let content = format!(
        "[statsd]\nhost = 127.0.0.1\nport = {port}\nresource_id = {RESOURCE}\ncreator = admin\n\
         archive_policy_name = hourly\nflush_delay = 1\n"
    );
    std::fs::write(&config, content).unwrap();
    let log = dir.join("gnocchi.log");
    let files = [dir.join("gnocchi.conf"), config].map(|path| path.display().to_string());
    Peer::new("/usr/bin/gnocchi-statsd")
        .args(["--config-file", &files[0], "--config-file", &files[1]])
        .ready_when(move || {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            said.contains("Flush delay: 1")
        })
        .ready_timeout(Duration::from_secs(180))
        .start()
}

#[test]
fn what_statsd_sends_becomes_what_gnocchi_statsd_makes_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let gnocchi = start_gnocchi(dir.path(), Release::V4_4);
    let (theirs, ours) = (free_port(), free_port());
    let collector = Collector::configured(&section(ours, "1s"));
    for url in [gnocchi.url(""), collector.running.url("")] {
        let url = format!("{}/v1/archive_policy", url.trim_end_matches('/'));
        request(
            "POST",
            &url,
            &[ADMIN, ACCEPT_JSON, JSON],
            policy().to_string().as_bytes(),
        )
        .expect_status(201);
    }
    let _statsd = gnocchi_statsd(dir.path(), theirs);
    run(
        "/usr/bin/python3",
        ["-c", CLIENT, &theirs.to_string(), &ours.to_string()],
    );
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    // Alone, for gnocchi-statsd drops what stands behind a line without a colon.
    let good: Vec<&str> = DATAGRAM
        .lines()
        .filter(|line| line.contains("@0.5") || line.contains("low"))
        .collect();
    socket
        .send_to(good.join("\n").as_bytes(), ("127.0.0.1", theirs))
        .unwrap();
    socket
        .send_to(DATAGRAM.as_bytes(), ("127.0.0.1", ours))
        .unwrap();
    socket
        .send_to(b"\xff\xfe:1|c", ("127.0.0.1", ours))
        .unwrap();

    let expected = [
        ("app.hits|c", 2.0),
        ("app.load|g", 5.25),
        ("app.piped|c", 1.0),
        ("app.piped|g", 7.0),
        ("app.took|ms", 80.5),
        ("raw.low|g", -3.0),
        ("raw|c", 4.0),
    ];
    let expected: BTreeMap<String, f64> = expected
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    let known = |url: String| wait_for(&expected, || values(&url));
    let url = |server: &Running| format!("{}/", server.url("").trim_end_matches('/'));
    assert_eq!(known(url(&gnocchi)), expected, "gnocchi-statsd");
    assert_eq!(known(url(&collector.running)), expected, "ours");

    let families = scrape(&collector.running.url("/metrics"));
    let count = |name: &str, labels: &[(&str, &str)]| {
        metric(&families, &format!("nephoscope_collector_{name}"), labels)
    };
    for (reason, lost) in [
        ("malformed", Some(3.0)),
        ("unknown_type", Some(2.0)),
        ("encoding", Some(1.0)),
        ("resource", None),
        ("dropped_by_kernel", None),
    ] {
        let labels = [("input", "statsd"), ("reason", reason)];
        assert_eq!(count("input_rejected_total", &labels), lost, "{reason}");
    }
    assert_eq!(count("statsd_lines_total", &[]), Some(11.0));
}

#[test]
fn what_waits_for_a_flush_is_written_before_the_end() {
    let port = free_port();
    let collector = Collector::configured(&section(port, "1h"));
    collector
        .post("/v1/archive_policy", &policy())
        .expect_status(201);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(b"late:5|c", ("127.0.0.1", port)).unwrap();
    let lines = || {
        let families = scrape(&collector.running.url("/metrics"));
        metric(&families, "nephoscope_collector_statsd_lines_total", &[])
    };
    assert_eq!(wait_for(&Some(1.0), lines), Some(1.0));
    let collector = collector.restart(true);
    let url = format!("{}/", collector.running.url("").trim_end_matches('/'));
    assert_eq!(values(&url), BTreeMap::from([("late|c".to_owned(), 5.0)]));
}

#[test]
fn an_address_that_is_taken_is_an_error_of_the_start() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("collector.yml");
    std::fs::write(&file, section(port, "1s")).unwrap();
    let args = [
        format!("--config.file={}", file.display()),
        format!("--storage.path={}", dir.path().join("data").display()),
    ];
    let error =
        testkit::tools::try_run(env!("CARGO_BIN_EXE_nephoscope-collector"), args).unwrap_err();
    assert!(
        error.contains(&format!("statsd: cannot listen on 127.0.0.1:{port}")),
        "{error}"
    );
}
