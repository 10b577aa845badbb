//! The scrape loop: a task per target that fetches, parses, maps and stores at its own phase of the interval, and
//! one that keeps the list of targets as the configuration and the service discoveries say. The store's answer is waited
//! for, so a slow store slows the scrapes and nothing piles up: what was left out meanwhile is counted.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use collector_model::Timestamp;
use tokio::sync::Semaphore;
use tracing::{info, warn};

use super::config::ScrapeConfig;
use super::job::{Job, JobConfig, jobs};
use super::mapping::{Mapping, Rates, Samples};
use super::samples::{Treatment, report};
use super::state::{ScrapeState, Scraped};
use super::store::Sink;
use super::targets::{self, Target, TargetKey, Targets};
use super::tasks::Tasks;
use super::{discovery, fetch};
use crate::measures::Measures;

/// Shortest time between two changes of the list of targets.
const CHANGE_INTERVAL: Duration = Duration::from_millis(500);
/// Scrapes whose text is in memory at once; with `body_size_limit` this bounds the memory that scrapes take.
const SCRAPES_AT_ONCE: usize = 32;
/// Targets start this far apart, up to one interval, so that 5,000 of them do not answer in one moment.
const STAGGER: Duration = Duration::from_millis(20);

/// The series that tell of a scrape itself, as Prometheus names them.
const REPORT: [&str; 4] = [
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
];

/// Everything that the scrape tasks share.
pub(crate) struct Scraper {
    jobs: Vec<Arc<Job>>,
    mapping: Mapping,
    state: Arc<ScrapeState>,
    sink: Sink,
    /// Name of this machine, for targets on the loopback.
    own_name: String,
    slots: Semaphore,
}

impl Scraper {
    /// Puts the parts together. The error is one line.
    pub(crate) fn new(
        config: &ScrapeConfig,
        job_configs: &[JobConfig],
        mapping: Mapping,
        state: Arc<ScrapeState>,
        measures: Arc<Measures>,
        own_name: String,
    ) -> Result<Self, String> {
        let jobs = jobs(config, job_configs)?;
        Ok(Self {
            jobs: jobs.into_iter().map(Arc::new).collect(),
            mapping,
            state,
            sink: Sink::new(measures, config.creator.clone()),
            own_name,
            slots: Semaphore::new(SCRAPES_AT_ONCE),
        })
    }

    /// Keeps a task per target until it is dropped or aborted; the tasks end with it.
    pub(crate) async fn run(self: Arc<Self>) {
        let found = Arc::clone(&self.state.found);
        let _discovery = match discovery::start(&self.jobs, &found) {
            Ok(tasks) => tasks,
            Err(error) => {
                // The same was checked when the configuration was read.
                warn!(%error, "service discovery not started");
                return;
            }
        };
        let mut tasks = Tasks::default();
        let mut last_problems = Vec::new();
        loop {
            let (targets, problems) = self.targets();
            if problems != last_problems {
                for problem in &problems {
                    warn!(error = %problem, "not a target");
                }
                last_problems = problems;
            }
            self.state.keep(&targets);
            tasks.retain(|key| targets.contains_key(key));
            let count = targets.len();
            for (key, target) in &targets {
                tasks.start(key, || {
                    let (this, target) = (Arc::clone(&self), Arc::clone(target));
                    async move { this.watch(&target, count).await }
                });
            }
            found.changed().await;
            tokio::time::sleep(CHANGE_INTERVAL).await;
        }
    }

    /// All targets now, and a line for each that is none.
    fn targets(&self) -> (Targets, Vec<String>) {
        let (mut targets, mut problems) = (Targets::new(), Vec::new());
        for job in &self.jobs {
            let found = self.state.found.groups(job.name());
            for group in job.config.static_configs.iter().chain(&found) {
                targets::add(job, group, &self.own_name, &mut targets, &mut problems);
            }
        }
        (targets, problems)
    }

    async fn watch(&self, target: &Target, targets: usize) {
        let interval = target.key.interval;
        let spread = STAGGER
            .saturating_mul(u32::try_from(targets).unwrap_or(u32::MAX))
            .min(interval);
        let mut hasher = DefaultHasher::new();
        target.key.hash(&mut hasher);
        let share = (hasher.finish() % 1000) as f64 / 1000.0;
        tokio::time::sleep(spread.mul_f64(share)).await;
        let mut timer = tokio::time::interval(interval);
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut rates = Rates::default();
        loop {
            timer.tick().await;
            let start = Instant::now();
            let mut scrape = pin!(self.scrape(target, &mut rates));
            let result = loop {
                tokio::select! {
                    biased;
                    result = &mut scrape => break result,
                    _ = timer.tick() => self.state.skipped(),
                }
            };
            let took = start.elapsed();
            if result.is_err()
                && let Err(error) = self.report_down(target, took).await
            {
                warn!(target = %target.key.url, %error, "that the target is down is not stored");
            }
            if self.state.note(&target.key, took, &result) {
                let TargetKey { url, job, .. } = &target.key;
                match &result {
                    Ok(scraped) => {
                        info!(target = %url, job, samples = scraped.samples, "target is up");
                    }
                    Err(error) => warn!(target = %url, job, %error, "target is down"),
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
        let (job, key) = (&target.job, &target.key);
        let answer = fetch::metrics(&job.access, &key.url, key.timeout, job.limits.body);
        let (text, format) = answer.await?;
        let treatment = Treatment::new(job, &key.labels);
        let wanted = |series: &str| self.mapping.wants(series);
        let mut collected = treatment.collect(&text, format, wanted)?;
        let (scraped, kept) = (collected.scraped, collected.kept);
        let took = moment.elapsed().as_secs_f64();
        let values = [1.0, took, scraped as f64, kept as f64];
        self.report(target, &mut collected.samples, values);
        rates.note(&self.mapping, &mut collected.samples, moment);
        let resources = self.mapping.apply(&collected.samples, &target.for_mapping);
        let measures = self.sink.store(&resources, now).await?;
        Ok(Scraped {
            samples: scraped,
            measures,
        })
    }

    /// Stores that a target did not answer, if the mapping asks for it.
    async fn report_down(&self, target: &Target, took: Duration) -> Result<(), String> {
        let mut samples = Samples::new();
        self.report(target, &mut samples, [0.0, took.as_secs_f64(), 0.0, 0.0]);
        if samples.is_empty() {
            return Ok(());
        }
        let now = Timestamp::from(SystemTime::now());
        let resources = self.mapping.apply(&samples, &target.for_mapping);
        self.sink.store(&resources, now).await.map(drop)
    }

    /// Adds the values of `REPORT` where the mapping asks for them.
    fn report<'a>(&self, target: &'a Target, samples: &mut Samples<'a>, values: [f64; 4]) {
        for (name, value) in REPORT.into_iter().zip(values) {
            if self.mapping.wants(name) {
                let sample = report(value, &target.job, &target.key.labels);
                samples.insert(name.into(), sample);
            }
        }
    }
}
