//! Tasks that are known by what they watch: one for each that is there now.

use std::collections::HashMap;
use std::hash::Hash;

use tokio::task::{AbortHandle, JoinSet};

/// Tasks by what they watch; they are aborted with this.
#[derive(Debug)]
pub(super) struct Tasks<K> {
    running: JoinSet<()>,
    by_key: HashMap<K, AbortHandle>,
}

impl<K> Default for Tasks<K> {
    fn default() -> Self {
        Self {
            running: JoinSet::new(),
            by_key: HashMap::new(),
        }
    }
}

impl<K: Clone + Eq + Hash> Tasks<K> {
    /// Aborts those of what is gone.
    pub(super) fn retain(&mut self, stays: impl Fn(&K) -> bool) {
        self.by_key.retain(|key, task| {
            let stays = stays(key);
            if !stays {
                task.abort();
            }
            stays
        });
        // What has been aborted is joined, or the set would grow.
        while self.running.try_join_next().is_some() {}
    }

    /// Starts one, unless that is watched.
    pub(super) fn start<F>(&mut self, key: &K, task: impl FnOnce() -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        if !self.by_key.contains_key(key) {
            let started = self.running.spawn(task());
            self.by_key.insert(key.clone(), started);
        }
    }

    /// Waits until all have ended.
    pub(super) async fn ended(&mut self) {
        while self.running.join_next().await.is_some() {}
    }
}
