//! The archive policies that exist from the start: Gnocchi's own (bool, low, medium, high) and the ones that
//! Ceilometer's publisher creates. Facts from Gnocchi 4.4 and Ceilometer 19; no behaviour.

use std::collections::BTreeSet;

use crate::{
    Aggregation, ArchivePolicy, ArchivePolicyRule, Definition, Granularity, Statistic, Timespan,
};

const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Granularity and points of one archive.
type Archive = (i64, i64);

const LOW: &[Archive] = &[(5 * MINUTE, 30 * DAY)];
const MEDIUM: &[Archive] = &[(MINUTE, 7 * DAY), (HOUR, 365 * DAY)];
const HIGH: &[Archive] = &[(SECOND, HOUR), (MINUTE, 7 * DAY), (HOUR, 365 * DAY)];
const BOOL: &[Archive] = &[(SECOND, 365 * DAY)];
const CEILOMETER_HIGH: &[Archive] = &[(SECOND, HOUR), (MINUTE, DAY), (HOUR, 365 * DAY)];

fn policy(
    name: &str,
    back_window: u32,
    archives: &[Archive],
    aggregation_methods: BTreeSet<Aggregation>,
) -> ArchivePolicy {
    let definition = archives.iter().filter_map(|(granularity, timespan)| {
        let (granularity, timespan) = (
            Granularity::from_nanos(*granularity),
            Timespan::from_nanos(*timespan),
        );
        Definition::new(granularity, None, timespan).ok()
    });
    ArchivePolicy {
        name: name.to_owned(),
        definition: definition.collect(),
        back_window,
        aggregation_methods,
    }
}

impl ArchivePolicy {
    /// The policies that a new catalogue starts with.
    #[must_use]
    pub fn defaults() -> Vec<Self> {
        let mean = || BTreeSet::from([Aggregation::of(Statistic::Mean)]);
        let rate = || {
            BTreeSet::from([
                Aggregation::of(Statistic::Mean),
                Aggregation::rate(Statistic::Mean),
            ])
        };
        let last = BTreeSet::from([Aggregation::of(Statistic::Last)]);
        vec![
            policy("bool", 3600, BOOL, last),
            policy("low", 0, LOW, Aggregation::defaults()),
            policy("medium", 0, MEDIUM, Aggregation::defaults()),
            policy("high", 0, HIGH, Aggregation::defaults()),
            policy("ceilometer-low", 0, LOW, mean()),
            policy("ceilometer-low-rate", 0, LOW, rate()),
            policy("ceilometer-high", 0, CEILOMETER_HIGH, mean()),
            policy("ceilometer-high-rate", 0, CEILOMETER_HIGH, rate()),
        ]
    }
}

impl ArchivePolicyRule {
    /// The rule that a new catalogue starts with: every metric without a policy gets `low`.
    #[must_use]
    pub fn default_rule() -> Self {
        Self {
            name: "default".to_owned(),
            metric_pattern: "*".to_owned(),
            archive_policy_name: "low".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_gnocchi_and_ceilometer() {
        let shown: Vec<String> = ArchivePolicy::defaults()
            .iter()
            .map(|policy| {
                let archives = policy.definition.iter().map(|archive| {
                    let timespan = archive
                        .timespan
                        .map(|span| span.to_string())
                        .unwrap_or_default();
                    format!(
                        "{}/{}/{timespan}",
                        archive.granularity,
                        archive.points.unwrap_or_default()
                    )
                });
                format!(
                    "{} {} {}",
                    policy.name,
                    policy.back_window,
                    archives.collect::<Vec<_>>().join(" ")
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                "bool 3600 0:00:01/31536000/365 days, 0:00:00",
                "low 0 0:05:00/8640/30 days, 0:00:00",
                "medium 0 0:01:00/10080/7 days, 0:00:00 1:00:00/8760/365 days, 0:00:00",
                "high 0 0:00:01/3600/1:00:00 0:01:00/10080/7 days, 0:00:00 1:00:00/8760/365 days, 0:00:00",
                "ceilometer-low 0 0:05:00/8640/30 days, 0:00:00",
                "ceilometer-low-rate 0 0:05:00/8640/30 days, 0:00:00",
                "ceilometer-high 0 0:00:01/3600/1:00:00 0:01:00/1440/1 day, 0:00:00 1:00:00/8760/365 days, 0:00:00",
                "ceilometer-high-rate 0 0:00:01/3600/1:00:00 0:01:00/1440/1 day, 0:00:00 1:00:00/8760/365 days, 0:00:00",
            ]
        );
    }

    #[test]
    fn every_default_passes_its_own_validation() {
        for policy in ArchivePolicy::defaults() {
            let name = policy.name.clone();
            let again = ArchivePolicy::new(
                name,
                policy.back_window,
                policy.definition.clone(),
                policy.aggregation_methods.clone(),
            );
            assert_eq!(again, Ok(policy));
        }
    }
}
