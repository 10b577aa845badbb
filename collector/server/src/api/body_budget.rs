//! How much memory the bodies of all requests together may take, so that many large ones at once are refused instead of
//! ending the process. The limit of a single body is the listener's.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bodies of the largest size that fit at once.
const LARGEST_AT_ONCE: usize = 8;
/// Bytes that one permit stands for.
const UNIT: u64 = 1024;

/// The memory that is left for bodies.
#[derive(Debug)]
pub(crate) struct BodyBudget {
    units: Arc<Semaphore>,
    /// Units of the largest body.
    largest: u64,
    bytes: usize,
}

impl BodyBudget {
    /// For bodies of at most so many bytes each.
    pub(crate) fn new(bytes: usize) -> Self {
        let largest = (bytes as u64).div_ceil(UNIT).min(u64::from(u32::MAX));
        let units = usize::try_from(largest).unwrap_or(Semaphore::MAX_PERMITS);
        let units = units
            .saturating_mul(LARGEST_AT_ONCE)
            .min(Semaphore::MAX_PERMITS);
        Self {
            units: Arc::new(Semaphore::new(units)),
            largest,
            bytes,
        }
    }

    /// Bytes of the largest body.
    pub(crate) fn largest(&self) -> usize {
        self.bytes
    }

    /// The share of a body of that length, or of an unknown one; none where not enough is left.
    pub(crate) fn share(&self, length: Option<u64>) -> Option<OwnedSemaphorePermit> {
        let units = length.map_or(self.largest, |length| {
            length.div_ceil(UNIT).min(self.largest)
        });
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        Arc::clone(&self.units).try_acquire_many_owned(units).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_bodies_are_refused_while_there_are_too_many_and_small_ones_are_not() {
        let budget = BodyBudget::new(10 << 10);
        let mut large: Vec<_> = (0..7).map(|_| budget.share(None)).collect();
        assert!(large.iter().all(Option::is_some));
        let small = budget.share(Some(1));
        assert!(small.is_some() && budget.share(Some(0)).is_some());
        assert!(budget.share(Some(10 << 10)).is_none());
        large.pop();
        assert!(budget.share(Some(10 << 10)).is_some());
        // More than is allowed is refused later, while it is read.
        drop(large);
        assert!(budget.share(Some(u64::MAX)).is_some());
    }
}
