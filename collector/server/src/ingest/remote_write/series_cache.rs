//! Which metric a series goes to, found by the bytes of its labels as they came, so that a series that was seen before
//! costs one look-up: no label is read, and neither catalogue nor rights are asked again. What is remembered holds for
//! the same sender under the same rules, and for as long as the catalogue has nothing else of the resource.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, BuildHasherDefault, Hash, Hasher};
use std::sync::{PoisonError, RwLock};

use collector_index::Current;
use collector_model::MetricId;
use foldhash::quality::RandomState;

/// Series that are remembered, at most; about 50 bytes each.
const MOST: usize = 2_000_000;
/// Fewest series among which those that hold no more are looked for.
const SWEEP_LEAST: usize = 10_000;

/// Stands for one series of one sender: 128 bits of its labels by two hashes with keys of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SeriesKey {
    low: u64,
    high: u64,
}

impl Hash for SeriesKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.low);
    }
}

/// Takes a key's bits as they are: they are a hash already.
#[derive(Debug, Default)]
pub(crate) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn write(&mut self, _bytes: &[u8]) {}

    fn write_u64(&mut self, word: u64) {
        self.0 = word;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A sender with the rules that he is judged by, as two hashes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sender(u64, u64);

#[derive(Debug)]
struct Known {
    metric: MetricId,
    current: Current,
}

type Series = HashMap<SeriesKey, Known, BuildHasherDefault<KeyHasher>>;

/// Series by what stands for them. Two generations: when the young one is half the bound it becomes the old one, and
/// what was in the old one and did not come since is forgotten.
#[derive(Debug)]
pub(crate) struct SeriesCache {
    generations: RwLock<Generations>,
    low: RandomState,
    high: RandomState,
    /// Most series of one generation.
    most: usize,
}

#[derive(Debug, Default)]
struct Generations {
    young: Series,
    old: Series,
    /// Number of young ones at which those that hold no more are looked for next.
    sweep_at: usize,
}

impl Default for SeriesCache {
    fn default() -> Self {
        Self::new(MOST)
    }
}

impl SeriesCache {
    /// Remembers at most so many series.
    fn new(most: usize) -> Self {
        Self {
            generations: RwLock::default(),
            low: RandomState::default(),
            high: RandomState::default(),
            most: most / 2,
        }
    }

    /// Stands for a sender and what he is judged by.
    pub(crate) fn sender(&self, judged_as: impl Hash) -> Sender {
        Sender(
            self.low.hash_one(&judged_as),
            self.high.hash_one(&judged_as),
        )
    }

    /// Stands for the series of a sender with these labels, given as they came.
    pub(crate) fn key(&self, sender: Sender, labels: &[u8]) -> SeriesKey {
        SeriesKey {
            low: self.low.hash_one((sender.0, labels)),
            high: self.high.hash_one((sender.1, labels)),
        }
    }

    /// The metrics of series, in their order; none where it is not known.
    pub(crate) fn find(&self, keys: impl Iterator<Item = SeriesKey>) -> Vec<Option<MetricId>> {
        let mut from_old = Vec::new();
        // No code that can panic runs under the lock, so a poisoned one is as good as any.
        let generations = self
            .generations
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let found = keys.map(|key| {
            let known = match generations.young.get(&key) {
                Some(known) => known,
                None => {
                    let known = generations.old.get(&key)?;
                    from_old.push(key);
                    known
                }
            };
            known.current.holds().then_some(known.metric)
        });
        let found = found.collect();
        drop(generations);
        if !from_old.is_empty() {
            self.with(|generations| {
                for key in from_old {
                    if let Some(known) = generations.old.remove(&key) {
                        generations.insert(key, known, self.most);
                    }
                }
            });
        }
        found
    }

    /// Remembers series with their metrics.
    pub(crate) fn keep(&self, series: impl Iterator<Item = (SeriesKey, MetricId, Current)>) {
        self.with(|generations| {
            for (key, metric, current) in series {
                generations.old.remove(&key);
                generations.insert(key, Known { metric, current }, self.most);
            }
        });
    }

    fn with(&self, act: impl FnOnce(&mut Generations)) {
        act(&mut self
            .generations
            .write()
            .unwrap_or_else(PoisonError::into_inner));
    }
}

impl Generations {
    fn insert(&mut self, key: SeriesKey, known: Known, most: usize) {
        if self.young.len() >= self.sweep_at.max(SWEEP_LEAST) {
            self.young.retain(|_, known| known.current.holds());
            self.old.retain(|_, known| known.current.holds());
            // Twice as many as hold: each is looked at once or twice in its life.
            self.sweep_at = 2 * self.young.len();
        }
        if self.young.len() >= most {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, known);
    }
}

#[cfg(test)]
mod tests {
    use collector_index::{
        Database, EnsureBody, EnsureMetric, EnsureResource, Index, ResourceUpdate,
    };
    use collector_model::resource_id;
    use serde_json::Map;

    use super::*;

    async fn known(index: &Index, name: &str) -> (MetricId, Option<Current>) {
        let wanted = EnsureResource {
            id: resource_id(name, None).unwrap(),
            body: Some(EnsureBody {
                resource_type: "generic",
                original_resource_id: name,
                project_id: None,
                user_id: None,
                attributes: Map::new(),
            }),
            creator: None,
            metrics: vec![EnsureMetric {
                name: "up",
                unit: None,
                archive_policy_name: None,
            }],
        };
        let ensured = index.ensure(&[wanted]).await.unwrap().remove(0).unwrap();
        (ensured.metrics[0].metric.id, ensured.current)
    }

    #[tokio::test]
    async fn a_series_is_known_until_anything_about_its_resource_changes() {
        let dir = tempfile::tempdir().unwrap();
        let index = Index::open(Database::Sqlite(dir.path().join("catalogue.db")));
        let index = index.await.unwrap();
        let cache = SeriesCache::default();
        let (me, other) = (cache.sender("me"), cache.sender("other"));
        let find = |key: SeriesKey| cache.find([key].into_iter())[0];
        for round in 0..2 {
            let (_, new) = known(&index, "a").await;
            assert!(new.is_none(), "what was just written is not from memory");
            let (id, current) = known(&index, "a").await;
            let key = cache.key(me, b"up, a");
            assert_eq!(find(key), None, "round {round}");
            cache.keep([(key, id, current.unwrap())].into_iter());
            assert_eq!(find(key), Some(id));
            assert_eq!(find(cache.key(other, b"up, a")), None);
            assert_eq!(find(cache.key(me, b"up, b")), None);
            let resource = resource_id("a", None).unwrap();
            if round == 0 {
                index.delete_metric(id).await.unwrap();
            } else {
                let update = ResourceUpdate {
                    project_id: Some(Some("p".to_owned())),
                    ..ResourceUpdate::default()
                };
                index
                    .update_resource("generic", resource, update)
                    .await
                    .unwrap();
            }
            assert_eq!(find(key), None, "round {round}");
        }
        index.close().await;
    }

    #[tokio::test]
    async fn what_holds_no_more_or_does_not_come_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let index = Index::open(Database::Sqlite(dir.path().join("catalogue.db")));
        let index = index.await.unwrap();
        let cache = SeriesCache::new(8 * SWEEP_LEAST);
        let sender = cache.sender("me");
        known(&index, "gone").await;
        let (id, gone) = known(&index, "gone").await;
        known(&index, "stays").await;
        let (_, stays) = known(&index, "stays").await;
        let (gone, stays) = (gone.unwrap(), stays.unwrap());
        let keep = |from: usize, count: usize, current: &Current| {
            let series = (from..from + count).map(|number| {
                let key = cache.key(sender, &number.to_le_bytes());
                (key, id, current.clone())
            });
            cache.keep(series);
        };
        let count = || {
            let generations = cache.generations.read().unwrap();
            generations.young.len() + generations.old.len()
        };
        keep(0, SWEEP_LEAST, &gone);
        index.delete_metric(id).await.unwrap();
        keep(SWEEP_LEAST, 100, &stays);
        assert_eq!(count(), 100);
        // Many that hold: only so many are kept, and those that are asked for.
        let first = cache.key(sender, &SWEEP_LEAST.to_le_bytes());
        for round in 1..30 {
            keep(round * 100_000, SWEEP_LEAST, &stays);
            assert_eq!(cache.find([first].into_iter()), [Some(id)], "round {round}");
            assert!(count() <= 8 * SWEEP_LEAST + 1, "{}", count());
        }
        index.close().await;
    }
}
