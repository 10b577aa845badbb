//! The segments that count, in the order of the manifest: for every metric and granularity earlier ones hold earlier
//! windows. Readers take the list as it is and keep files open that are removed meanwhile.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

use collector_model::MetricId;

use super::chunk::Select;
use super::lookup::{Ask, Lookup};
use super::reader::Segment;
use crate::StoreError;
use crate::sync::RwLock;

/// The list of one moment.
pub(crate) type List = Arc<Vec<Arc<Segment>>>;

/// The current list.
#[derive(Default)]
pub(crate) struct Segments {
    list: RwLock<List>,
    /// Damaged blocks that were met in segments which are gone.
    damaged_before: AtomicU64,
}

impl Segments {
    pub(crate) fn new(segments: Vec<Arc<Segment>>) -> Self {
        Self {
            list: RwLock::new(Arc::new(segments)),
            damaged_before: AtomicU64::new(0),
        }
    }

    pub(crate) fn list(&self) -> List {
        Arc::clone(&self.list.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Damaged blocks met since the start.
    pub(crate) fn damaged(&self) -> u64 {
        let now: u64 = self.list().iter().map(|segment| segment.damaged()).sum();
        now + self.damaged_before.load(Ordering::Relaxed)
    }

    pub(crate) fn replace(&self, segments: Vec<Arc<Segment>>) {
        let before = self.list();
        let gone = before
            .iter()
            .filter(|old| segments.iter().all(|new| new.id != old.id));
        let damaged = gone.map(|segment| segment.damaged()).sum();
        self.damaged_before.fetch_add(damaged, Ordering::Relaxed);
        *self.list.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(segments);
    }
}

/// What is asked of segments: one column of one metric.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) metric: MetricId,
    pub(crate) granularity: i64,
    pub(crate) column: usize,
    /// Blocks that have not seen all deletions up to here hold an earlier metric of the same id.
    pub(crate) since: u64,
}

impl Wanted {
    fn ask(&self, range: (i64, i64), most: usize) -> Ask {
        Ask {
            metric: self.metric,
            select: Select {
                column: self.column,
                range,
                most,
            },
            since: self.since,
        }
    }
}

/// Values that begin in `[from, to)`, ascending: the first so many.
pub(crate) fn read(
    list: &List,
    lookup: &mut Lookup,
    wanted: &Wanted,
    range: (i64, i64),
    most: usize,
) -> Result<Vec<(i64, f64)>, StoreError> {
    let mut found = in_order_of_segments(list, lookup, wanted, range, most)?;
    if !found.is_sorted_by(|a, b| a.0 < b.0) {
        // Only after damage to a snapshot: what was lost may have come again.
        found = in_order_of_segments(list, lookup, wanted, range, usize::MAX)?;
        found.reverse();
        found.sort_by_key(|(start, _)| *start);
        found.dedup_by_key(|(start, _)| *start);
        found.truncate(most);
    }
    Ok(found)
}

/// The first so many values in the order of the segments, which is that of time.
fn in_order_of_segments(
    list: &List,
    lookup: &mut Lookup,
    wanted: &Wanted,
    (from, to): (i64, i64),
    most: usize,
) -> Result<Vec<(i64, f64)>, StoreError> {
    let mut found = Vec::new();
    for segment in list.iter() {
        let meta = &segment.meta;
        if meta.granularity == wanted.granularity && meta.max >= from && meta.min < to {
            lookup.column(segment, &wanted.ask((from, to), most), &mut found)?;
        }
    }
    Ok(found)
}

/// The newest window in which a column has a value.
pub(crate) fn newest(
    list: &List,
    lookup: &mut Lookup,
    wanted: &Wanted,
) -> Result<Option<i64>, StoreError> {
    let of_granularity = |segment: &&Arc<Segment>| segment.meta.granularity == wanted.granularity;
    let mut found = Vec::new();
    for segment in list.iter().rev().filter(of_granularity) {
        let all = wanted.ask((i64::MIN, i64::MAX), usize::MAX);
        lookup.column(segment, &all, &mut found)?;
        if let Some((start, _)) = found.last() {
            return Ok(Some(*start));
        }
    }
    Ok(None)
}
