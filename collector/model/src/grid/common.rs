//! The moments that all series of a grid have in common, counted while the grid is gone through piece by piece: whether
//! they are enough, and which moments are left where those before the first and after the last are cut off.

use super::{Grid, GridError, Overlap};
use crate::Timestamp;

/// What has been counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Common {
    moments: usize,
    count: usize,
    /// Number and moment of the first common one and of the last.
    ends: Option<[(usize, Timestamp); 2]>,
}

/// The moments that are left, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kept {
    /// The first; `None` cuts nothing off.
    pub first: Option<Timestamp>,
    /// The last; `None` cuts nothing off.
    pub last: Option<Timestamp>,
}

impl Common {
    /// Counts the next piece of a grid, whose gaps are NaN.
    pub fn add(&mut self, grid: &Grid) {
        let mut common = vec![true; grid.timestamps.len()];
        for column in &grid.columns {
            for (common, value) in common.iter_mut().zip(column) {
                *common &= !value.is_nan();
            }
        }
        let moments = grid.timestamps.iter().zip(common).enumerate();
        for (at, (moment, _)) in moments.filter(|(_, (_, common))| *common) {
            let this = (self.moments + at, *moment);
            let [first, _] = self.ends.unwrap_or([this, this]);
            self.ends = Some([first, this]);
            self.count += 1;
        }
        self.moments += grid.timestamps.len();
    }

    /// What is left of the grid.
    ///
    /// # Errors
    /// [`GridError::NoOverlap`], [`GridError::TooLittle`].
    pub fn check(&self, overlap: Overlap) -> Result<Kept, GridError> {
        if self.count == 0 && overlap.needed > 0.0 {
            return Err(GridError::NoOverlap);
        }
        let mut kept = Kept::default();
        let (mut from, mut to) = (0, self.moments);
        if let Some([(first, first_moment), (last, last_moment)]) = self.ends {
            if overlap.cut_start {
                (from, kept.first) = (first, Some(first_moment));
            }
            if overlap.cut_stop {
                (to, kept.last) = (last + 1, Some(last_moment));
            }
        }
        let left = to - from;
        if left > 0 {
            let found = self.count as f64 * 100.0 / left as f64;
            if found < overlap.needed {
                let needed = overlap.needed;
                return Err(GridError::TooLittle { needed, found });
            }
        }
        Ok(kept)
    }
}

impl Grid {
    /// Cuts off what is not left.
    pub fn trim(&mut self, kept: Kept) {
        if let Some(last) = kept.last {
            let length = self.timestamps.partition_point(|at| *at <= last);
            self.split_off(length);
        }
        if let Some(first) = kept.first {
            self.drop_before(first);
        }
    }
}
