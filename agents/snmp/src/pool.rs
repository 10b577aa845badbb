//! Things that are made when they are first needed, shared by all who need them then, and gone with the last of those.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Things by key, as long as somebody holds them.
pub(crate) struct Pool<K, V>(Mutex<HashMap<K, Weak<V>>>);

impl<K: Hash + Eq, V> Pool<K, V> {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    /// The one that is held and `will_do`, else a new one.
    pub(crate) fn get(
        &self,
        key: K,
        will_do: impl Fn(&V) -> bool,
        make: impl FnOnce() -> V,
    ) -> Arc<V> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let held = known.get(&key).and_then(Weak::upgrade);
        if let Some(held) = held.filter(|held| will_do(held)) {
            return held;
        }
        known.retain(|_, value| value.strong_count() > 0);
        let made = Arc::new(make());
        known.insert(key, Arc::downgrade(&made));
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_shared_while_it_is_held_and_does() {
        let pool: Pool<u8, String> = Pool::new();
        let make = || "made".to_owned();
        let first = pool.get(1, |_| true, make);
        assert!(Arc::ptr_eq(&first, &pool.get(1, |_| true, make)));
        assert!(!Arc::ptr_eq(&first, &pool.get(2, |_| true, make)));
        let other = pool.get(1, |_| false, make);
        assert!(!Arc::ptr_eq(&first, &other));
        drop((first, other));
        pool.get(3, |_| true, make);
        assert_eq!(pool.0.lock().unwrap().len(), 1);
    }
}
