//! A grid that is computed piece by piece of time, so that it is never whole in memory: what of the moments before a piece
//! its computation needs, and where one piece may end and the next begin.

use std::fmt;

use super::Grid;
use crate::Timestamp;

/// What a value depends on besides those of its own moment.
pub enum Cut {
    /// On so many moments before.
    Moments(usize),
    /// On all that have the same start of a longer window.
    Windows(Box<dyn Fn(Timestamp) -> Timestamp + Send>),
}

impl fmt::Debug for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Moments(count) => write!(f, "Moments({count})"),
            Self::Windows(_) => f.write_str("Windows"),
        }
    }
}

/// A part of a grid that can be computed by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// The moments, with those before that the first ones depend on.
    pub grid: Grid,
    /// From when on results are of this piece; those before are of an earlier one.
    pub from: Option<Timestamp>,
}

/// Makes pieces of what comes one after the other.
#[derive(Debug)]
pub struct Pieces {
    cut: Cut,
    /// What the next piece needs: moments of earlier pieces, or of a window that is not whole.
    kept: Option<Grid>,
    begun: bool,
}

impl Pieces {
    /// Of nothing yet.
    #[must_use]
    pub fn new(cut: Cut) -> Self {
        Self {
            cut,
            kept: None,
            begun: false,
        }
    }

    /// Values that wait for what comes.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let size = |grid: &Grid| grid.timestamps.len().saturating_mul(grid.columns.len());
        self.kept.as_ref().map_or(0, size)
    }

    /// Takes what comes next; gives what can be computed now.
    pub fn push(&mut self, next: Grid) -> Option<Piece> {
        let begin = next.timestamps.first().copied();
        let mut grid = match self.kept.take() {
            Some(kept) => kept.followed_by(next),
            None => next,
        };
        let (piece, from, kept) = match &self.cut {
            // All that there is, until there is more than a first value depends on.
            Cut::Moments(before) if begin.is_none() || grid.timestamps.len() <= *before => {
                self.kept = Some(grid);
                return None;
            }
            Cut::Moments(before) => {
                let kept = grid.last_moments(*before);
                (grid, begin.filter(|_| self.begun), kept)
            }
            Cut::Windows(start) => {
                let open = grid.timestamps.last().map(|last| start(*last));
                let whole = grid
                    .timestamps
                    .partition_point(|at| open.is_none_or(|open| *at < open));
                let kept = grid.split_off(whole);
                (grid, None, kept)
            }
        };
        self.kept = Some(kept);
        if piece.timestamps.is_empty() {
            return None;
        }
        self.begun = true;
        Some(Piece { grid: piece, from })
    }

    /// What is left when nothing more comes. There is one piece at least.
    pub fn finish(self) -> Option<Piece> {
        let left = self.kept.filter(|left| match self.cut {
            Cut::Moments(_) => !self.begun,
            Cut::Windows(_) => !self.begun || !left.timestamps.is_empty(),
        });
        left.map(|grid| Piece { grid, from: None })
    }
}

impl Grid {
    /// Takes the moments from a number on away, and gives them.
    pub(crate) fn split_off(&mut self, at: usize) -> Self {
        let at = at.min(self.timestamps.len());
        let columns = self.columns.iter_mut();
        Self {
            granularity: self.granularity,
            columns: columns
                .map(|column| column.split_off(at.min(column.len())))
                .collect(),
            timestamps: self.timestamps.split_off(at),
        }
    }

    /// These moments and later ones of the same series.
    pub(crate) fn followed_by(mut self, later: Self) -> Self {
        self.timestamps.extend(later.timestamps);
        for (column, later) in self.columns.iter_mut().zip(later.columns) {
            column.extend(later);
        }
        self
    }

    fn last_moments(&self, count: usize) -> Self {
        let from = self.timestamps.len().saturating_sub(count);
        let column = |column: &Vec<f64>| column.get(from..).unwrap_or_default().to_vec();
        Self {
            granularity: self.granularity,
            timestamps: self.timestamps.get(from..).unwrap_or_default().to_vec(),
            columns: self.columns.iter().map(column).collect(),
        }
    }

    /// Takes away the moments before that one.
    pub fn drop_before(&mut self, from: Timestamp) {
        let begin = self.timestamps.partition_point(|at| *at < from);
        if begin > 0 {
            *self = self.split_off(begin);
        }
    }
}
