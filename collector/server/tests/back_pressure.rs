//! A store whose disk hangs under a flood: every input is bounded, senders are told to come again, readers are served, and
//! nothing that was acknowledged is lost. The disk is a real file system whose daemon stops.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "support/mod.rs"]
mod support;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, UdpSocket};
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use support::Collector;
use support::numbered::{self, Way};
use testkit::http::Connection;
use testkit::{Mirror, free_port, metric, scrape};

/// How long something may take that must happen at last, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);
/// Requests of one input that are at work at once.
const AT_ONCE: usize = 100;
/// Series of each input.
const SERIES: u64 = 10;
/// What Retry-After asks for.
const PAUSE: Duration = Duration::from_secs(1);
/// Names that are sent to statsd.
const NAMES: usize = 500;

/// A collector on a disk that can hang, with InfluxDB's database and the like made.
fn start(yaml: &str) -> (Mirror, Collector) {
    let disk = Mirror::start();
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(disk.point(), dir.path().join("data")).unwrap();
    let yaml = format!("{}{yaml}", numbered::configuration(dir.path()));
    let collector = Collector::configured_in(dir, &yaml);
    let of_gnocchi: Vec<String> = (0..SERIES).map(|at| series(Way::Gnocchi, at)).collect();
    numbered::prepare(&collector, &of_gnocchi);
    for way in Way::ALL {
        for at in 0..SERIES {
            // So that the catalogue knows all when the flood comes.
            let body = way.body(&series(way, at), &[1]);
            assert_eq!(post(&collector, way, &body).0, way.status(), "{way:?}");
        }
    }
    (disk, collector)
}

/// One of an input's series, which its requests take by turns.
fn series(way: Way, request: u64) -> String {
    format!("{}-{}", way.input(), request % SERIES)
}

/// Sends a body on a connection of its own; the status, and whether the answer says when to come again.
fn post(collector: &Collector, way: Way, body: &[u8]) -> (u16, bool) {
    let mut connection =
        Connection::open_with_timeout(collector.running.address(), PATIENCE).unwrap();
    let answer = connection.request("POST", way.path(), &way.headers(), body);
    let answer = answer.unwrap_or_else(|error| panic!("{way:?}: no answer: {error}"));
    (answer.status, answer.header("retry-after").is_some())
}

fn value(collector: &Collector, name: &str, labels: &[(&str, &str)]) -> f64 {
    let families = scrape(&collector.running.url("/metrics"));
    let name = format!("nephoscope_collector_{name}");
    metric(&families, &name, labels).unwrap_or_default()
}

fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Most resident memory since the start, MiB.
fn peak(collector: &Collector) -> u64 {
    collector.running.usage().peak_resident_bytes >> 20
}

/// What each input is flooded with.
#[derive(Debug, Clone, Copy)]
struct Load {
    requests: u64,
    /// Measures in a request.
    measures: u64,
    /// Bytes that a body has at least, where it can be made longer.
    size: usize,
}

/// Senders of one input, each with numbers of its own, who send until they are acknowledged.
#[derive(Default)]
struct Flood {
    refused: AtomicUsize,
    /// Requests and their numbers.
    acknowledged: Mutex<Vec<(u64, Range<u64>)>>,
}

impl Flood {
    fn send(&self, collector: &Collector, way: Way, request: u64, load: Load) {
        let first = 2 + request / SERIES * load.measures;
        let numbers = first..first + load.measures;
        let all: Vec<u64> = numbers.clone().collect();
        let mut body = way.body(&series(way, request), &all);
        let longer = body.len().max(load.size);
        match way {
            Way::Gnocchi | Way::Ceilometer => body.resize(longer, b' '),
            // A comment.
            Way::InfluxDb => body.resize(longer, b'#'),
            Way::RemoteWrite => {}
        }
        let deadline = Instant::now() + 2 * PATIENCE;
        loop {
            assert!(Instant::now() < deadline, "{way:?}: never acknowledged");
            match post(collector, way, &body) {
                (status, _) if status == way.status() => break,
                (503, true) => {
                    self.refused.fetch_add(1, Ordering::Relaxed);
                    std::thread::sleep(PAUSE);
                }
                (status, later) => panic!("{way:?}: {status}, retry-after: {later}"),
            }
        }
        let mut acknowledged = self.acknowledged.lock().unwrap();
        acknowledged.push((request, numbers));
    }
}

/// Floods all inputs while the disk hangs. Does `meanwhile` once these inputs have refused some, then lets the disk go on,
/// waits for all and looks whether all is there.
fn flood(
    (disk, collector): (&mut Mirror, &Collector),
    load: Load,
    refusing: &[Way],
    meanwhile: impl FnOnce(),
) {
    let floods = Way::ALL.map(|way| (way, Flood::default()));
    disk.hang();
    std::thread::scope(|scope| {
        for (way, flood) in &floods {
            for request in 0..load.requests {
                scope.spawn(move || flood.send(collector, *way, request, load));
            }
        }
        wait_for("the inputs to refuse", || {
            let mut floods = floods.iter().filter(|(way, _)| refusing.contains(way));
            floods.all(|(_, flood)| flood.refused.load(Ordering::Relaxed) >= 20)
        });
        meanwhile();
        disk.go_on();
    });
    for (way, flood) in floods {
        let acknowledged = flood.acknowledged.into_inner().unwrap();
        assert_eq!(acknowledged.len() as u64, load.requests);
        let found: Vec<_> = (0..SERIES)
            .map(|at| way.read(collector, &series(way, at)))
            .collect();
        for (request, numbers) in acknowledged {
            let found = &found[(request % SERIES) as usize];
            let lost: Vec<u64> = numbers.filter(|number| !found.contains(number)).collect();
            assert!(lost.is_empty(), "{way:?}, request {request}: {lost:?}");
        }
    }
}

#[test]
fn while_the_disk_hangs_senders_are_sent_away_and_readers_are_served() {
    let port = free_port();
    let target = target();
    let yaml = format!(
        "scrape: {{interval: 1s, timeout: 500ms, static_configs: [{{targets: ['{target}'], labels: {{host: h}}}}]}}\n\
         statsd: {{resource_id: 07f26121-5777-48ba-8a0b-d70468133dd9, port: {port}, flush_delay: 100ms}}\n"
    );
    let (mut disk, collector) = start(&yaml);
    let (disk, collector) = (&mut disk, &collector);
    let scraped = || value(collector, "input_measures_total", &[("input", "scrape")]);
    wait_for("a scrape", || scraped() > 0.0);
    let load = Load {
        requests: AT_ONCE as u64 + 30,
        measures: 1,
        size: 0,
    };
    flood((&mut *disk, collector), load, &Way::ALL, || {
        for way in Way::ALL {
            let input = ("input", way.input());
            let refused = value(
                collector,
                "input_refused_requests_total",
                &[input, ("code", "503")],
            );
            assert!(refused >= 20.0, "{way:?}: {refused}");
            let waiting = value(collector, "input_queue_batches", &[input]);
            assert!(
                (1.0..=AT_ONCE as f64).contains(&waiting),
                "{way:?}: {waiting}"
            );
        }
        let inputs = collector.json("/console/inputs");
        assert_eq!(inputs[0]["input"], "gnocchi");
        assert!(
            inputs[0]["refused_requests"]["503"].as_u64() >= Some(20),
            "{inputs}"
        );
        collector.get("/-/healthy").expect_status(200);
        // Scrapes are left out and counted; statsd is read, and of each name one value is kept.
        wait_for("scrapes to be left out", || {
            value(collector, "scrapes_skipped_total", &[]) >= 2.0
        });
        let lines = || value(collector, "statsd_lines_total", &[]);
        let before = lines();
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| send_names(port, &stop));
            let deadline = Instant::now() + PATIENCE;
            while lines() < before + 20.0 * NAMES as f64 && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(100));
            }
            stop.store(true, Ordering::Relaxed);
        });
        assert!(lines() >= before + 20.0 * NAMES as f64);
        let waiting = value(collector, "input_queue_measures", &[("input", "statsd")]);
        assert!((1.0..=2.0 * NAMES as f64).contains(&waiting), "{waiting}");
    });
    // All goes on by itself.
    let before = scraped();
    wait_for("the next scrape", || scraped() > before);
    wait_for("statsd's flush", || {
        value(collector, "input_measures_total", &[("input", "statsd")]) > 0.0
    });
}

#[test]
fn large_requests_take_no_more_memory_than_their_bound_while_the_disk_hangs() {
    let (mut disk, collector) = start("api: {max_body_size: 1048576}\n");
    let load = Load {
        requests: 40,
        measures: 100,
        size: 900 << 10,
    };
    let refusing = [Way::Gnocchi, Way::InfluxDb, Way::Ceilometer];
    let before = peak(&collector);
    let (disk, collector) = (&mut disk, &collector);
    flood((disk, collector), load, &refusing, || {
        // Eight bodies of a MiB, and what is read of them. All 120 would take more than 100 MiB.
        let grown = peak(collector) - before;
        assert!(grown < 64, "{grown} MiB");
    });
}

/// A target that is always well.
fn target() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close";
            let _ = write!(stream, "{head}\r\ncontent-length: 13\r\n\r\nnode_load1 1\n");
        }
    });
    address
}

/// Sends gauges to statsd until it is told to stop.
fn send_names(port: u16, stop: &AtomicBool) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut names = (0..NAMES).cycle();
    while !stop.load(Ordering::Relaxed) {
        let lines = names.by_ref().take(50);
        let datagram: String = lines.map(|number| format!("name{number}:1|g\n")).collect();
        let _ = socket.send_to(datagram.as_bytes(), ("127.0.0.1", port));
        std::thread::sleep(Duration::from_millis(2));
    }
}
