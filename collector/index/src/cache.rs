//! A bounded map that forgets what was not asked for lately. What the catalogue keeps in memory is only ever filled by
//! the task that holds the writing connection, from what it has just read or committed, and is dropped before a
//! commit that changes it: so it is never older than the database.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// Bounded by weight. Two generations: when the young one is half the bound it becomes the old one, and what was in the
/// old one and has not been asked for since is forgotten. Each operation is one or two look-ups.
#[derive(Debug)]
pub(crate) struct Cache<K, V> {
    generations: Mutex<Generations<K, V>>,
    /// Most weight of one generation.
    most: usize,
}

#[derive(Debug)]
struct Generations<K, V> {
    young: HashMap<K, (V, usize)>,
    old: HashMap<K, (V, usize)>,
    /// Sum of the weights in `young`.
    weight: usize,
}

impl<K: Hash + Eq + Clone, V: Clone> Cache<K, V> {
    /// An empty cache of at most this weight.
    pub(crate) fn new(most: usize) -> Self {
        let generations = Generations {
            young: HashMap::new(),
            old: HashMap::new(),
            weight: 0,
        };
        Self {
            generations: Mutex::new(generations),
            most: most / 2,
        }
    }

    fn with<R>(&self, act: impl FnOnce(&mut Generations<K, V>) -> R) -> R {
        // No code that can panic runs under the lock, so a poisoned one is as good as any.
        act(&mut self
            .generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner))
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &K) -> Option<V> {
        self.with(|generations| {
            if let Some((value, _)) = generations.young.get(key) {
                return Some(value.clone());
            }
            let (key, (value, weight)) = generations.old.remove_entry(key)?;
            generations.insert(key, value.clone(), weight, self.most);
            Some(value)
        })
    }

    /// Keeps a value; one that is heavier than half the cache is not kept.
    pub(crate) fn insert(&self, key: K, value: V, weight: usize) {
        if weight <= self.most {
            self.with(|generations| {
                generations.remove(&key);
                generations.insert(key, value, weight, self.most);
            });
        }
    }

    /// Forgets a key.
    pub(crate) fn remove(&self, key: &K) {
        self.with(|generations| generations.remove(key));
    }

    /// Forgets all.
    pub(crate) fn clear(&self) {
        self.with(|generations| {
            generations.young.clear();
            generations.old.clear();
            generations.weight = 0;
        });
    }
}

impl<K: Hash + Eq, V> Generations<K, V> {
    fn insert(&mut self, key: K, value: V, weight: usize, most: usize) {
        if self.weight + weight > most {
            self.old = std::mem::take(&mut self.young);
            self.weight = 0;
        }
        self.weight += weight;
        self.young.insert(key, (value, weight));
    }

    fn remove(&mut self, key: &K) {
        if let Some((_, weight)) = self.young.remove(key) {
            self.weight -= weight;
        }
        self.old.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_stays_and_the_rest_is_forgotten() {
        let cache = Cache::new(20);
        cache.insert(0, "kept", 1);
        for key in 1..100 {
            cache.insert(key, "passing", 1);
            assert_eq!(cache.get(&0), Some("kept"), "after {key}");
        }
        assert_eq!(cache.get(&1), None);
        assert_eq!(cache.get(&99), Some("passing"));
    }

    #[test]
    fn it_never_holds_more_than_its_bound() {
        let cache = Cache::new(10);
        for key in 0..1_000 {
            cache.insert(key, (), 1 + key % 3);
            let held: usize = cache.with(|generations| {
                let all = generations.young.values().chain(generations.old.values());
                all.map(|(_, weight)| weight).sum()
            });
            assert!(held <= 10, "{held} after {key}");
        }
        cache.insert(5, (), 6);
        assert_eq!(cache.get(&5), None);
    }

    #[test]
    fn what_is_removed_is_gone_from_both_generations() {
        let cache = Cache::new(4);
        cache.insert('a', 1, 1);
        cache.insert('b', 2, 1);
        cache.insert('c', 3, 1);
        cache.remove(&'a');
        cache.remove(&'c');
        assert_eq!((cache.get(&'a'), cache.get(&'c')), (None, None));
        assert_eq!(cache.get(&'b'), Some(2));
        cache.clear();
        assert_eq!(cache.get(&'b'), None);
    }

    #[test]
    fn a_new_value_takes_the_place_of_the_old_one() {
        let cache = Cache::new(4);
        cache.insert('a', 1, 2);
        cache.insert('a', 2, 1);
        assert_eq!(cache.get(&'a'), Some(2));
        cache.with(|generations| assert_eq!(generations.weight, 1));
    }
}
