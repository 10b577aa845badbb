//! The pages and the life of a daemon: landing page, health, reload, listeners, the program's own pages and work, and
//! how all that ends.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::Router;
use axum::routing::{get, post};
use common::{LONG, Tiny, gauge, until, value, waiting};
use runtime::{Failure, Signal};
use testkit::http;

#[test]
fn the_shared_pages_are_there() {
    let tiny = Tiny::start(&[], vec![gauge("one")], |daemon| daemon);
    let page = tiny.get("/").expect_status(200);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert!(
        page.text().contains("<a href=\"/metrics\">Metrics</a>")
            && page.text().contains("<li>one</li>")
    );
    assert_eq!(
        tiny.get("/-/healthy").expect_status(200).text(),
        "tiny is healthy\n"
    );
    assert_eq!(
        tiny.get("/-/ready").expect_status(200).text(),
        "tiny is ready\n"
    );
    assert_eq!(
        tiny.get("/nothing").expect_status(404).text(),
        "page not found\n"
    );
    assert_eq!(
        http::request("DELETE", &tiny.url("/metrics"), &[], b"").status,
        405
    );
}

#[test]
fn a_program_that_is_not_ready_says_why_and_a_ready_one_what_is_wrong() {
    let is_ready = Arc::new(AtomicBool::new(false));
    let check = Arc::clone(&is_ready);
    let tiny = Tiny::start(&[], Vec::new(), |daemon| {
        daemon.ready_when(move || {
            if check.load(Ordering::SeqCst) {
                Ok(vec!["a file is damaged".to_owned()])
            } else {
                Err("the store is opening".to_owned())
            }
        })
    });
    assert_eq!(
        tiny.get("/-/ready").expect_status(503).text(),
        "tiny is not ready: the store is opening\n"
    );
    is_ready.store(true, Ordering::SeqCst);
    assert_eq!(
        tiny.get("/-/ready").expect_status(200).text(),
        "tiny is ready\nwarning: a file is damaged\n"
    );
}

#[test]
fn two_listeners_serve_the_same() {
    let flags = [
        "--web.listen-address=127.0.0.1:0",
        "--web.listen-address=[::1]:0",
    ];
    let tiny = Tiny::start(&flags, vec![gauge("one")], |daemon| daemon);
    assert_eq!(tiny.addresses.len(), 2);
    for address in &tiny.addresses {
        let text = http::get(&format!("http://{address}/metrics"))
            .expect_status(200)
            .text();
        assert_eq!(value(&text, "one"), 1.0);
    }
}

#[test]
fn reload_is_a_post_or_put_and_says_what_went_wrong() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let tiny = Tiny::start(&[], Vec::new(), |daemon| {
        daemon.on_reload(move || match counted.fetch_add(1, Ordering::SeqCst) {
            1 => Err(Failure::start("x.yml:3: unknown key \"y\"")),
            _ => Ok(()),
        })
    });
    let reload = |method| http::request(method, &tiny.url("/-/reload"), &[], b"");
    assert_eq!(reload("GET").status, 405);
    assert_eq!(
        reload("POST").expect_status(200).text(),
        "configuration reloaded\n"
    );
    assert_eq!(
        reload("PUT").expect_status(500).text(),
        "x.yml:3: unknown key \"y\"\n"
    );
    tiny.signal(Signal::Reload);
    until(|| calls.load(Ordering::SeqCst) == 3);
}

#[test]
fn the_programs_own_pages_stand_beside_the_shared_ones() {
    let own = || {
        Router::new()
            .route("/", get(|| async { "own root" }))
            .route("/v1/{thing}", post(|body: String| async move { body }))
            .fallback(|| async { (axum::http::StatusCode::NOT_FOUND, "own 404") })
    };
    let tiny = Tiny::start(&[], Vec::new(), move |daemon| {
        daemon.router(own()).without_landing().body_limit(10)
    });
    assert_eq!(tiny.get("/").expect_status(200).text(), "own root");
    assert_eq!(tiny.get("/nothing").expect_status(404).text(), "own 404");
    tiny.get("/metrics").expect_status(200);
    let posted = |body: &str| http::post(&tiny.url("/v1/x"), &[], body);
    assert_eq!(posted("0123456789").expect_status(200).text(), "0123456789");
    posted("0123456789a").expect_status(413);
    assert_eq!(tiny.get("/v1/x").status, 405);
    let tiny = Tiny::start(&[], Vec::new(), move |daemon| daemon.router(own()));
    assert!(
        tiny.get("/")
            .expect_status(200)
            .text()
            .contains("<h1>tiny</h1>")
    );
}

#[test]
fn what_was_begun_is_finished_before_the_end() {
    let (gate, collector) = waiting();
    let tiny = Tiny::start(&[], vec![collector], |daemon| daemon);
    let url = tiny.url("/metrics");
    let address = tiny.addresses[0];
    let scrape = std::thread::spawn(move || http::get(&url).expect_status(200).text());
    gate.entered.recv().unwrap();
    tiny.signal(Signal::Stop);
    until(|| TcpStream::connect(address).is_err());
    gate.go_on.send(()).unwrap();
    assert_eq!(value(&scrape.join().unwrap(), "waited"), 1.0);
    assert_eq!(tiny.end(), Ok(()));
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let (gate, collector) = waiting();
    let tiny = Tiny::start(&[], vec![collector], |daemon| daemon);
    let mut scrape = TcpStream::connect(tiny.addresses[0]).unwrap();
    scrape
        .write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    gate.entered.recv().unwrap();
    tiny.signal(Signal::Stop);
    tiny.signal(Signal::Stop);
    let failure = tiny.end().unwrap_err().to_string();
    assert_eq!(
        failure,
        "stopped by a second signal before all was finished"
    );
    let mut answer = Vec::new();
    scrape.set_read_timeout(Some(LONG)).unwrap();
    let _ = scrape.read_to_end(&mut answer);
    assert!(answer.is_empty(), "the collector has not come back");
}

#[test]
fn background_work_is_told_of_the_end_and_waited_for() {
    let is_done = Arc::new(AtomicBool::new(false));
    let done = Arc::clone(&is_done);
    let tiny = Tiny::start(&[], Vec::new(), |daemon| {
        daemon.background(move |mut shutdown| async move {
            shutdown.requested().await;
            tokio::task::yield_now().await;
            done.store(true, Ordering::SeqCst);
            Ok(())
        })
    });
    tiny.get("/-/healthy").expect_status(200);
    assert!(!is_done.load(Ordering::SeqCst));
    tiny.signal(Signal::Stop);
    assert_eq!(tiny.end(), Ok(()));
    assert!(is_done.load(Ordering::SeqCst));
}

#[test]
fn background_work_that_fails_ends_the_daemon_and_work_that_is_done_does_not() {
    let tiny = Tiny::start(&[], Vec::new(), |daemon| {
        daemon.background(|_| async { Err(Failure::start("the store is poisoned")) })
    });
    assert_eq!(tiny.end(), Err(Failure::start("the store is poisoned")));
    let tiny = Tiny::start(&[], Vec::new(), |daemon| {
        daemon.background(|_| async { Ok(()) })
    });
    tiny.get("/-/healthy").expect_status(200);
}
