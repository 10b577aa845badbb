//! The repair of segments: a block that is damaged is set aside and its segment written anew without it. What is
//! damaged in log and snapshot is set aside by every opening of a store.

use std::sync::Arc;

use super::Engine;
use crate::quarantine::Quarantine;
use crate::{ReplayReport, StoreError};

impl Engine {
    /// Writes the segments anew that have a damaged block, which goes to `quarantine/`.
    pub(crate) fn rewrite_damaged_segments(&self) -> Result<(), StoreError> {
        let shared = &self.shared;
        let quarantine = Quarantine::new(&*shared.disk, &shared.dir);
        let mut report = ReplayReport::default();
        for segment in shared.live.segments.list().iter() {
            let mut damaged = segment.rebuilt;
            for block in 0..segment.blocks() {
                if let Err(damage) = segment.verify(block)? {
                    quarantine.take(&segment.path, &damage.range, damage.reason, &mut report)?;
                    damaged = true;
                }
            }
            // The compaction thread may have been faster.
            let mut list = shared.live.segments.list().to_vec();
            list.retain(|of_now| of_now.id == segment.id);
            if damaged && !list.is_empty() {
                shared.merge(std::slice::from_ref(&Arc::clone(segment)), |_| true)?;
            }
        }
        Ok(())
    }
}
