//! The collector's own metrics: what came in by each input and was refused, what the HTTP API was asked, and the store's
//! figures. Counted here and written at each scrape of `/metrics`; the process' own are the runtime's.

mod input;
mod store;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use collector_storage::StoreStats;
use exposition::{Families, MetricType, Suffix};

use crate::ingest::ceilometer::Counters;
use crate::ingest::{remote_write, statsd};

pub(crate) use input::{AT_ONCE, Input, InputFigures, Inputs, PerInput};

/// Method, route and status of requests.
type RequestKey = (String, String, u16);

/// Counters since the start.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    /// What came in by each input.
    pub(crate) inputs: Arc<Inputs>,
    /// What came of Ceilometer's events.
    pub(crate) ceilometer: Counters,
    /// What came of statsd's lines.
    pub(crate) statsd: statsd::Counters,
    /// What came by remote write beside samples.
    pub(crate) remote_write: remote_write::Counters,
    requests: Mutex<BTreeMap<RequestKey, (u64, Duration)>>,
    answers_cut: AtomicU64,
}

impl Metrics {
    /// Counts a request. `route` is the pattern, not the path, so that there are few of them.
    pub(crate) fn request(&self, method: &str, route: &str, status: u16, took: Duration) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (method.to_owned(), route.to_owned(), status);
        let (count, sum) = requests.entry(key).or_default();
        *count += 1;
        *sum += took;
    }

    /// Counts an answer that ended in the middle.
    pub(crate) fn answer_cut(&self) {
        self.answers_cut.fetch_add(1, Ordering::Relaxed);
    }

    /// Writes all families.
    pub(crate) fn collect(&self, stats: &StoreStats, out: &mut Families) {
        self.inputs.collect(out);
        self.ceilometer.collect(out);
        self.statsd.collect(out);
        self.remote_write.collect(out);
        self.http(out);
        store::collect(stats, out);
    }

    fn http(&self, out: &mut Families) {
        out.counter(
            "nephoscope_collector_http_answers_cut_total",
            "Answers of the API that ended in the middle: the query took too long, or nobody read on.",
            self.answers_cut.load(Ordering::Relaxed) as f64,
        );
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let mut family = out.family(
            "nephoscope_collector_http_requests_total",
            "Requests to the API, by method, route and status code.",
            MetricType::Counter,
        );
        for ((method, route, status), (count, _)) in requests.iter() {
            let code = status.to_string();
            let labels = [
                ("method", method.as_str()),
                ("route", route),
                ("code", &code),
            ];
            family.sample(&labels, *count as f64);
        }
        let mut by_route: BTreeMap<(&str, &str), (u64, Duration)> = BTreeMap::new();
        for ((method, route, _), (count, took)) in requests.iter() {
            let total = by_route.entry((method, route)).or_default();
            total.0 += count;
            total.1 += *took;
        }
        let mut family = out.family(
            "nephoscope_collector_http_request_duration_seconds",
            "Time from a request's head to its answer's, by method and route.",
            MetricType::Summary,
        );
        for ((method, route), (count, took)) in by_route {
            let labels = [("method", method), ("route", route)];
            family.suffixed(Suffix::Sum, &labels, took.as_secs_f64());
            family.suffixed(Suffix::Count, &labels, count as f64);
        }
    }
}
