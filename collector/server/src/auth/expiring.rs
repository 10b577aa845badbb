//! What is remembered for a while: a bounded map whose entries have an end.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Values that are known until their time is over. When it is full, those go whose time is over, and if none is, all.
#[derive(Debug)]
pub(super) struct Expiring<K, V> {
    capacity: usize,
    entries: Mutex<HashMap<K, (V, Instant)>>,
}

impl<K: Hash + Eq, V: Clone> Expiring<K, V> {
    /// Remembers nothing yet, and never more than so many.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            entries: Mutex::default(),
        }
    }

    /// What is known of the key, and until when.
    pub(super) fn get(&self, key: &K, now: Instant) -> Option<(V, Instant)> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let known = entries.get(key)?;
        (now < known.1).then(|| known.clone())
    }

    /// Remembers the value until then.
    pub(super) fn put(&self, key: K, value: V, until: Instant, now: Instant) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= self.capacity && !entries.contains_key(&key) {
            entries.retain(|_, (_, until)| now < *until);
            if entries.len() >= self.capacity {
                entries.clear();
            }
        }
        entries.insert(key, (value, until));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_value_is_known_until_its_time_is_over() {
        let (known, now) = (Expiring::new(2), Instant::now());
        let later = now + Duration::from_secs(1);
        known.put("a", 1, later, now);
        assert_eq!(known.get(&"a", now), Some((1, later)));
        assert_eq!(known.get(&"b", now), None);
        assert_eq!(known.get(&"a", later), None);
    }

    #[test]
    fn there_are_never_more_than_its_capacity_and_what_is_over_goes_first() {
        let (known, now) = (Expiring::new(2), Instant::now());
        let [soon, later] = [1, 2].map(|seconds| now + Duration::from_secs(seconds));
        known.put(1, "over soon", soon, now);
        known.put(2, "stays", later, now);
        known.put(3, "new", later, soon);
        assert_eq!(known.get(&2, soon), Some(("stays", later)));
        known.put(4, "newer", later, soon);
        assert_eq!(known.entries.lock().unwrap().len(), 1);
    }
}
