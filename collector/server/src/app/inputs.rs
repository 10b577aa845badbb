//! What takes measures by itself: the scraper and the listener to the broker. A reload replaces both; the end of the
//! program stops them.

use std::sync::{Arc, Mutex, PoisonError};

use runtime::{Failure, Shutdown};
use tokio::task::JoinHandle;

use super::App;
use crate::ingest::amqp::{AmqpConfig, Listener};
use crate::ingest::{JobConfig, Mapping, ScrapeConfig, Scraper};

/// The inputs as they run.
pub(super) struct Inputs {
    app: Arc<App>,
    runtime: tokio::runtime::Handle,
    scraper: Background,
    listener: Background,
}

/// Inputs that have been made and do not run yet.
pub(super) struct Prepared {
    scraper: Arc<Scraper>,
    listener: Listener,
}

impl Inputs {
    /// None yet. Called in the runtime that they run in later.
    pub(super) fn new(app: &Arc<App>) -> Self {
        Self {
            app: Arc::clone(app),
            runtime: tokio::runtime::Handle::current(),
            scraper: Background::default(),
            listener: Background::default(),
        }
    }

    /// Makes inputs without starting them.
    ///
    /// # Errors
    /// Where the scraper's HTTP client cannot be made.
    pub(super) fn prepare(
        &self,
        scrape: &ScrapeConfig,
        jobs: &[JobConfig],
        mapping: Mapping,
        amqp: AmqpConfig,
    ) -> Result<Prepared, Failure> {
        let (state, measures) = (
            Arc::clone(&self.app.scrapes),
            Arc::clone(&self.app.measures),
        );
        let scraper = Scraper::new(scrape, jobs, mapping, state, measures, own_name());
        Ok(Prepared {
            scraper: scraper.map(Arc::new).map_err(Failure::start)?,
            listener: Listener::new(Arc::clone(&self.app), amqp),
        })
    }

    /// Ends the inputs before and starts these.
    pub(super) fn replace(&self, prepared: Prepared) {
        self.scraper
            .replace(self.runtime.spawn(prepared.scraper.run()));
        self.listener
            .replace(self.runtime.spawn(prepared.listener.run()));
    }

    /// Runs inputs, and what replaces them, until the program ends.
    pub(super) async fn run(
        self: Arc<Self>,
        prepared: Prepared,
        mut shutdown: Shutdown,
    ) -> Result<(), Failure> {
        self.replace(prepared);
        shutdown.requested().await;
        self.scraper.stop();
        self.listener.stop();
        Ok(())
    }
}

/// A task of which one runs at a time.
#[derive(Default)]
struct Background(Mutex<Option<JoinHandle<()>>>);

impl Background {
    fn replace(&self, task: JoinHandle<()>) {
        self.end(Some(task));
    }

    fn stop(&self) {
        self.end(None);
    }

    fn end(&self, next: Option<JoinHandle<()>>) {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = std::mem::replace(&mut *running, next) {
            before.abort();
        }
    }
}

/// The name of this machine, for targets on its loopback.
fn own_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => "localhost".to_owned(),
        name => name.to_owned(),
    }
}
