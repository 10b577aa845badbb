//! One request for `/snmp`: resolve and check the target, walk its modules at the same time, render what was found. Each
//! module has its own socket; all share the target's limit of requests in flight.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use exposition::{Families, MetricType};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::config::{Config, Credentials, Module};
use crate::flags::Flags;
use crate::metrics::Stats;
use crate::query::Query;
use crate::render::{Table, render};
use crate::target::Unresolved;
use crate::walk::{self, Part, Session, Shared, Walked};

/// Why there are no metrics.
#[derive(Debug, thiserror::Error)]
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

/// A module and the credentials to ask for it with.
type Asked = (Arc<Module>, Arc<Credentials>);

/// Answers requests.
pub(crate) struct Scraper {
    flags: Flags,
    config: RwLock<Arc<Config>>,
    shared: Arc<Shared>,
    stats: Stats,
    turns: Semaphore,
}

impl Scraper {
    /// With what is loaded.
    pub(crate) fn new(flags: Flags, config: Config) -> Self {
        Self {
            turns: Semaphore::new(flags.targets),
            flags,
            config: RwLock::new(Arc::new(config)),
            shared: Arc::default(),
            stats: Stats::default(),
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
    pub(crate) fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Scrapes by `deadline`.
    pub(crate) async fn scrape(
        &self,
        query: &Query,
        deadline: Instant,
    ) -> Result<Families, ScrapeError> {
        let result = self.attempt(query, deadline).await;
        match &result {
            Ok(families) => Stats::add(&self.stats.dropped, families.problem_count()),
            Err(ScrapeError::Refused(_)) => Stats::add(&self.stats.refused, 1),
            Err(_) => Stats::add(&self.stats.request_errors, 1),
        }
        result
    }

    async fn attempt(&self, query: &Query, deadline: Instant) -> Result<Families, ScrapeError> {
        let start = Instant::now();
        let config = self.config();
        let asked = asked(&config, query)?;
        let _turn = self.turns.try_acquire().map_err(|_| {
            let limit = self.flags.targets;
            ScrapeError::Busy(format!(
                "limit of targets at the same time reached ({limit}), try again later"
            ))
        })?;
        let resolved = query.target.resolve(&self.flags.networks, deadline).await;
        let address = resolved.map_err(|unresolved| match unresolved {
            Unresolved::Refused(reason) => ScrapeError::Refused(reason),
            Unresolved::Unknown(reason) => ScrapeError::Failed(reason),
        })?;
        let walked = self.walk(query, address, asked, deadline).await;
        if let Some(reason) = failure(&walked) {
            return Err(ScrapeError::Failed(format!(
                "error walking target {}: {reason}",
                query.target
            )));
        }
        let wrap = self.flags.wrap_counters;
        // Many rows keep a thread busy for long; others are to be served meanwhile.
        let rendered = tokio::task::spawn_blocking(move || rendered(walked, wrap, start)).await;
        rendered.map_err(|_| ScrapeError::Failed("the rendering panicked".to_owned()))
    }

    /// Walks all modules; those that could not begin have the reason as their only part.
    async fn walk(
        &self,
        query: &Query,
        address: SocketAddr,
        asked: Vec<Asked>,
        deadline: Instant,
    ) -> Vec<(Arc<Module>, Walked)> {
        let in_flight = Arc::new(Semaphore::new(self.flags.in_flight));
        let mut tasks = JoinSet::new();
        for (at, (module, credentials)) in asked.into_iter().enumerate() {
            let shared = Arc::clone(&self.shared);
            let (in_flight, context) = (Arc::clone(&in_flight), query.context.clone());
            let tcp = query.target.tcp;
            tasks.spawn(async move {
                let bounds = (in_flight, deadline);
                let way = (address, tcp);
                let context = context.as_deref();
                let session =
                    Session::open(&shared, way, &credentials, context, module.params, bounds).await;
                let walked = match session {
                    Ok(session) => walk::walk(session, &module).await,
                    Err(reason) => Walked {
                        parts: vec![(Part::Get, Err(reason))],
                        ..Walked::default()
                    },
                };
                (at, module, walked)
            });
        }
        let mut done = BTreeMap::new();
        while let Some(joined) = tasks.join_next().await {
            if let Ok((at, module, walked)) = joined {
                self.count(query, &module, &walked);
                done.insert(at, (module, walked));
            }
        }
        done.into_values().collect()
    }

    fn count(&self, query: &Query, module: &Module, walked: &Walked) {
        Stats::add(&self.stats.packets, walked.packets);
        Stats::add(&self.stats.retries, walked.retried);
        let errors = || {
            walked
                .parts
                .iter()
                .filter_map(|(_, result)| result.as_ref().err())
        };
        if let Some(error) = errors().next() {
            let (target, module, failed) = (&query.target, &module.name, errors().count());
            Stats::add(&self.stats.failed_parts, failed as u64);
            tracing::info!(%target, %module, failed, %error, "parts of the walk failed");
        }
    }
}

/// The modules that the query names, each with its credentials.
fn asked(config: &Config, query: &Query) -> Result<Vec<Asked>, ScrapeError> {
    let mut asked = Vec::new();
    for name in &query.modules {
        let module = config.module(name);
        let module =
            module.ok_or_else(|| ScrapeError::Request(format!("Unknown module '{name}'")))?;
        let credentials = config.credentials(query.auth.as_deref(), name);
        let credentials = credentials.map_err(ScrapeError::Request)?;
        asked.push((Arc::clone(module), Arc::clone(credentials)));
    }
    Ok(asked)
}

/// Why there is nothing at all, if no module found a row and one of them failed.
fn failure(walked: &[(Arc<Module>, Walked)]) -> Option<&str> {
    if walked.iter().any(|(_, walked)| !walked.rows.is_empty()) {
        return None;
    }
    walked.iter().find_map(|(_, walked)| walked.failure())
}

fn rendered(walked: Vec<(Arc<Module>, Walked)>, wrap: bool, start: Instant) -> Families {
    let mut out = Families::new();
    for (module, walked) in walked {
        let count = walked.rows.len();
        let table = Table::new(walked.rows);
        render(&module, &table, wrap, &mut out);
        let labels = [("module", module.name.as_str())];
        let labels = if module.is_told { &labels[..] } else { &[] };
        for (name, help, value) in [
            (
                "snmp_scrape_walk_duration_seconds",
                "Time SNMP walk/bulkwalk took.",
                walked.duration.as_secs_f64(),
            ),
            (
                "snmp_scrape_packets_sent",
                "Packets sent for get, bulkget, and walk; including retries.",
                walked.packets as f64,
            ),
            (
                "snmp_scrape_packets_retried",
                "Packets retried for get, bulkget, and walk.",
                walked.retried as f64,
            ),
            (
                "snmp_scrape_pdus_returned",
                "PDUs returned from get, bulkget, and walk.",
                count as f64,
            ),
            (
                "snmp_scrape_duration_seconds",
                "Total SNMP time scrape took (walk and processing).",
                start.elapsed().as_secs_f64(),
            ),
        ] {
            out.family(name, help, MetricType::Gauge)
                .sample(labels, value);
        }
        parts(&walked.parts, labels, &mut out);
    }
    let dropped = out.problem_count() as f64;
    let help = "Samples left out because they were there already or not valid.";
    out.gauge("snmp_scrape_samples_dropped", help, dropped);
    out
}

fn parts(parts: &[(Part, Result<(), String>)], labels: &[(&str, &str)], out: &mut Families) {
    let help = "Whether a subtree, or all that is got by instance (get), was found whole.";
    let mut family = out.family("snmp_scrape_subtree_success", help, MetricType::Gauge);
    for (part, result) in parts {
        let name = match part {
            Part::Get => "get",
            Part::Subtree(oid) => oid,
        };
        let labels: Vec<_> = labels.iter().copied().chain([("subtree", name)]).collect();
        family.sample(&labels, f64::from(u8::from(result.is_ok())));
    }
}
