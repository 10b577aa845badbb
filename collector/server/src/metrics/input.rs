//! The ways by which measures come in, and what became of what came by each: counted by those who take it, written at
//! each scrape of `/metrics` (`families`) and shown on the page.

mod families;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use collector_model::Timestamp;
use collector_storage::Ack;

/// Requests of one input by HTTP that are at work at once, the waiting for the store included.
pub(crate) const AT_ONCE: usize = 100;

/// A way by which measures come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Input {
    /// Measures of Gnocchi's clients.
    Gnocchi,
    /// Prometheus' remote write.
    RemoteWrite,
    /// InfluxDB's line protocol.
    InfluxDb,
    /// Samples of Ceilometer's http publisher.
    Ceilometer,
    /// Messages of RabbitMQ.
    Amqp,
    /// Datagrams of statsd.
    Statsd,
    /// Scrapes of exporters.
    Scrape,
}

impl Input {
    /// All of them, in the order in which they are shown and in which they are numbered.
    pub(crate) const ALL: [Self; 7] = [
        Self::Gnocchi,
        Self::RemoteWrite,
        Self::InfluxDb,
        Self::Ceilometer,
        Self::Amqp,
        Self::Statsd,
        Self::Scrape,
    ];

    /// Whether senders bring measures by requests, and wait for the answer.
    pub(crate) fn is_http(self) -> bool {
        match self {
            Self::Gnocchi | Self::RemoteWrite | Self::InfluxDb | Self::Ceilometer => true,
            Self::Amqp | Self::Statsd | Self::Scrape => false,
        }
    }

    /// The value of the label `input`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gnocchi => "gnocchi",
            Self::RemoteWrite => "remote_write",
            Self::InfluxDb => "influxdb",
            Self::Ceilometer => "ceilometer",
            Self::Amqp => "amqp",
            Self::Statsd => "statsd",
            Self::Scrape => "scrape",
        }
    }
}

/// One of something for each input.
#[derive(Debug)]
pub(crate) struct PerInput<T>([T; Input::ALL.len()]);

impl<T> PerInput<T> {
    /// As many as there are inputs.
    pub(crate) fn new(mut each: impl FnMut() -> T) -> Self {
        Self(Input::ALL.map(|_| each()))
    }

    /// That of one input.
    pub(crate) fn of(&self, input: Input) -> &T {
        let [
            gnocchi,
            remote_write,
            influxdb,
            ceilometer,
            amqp,
            statsd,
            scrape,
        ] = &self.0;
        match input {
            Input::Gnocchi => gnocchi,
            Input::RemoteWrite => remote_write,
            Input::InfluxDb => influxdb,
            Input::Ceilometer => ceilometer,
            Input::Amqp => amqp,
            Input::Statsd => statsd,
            Input::Scrape => scrape,
        }
    }
}

/// Upper bounds of the buckets of ages, seconds: scrape intervals, Ceilometer's, and what has been kept back somewhere.
const AGES: [u32; 8] = [1, 5, 15, 60, 300, 900, 3_600, 86_400];

/// What became of what came by one way, since the start.
#[derive(Debug, Default)]
struct Counts {
    accepted: AtomicU64,
    late: AtomicU64,
    expired: AtomicU64,
    duplicates: AtomicU64,
    rejected: Mutex<BTreeMap<&'static str, u64>>,
    refused_requests: Mutex<BTreeMap<u16, u64>>,
    waiting_batches: AtomicU64,
    waiting_measures: AtomicU64,
    /// Measures that wait to be handed to the store.
    gathered: AtomicU64,
    /// The latest moment of a measure that was taken, but never later than it was taken; nanoseconds, 0 before the first.
    newest: AtomicI64,
    /// Batches by their age when they were taken: at most the bound of the same place, but more than the one before; the
    /// last one is of all that are older.
    ages: [AtomicU64; AGES.len() + 1],
    age_millis: AtomicU64,
}

/// The figures of one input at one moment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct InputFigures {
    /// Measures that were acknowledged, late ones and duplicates among them.
    pub(crate) accepted: u64,
    /// Measures dropped because they came too late.
    pub(crate) late: u64,
    /// Measures of a metric and moment that another one is of too.
    pub(crate) duplicates: u64,
    /// Measures that were not taken, by reason.
    pub(crate) rejected: BTreeMap<&'static str, u64>,
    /// Requests that were refused as a whole, by status.
    pub(crate) refused_requests: BTreeMap<u16, u64>,
    /// Batches that wait for the store.
    pub(crate) waiting_batches: u64,
    /// Measures in them, and those that wait to be handed to the store.
    pub(crate) waiting_measures: u64,
    /// Now minus the latest moment of a measure that was taken, seconds; none before the first.
    pub(crate) lag_seconds: Option<f64>,
}

/// The counts of all inputs.
#[derive(Debug)]
pub(crate) struct Inputs(PerInput<Counts>);

impl Default for Inputs {
    fn default() -> Self {
        Self(PerInput::new(Counts::default))
    }
}

/// A batch on its way through the store; it counts as waiting for as long as this is there.
#[derive(Debug)]
pub(crate) struct Waiting {
    inputs: Arc<Inputs>,
    input: Input,
    measures: u64,
    newest: Option<Timestamp>,
}

impl Inputs {
    fn of(&self, input: Input) -> &Counts {
        self.0.of(input)
    }

    /// Notes that a batch is handed to the store.
    pub(crate) fn waits(
        self: &Arc<Self>,
        input: Input,
        measures: usize,
        newest: Option<Timestamp>,
    ) -> Waiting {
        let (counts, measures) = (self.of(input), measures as u64);
        counts.waiting_batches.fetch_add(1, Ordering::Relaxed);
        counts
            .waiting_measures
            .fetch_add(measures, Ordering::Relaxed);
        Waiting {
            inputs: Arc::clone(self),
            input,
            measures,
            newest,
        }
    }

    /// Notes how many measures wait to be handed to the store.
    pub(crate) fn gathered(&self, input: Input, measures: usize) {
        let gathered = &self.of(input).gathered;
        gathered.store(measures as u64, Ordering::Relaxed);
    }

    /// Counts measures that were not taken.
    pub(crate) fn rejected(&self, input: Input, reason: &'static str, measures: usize) {
        if measures > 0 {
            *lock(&self.of(input).rejected).entry(reason).or_default() += measures as u64;
        }
    }

    /// Counts a request that was refused as a whole.
    pub(crate) fn refused_request(&self, input: Input, status: u16) {
        *lock(&self.of(input).refused_requests)
            .entry(status)
            .or_default() += 1;
    }

    /// The figures of one input.
    pub(crate) fn figures(&self, input: Input) -> InputFigures {
        let counts = self.of(input);
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let newest = counts.newest.load(Ordering::Relaxed);
        InputFigures {
            accepted: load(&counts.accepted),
            late: load(&counts.late),
            duplicates: load(&counts.duplicates),
            rejected: lock(&counts.rejected).clone(),
            refused_requests: lock(&counts.refused_requests).clone(),
            waiting_batches: load(&counts.waiting_batches),
            waiting_measures: load(&counts.waiting_measures) + load(&counts.gathered),
            lag_seconds: (newest > 0).then(|| seconds_since(Timestamp(newest))),
        }
    }
}

impl Waiting {
    /// Counts what became of the batch. Called on the store's own thread, so it neither waits nor allocates.
    pub(crate) fn stored(&self, ack: Ack) {
        let counts = self.inputs.of(self.input);
        let add = |counter: &AtomicU64, more| {
            counter.fetch_add(more, Ordering::Relaxed);
        };
        add(&counts.accepted, ack.received);
        add(&counts.late, ack.late);
        add(&counts.expired, ack.expired);
        add(&counts.duplicates, ack.duplicates);
        let Some(newest) = self.newest else { return };
        // A clock that is ahead says nothing about what comes after it.
        let now = Timestamp::from(SystemTime::now());
        counts
            .newest
            .fetch_max(newest.min(now).0, Ordering::Relaxed);
        let millis = u64::try_from(now.0.saturating_sub(newest.0) / 1_000_000).unwrap_or(0);
        let place = AGES.partition_point(|bound| u64::from(*bound) * 1_000 < millis);
        if let Some(bucket) = counts.ages.get(place) {
            add(bucket, 1);
        }
        add(&counts.age_millis, millis);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let counts = self.inputs.of(self.input);
        counts.waiting_batches.fetch_sub(1, Ordering::Relaxed);
        counts
            .waiting_measures
            .fetch_sub(self.measures, Ordering::Relaxed);
    }
}

fn seconds_since(moment: Timestamp) -> f64 {
    let now = Timestamp::from(SystemTime::now());
    (now.0.saturating_sub(moment.0)).max(0) as f64 / 1e9
}

fn lock<T>(counts: &Mutex<T>) -> MutexGuard<'_, T> {
    // Counters are whole even after a panic elsewhere.
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
