//! A daemon at work: served until it is told to stop, then drained. Putting one together is `daemon`, connections are
//! `http`; the order of things and the time limits are here.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::daemon::{Background, Daemon};
use crate::failure::Failure;
use crate::http::{Gate, Landing, Phase, Reloader, Routes, Server, Site, connections};
use crate::scrape::Scraper;
use crate::signal::{Shutdown, Signal, Signals};

/// How long requests and background work may go on after the first signal to stop.
const DRAIN_TIME: Duration = Duration::from_secs(10);

/// A daemon whose listeners are bound.
pub struct Bound {
    pub(crate) daemon: Daemon,
    pub(crate) listeners: Vec<TcpListener>,
    pub(crate) addresses: Vec<SocketAddr>,
}

impl Bound {
    /// The addresses that are listened on, with their real ports.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Serves until `signals` end it.
    ///
    /// # Errors
    /// When the background work failed or a second signal cut it short.
    pub async fn serve(self, mut signals: Signals) -> Result<(), Failure> {
        let Self {
            mut daemon,
            listeners,
            addresses,
        } = self;
        let background = daemon.background.take();
        let (tls, version) = (daemon.web.current().tls.is_some(), daemon.program.version);
        let (phase, running) = watch::channel(Phase::Running);
        let (end, shutdown) = Shutdown::new();
        let most = connections(daemon.connections);
        let (site, reloader) = build(daemon)?;
        let server = Server::new(site, running, most);
        for (listener, address) in listeners.into_iter().zip(addresses) {
            server.listen(listener);
            tracing::info!(%address, tls, version, "listening");
        }
        let mut background = spawn(background, &shutdown);

        let failed = loop {
            tokio::select! {
                signal = signals.next() => match signal {
                    Signal::Stop => break None,
                    Signal::Reload => {
                        let reloader = Arc::clone(&reloader);
                        tokio::spawn(async move { reloader.reload().await });
                    }
                },
                failure = failure_of(&mut background) => break Some(failure),
            }
        };

        tracing::info!("stopping");
        phase.send_replace(Phase::Draining);
        end.send_replace(true);
        let finish = async {
            server.drained().await;
            match background {
                Some(background) => ended(background.await),
                None => Ok(()),
            }
        };
        let result = tokio::select! {
            finished = timeout(DRAIN_TIME, finish) => finished.unwrap_or_else(|_| {
                tracing::warn!(seconds = DRAIN_TIME.as_secs(), "what was not finished in time is cut off");
                Ok(())
            }),
            () = signals.stop_again() => Err(Failure::start("stopped by a second signal before all was finished")),
        };
        phase.send_replace(Phase::Cutting);
        failed.map_or(result, Err)
    }
}

/// Everything that is served, and what reloads it.
fn build(daemon: Daemon) -> Result<(Site, Arc<Reloader>), Failure> {
    let Daemon {
        program,
        args,
        web,
        registry,
        ..
    } = daemon;
    let reloader = Arc::new(Reloader {
        hook: daemon.reload,
        web: Arc::clone(&web),
        turn: Mutex::new(()),
    });
    let landing = Landing {
        program,
        telemetry_path: args.telemetry_path.clone(),
        links: daemon.links,
        exports: daemon.exports,
    };
    let routes = Routes {
        name: program.name,
        landing: daemon.has_landing.then_some(landing),
        registry: registry.clone(),
        ready: daemon.ready,
        reloader: Arc::clone(&reloader),
    };
    let tells = !args.disable_exporter_metrics;
    let scraper = Scraper::new(program, registry, daemon.own, tells, args.max_requests);
    let router = routes.router((&args.telemetry_path, scraper.route()), daemon.router);
    let gate =
        Gate::new().map_err(|_| Failure::start("cannot get random numbers from the system"))?;
    let body_limit = daemon.body_limit;
    Ok((
        Site {
            router,
            web,
            gate,
            body_limit,
        },
        reloader,
    ))
}

fn spawn(
    background: Option<Background>,
    shutdown: &Shutdown,
) -> Option<JoinHandle<Result<(), Failure>>> {
    background.map(|begin| tokio::spawn(begin(shutdown.clone())))
}

/// Waits for the failure of the background work, for ever if it ends well.
async fn failure_of(background: &mut Option<JoinHandle<Result<(), Failure>>>) -> Failure {
    if let Some(handle) = background {
        let result = handle.await;
        *background = None;
        if let Err(failure) = ended(result) {
            return failure;
        }
    }
    std::future::pending().await
}

fn ended(result: Result<Result<(), Failure>, tokio::task::JoinError>) -> Result<(), Failure> {
    result.unwrap_or_else(|error| {
        Err(Failure::start(format_args!(
            "the background work ended: {error}"
        )))
    })
}
