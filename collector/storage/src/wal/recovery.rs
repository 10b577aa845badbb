//! Replays the log over what the snapshot holds. An unfinished write at the very end was never acknowledged and is
//! cut off; damage anywhere else is set aside in `quarantine/`, reported, and all other entries are applied.

use std::ops::Range;
use std::path::Path;

use super::entry::Entry;
use super::reader::{Found, SegmentReader};
use super::{WAL_DIR, segment_first, segment_path};
use crate::file::{self, Disk};
use crate::head::{Folded, Head};
use crate::quarantine::Quarantine;
use crate::rollup::Scratch;
use crate::{ReplayReport, StoreError};

/// Where the log goes on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Replayed {
    /// Number of the next entry.
    pub(crate) next_seq: u64,
    /// First entries and bytes of the segments that are still needed.
    pub(crate) segments: Vec<(u64, u64)>,
}

/// Applies all entries after `base`, the last one that the snapshot is sure to hold.
pub(crate) fn replay(
    disk: &dyn Disk,
    store: &Path,
    base: u64,
    head: &Head,
    report: &mut ReplayReport,
) -> Result<Replayed, StoreError> {
    let dir = store.join(WAL_DIR);
    let mut firsts: Vec<u64> = file::list(&dir)?
        .iter()
        .filter_map(|name| segment_first(name))
        .collect();
    drop_covered(disk, &dir, base, &mut firsts)?;
    let quarantine = Quarantine::new(disk, store);
    let mut replay = Replay {
        head,
        report,
        quarantine,
        expected: base + 1,
        damaged: false,
        scratch: Scratch::default(),
    };
    let mut segments = Vec::new();
    for (index, first) in firsts.iter().copied().enumerate() {
        let path = segment_path(&dir, first);
        let last = index + 1 == firsts.len();
        let mut end = replay.segment(disk, &path, first)?;
        if let Some((torn, reason)) = end.torn {
            if last {
                disk.truncate(&path, torn.start)
                    .map_err(file::failed("truncate", &path))?;
                replay.report.torn_bytes += torn.end - torn.start;
                end.bytes = torn.start;
                tracing::warn!(
                    path = %path.display(), offset = torn.start, bytes = torn.end - torn.start, reason,
                    "dropped an unfinished write at the end of the log"
                );
            } else {
                replay.damage(&path, &torn, reason)?;
            }
        }
        segments.push((first, end.bytes));
    }
    let next_seq = replay.expected.max(firsts.last().copied().unwrap_or(0));
    // The writer begins a segment of this name anew.
    segments.retain(|(first, _)| *first < next_seq);
    Ok(Replayed { next_seq, segments })
}

/// Removes segments that a crash kept from being removed after their checkpoint.
fn drop_covered(
    disk: &dyn Disk,
    dir: &Path,
    base: u64,
    firsts: &mut Vec<u64>,
) -> Result<(), StoreError> {
    while let [first, next, ..] = firsts.as_slice() {
        if *next > base + 1 {
            break;
        }
        let path = segment_path(dir, *first);
        disk.remove(&path).map_err(file::failed("remove", &path))?;
        firsts.remove(0);
    }
    Ok(())
}

struct Replay<'a> {
    head: &'a Head,
    report: &'a mut ReplayReport,
    quarantine: Quarantine<'a>,
    expected: u64,
    /// Whether entries before the next one are damaged, which explains that numbers are missing.
    damaged: bool,
    scratch: Scratch,
}

/// How a segment ended.
struct SegmentEnd {
    bytes: u64,
    torn: Option<(Range<u64>, &'static str)>,
}

impl Replay<'_> {
    fn segment(
        &mut self,
        disk: &dyn Disk,
        path: &Path,
        first: u64,
    ) -> Result<SegmentEnd, StoreError> {
        let source = disk.open(path, 0).map_err(file::failed("open", path))?;
        let mut reader = SegmentReader::new(source);
        let mut end = SegmentEnd {
            bytes: 0,
            torn: None,
        };
        if first > self.expected && !self.damaged {
            self.missing(path, first);
        }
        while let Some(found) = reader.next().map_err(file::failed("read", path))? {
            match found {
                Found::Entry { seq, entry } => {
                    if seq > self.expected && !self.damaged {
                        self.missing(path, seq);
                    }
                    self.damaged = false;
                    self.expected = self.expected.max(seq + 1);
                    self.apply(seq, entry);
                }
                Found::Damage { range, reason } => {
                    self.damage(path, &range, reason)?;
                }
                Found::Tail { range, reason } => end.torn = Some((range, reason)),
            }
            end.bytes = reader.position();
        }
        Ok(end)
    }

    fn apply(&mut self, seq: u64, entry: Entry) {
        let Folded { orphans, .. } = match entry {
            Entry::Write(batch) => {
                self.report.measures += batch.len() as u64;
                self.head.fold(seq, &batch, &mut self.scratch)
            }
            Entry::SetPolicy(policy, metrics) => {
                if let Some(plan) = self.head.plan(&policy) {
                    self.head.set_plan(seq, &metrics, &plan);
                }
                Folded::default()
            }
            Entry::Delete(metrics) => {
                self.head.delete(seq, &metrics);
                Folded::default()
            }
        };
        self.report.entries += 1;
        self.report.orphans += orphans;
    }

    fn damage(&mut self, path: &Path, range: &Range<u64>, reason: &str) -> Result<(), StoreError> {
        self.damaged = true;
        self.quarantine.take(path, range, reason, self.report)
    }

    fn missing(&mut self, path: &Path, seq: u64) {
        let reason = format!(
            "entries {} to {} are missing before it",
            self.expected,
            seq - 1
        );
        tracing::error!(path = %path.display(), reason, "the log has a hole");
        self.report
            .damaged
            .push(format!("{}: {reason}", path.display()));
        self.expected = seq;
    }
}

#[cfg(test)]
mod tests;
