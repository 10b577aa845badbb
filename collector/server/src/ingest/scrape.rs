//! The scrape loop: a task per target that fetches, parses, maps and stores at its own phase of the interval, and
//! one that keeps the list of targets as the configuration and the file_sd files say. The store's answer is waited
//! for, so a slow store slows the scrapes and nothing piles up: what was left out meanwhile is counted.

use std::collections::{BTreeMap, HashMap, hash_map::DefaultHasher};
use std::hash::{Hash as _, Hasher as _};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use collector_model::Timestamp;
use exposition::{Event, Format};
use reqwest::Client;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tracing::{info, warn};

use super::config::ScrapeConfig;
use super::fetch;
use super::mapping::{Mapping, Rates, Sample, Samples};
use super::state::{ScrapeState, Scraped};
use super::store::Sink;
use super::targets::{self, Target, Targets};
use crate::measures::Measures;

/// How often file_sd files are read again.
const DISCOVERY_INTERVAL: Duration = Duration::from_secs(5);
/// Scrapes whose text is in memory at once; with `body_size_limit` this bounds the memory that scrapes take.
const SCRAPES_AT_ONCE: usize = 32;
/// Targets start this far apart, up to one interval, so that 5,000 of them do not answer in one moment.
const STAGGER: Duration = Duration::from_millis(20);

/// Everything that the scrape tasks share.
pub(crate) struct Scraper {
    pub(crate) config: ScrapeConfig,
    pub(crate) mapping: Mapping,
    pub(crate) state: Arc<ScrapeState>,
    pub(crate) sink: Sink,
    pub(crate) client: Client,
    /// Name of this machine, for targets on the loopback.
    pub(crate) own_name: String,
    slots: Semaphore,
}

impl Scraper {
    /// Puts the parts together; the HTTP client is the only one that can fail.
    pub(crate) fn new(
        config: ScrapeConfig,
        mapping: Mapping,
        state: Arc<ScrapeState>,
        measures: Arc<Measures>,
        own_name: String,
    ) -> Result<Self, reqwest::Error> {
        Ok(Self {
            sink: Sink::new(measures, config.creator.clone()),
            config,
            mapping,
            state,
            client: fetch::client()?,
            own_name,
            slots: Semaphore::new(SCRAPES_AT_ONCE),
        })
    }

    /// Keeps a task per target until it is dropped or aborted; the tasks end with it.
    pub(crate) async fn run(self: Arc<Self>) {
        let mut tasks = Tasks::default();
        let mut files = BTreeMap::new();
        let mut last_problems = Vec::new();
        let mut timer = tokio::time::interval(DISCOVERY_INTERVAL);
        loop {
            timer.tick().await;
            let this = Arc::clone(&self);
            let discovery = tokio::task::spawn_blocking(move || {
                let found = targets::discover(&this.config, &this.own_name, &mut files);
                (found, files)
            });
            let ((targets, problems), read) = match discovery.await {
                Ok(found) => found,
                Err(error) => {
                    warn!(%error, "target discovery failed");
                    return;
                }
            };
            files = read;
            if problems != last_problems {
                for problem in &problems {
                    warn!(error = %problem, "targets not read");
                }
                last_problems = problems;
            }
            self.state.keep(&targets);
            tasks.keep(&targets, |target, count| {
                let this = Arc::clone(&self);
                let target = target.clone();
                tokio::spawn(async move { this.watch(target, count).await })
            });
        }
    }

    async fn watch(&self, target: Target, targets: usize) {
        let spread = STAGGER
            .saturating_mul(u32::try_from(targets).unwrap_or(u32::MAX))
            .min(self.config.interval);
        let mut hasher = DefaultHasher::new();
        target.url.hash(&mut hasher);
        let share = (hasher.finish() % 1000) as f64 / 1000.0;
        tokio::time::sleep(spread.mul_f64(share)).await;
        let mut timer = tokio::time::interval(self.config.interval);
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut rates = Rates::default();
        loop {
            timer.tick().await;
            let start = Instant::now();
            let mut scrape = pin!(self.scrape(&target, &mut rates));
            let result = loop {
                tokio::select! {
                    biased;
                    result = &mut scrape => break result,
                    _ = timer.tick() => self.state.skipped(),
                }
            };
            if self.state.note(&target.url, start.elapsed(), &result) {
                match &result {
                    Ok(scraped) => {
                        info!(target = %target.url, samples = scraped.samples, "target is up");
                    }
                    Err(error) => warn!(target = %target.url, %error, "target is down"),
                }
            }
        }
    }

    async fn scrape(&self, target: &Target, rates: &mut Rates) -> Result<Scraped, String> {
        let _slot = self
            .slots
            .acquire()
            .await
            .map_err(|error| error.to_string())?;
        let (now, moment) = (Timestamp::from(SystemTime::now()), Instant::now());
        let (text, format) = fetch::fetch(
            &self.client,
            &target.url,
            self.config.timeout,
            self.config.body_size_limit,
        )
        .await?;
        let (mut samples, count) =
            collect_samples(&text, format, |series| self.mapping.wants(series))?;
        if count > self.config.sample_limit {
            return Err(format!(
                "{count} samples are more than sample_limit, {}",
                self.config.sample_limit
            ));
        }
        rates.note(&self.mapping, &mut samples, moment);
        let resources = self.mapping.apply(&samples, &target.labels);
        let measures = self.sink.store(&resources, now).await?;
        Ok(Scraped {
            samples: count,
            measures,
        })
    }
}

/// The wanted samples of a scrape by series, and how many samples there were in all. NaN and infinite values are
/// no measures and are left out.
pub(crate) fn collect_samples<'a>(
    text: &'a str,
    format: Format,
    wanted: impl Fn(&str) -> bool,
) -> Result<(Samples<'a>, usize), String> {
    let mut samples: Samples<'a> = HashMap::new();
    let mut count = 0;
    for event in exposition::Parser::new(text, format) {
        let Event::Sample(sample) = event.map_err(|error| error.to_string())? else {
            continue;
        };
        count += 1;
        if wanted(sample.name) && sample.value.is_finite() {
            samples.entry(sample.name).or_default().push(Sample {
                labels: sample.labels.collect(),
                value: sample.value,
                rate: None,
            });
        }
    }
    Ok((samples, count))
}

/// The running tasks by URL; dropped tasks are aborted.
#[derive(Default)]
struct Tasks(HashMap<String, (Target, JoinHandle<()>)>);

impl Tasks {
    fn keep(&mut self, targets: &Targets, start: impl Fn(&Target, usize) -> JoinHandle<()>) {
        self.0.retain(|url, (target, task)| {
            let stays = targets.get(url) == Some(target);
            if !stays {
                task.abort();
            }
            stays
        });
        for (url, target) in targets {
            self.0
                .entry(url.clone())
                .or_insert_with(|| (target.clone(), start(target, targets.len())));
        }
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        for (_, task) in self.0.values() {
            task.abort();
        }
    }
}
