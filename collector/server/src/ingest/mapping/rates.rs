//! How much counters grow a second from one scrape of a target to the next. A counter that went back began anew, so what
//! it has now is the least that it grew by, as Ceilometer took it; here for each series by itself, so that a disk that is
//! detached takes nothing from the sum of an instance's disks, and one that is attached adds nothing at once.

use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::time::Instant;

use foldhash::fast::RandomState;

use super::{Mapping, Samples};
use crate::ingest::label_set::LabelSet;

/// What is remembered of one target: 16 bytes a counter.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    hasher: RandomState,
    /// The last values, by a hash of series and labels.
    before: HashMap<u64, f64, RandomState>,
    at: Option<Instant>,
}

impl Rates {
    /// Notes in the samples of a scrape of that moment how much those counters grew that the mapping asks it of, and
    /// remembers them for the next one. There is no growth of what the scrape before did not have.
    pub(crate) fn note(&mut self, mapping: &Mapping, samples: &mut Samples<'_>, now: Instant) {
        let before = self.at.replace(now);
        let seconds = before.map(|before| now.saturating_duration_since(before).as_secs_f64());
        let seconds = seconds.filter(|seconds| *seconds > 0.0);
        let mut values = HashMap::with_capacity_and_hasher(self.before.len(), self.hasher.clone());
        for series in &mapping.counters {
            for sample in samples.get_mut(series.as_str()).into_iter().flatten() {
                let key = self.key(series, &sample.labels);
                sample.rate = seconds.and_then(|seconds| {
                    let before = *self.before.get(&key)?;
                    Some(growth(before, sample.value) / seconds)
                });
                values.insert(key, sample.value);
            }
        }
        self.before = values;
    }

    fn key(&self, series: &str, labels: &LabelSet<'_>) -> u64 {
        self.hasher.hash_one((series, labels))
    }
}

fn growth(before: f64, now: f64) -> f64 {
    if now >= before { now - before } else { now }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::ingest::mapping::tests::{samples, shipped};

    const READ: &str = "libvirt_domain_block_stats_read_bytes_total";
    static MAPPING: LazyLock<Mapping> = LazyLock::new(shipped);

    /// The rates after scrapes with these values of disks, 10 s apart.
    fn rates(scrapes: &[&[(&str, f64)]]) -> Vec<Option<f64>> {
        let (mut rates, start) = (Rates::default(), Instant::now());
        let mut last = Vec::new();
        for (at, disks) in (0..).zip(scrapes) {
            let lines = disks
                .iter()
                .map(|(disk, value)| format!("{READ}{{target_device=\"{disk}\"}} {value}\n"));
            let text: String = lines.collect();
            let mut samples = samples(&text);
            rates.note(&MAPPING, &mut samples, start + Duration::from_secs(at * 10));
            let disks = samples.get(READ).into_iter().flatten();
            last = disks.map(|sample| sample.rate).collect();
        }
        last
    }

    #[test]
    fn growth_is_told_a_second_from_the_second_scrape_on() {
        assert_eq!(rates(&[&[("vda", 100.0)]]), [None]);
        assert_eq!(rates(&[&[("vda", 100.0)], &[("vda", 150.0)]]), [Some(5.0)]);
        let still = rates(&[&[("vda", 100.0)], &[("vda", 100.0)]]);
        assert_eq!(still, [Some(0.0)]);
    }

    #[test]
    fn a_counter_that_began_anew_has_grown_by_what_it_has() {
        let reset = rates(&[&[("vda", 100.0)], &[("vda", 30.0)]]);
        assert_eq!(reset, [Some(3.0)]);
    }

    #[test]
    fn what_the_scrape_before_did_not_have_has_no_growth_yet() {
        let attached = rates(&[&[("vda", 1.0)], &[("vda", 11.0), ("vdb", 5000.0)]]);
        assert_eq!(attached, [Some(1.0), None]);
        let back = rates(&[&[("vda", 1.0)], &[], &[("vda", 21.0)]]);
        assert_eq!(back, [None]);
    }

    #[test]
    fn no_time_is_no_rate() {
        let (mut rates, now) = (Rates::default(), Instant::now());
        let text = format!("{READ} 1\n");
        for _ in 0..2 {
            let mut samples = samples(&text);
            rates.note(&MAPPING, &mut samples, now);
            assert_eq!(samples[READ][0].rate, None);
        }
    }

    proptest! {
        #[test]
        fn a_rate_is_never_negative(values in prop::collection::vec(0.0..1e18_f64, 2..20)) {
            let scrapes: Vec<Vec<_>> = values.iter().map(|value| vec![("vda", *value)]).collect();
            let scrapes: Vec<&[_]> = scrapes.iter().map(Vec::as_slice).collect();
            prop_assert!(rates(&scrapes)[0].is_some_and(|rate| rate >= 0.0));
        }
    }
}
