//! How memory goes round: a scrape with one collector alone hands it its arena and gets it back filled, so that nothing is
//! copied and a large scrape is in memory once.

use std::sync::Arc;
use std::time::Duration;

use exposition::Families;

use crate::registry::state::State;
use crate::registry::ticket::Outcome;

impl State {
    /// Gives the next run of a collector memory to use, if it has none.
    pub(crate) fn lend(&mut self, at: usize, families: Families) {
        if let Some(slot) = self.slots.get_mut(at)
            && slot.spare.is_none()
        {
            let used = Outcome {
                families,
                duration: Duration::ZERO,
                success: false,
            };
            slot.spare = Some(Arc::new(used));
        }
    }

    /// What an outcome has found, with its memory.
    ///
    /// # Errors
    /// The outcome, if another scrape needs it too.
    pub(crate) fn take_back(
        &mut self,
        at: usize,
        outcome: Arc<Outcome>,
    ) -> Result<Families, Arc<Outcome>> {
        if let Some(slot) = self.slots.get_mut(at)
            && slot
                .spare
                .as_ref()
                .is_some_and(|spare| Arc::ptr_eq(spare, &outcome))
        {
            slot.spare = None;
        }
        Arc::try_unwrap(outcome).map(|outcome| outcome.families)
    }
}
