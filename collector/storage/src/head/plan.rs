//! An archive policy made ready for folding: archives by granularity, aggregation methods as columns. Shared by all
//! metrics of the policy, so that a metric costs a pointer.

use std::sync::Arc;

use collector_model::{Aggregation, ArchivePolicy, Granularity, Statistic};

/// A policy in the form that folding and reading use.
#[derive(Debug)]
pub(crate) struct Plan {
    policy: ArchivePolicy,
    levels: Vec<LevelPlan>,
    methods: Vec<Aggregation>,
    plain: Vec<Column>,
    rates: Vec<Column>,
    block: Granularity,
    raw_blocks: u32,
}

/// One archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LevelPlan {
    /// Length of its windows.
    pub(crate) granularity: Granularity,
    /// Nanoseconds before the newest window from which on windows are kept; `None` keeps all.
    pub(crate) timespan: Option<i64>,
}

/// Where in a row a statistic goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    pub(crate) index: usize,
    pub(crate) statistic: Statistic,
}

impl Plan {
    /// Makes a policy ready; `None` if it has no definition.
    pub(crate) fn new(policy: ArchivePolicy) -> Option<Self> {
        let block = policy.coarsest()?;
        let mut levels: Vec<LevelPlan> = policy
            .definition
            .iter()
            .map(|archive| LevelPlan {
                granularity: archive.granularity,
                timespan: archive.timespan.map(|span| span.nanos()),
            })
            .collect();
        levels.sort_by_key(|level| std::cmp::Reverse(level.granularity));
        let methods: Vec<Aggregation> = policy.aggregation_methods.iter().copied().collect();
        let columns = |rate| {
            let columns = methods
                .iter()
                .enumerate()
                .filter(|(_, method)| method.rate == rate);
            columns
                .map(|(index, method)| Column {
                    index,
                    statistic: method.statistic,
                })
                .collect()
        };
        let (plain, rates) = (columns(false), columns(true));
        let raw_blocks = policy.raw_blocks();
        Some(Self {
            policy,
            levels,
            methods,
            plain,
            rates,
            block,
            raw_blocks,
        })
    }

    pub(crate) fn policy(&self) -> &ArchivePolicy {
        &self.policy
    }

    /// Archives, coarsest first.
    pub(crate) fn levels(&self) -> &[LevelPlan] {
        &self.levels
    }

    /// How many values a row has.
    pub(crate) fn width(&self) -> usize {
        self.methods.len()
    }

    /// Where in a row an aggregation is.
    pub(crate) fn column(&self, aggregation: Aggregation) -> Option<usize> {
        self.methods.binary_search(&aggregation).ok()
    }

    /// Columns computed from the measures.
    pub(crate) fn plain(&self) -> &[Column] {
        &self.plain
    }

    /// Columns computed from the differences of consecutive measures.
    pub(crate) fn rates(&self) -> &[Column] {
        &self.rates
    }

    /// The coarsest granularity, in which the raw tail is counted.
    pub(crate) fn block(&self) -> Granularity {
        self.block
    }

    /// Blocks of measures kept before the newest one's.
    pub(crate) fn raw_blocks(&self) -> u32 {
        self.raw_blocks
    }

    /// Whether a metric of this plan may go over to another one: only points, timespans and the back window may differ.
    pub(crate) fn may_become(&self, other: &Self) -> Result<(), &'static str> {
        let granularities = |plan: &Self| {
            plan.levels
                .iter()
                .map(|level| level.granularity)
                .collect::<Vec<_>>()
        };
        if granularities(self) != granularities(other) {
            Err("it has other granularities")
        } else if self.methods != other.methods {
            Err("it has other aggregation methods")
        } else {
            Ok(())
        }
    }
}

/// The plans in use; equal policies share one.
#[derive(Debug, Default)]
pub(crate) struct Plans {
    known: Vec<Arc<Plan>>,
}

impl Plans {
    /// The shortest timespan of windows of this length, in nanoseconds.
    pub(crate) fn shortest_timespan(&self, granularity: i64) -> Option<i64> {
        let levels = self.known.iter().flat_map(|plan| &plan.levels);
        levels
            .filter(|level| level.granularity.nanos() == granularity)
            .filter_map(|level| level.timespan)
            .min()
    }

    /// The plan of a policy; `None` if it has no definition.
    pub(crate) fn intern(&mut self, policy: &ArchivePolicy) -> Option<Arc<Plan>> {
        if let Some(plan) = self.known.iter().find(|plan| plan.policy == *policy) {
            return Some(Arc::clone(plan));
        }
        // What no metric uses any more goes when something new comes.
        self.known.retain(|plan| Arc::strong_count(plan) > 1);
        let plan = Arc::new(Plan::new(policy.clone())?);
        self.known.push(Arc::clone(&plan));
        Some(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn default(name: &str) -> ArchivePolicy {
        ArchivePolicy::defaults()
            .into_iter()
            .find(|policy| policy.name == name)
            .unwrap()
    }

    #[test]
    fn archives_are_ordered_coarsest_first_and_methods_have_their_columns() {
        let plan = Plan::new(default("high")).unwrap();
        let lengths: Vec<f64> = plan
            .levels()
            .iter()
            .map(|level| level.granularity.seconds())
            .collect();
        assert_eq!(lengths, [3600.0, 60.0, 1.0]);
        assert_eq!(
            (plan.width(), plan.plain().len(), plan.rates().len()),
            (6, 6, 0)
        );
        assert_eq!(plan.column(Aggregation::of(Statistic::Mean)), Some(0));
        assert_eq!(plan.column(Aggregation::rate(Statistic::Mean)), None);
    }

    #[test]
    fn only_points_timespans_and_the_back_window_may_change() {
        let plan = |policy: ArchivePolicy| Plan::new(policy).unwrap();
        let low = default("low");
        let mut shorter = low.clone();
        shorter.name = "shorter".to_owned();
        shorter.definition[0].points = Some(1);
        assert_eq!(plan(low.clone()).may_become(&plan(shorter)), Ok(()));
        assert_eq!(
            plan(low.clone()).may_become(&plan(default("medium"))),
            Err("it has other granularities")
        );
        assert_eq!(
            plan(low.clone()).may_become(&plan(default("ceilometer-low"))),
            Err("it has other aggregation methods")
        );
        let late = ArchivePolicy {
            back_window: 1,
            ..low.clone()
        };
        assert_eq!(plan(low).may_become(&plan(late)), Ok(()));
    }

    #[test]
    fn equal_policies_share_a_plan_and_unused_ones_go() {
        let mut plans = Plans::default();
        let first = plans.intern(&default("low")).unwrap();
        assert!(Arc::ptr_eq(&first, &plans.intern(&default("low")).unwrap()));
        drop(first);
        plans.intern(&default("high")).unwrap();
        assert_eq!(plans.known.len(), 1);
    }

    #[test]
    fn a_policy_without_definition_has_no_plan() {
        let empty = ArchivePolicy {
            definition: Vec::new(),
            ..default("low")
        };
        assert!(Plan::new(empty).is_none());
    }
}
