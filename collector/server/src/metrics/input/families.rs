//! The inputs' counts as families of `/metrics`.

use std::sync::atomic::Ordering;

use exposition::{Families, MetricType, Suffix};

use super::{AGES, AT_ONCE, Counts, Input, InputFigures, Inputs};

/// The reason that everybody watches for; it is there from the start, so that its first increase is seen.
const BUSY: &str = "busy";

impl Inputs {
    /// Writes all families.
    pub(crate) fn collect(&self, out: &mut Families) {
        let all = Input::ALL.map(|input| (input.name(), self.of(input), self.figures(input)));
        counts(out, &all);
        type Gauge = fn(&InputFigures) -> Option<f64>;
        let gauges: [(&str, &str, Gauge); 3] = [
            (
                "nephoscope_collector_input_queue_batches",
                "Batches that are handed to the store and not acknowledged yet, by input.",
                |figures| Some(figures.waiting_batches as f64),
            ),
            (
                "nephoscope_collector_input_queue_measures",
                "Measures that have come and that the store has not acknowledged yet, by input.",
                |figures| Some(figures.waiting_measures as f64),
            ),
            (
                "nephoscope_collector_input_lag_seconds",
                "Now minus the latest moment of a measure that was taken, by input: grows while nothing comes, or only what \
                 is old. Absent before the first measure.",
                |figures| figures.lag_seconds,
            ),
        ];
        for (name, help, value) in gauges {
            let mut family = out.family(name, help, MetricType::Gauge);
            for (input, _, figures) in &all {
                if let Some(value) = value(figures) {
                    family.sample(&[("input", input)], value);
                }
            }
        }
        let mut family = out.family(
            "nephoscope_collector_input_queue_capacity",
            "Most requests of an input by HTTP that may be at work or wait; more are sent away with 503.",
            MetricType::Gauge,
        );
        for input in Input::ALL.into_iter().filter(|input| input.is_http()) {
            family.sample(&[("input", input.name())], AT_ONCE as f64);
        }
        let mut family = out.family(
            "nephoscope_collector_input_age_seconds",
            "How old the newest measure of each batch was when it was taken, by input.",
            MetricType::Histogram,
        );
        for (input, counts, _) in &all {
            let mut count = 0;
            let bounds = AGES.iter().map(u32::to_string).chain(["+Inf".to_owned()]);
            for (bound, bucket) in bounds.zip(&counts.ages) {
                count += bucket.load(Ordering::Relaxed);
                let labels = [("input", *input), ("le", &bound)];
                family.suffixed(Suffix::Bucket, &labels, count as f64);
            }
            let millis = counts.age_millis.load(Ordering::Relaxed);
            family.suffixed(Suffix::Sum, &[("input", input)], millis as f64 / 1e3);
            family.suffixed(Suffix::Count, &[("input", input)], count as f64);
        }
    }
}

/// Writes what is counted.
fn counts(out: &mut Families, all: &[(&str, &Counts, InputFigures)]) {
    let mut family = out.family(
        "nephoscope_collector_input_measures_total",
        "Measures that were acknowledged, late ones and duplicates among them, by input.",
        MetricType::Counter,
    );
    for (input, _, figures) in all {
        family.sample(&[("input", input)], figures.accepted as f64);
    }
    let mut family = out.family(
        "nephoscope_collector_input_rejected_total",
        "Measures (of statsd also lines and datagrams, of RabbitMQ also messages) that were not taken, by input and reason.",
        MetricType::Counter,
    );
    for (input, _, figures) in all {
        let mut rejected = figures.rejected.clone();
        rejected.entry(BUSY).or_default();
        for (reason, count) in rejected {
            family.sample(&[("input", input), ("reason", reason)], count as f64);
        }
    }
    let mut family = out.family(
        "nephoscope_collector_input_late_total",
        "Measures dropped because they came too late, by input and reason: older than the back window of their archive \
         policy, or than everything that the policy keeps.",
        MetricType::Counter,
    );
    for (input, counts, figures) in all {
        let expired = counts.expired.load(Ordering::Relaxed);
        let within = figures.late.saturating_sub(expired);
        for (reason, count) in [("back_window", within), ("timespan", expired)] {
            family.sample(&[("input", input), ("reason", reason)], count as f64);
        }
    }
    let mut family = out.family(
        "nephoscope_collector_input_duplicates_total",
        "Measures of a metric and moment that another one is of too, by input; one of them counts.",
        MetricType::Counter,
    );
    for (input, _, figures) in all {
        family.sample(&[("input", input)], figures.duplicates as f64);
    }
    let mut family = out.family(
        "nephoscope_collector_input_refused_requests_total",
        "Requests with measures that were refused as a whole or in part, by input and status code.",
        MetricType::Counter,
    );
    for (input, _, figures) in all {
        for (status, count) in &figures.refused_requests {
            let code = status.to_string();
            family.sample(&[("input", input), ("code", &code)], *count as f64);
        }
    }
}
