//! A daemon of the library in the test's own process, with collectors that obey the test.
#![allow(dead_code, reason = "each test file uses its part of this")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use exposition::Families;
use runtime::{
    CollectError, Collector, Daemon, Failure, NamedCollector, Program, Registry, Scrape, Signal,
    Signals,
};
use testkit::http::{self, Response};

pub(crate) const PROGRAM: Program = Program {
    name: "tiny",
    about: "A tiny exporter",
    version: "1.2.3",
    default_listen: "127.0.0.1:0",
    build_info: &["tiny"],
};

/// Longer than anything takes in a test that passes.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// A daemon that serves until it is dropped.
pub(crate) struct Tiny {
    pub(crate) addresses: Vec<SocketAddr>,
    signals: tokio::sync::mpsc::Sender<Signal>,
    thread: Option<JoinHandle<Result<(), Failure>>>,
}

impl Tiny {
    /// Starts a daemon of these flags and collectors; `put_together` adds what else it has.
    pub(crate) fn start(
        flags: &[&str],
        collectors: Vec<NamedCollector>,
        put_together: impl FnOnce(Daemon) -> Daemon + Send + 'static,
    ) -> Self {
        let args = PROGRAM
            .parse(PROGRAM.command(), [&["tiny"], flags].concat())
            .unwrap();
        let registry = Registry::new("tiny", collectors);
        let (sender, signals) = Signals::manual();
        let (tell, told) = sync_channel(1);
        let thread = std::thread::spawn(move || {
            runtime::block_on(0, async {
                let daemon = put_together(Daemon::new(&PROGRAM, &args)?.registry(&registry));
                let bound = daemon.bind()?;
                tell.send(bound.addresses().to_vec()).unwrap();
                bound.serve(signals).await
            })?
        });
        let addresses = told.recv_timeout(LONG).unwrap();
        Self {
            addresses,
            signals: sender,
            thread: Some(thread),
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addresses[0])
    }

    pub(crate) fn get(&self, path: &str) -> Response {
        http::get(&self.url(path))
    }

    /// The scrape's text.
    pub(crate) fn metrics(&self) -> String {
        self.get("/metrics").expect_status(200).text()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.signals.blocking_send(signal).unwrap();
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Result<(), Failure> {
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Tiny {
    fn drop(&mut self) {
        let _ = self.signals.try_send(Signal::Stop);
        let _ = self.signals.try_send(Signal::Stop);
    }
}

/// A collector that gives a gauge without labels.
pub(crate) struct Gauge(pub(crate) &'static str);

impl Collector for Gauge {
    fn update(&mut self, _: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        out.gauge(self.0, "A gauge.", 1.0);
        Ok(())
    }
}

pub(crate) fn gauge(name: &'static str) -> NamedCollector {
    (name, Box::new(Gauge(name)))
}

/// The test's side of a collector that waits.
pub(crate) struct Gate {
    pub(crate) entered: Receiver<()>,
    pub(crate) go_on: SyncSender<()>,
    pub(crate) updates: Arc<AtomicUsize>,
}

struct Waiting {
    entered: SyncSender<()>,
    go_on: Receiver<()>,
    updates: Arc<AtomicUsize>,
}

impl Collector for Waiting {
    fn update(&mut self, _: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        self.updates.fetch_add(1, Ordering::SeqCst);
        let _ = self.entered.send(());
        let _ = self.go_on.recv();
        out.gauge("waited", "It waited.", 1.0);
        Ok(())
    }
}

/// A collector called `waiting` that waits for the test.
pub(crate) fn waiting() -> (Gate, NamedCollector) {
    let (entered, was_entered) = sync_channel(8);
    let (let_go, go_on) = sync_channel(8);
    let updates = Arc::new(AtomicUsize::new(0));
    let collector = Waiting {
        entered,
        go_on,
        updates: Arc::clone(&updates),
    };
    (
        Gate {
            entered: was_entered,
            go_on: let_go,
            updates,
        },
        ("waiting", Box::new(collector)),
    )
}

/// The value of a series in a scrape.
pub(crate) fn value(text: &str, series: &str) -> f64 {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in {text}"))
        .parse()
        .unwrap()
}

/// Waits until it is so.
pub(crate) fn until(mut reached: impl FnMut() -> bool) {
    let end = Instant::now() + LONG;
    while !reached() {
        assert!(Instant::now() < end, "it does not come to that");
        std::thread::sleep(Duration::from_millis(10));
    }
}
