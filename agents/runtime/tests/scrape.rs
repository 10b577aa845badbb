//! What scrapes get from a daemon: collectors that hang, panic and repeat themselves, filters, limits and encodings.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::io::Read as _;
use std::sync::atomic::Ordering;

use common::{Tiny, gauge, until, value, waiting};
use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, Scrape};
use testkit::http;

const TIMEOUT: &str = "X-Prometheus-Scrape-Timeout-Seconds";

#[test]
fn two_scrapes_at_once_cost_one_collection() {
    let (gate, collector) = waiting();
    let tiny = Tiny::start(&[], vec![collector], |daemon| daemon);
    let url = tiny.url("/metrics");
    let scrapes = [url.clone(), url]
        .map(|url| std::thread::spawn(move || http::get(&url).expect_status(200).text()));
    gate.entered.recv().unwrap();
    // Both are in flight, and the one that asks makes three.
    until(|| {
        value(
            &tiny.get("/metrics?exclude[]=waiting").text(),
            "promhttp_metric_handler_requests_in_flight",
        ) == 3.0
    });
    gate.go_on.send(()).unwrap();
    for scrape in scrapes {
        assert_eq!(value(&scrape.join().unwrap(), "waited"), 1.0);
    }
    assert_eq!(gate.updates.load(Ordering::SeqCst), 1);
}

#[test]
fn a_collector_that_hangs_is_missing_and_the_others_arrive() {
    let (gate, collector) = waiting();
    let tiny = Tiny::start(
        &[],
        vec![gauge("before"), collector, gauge("behind")],
        |daemon| daemon,
    );
    for _ in 0..2 {
        let text = http::get_with(&tiny.url("/metrics"), &[(TIMEOUT, "2")])
            .expect_status(200)
            .text();
        assert_eq!((value(&text, "before"), value(&text, "behind")), (1.0, 1.0));
        assert_eq!(
            value(
                &text,
                "tiny_scrape_collector_success{collector=\"waiting\"}"
            ),
            0.0
        );
        assert_eq!(
            value(&text, "tiny_scrape_collector_success{collector=\"behind\"}"),
            1.0
        );
        assert_eq!(value(&text, "nephoscope_scrape_stuck_collectors"), 1.0);
        assert!(!text.contains("waited"), "{text}");
    }
    assert_eq!(
        gate.updates.load(Ordering::SeqCst),
        1,
        "it was started again while it hung"
    );
    gate.go_on.send(()).unwrap();
    gate.go_on.send(()).unwrap();
    until(|| {
        value(
            &tiny.get("/metrics?exclude[]=waiting").text(),
            "nephoscope_scrape_stuck_collectors",
        ) == 0.0
    });
    let text = tiny.metrics();
    assert_eq!(
        value(
            &text,
            "tiny_scrape_collector_success{collector=\"waiting\"}"
        ),
        1.0
    );
    assert_eq!(value(&text, "nephoscope_scrape_timeouts_total"), 1.0);
}

#[test]
fn a_collector_that_panics_takes_nothing_with_it() {
    struct Panicking;
    impl Collector for Panicking {
        fn update(&mut self, _: &Scrape, _: &mut Families) -> Result<(), CollectError> {
            panic!("on purpose");
        }
    }
    let tiny = Tiny::start(
        &[],
        vec![("bad", Box::new(Panicking)), gauge("good")],
        |daemon| daemon,
    );
    for panics in 1..=2 {
        let text = tiny.metrics();
        assert_eq!(value(&text, "good"), 1.0);
        assert_eq!(
            value(&text, "tiny_scrape_collector_success{collector=\"bad\"}"),
            0.0
        );
        assert_eq!(
            value(&text, "nephoscope_scrape_panics_total"),
            f64::from(panics)
        );
    }
}

#[test]
fn filters_choose_collectors_and_wrong_ones_are_refused() {
    let tiny = Tiny::start(
        &[],
        vec![gauge("one"), gauge("two"), gauge("three")],
        |daemon| daemon,
    );
    let shown = |query: &str| {
        let text = tiny
            .get(&format!("/metrics?{query}"))
            .expect_status(200)
            .text();
        ["one", "two", "three"].map(|name| text.contains(&format!("\n{name} 1\n")))
    };
    assert_eq!(
        shown("collect[]=one&collect%5B%5D=three"),
        [true, false, true]
    );
    assert_eq!(
        shown("exclude[]=one&exclude[]=unknown"),
        [false, true, true]
    );
    assert_eq!(shown("other=1"), [true, true, true]);
    for (query, expected) in [
        (
            "collect[]=four",
            "cannot collect \"four\": no such collector is enabled, expected some of one, two, three\n",
        ),
        (
            "collect[]=one&exclude[]=two",
            "combined collect[] and exclude[] queries are not allowed\n",
        ),
    ] {
        assert_eq!(
            tiny.get(&format!("/metrics?{query}"))
                .expect_status(400)
                .text(),
            expected
        );
    }
}

#[test]
fn the_answer_is_packed_and_in_the_format_that_was_asked_for() {
    let tiny = Tiny::start(&[], vec![gauge("one")], |daemon| daemon);
    let plain = tiny.get("/metrics").expect_status(200);
    assert_eq!(
        plain.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    assert_eq!(plain.header("content-encoding"), None);
    let headers = [
        ("accept", "application/openmetrics-text;version=1.0.0"),
        ("accept-encoding", "gzip"),
    ];
    let packed = http::get_with(&tiny.url("/metrics"), &headers).expect_status(200);
    assert_eq!(
        packed.header("content-type"),
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed.body.as_slice())
        .read_to_string(&mut text)
        .unwrap();
    assert!(
        text.contains("\none 1\n") && text.ends_with("\n# EOF\n"),
        "{text}"
    );
}

#[test]
fn a_large_scrape_arrives_whole_each_time() {
    struct Large;
    impl Collector for Large {
        fn update(&mut self, _: &Scrape, out: &mut Families) -> Result<(), CollectError> {
            let mut family = out.family("large", "Many samples.", MetricType::Gauge);
            for number in 0..20_000 {
                family.sample(&[("number", &number.to_string())], f64::from(number));
            }
            Ok(())
        }
    }
    let tiny = Tiny::start(&[], vec![("large", Box::new(Large))], |daemon| daemon);
    for _ in 0..3 {
        let text = tiny.metrics();
        assert_eq!(
            text.lines()
                .filter(|line| line.starts_with("large{"))
                .count(),
            20_000
        );
        assert_eq!(value(&text, "large{number=\"19999\"}"), 19_999.0);
    }
}

#[test]
fn scrapes_beyond_the_limit_are_turned_away_and_counted() {
    let (gate, collector) = waiting();
    let tiny = Tiny::start(&["--web.max-requests=1"], vec![collector], |daemon| daemon);
    let url = tiny.url("/metrics");
    let scrape = std::thread::spawn(move || http::get(&url).expect_status(200).text());
    gate.entered.recv().unwrap();
    let refused = tiny.get("/metrics").expect_status(503).text();
    assert_eq!(
        refused,
        "limit of concurrent scrapes reached (1), try again later\n"
    );
    gate.go_on.send(()).unwrap();
    scrape.join().unwrap();
    until(|| tiny.get("/metrics?exclude[]=waiting").status == 200);
    let text = tiny.get("/metrics?exclude[]=waiting").text();
    assert!(
        value(
            &text,
            "promhttp_metric_handler_requests_total{code=\"503\"}"
        ) >= 1.0,
        "{text}"
    );
    assert!(
        value(
            &text,
            "promhttp_metric_handler_requests_total{code=\"200\"}"
        ) >= 2.0,
        "{text}"
    );
}

#[test]
fn series_given_twice_are_left_out_and_counted() {
    let tiny = Tiny::start(
        &[],
        vec![
            ("a", Box::new(common::Gauge("same"))),
            ("b", Box::new(common::Gauge("same"))),
        ],
        |d| d,
    );
    tiny.metrics();
    let text = tiny.metrics();
    assert_eq!(
        text.lines()
            .filter(|line| line.starts_with("same "))
            .count(),
        1
    );
    assert_eq!(value(&text, "nephoscope_scrape_problems_total"), 1.0);
    assert_eq!(
        value(
            &text,
            "promhttp_metric_handler_errors_total{cause=\"gathering\"}"
        ),
        1.0
    );
}

#[test]
fn a_program_adds_its_own_numbers() {
    let tiny = Tiny::start(&[], Vec::new(), |daemon| {
        daemon.self_metrics(|out: &mut Families| out.counter("tiny_things_total", "Things.", 7.0))
    });
    assert_eq!(value(&tiny.metrics(), "tiny_things_total"), 7.0);
}
