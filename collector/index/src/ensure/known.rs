//! What is kept in memory of the resources that ingest has seen: their metrics, and which descriptions of them are
//! known to change nothing.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Weak};

use collector_model::MetricId;

use super::{EnsureBody, EnsureResource, Ensured, EnsuredMetric};
use crate::Metric;

/// How many descriptions of one resource are remembered: one for each source that speaks of it.
const MAX_FINGERPRINTS: usize = 4;

/// A resource that `ensure` has seen.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Descriptions that the resource as it is already agrees with.
    fingerprints: Vec<u128>,
    /// Its active metrics, sorted by name.
    metrics: Vec<Arc<Metric>>,
}

/// Makes 128 bits of a description, by two hashes with keys of their own: instead of the description it is enough to
/// remember these.
#[derive(Debug, Default)]
pub(crate) struct Fingerprints {
    low: RandomState,
    high: RandomState,
}

impl Fingerprints {
    pub(super) fn of(&self, body: &EnsureBody<'_>) -> u128 {
        let described = (
            body.resource_type,
            body.project_id,
            body.user_id,
            &body.attributes,
        );
        let (low, high) = (self.low.hash_one(described), self.high.hash_one(described));
        u128::from(high) << 64 | u128::from(low)
    }
}

/// Says whether a resource and its metrics are still as [`crate::Index::ensure`] found them: what is remembered beside
/// it need not be asked for again. Where others share the catalogue it is as old as what is kept in memory may be, see
/// [`crate::Index::freshen`].
#[derive(Debug, Clone)]
pub struct Current(Weak<Known>);

impl Current {
    pub(super) fn new(known: &Arc<Known>) -> Self {
        Self(Arc::downgrade(known))
    }

    /// False once anything about the resource has changed, or the catalogue has forgotten it.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.0.strong_count() > 0
    }
}

/// It says nothing of the resource itself.
impl PartialEq for Current {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Current {}

impl Known {
    /// A resource that agrees with these descriptions and has these metrics, sorted by name.
    pub(crate) fn new(mut fingerprints: Vec<u128>, metrics: Vec<Arc<Metric>>) -> Self {
        let surplus = fingerprints.len().saturating_sub(MAX_FINGERPRINTS);
        fingerprints.drain(..surplus);
        Self {
            fingerprints,
            metrics,
        }
    }

    pub(crate) fn fingerprints(&self) -> &[u128] {
        &self.fingerprints
    }

    /// All its metrics by name.
    pub(crate) fn names(&self) -> BTreeMap<String, MetricId> {
        let metrics = self.metrics.iter();
        let named = metrics.filter_map(|metric| Some((metric.name.clone()?, metric.id)));
        named.collect()
    }

    /// Its metric of a name.
    pub(crate) fn metric(&self, name: &str) -> Option<&Arc<Metric>> {
        let found = self
            .metrics
            .binary_search_by(|metric| metric.name.as_deref().cmp(&Some(name)));
        found.ok().and_then(|at| self.metrics.get(at))
    }

    /// How much it counts for in the cache.
    pub(crate) fn weight(&self) -> usize {
        1 + self.metrics.len()
    }

    /// The answer to `wanted`, where the resource agrees with it and has all its metrics.
    pub(super) fn answer(
        self: &Arc<Self>,
        wanted: &EnsureResource<'_>,
        fingerprints: &Fingerprints,
    ) -> Option<Ensured> {
        if let Some(body) = &wanted.body
            && !self.fingerprints.contains(&fingerprints.of(body))
        {
            return None;
        }
        let metrics = wanted.metrics.iter().map(|wanted| {
            Some(EnsuredMetric {
                metric: Arc::clone(self.metric(wanted.name)?),
                created: false,
            })
        });
        Some(Ensured {
            created: false,
            metrics: metrics.collect::<Option<_>>()?,
            current: Some(Current::new(self)),
        })
    }
}
