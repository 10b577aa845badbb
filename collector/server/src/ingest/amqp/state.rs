//! What is known of the AMQP input: whether there is a connection, and what became of the messages of each queue. Read by
//! the collector's own metrics.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use exposition::{Families, MetricType};

/// Messages of one queue since the start.
#[derive(Debug, Default, Clone, Copy)]
struct Messages {
    acknowledged: u64,
    redelivered: u64,
    /// Taken and not acknowledged yet.
    in_hand: u64,
    retries: u64,
}

#[derive(Debug, Default)]
struct Inner {
    /// None where no broker is configured.
    connected: Option<bool>,
    connections: u64,
    failures: u64,
    /// Why there is no connection, for the page.
    error: Option<String>,
    queues: BTreeMap<String, Messages>,
    rejected: BTreeMap<(String, &'static str), u64>,
}

/// The state, shared.
#[derive(Debug, Default)]
pub(crate) struct AmqpState(Mutex<Inner>);

/// A message that is no notification.
pub(super) const MALFORMED: &str = "malformed";
/// A message that is larger than allowed.
pub(super) const TOO_LARGE: &str = "too_large";
/// A message that the store can never take.
pub(super) const REFUSED: &str = "refused";
/// A message at which the catalogue fails again and again while it takes others.
pub(super) const FAILING: &str = "failing";

impl AmqpState {
    /// Notes that a broker is configured, or that none is any more.
    pub(super) fn configured(&self, is: bool) {
        let mut inner = self.lock();
        inner.connected = is.then_some(false);
        inner.error = None;
        inner
            .queues
            .values_mut()
            .for_each(|queue| queue.in_hand = 0);
    }

    /// Notes that all queues are being listened to. Returns whether that is news.
    pub(super) fn connected(&self) -> bool {
        let mut inner = self.lock();
        inner.connections += 1;
        inner.error = None;
        inner.connected.replace(true) != Some(true)
    }

    /// Notes why the connection ended or was not made. Returns whether that is news.
    pub(super) fn failed(&self, why: String) -> bool {
        let mut inner = self.lock();
        inner.connected = Some(false);
        inner.failures += 1;
        inner
            .queues
            .values_mut()
            .for_each(|queue| queue.in_hand = 0);
        inner.error.replace(why.clone()) != Some(why)
    }

    /// None where no broker is configured; else whether there is a connection, or why there is none.
    pub(crate) fn connection(&self) -> Option<Result<(), String>> {
        let inner = self.lock();
        let connected = inner.connected?;
        let why = || inner.error.clone().unwrap_or_default();
        Some(if connected { Ok(()) } else { Err(why()) })
    }

    /// Counts messages that came, so many of them not for the first time.
    pub(super) fn came(&self, queue: &str, messages: usize, redelivered: usize) {
        self.of(queue, |counts| {
            counts.in_hand += messages as u64;
            counts.redelivered += redelivered as u64;
        });
    }

    /// Counts messages that were acknowledged or set aside.
    pub(super) fn settled(&self, queue: &str, messages: usize) {
        self.of(queue, |counts| {
            counts.in_hand = counts.in_hand.saturating_sub(messages as u64);
            counts.acknowledged += messages as u64;
        });
    }

    /// Counts a message that was set aside.
    pub(super) fn rejected(&self, queue: &str, reason: &'static str) {
        let mut inner = self.lock();
        *inner
            .rejected
            .entry((queue.to_owned(), reason))
            .or_default() += 1;
    }

    /// Counts that messages could not be stored and are tried again.
    pub(super) fn retried(&self, queue: &str) {
        self.of(queue, |counts| counts.retries += 1);
    }

    /// Writes all families, where a broker is configured.
    pub(crate) fn collect(&self, out: &mut Families) {
        let inner = self.lock();
        let Some(connected) = inner.connected else {
            return;
        };
        out.gauge(
            "nephoscope_collector_amqp_connected",
            "1 when the broker is connected and all queues are listened to.",
            f64::from(u8::from(connected)),
        );
        out.counter(
            "nephoscope_collector_amqp_connections_total",
            "Connections to brokers that were made.",
            inner.connections as f64,
        );
        out.counter(
            "nephoscope_collector_amqp_connection_failures_total",
            "Connections to brokers that were not made, or broke.",
            inner.failures as f64,
        );
        type Value = fn(&Messages) -> u64;
        let families: [(&str, &str, MetricType, Value); 4] = [
            (
                "nephoscope_collector_amqp_messages_total",
                "Messages that were taken off a queue because what they say is stored, or because they were rejected.",
                MetricType::Counter,
                |queue| queue.acknowledged,
            ),
            (
                "nephoscope_collector_amqp_messages_redelivered_total",
                "Messages that the broker sent again, because they were not acknowledged before a connection ended.",
                MetricType::Counter,
                |queue| queue.redelivered,
            ),
            (
                "nephoscope_collector_amqp_messages_unacknowledged",
                "Messages that are taken and not stored yet.",
                MetricType::Gauge,
                |queue| queue.in_hand,
            ),
            (
                "nephoscope_collector_amqp_retries_total",
                "How often messages could not be stored and were kept to be tried again.",
                MetricType::Counter,
                |queue| queue.retries,
            ),
        ];
        for (name, help, kind, value) in families {
            let mut family = out.family(name, help, kind);
            for (queue, counts) in &inner.queues {
                family.sample(&[("queue", queue)], value(counts) as f64);
            }
        }
        let mut family = out.family(
            "nephoscope_collector_amqp_messages_rejected_total",
            "Messages that can never be stored and were set aside, by reason.",
            MetricType::Counter,
        );
        for ((queue, reason), count) in &inner.rejected {
            family.sample(&[("queue", queue), ("reason", reason)], *count as f64);
        }
    }

    fn of(&self, queue: &str, note: impl FnOnce(&mut Messages)) {
        let queues = &mut self.lock().queues;
        if let Some(counts) = queues.get_mut(queue) {
            note(counts);
            return;
        }
        note(queues.entry(queue.to_owned()).or_default());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        // Counters are whole even after a panic elsewhere.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
