//! How many rows a device is asked for at once: fewer after an answer that did not come or was too big, more again after
//! those that came, but not so many again in the same walk.

use std::sync::atomic::{AtomicU32, Ordering};

/// The pace of one walk.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Rows to ask for now.
    rows: AtomicU32,
    /// The most rows to ask for: fewer than were not answered.
    ceiling: AtomicU32,
    /// The most rows that were answered.
    answered: AtomicU32,
}

impl Pace {
    /// Begins with so many rows, at least 1.
    pub(crate) fn new(rows: u32) -> Self {
        let rows = rows.max(1);
        Self {
            rows: AtomicU32::new(rows),
            ceiling: AtomicU32::new(rows),
            answered: AtomicU32::new(0),
        }
    }

    /// Rows to ask for now.
    pub(crate) fn rows(&self) -> u32 {
        self.rows.load(Ordering::Relaxed)
    }

    /// A question for so many rows was answered.
    pub(crate) fn faster(&self, rows: u32) {
        self.answered.fetch_max(rows, Ordering::Relaxed);
        let ceiling = self.ceiling.load(Ordering::Relaxed);
        if rows < ceiling {
            let more = (rows + rows / 4 + 1).min(ceiling);
            self.rows.store(more, Ordering::Relaxed);
        }
    }

    /// A question for so many rows was too much.
    pub(crate) fn slower(&self, rows: u32) {
        self.rows.store((rows / 2).max(1), Ordering::Relaxed);
        self.ceiling
            .fetch_min(rows.saturating_sub(1).max(1), Ordering::Relaxed);
    }

    /// One row at a time from now on.
    pub(crate) fn slowest(&self) {
        self.rows.store(1, Ordering::Relaxed);
        self.ceiling.store(1, Ordering::Relaxed);
    }

    /// What to begin the next walk with: a larger number was not answered, or not tried.
    pub(crate) fn known_good(&self) -> u32 {
        match self.answered.load(Ordering::Relaxed) {
            0 => self.rows(),
            most => most.min(self.ceiling.load(Ordering::Relaxed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_comes_close_to_what_a_device_can_and_stays_there() {
        for most in 1..=25 {
            let pace = Pace::new(25);
            let mut lost = 0;
            for _ in 0..60 {
                let rows = pace.rows();
                if rows > most {
                    pace.slower(rows);
                    lost += 1;
                } else {
                    pace.faster(rows);
                }
            }
            assert_eq!(pace.known_good(), most);
            assert!(lost <= 6, "{lost} of {most}");
        }
        let pace = Pace::new(25);
        pace.slower(25);
        assert_eq!((pace.rows(), pace.known_good()), (12, 12));
        pace.slowest();
        pace.faster(1);
        assert_eq!((pace.rows(), pace.known_good()), (1, 1));
    }
}
