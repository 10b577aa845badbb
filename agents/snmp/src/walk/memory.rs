//! What is remembered of a device between two walks of a module: how many rows it answers at once, and the columns that
//! only give names to other columns' rows. Those change rarely, and need not be walked each time.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use async_snmp::{Oid, VarBind};

use crate::config::{Credentials, Module};
use crate::walk::question::Peer;

/// Devices and modules that are remembered.
const ENTRIES: usize = 10_000;

/// Rows of lookup columns that are remembered of all devices together: about 150 MB.
const ROWS: usize = 1_000_000;

/// After so many walks without trouble a device is asked for more rows at once again; after twice as many each time that
/// this was too much.
const PATIENCE: u32 = 3;

/// But not after more than that.
const MOST_PATIENCE: u32 = 96;

/// Who is not asked for so long is forgotten when others need the place.
const UNUSED: Duration = Duration::from_secs(3600);

/// Two clocks may differ by so much over the time between two walks.
const CLOCK_SLACK: Duration = Duration::from_secs(5);

/// `sysUpTime.0`: begins again when the device does, and then all indexes may be others.
const UP_TIME: [u32; 9] = [1, 3, 6, 1, 2, 1, 1, 3, 0];

/// `ifTableLastChange.0`: when interfaces came or went.
const TABLE_CHANGE: [u32; 10] = [1, 3, 6, 1, 2, 1, 31, 1, 5, 0];

/// The instances to get with each walk that tell whether remembered columns may still be right.
pub(crate) fn marks() -> Vec<Oid> {
    vec![Oid::new(UP_TIME), Oid::new(TABLE_CHANGE)]
}

/// How far the device had come when its lookup columns were walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marks {
    up_time: Option<Duration>,
    table_change: Option<u32>,
    at: Instant,
}

impl Marks {
    /// What the rows got for [`marks`] say at this moment.
    pub(crate) fn new(rows: &[VarBind], at: Instant) -> Self {
        let ticks = |arcs: &[u32]| {
            let row = rows.iter().find(|row| row.oid.arcs() == arcs);
            row.and_then(|row| row.value.as_u32())
        };
        Self {
            up_time: ticks(&UP_TIME).map(|ticks| Duration::from_millis(u64::from(ticks) * 10)),
            table_change: ticks(&TABLE_CHANGE),
            at,
        }
    }

    /// Whether the device has neither started again nor changed its interfaces from then to `now`.
    pub(crate) fn holds(&self, now: &Self) -> bool {
        let is_same_run = match (self.up_time, now.up_time) {
            (Some(then), Some(up)) => {
                let expected = then + now.at.saturating_duration_since(self.at);
                let slack = CLOCK_SLACK + (expected - then) / 10;
                up + slack >= expected && up <= expected + slack
            }
            (then, up) => then == up,
        };
        is_same_run && self.table_change == now.table_change
    }
}

/// Lookup columns as they were.
#[derive(Debug)]
pub(crate) struct Lookups {
    /// Their rows.
    pub(crate) rows: Vec<VarBind>,
    /// What was looked up in them in vain.
    pub(crate) missing: HashSet<Vec<u32>>,
    /// When that was.
    pub(crate) marks: Marks,
}

/// What is remembered of a module of a device.
#[derive(Debug)]
struct Entry {
    module: Weak<Module>,
    credentials: Weak<Credentials>,
    rows_at_once: u32,
    /// Walks that it takes until the device is asked for more.
    patience: u32,
    /// Walks of those that are over.
    calm: u32,
    lookups: Option<Arc<Lookups>>,
    used: Instant,
}

/// What is remembered of all devices.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<HashMap<(Peer, String), Entry>>);

/// A module of a device and with which credentials it is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) peer: Peer,
    pub(crate) module: Arc<Module>,
    pub(crate) credentials: Arc<Credentials>,
}

impl Asked {
    fn key(&self) -> (Peer, String) {
        (self.peer.clone(), self.module.name.clone())
    }

    /// Whether that was with the configuration of now.
    fn is(&self, entry: &Entry) -> bool {
        Weak::ptr_eq(&Arc::downgrade(&self.module), &entry.module)
            && Weak::ptr_eq(&Arc::downgrade(&self.credentials), &entry.credentials)
    }
}

impl Memory {
    /// Rows to ask for at once, and the lookup columns if they are not older than `interval`.
    pub(crate) fn recall(&self, asked: &Asked, interval: Duration) -> (u32, Option<Arc<Lookups>>) {
        let mut entries = self.lock();
        match entries.get_mut(&asked.key()) {
            Some(entry) if asked.is(entry) => {
                entry.used = Instant::now();
                let is_young = |lookups: &&Arc<Lookups>| lookups.marks.at.elapsed() < interval;
                let lookups = entry.lookups.as_ref().filter(is_young);
                (entry.rows_at_once, lookups.cloned())
            }
            _ => (asked.module.params.max_repetitions, None),
        }
    }

    /// Remembers how many rows are answered at once, and the lookup columns if they were walked anew.
    pub(crate) fn keep(&self, asked: &Asked, rows_at_once: u32, lookups: Option<Lookups>) {
        let mut entries = self.lock();
        let key = asked.key();
        let before = entries.remove(&key).filter(|entry| asked.is(entry));
        let most = asked.module.params.max_repetitions;
        let (rows_at_once, patience, calm) = match &before {
            Some(before) if rows_at_once < before.rows_at_once => {
                (rows_at_once, (before.patience * 2).min(MOST_PATIENCE), 0)
            }
            Some(before) if rows_at_once >= most => (most, before.patience, 0),
            Some(before) if before.calm + 1 < before.patience => {
                (rows_at_once, before.patience, before.calm + 1)
            }
            Some(before) => {
                let more = rows_at_once + rows_at_once / 4 + 1;
                (more.min(most), before.patience, 0)
            }
            None => (rows_at_once, PATIENCE, 0),
        };
        if entries.len() >= ENTRIES {
            entries.retain(|_, entry| entry.used.elapsed() < UNUSED);
        }
        if entries.len() >= ENTRIES {
            return;
        }
        let held: usize = entries.values().map(Entry::row_count).sum();
        let lookups = match lookups {
            Some(lookups) if held + lookups.rows.len() <= ROWS => Some(Arc::new(lookups)),
            Some(_) => None,
            None => before.and_then(|entry| entry.lookups),
        };
        let entry = Entry {
            module: Arc::downgrade(&asked.module),
            credentials: Arc::downgrade(&asked.credentials),
            rows_at_once,
            patience,
            calm,
            lookups,
            used: Instant::now(),
        };
        entries.insert(key, entry);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(Peer, String), Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn row_count(&self) -> usize {
        self.lookups
            .as_ref()
            .map_or(0, |lookups| lookups.rows.len())
    }
}

#[cfg(test)]
mod tests {
    use async_snmp::Value;

    use super::*;

    fn marks_of(up_time: Option<u32>, change: Option<u32>, at: Instant) -> Marks {
        let row = |arcs: &[u32], ticks: Option<u32>| {
            ticks.map(|ticks| VarBind {
                oid: Oid::new(arcs.to_vec()),
                value: Value::TimeTicks(ticks),
            })
        };
        let rows: Vec<VarBind> = [row(&UP_TIME, up_time), row(&TABLE_CHANGE, change)]
            .into_iter()
            .flatten()
            .collect();
        Marks::new(&rows, at)
    }

    #[test]
    fn a_device_is_asked_for_more_rows_again_after_some_walks_without_trouble() {
        let config = crate::config::Config::load(&[], None).unwrap();
        let asked = Asked {
            peer: Peer {
                address: ([127, 0, 0, 1], 161).into(),
                tcp: false,
                context: None,
                engine: None,
            },
            module: Arc::clone(config.module("if_mib").unwrap()),
            credentials: Arc::clone(config.credentials(None, "if_mib").unwrap()),
        };
        let memory = Memory::default();
        let rows = || memory.recall(&asked, Duration::ZERO).0;
        assert_eq!(rows(), 25);
        let walks = |count: u32| (0..count).for_each(|_| memory.keep(&asked, rows(), None));
        memory.keep(&asked, 8, None);
        walks(PATIENCE - 1);
        assert_eq!(rows(), 8);
        walks(1);
        assert_eq!(rows(), 11);
        // That was too much.
        memory.keep(&asked, 8, None);
        walks(2 * PATIENCE - 1);
        assert_eq!(rows(), 8);
        walks(1);
        assert_eq!(rows(), 11);
        walks(20 * PATIENCE);
        assert_eq!(rows(), 25);
    }

    #[test]
    fn a_device_that_started_again_or_changed_its_interfaces_is_noticed() {
        let then = Instant::now();
        let later = then + Duration::from_secs(100);
        let before = marks_of(Some(500_000), Some(7), then);
        assert!(before.holds(&marks_of(Some(510_000), Some(7), later)));
        assert!(before.holds(&marks_of(Some(509_000), Some(7), later)));
        for (up_time, change) in [
            (Some(3_000), Some(7)),
            (Some(510_000), Some(8)),
            (Some(510_000), None),
            (Some(600_000), Some(7)),
            (None, Some(7)),
        ] {
            assert!(
                !before.holds(&marks_of(up_time, change, later)),
                "{up_time:?} {change:?}"
            );
        }
        // A device that tells neither is trusted for the interval.
        assert!(marks_of(None, None, then).holds(&marks_of(None, None, later)));
    }
}
