//! One scrape of a target: resolve and check it, walk its modules at the same time, render what was found. Scrapes of the
//! same that arrive together are one; all scrapes of a target share its limit of requests in flight. How the result looks
//! is in `report`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use exposition::Families;
use tokio::sync::{OnceCell, Semaphore};
use tokio::task::JoinSet;
use tokio::time::timeout_at;

use crate::allowed::Allowed;
use crate::config::Config;
use crate::flags::Flags;
use crate::metrics::Stats;
use crate::pool::Pool;
use crate::query::Query;
use crate::report::{Report, report};
use crate::target::Unresolved;
use crate::walk::{Asked, Limits, Peer, Shared, Walk};

/// Why there are no metrics.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum ScrapeError {
    /// The request is wrong.
    #[error("{0}")]
    Request(String),
    /// The target may not be asked.
    #[error("{0}")]
    Refused(String),
    /// Too much is going on.
    #[error("{0}")]
    Busy(String),
    /// The target gave nothing.
    #[error("{0}")]
    Failed(String),
}

/// What a scrape comes to.
type Scraped = Result<Arc<Families>, ScrapeError>;

/// Answers requests.
pub(crate) struct Scraper {
    flags: Flags,
    config: RwLock<Arc<Config>>,
    shared: Arc<Shared>,
    stats: Stats,
    /// Targets at a time.
    turns: Semaphore,
    /// Rendering keeps a processor busy, so that more at a time only take memory.
    rendering: Semaphore,
    /// Scrapes that go on.
    going: Pool<Query, Going>,
    in_flight: Pool<SocketAddr, Semaphore>,
}

/// A scrape that goes on.
struct Going {
    deadline: Instant,
    result: OnceCell<Scraped>,
}

/// Who has so much more time than the scrape that goes on begins one of his own.
const SAME_DEADLINE: Duration = Duration::from_millis(500);

impl Scraper {
    /// With what is loaded.
    pub(crate) fn new(flags: Flags, config: Config) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            turns: Semaphore::new(flags.targets),
            rendering: Semaphore::new(processors),
            shared: Arc::new(Shared::new(flags.source, flags.is_traced)),
            flags,
            config: RwLock::new(Arc::new(config)),
            stats: Stats::default(),
            going: Pool::new(),
            in_flight: Pool::new(),
        }
    }

    /// What is loaded.
    pub(crate) fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes over what was loaded anew; scrapes that have begun go on with the old.
    pub(crate) fn replace(&self, config: Config) {
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
    }

    /// Counts over the agent's life.
    pub(crate) fn collect(&self, out: &mut Families) {
        self.stats.collect(&self.shared, out);
    }

    /// Scrapes by `deadline`; one that goes on already is waited for.
    pub(crate) async fn scrape(&self, query: &Query, deadline: Instant) -> Scraped {
        let ends_late_enough = |going: &Going| going.deadline + SAME_DEADLINE >= deadline;
        let going = self.going.get(query.clone(), ends_late_enough, || Going {
            deadline,
            result: OnceCell::new(),
        });
        let result = going.result.get_or_init(|| self.attempt(query, deadline));
        let late =
            || ScrapeError::Failed(format!("no time left to scrape target {}", query.target));
        // The one that began it keeps to its own deadline by itself, and then has what was found by then.
        let patience = deadline + PATIENCE;
        let result = timeout_at(patience.into(), result).await;
        let result = result.map_or_else(|_| Err(late()), Clone::clone);
        match &result {
            Ok(_) => {}
            Err(ScrapeError::Refused(_)) => Stats::add(&self.stats.refused, 1),
            Err(_) => Stats::add(&self.stats.request_errors, 1),
        }
        result
    }

    async fn attempt(&self, query: &Query, deadline: Instant) -> Scraped {
        let start = Instant::now();
        let config = self.config();
        let asked = asked(&config, query)?;
        let _turn = self.turns.try_acquire().map_err(|_| {
            let limit = self.flags.targets;
            ScrapeError::Busy(format!(
                "limit of targets at the same time reached ({limit}), try again later"
            ))
        })?;
        let _counted = InFlight::new(&self.stats);
        let allowed = Allowed {
            networks: &self.flags.networks,
            ports: &self.flags.ports,
            named: config.names(&query.target),
        };
        let resolved = query.target.resolve(&allowed, deadline).await;
        let address = resolved.map_err(|unresolved| match unresolved {
            Unresolved::Refused(reason) => ScrapeError::Refused(reason),
            Unresolved::Unknown(reason) => ScrapeError::Failed(reason),
        })?;
        let walks = self.walk(query, address, asked, deadline).await;
        if let Some(reason) = failure(&walks) {
            return Err(ScrapeError::Failed(format!(
                "error walking target {}: {reason}",
                query.target
            )));
        }
        let families = self.render(walks, start).await?;
        Stats::add(&self.stats.dropped, families.problem_count());
        Ok(Arc::new(families))
    }

    /// Walks all modules; those that could not begin have the reason as their only part.
    async fn walk(
        &self,
        query: &Query,
        address: SocketAddr,
        asked: Vec<Asked>,
        deadline: Instant,
    ) -> Vec<Walk> {
        let limits = Limits {
            in_flight: self.in_flight.get(
                address,
                |_| true,
                || Semaphore::new(self.flags.in_flight),
            ),
            deadline,
            lookup_interval: self.flags.lookup_interval,
        };
        let at_a_time = Arc::new(Semaphore::new(self.flags.modules));
        let mut tasks = JoinSet::new();
        for (at, mut asked) in asked.into_iter().enumerate() {
            asked.peer.address = address;
            let (shared, limits) = (Arc::clone(&self.shared), limits.clone());
            let at_a_time = Arc::clone(&at_a_time);
            tasks.spawn(async move {
                let _turn = at_a_time.acquire().await;
                (at, Walk::run(&shared, asked, limits).await)
            });
        }
        let mut done = BTreeMap::new();
        while let Some(joined) = tasks.join_next().await {
            if let Ok((at, walk)) = joined {
                self.count(query, &walk);
                done.insert(at, walk);
            }
        }
        done.into_values().collect()
    }

    fn count(&self, query: &Query, walk: &Walk) {
        let (packets, retried) = walk.counts();
        Stats::add(&self.stats.packets, packets);
        Stats::add(&self.stats.retries, retried);
        let errors = || {
            walk.parts
                .iter()
                .filter_map(|(_, result)| result.as_ref().err())
        };
        if let Some(error) = errors().next() {
            let (target, module) = (&query.target, &walk.asked.module.name);
            let failed = errors().count();
            Stats::add(&self.stats.failed_parts, failed as u64);
            tracing::info!(%target, %module, failed, %error, "parts of the walk failed");
        }
    }

    /// Renders what was found. Where remembered lookup columns lack something new, they are walked after all.
    async fn render(&self, mut walks: Vec<Walk>, start: Instant) -> Result<Families, ScrapeError> {
        let wrap = self.flags.wrap_counters;
        loop {
            // The semaphore is never closed.
            let turn = self.rendering.acquire().await;
            // Many rows keep a thread busy for long; others are to be served meanwhile.
            let rendered = tokio::task::spawn_blocking(move || report(walks, wrap, start)).await;
            drop(turn);
            let Ok(Report {
                families,
                walks: mut told,
                missing,
            }) = rendered
            else {
                return Err(ScrapeError::Failed("the rendering panicked".to_owned()));
            };
            let mut outdated: Vec<&mut Walk> = told
                .iter_mut()
                .zip(&missing)
                .filter_map(|(walk, missing)| walk.is_outdated(missing).then_some(walk))
                .collect();
            if outdated.is_empty() {
                for (walk, missing) in told.into_iter().zip(missing) {
                    let is_remembered = u64::from(walk.has_remembered());
                    Stats::add(&self.stats.lookups_remembered, is_remembered);
                    walk.keep(&self.shared, missing);
                }
                return Ok(families);
            }
            for walk in &mut outdated {
                let (packets, retried) = walk.counts();
                walk.refresh().await;
                let (all_packets, all_retried) = walk.counts();
                Stats::add(&self.stats.packets, all_packets - packets);
                Stats::add(&self.stats.retries, all_retried - retried);
            }
            walks = told;
        }
    }
}

/// How much longer than its deadline a scrape may take to render what it has found.
const PATIENCE: Duration = Duration::from_secs(60);

/// Counts a scrape that goes on, until it is dropped.
struct InFlight<'s>(&'s Stats);

impl<'s> InFlight<'s> {
    fn new(stats: &'s Stats) -> Self {
        Stats::add(&stats.in_flight, 1);
        Self(stats)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The modules that the query names, each with its credentials; the address is not known yet.
fn asked(config: &Config, query: &Query) -> Result<Vec<Asked>, ScrapeError> {
    let peer = Peer {
        address: SocketAddr::from(([0, 0, 0, 0], 0)),
        tcp: query.target.tcp,
        context: query.context.clone(),
        engine: query.engine.clone(),
    };
    let mut asked = Vec::new();
    for name in &query.modules {
        let module = config.module(name);
        let module =
            module.ok_or_else(|| ScrapeError::Request(format!("Unknown module '{name}'")))?;
        let credentials = config.credentials(query.auth.as_deref(), name);
        let credentials = credentials.map_err(ScrapeError::Request)?;
        asked.push(Asked {
            peer: peer.clone(),
            module: Arc::clone(module),
            credentials: Arc::clone(credentials),
        });
    }
    Ok(asked)
}

/// Why there is nothing at all, if no module found a row and one of them failed.
fn failure(walks: &[Walk]) -> Option<&str> {
    if walks.iter().any(|walk| !walk.rows.is_empty()) {
        return None;
    }
    walks.iter().find_map(Walk::failure)
}
