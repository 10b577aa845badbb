//! Batches against the head: whether it knows their metrics, and folding them in. Most of the time goes into waiting for
//! memory far away, so that metrics are fetched several at a time before they are folded.

use collector_model::{Measure, MetricId};

use super::series::Series;
use super::{Head, Shard, shard_of};
use crate::batch::SortedBatch;
use crate::rollup::Scratch;
use crate::sync::RwLockReadGuard;
use crate::{Ack, StoreError};

/// How many metrics are fetched from memory together before they are folded.
const AHEAD: usize = 8;

/// Measures of one metric.
type Group<'b> = (MetricId, &'b [Measure]);

/// What folding a batch did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Folded {
    /// Measures dropped as too late.
    pub(crate) late: u64,
    /// Those of them that are older than everything that their policy keeps.
    pub(crate) expired: u64,
    /// Measures that took the place of a known one of their moment.
    pub(crate) replaced: u64,
    /// Measures of metrics that are not registered.
    pub(crate) orphans: u64,
}

impl Folded {
    /// What the batch's sender is told.
    pub(crate) fn ack(&self, batch: &SortedBatch) -> Ack {
        let (received, kept) = (batch.received() as u64, batch.len() as u64);
        Ack {
            received,
            late: self.late,
            expired: self.expired,
            duplicates: received - kept + self.replaced,
        }
    }

    /// Folds what a log entry has for a shard, unless the shard has folded it.
    fn fold(&mut self, seq: u64, shard: &mut Shard, groups: &[Group<'_>], scratch: &mut Scratch) {
        if shard.applied >= seq {
            return;
        }
        shard.applied = seq;
        let (together, rest) = groups.as_chunks::<AHEAD>();
        for chunk in together {
            // One look-up each; a batch has each metric once.
            let found = shard
                .metrics
                .get_disjoint_mut(chunk.each_ref().map(|(metric, _)| metric));
            let touched = found.iter().flatten().map(|series| series.touch());
            std::hint::black_box(touched.fold(0, |bits, more| bits ^ more));
            for (series, (_, measures)) in found.into_iter().zip(chunk) {
                self.add(series, measures, scratch);
            }
        }
        for (metric, measures) in rest {
            self.add(shard.metrics.get_mut(metric), measures, scratch);
        }
    }

    fn add(
        &mut self,
        series: Option<&mut Box<Series>>,
        measures: &[Measure],
        scratch: &mut Scratch,
    ) {
        match series {
            Some(series) => {
                let taken = series.fold(measures, scratch);
                self.replaced += taken.replaced as u64;
                if taken.late > 0 {
                    self.late += taken.late as u64;
                    let late = measures.get(..taken.late).unwrap_or_default();
                    self.expired += series.expired(late) as u64;
                }
            }
            None => self.orphans += measures.len() as u64,
        }
    }
}

impl Head {
    /// Whether all metrics of a batch are registered; else the first that is not.
    pub(crate) fn check_known(&self, batch: &SortedBatch) -> Result<(), StoreError> {
        let mut open: Option<(usize, RwLockReadGuard<'_, Shard>)> = None;
        for metric in batch.metrics() {
            let index = shard_of(metric);
            if open.as_ref().is_none_or(|(opened, _)| *opened != index) {
                drop(open.take());
                open = self.shard_to_look_up(index).map(|shard| (index, shard));
            }
            if open
                .as_ref()
                .is_none_or(|(_, shard)| !shard.metrics.contains_key(&metric))
            {
                return Err(StoreError::UnknownMetric(metric));
            }
        }
        Ok(())
    }

    /// Folds the log entry `seq` in: into each shard that has not folded it yet, and last into those that are locked.
    pub(crate) fn fold(&self, seq: u64, batch: &SortedBatch, scratch: &mut Scratch) -> Folded {
        let mut folded = Folded::default();
        let mut groups = batch.iter().peekable();
        let mut locked: Vec<(usize, Vec<Group<'_>>)> = Vec::new();
        while let Some((metric, _)) = groups.peek() {
            let index = shard_of(*metric);
            let of_shard: Vec<Group<'_>> =
                std::iter::from_fn(|| groups.next_if(|(metric, _)| shard_of(*metric) == index))
                    .collect();
            match self.try_shard_mut(index) {
                Some(mut shard) => folded.fold(seq, &mut shard, &of_shard, scratch),
                None => locked.push((index, of_shard)),
            }
        }
        for (index, of_shard) in locked {
            if let Some(mut shard) = self.shard_for_write(index) {
                folded.fold(seq, &mut shard, &of_shard, scratch);
            }
        }
        folded
    }
}
