//! Targets that are polled without being asked for: a task for each, the last good result of each, and the collector that
//! exports them with their age on the agent's own telemetry path.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, Failure, NamedCollector, Scrape, Shutdown};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval_at};

use crate::config::Poll;
use crate::query::Query;
use crate::scrape::{ScrapeError, Scraper};

/// The first polls are spread over this time, if the interval is not shorter.
const SPREAD: Duration = Duration::from_secs(10);

/// How long a poll waits for a turn before it asks again for one.
const BUSY: Duration = Duration::from_millis(200);

/// What is known of a target.
#[derive(Debug, Clone)]
struct State {
    poll: Poll,
    /// The last good result, and when its poll began.
    good: Option<(Instant, Arc<Families>)>,
    /// Whether the last poll was good.
    is_good: bool,
    /// How long the last poll took; `None` before the first.
    took: Option<Duration>,
}

/// Polls the targets of the configuration.
pub(crate) struct Poller {
    scraper: Arc<Scraper>,
    states: Mutex<HashMap<Query, State>>,
    reloaded: Notify,
}

impl Poller {
    /// For the targets of the scraper's configuration.
    pub(crate) fn new(scraper: Arc<Scraper>) -> Arc<Self> {
        let poller = Self {
            scraper,
            states: Mutex::default(),
            reloaded: Notify::new(),
        };
        poller.take_over();
        Arc::new(poller)
    }

    /// Takes over the targets of a configuration that was loaded anew.
    pub(crate) fn reload(&self) {
        self.take_over();
        self.reloaded.notify_one();
    }

    /// What the telemetry path has to show of the targets: nothing if there are none.
    pub(crate) fn collectors(self: &Arc<Self>) -> Vec<NamedCollector> {
        if self.lock().is_empty() {
            return Vec::new();
        }
        vec![("poll", Box::new(Export(Arc::clone(self))))]
    }

    /// Keeps what is known of targets that stay.
    fn take_over(&self) {
        let config = self.scraper.config();
        let mut states = self.lock();
        let mut before = std::mem::take(&mut *states);
        for poll in config.polls() {
            let known = before.remove(&poll.query);
            // Labels are part of what was found.
            let known = known.filter(|state| state.poll.labels == poll.labels);
            let state = match known {
                Some(state) => State {
                    poll: poll.clone(),
                    ..state
                },
                None => State {
                    poll: poll.clone(),
                    good: None,
                    is_good: false,
                    took: None,
                },
            };
            states.insert(poll.query.clone(), state);
        }
    }

    /// Polls until `shutdown`.
    pub(crate) async fn run(self: Arc<Self>, mut shutdown: Shutdown) -> Result<(), Failure> {
        loop {
            let mut tasks = JoinSet::new();
            let polls: Vec<Poll> = self
                .lock()
                .values()
                .map(|state| state.poll.clone())
                .collect();
            for poll in polls {
                tasks.spawn(Arc::clone(&self).repeat(poll));
            }
            tokio::select! {
                () = self.reloaded.notified() => {}
                () = shutdown.requested() => return Ok(()),
            }
        }
    }

    async fn repeat(self: Arc<Self>, poll: Poll) {
        let first = tokio::time::Instant::now() + delay(&poll);
        let mut ticks = interval_at(first, poll.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.poll(&poll).await;
        }
    }

    async fn poll(&self, poll: &Poll) {
        let start = Instant::now();
        let deadline = start + poll.timeout;
        let result = loop {
            let result = Box::pin(self.scraper.scrape(&poll.query, deadline)).await;
            match result {
                Err(ScrapeError::Busy(_)) if Instant::now() + BUSY < deadline => {
                    tokio::time::sleep(BUSY).await;
                }
                result => break result,
            }
        };
        let labels = poll.labels.clone();
        let labelled = match result {
            Ok(families) => tokio::task::spawn_blocking(move || labelled(&families, &labels))
                .await
                .map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let mut states = self.lock();
        // A reload may have taken the target away.
        let Some(state) = states.get_mut(&poll.query) else {
            return;
        };
        let target = &poll.query.target;
        match &labelled {
            Err(error) if state.is_good || state.took.is_none() => {
                tracing::warn!(%target, %error, "poll failed");
            }
            Ok(_) if !state.is_good && state.took.is_some() => {
                tracing::info!(%target, "poll succeeded again");
            }
            _ => {}
        }
        state.took = Some(start.elapsed());
        state.is_good = labelled.is_ok();
        if let Ok(families) = labelled {
            state.good = Some((start, Arc::new(families)));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Query, State>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When a target is polled first: always the same, and different from others'.
fn delay(poll: &Poll) -> Duration {
    let mut hasher = DefaultHasher::new();
    poll.query.hash(&mut hasher);
    let part = f64::from(hasher.finish() as u32) / f64::from(u32::MAX);
    SPREAD.min(poll.interval).mul_f64(part)
}

/// All of `families` with `labels` before their own; an own label of the same name gives way.
fn labelled(families: &Families, labels: &[(String, String)]) -> Families {
    let mut out = Families::new();
    for family in families.iter() {
        let mut writer = out.family(family.name(), family.help(), family.kind());
        for sample in family.samples() {
            let own: Vec<_> = sample.labels().collect();
            let given = labels
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()));
            let own = own.iter().map(|(name, value)| (*name, value.as_ref()));
            let own = own.filter(|(name, _)| !labels.iter().any(|(given, _)| given == name));
            let all: Vec<(&str, &str)> = given.chain(own).collect();
            writer.suffixed(sample.suffix, &all, sample.value);
        }
    }
    out
}

/// Exports what was polled.
struct Export(Arc<Poller>);

impl Collector for Export {
    fn update(&mut self, _: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let mut states: Vec<State> = self.0.lock().values().cloned().collect();
        states.sort_by(|a, b| a.poll.labels.cmp(&b.poll.labels));
        for state in &states {
            if let Some((at, families)) = &state.good
                && at.elapsed() <= state.poll.max_age
            {
                out.append(families);
            }
        }
        for state in states.iter().filter(|state| state.took.is_some()) {
            about(state, out);
        }
        Ok(())
    }
}

fn about(state: &State, out: &mut Families) {
    let modules = state.poll.query.modules.join(",");
    let labels = state.poll.labels.iter();
    let labels = labels.map(|(name, value)| (name.as_str(), value.as_str()));
    let labels: Vec<_> = labels.chain([("module", modules.as_str())]).collect();
    let age = state.good.as_ref().map(|(at, _)| at.elapsed());
    for (name, help, value) in [
        (
            "snmp_poll_success",
            "Whether the target gave anything when it was polled last.",
            Some(f64::from(u8::from(state.is_good))),
        ),
        (
            "snmp_poll_age_seconds",
            "Age of the target's series: time since the poll that found them began.",
            age.map(|age| age.as_secs_f64()),
        ),
        (
            "snmp_poll_duration_seconds",
            "How long the last poll took.",
            state.took.map(|took| took.as_secs_f64()),
        ),
        (
            "snmp_poll_interval_seconds",
            "How often the target is polled.",
            Some(state.poll.interval.as_secs_f64()),
        ),
    ] {
        if let Some(value) = value {
            out.family(name, help, MetricType::Gauge)
                .sample(&labels, value);
        }
    }
}
