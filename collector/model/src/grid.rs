//! Series of several metrics brought side by side: one row for each moment at which any of them has a point, and what
//! stands where a series has none. What is computed from a grid is in `operations`.

use std::str::FromStr;

use crate::{AggregatePoint, Granularity, Timestamp};

mod common;
mod pieces;

pub use common::{Common, Kept};
pub use pieces::{Cut, Piece, Pieces};

/// Series side by side; a value that is missing is NaN.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    /// Length of the windows that the values are of.
    pub granularity: Granularity,
    /// Starts of the windows, ascending.
    pub timestamps: Vec<Timestamp>,
    /// For each series as many values as there are timestamps.
    pub columns: Vec<Vec<f64>>,
}

/// What stands where a series has no point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fill {
    /// Nothing, and it is shown as NaN.
    Null,
    /// Nothing, and it is not shown.
    Drop,
    /// A number.
    Number(f64),
    /// The value before, and nothing before the first.
    Forward,
    /// The value after, and nothing after the last.
    Backward,
    /// The value before, before the first that one.
    FullForward,
    /// The value after, after the last that one.
    FullBackward,
}

/// A text that says no fill, in Gnocchi's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Must be a float, 'dropna' or 'null'")]
pub struct FillError;

impl FromStr for Fill {
    type Err = FillError;

    fn from_str(text: &str) -> Result<Self, FillError> {
        Ok(match text {
            "null" => Self::Null,
            "dropna" => Self::Drop,
            "ffill" => Self::Forward,
            "bfill" => Self::Backward,
            "full_ffill" => Self::FullForward,
            "full_bfill" => Self::FullBackward,
            number => Self::Number(number.trim().parse().map_err(|_| FillError)?),
        })
    }
}

impl Fill {
    /// Whether it depends on nothing but the gap's own moment.
    #[must_use]
    pub fn is_pointwise(self) -> bool {
        matches!(self, Self::Null | Self::Drop | Self::Number(_))
    }

    /// Whether what is missing, or infinite, in a result is left out.
    #[must_use]
    pub fn drops(self) -> bool {
        !matches!(self, Self::Null | Self::Number(_))
    }
}

/// How much of the series must be there at the same moments, where nothing fills the gaps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Overlap {
    /// Least share of the moments, percent.
    pub needed: f64,
    /// Whether moments before the first common one are left out: nobody asked for a start.
    pub cut_start: bool,
    /// Whether moments after the last common one are left out: nobody asked for a stop.
    pub cut_stop: bool,
}

/// Why series cannot be brought side by side, in Gnocchi's words.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum GridError {
    /// There is no moment at which all have a point.
    #[error("No overlap")]
    NoOverlap,
    /// There are too few of them.
    #[error("Less than {needed:.6}% of datapoints overlap in this timespan ({found:.2}%)")]
    TooLittle {
        /// Percent that are needed.
        needed: f64,
        /// Percent that there are.
        found: f64,
    },
    /// The grid would be larger than is allowed.
    #[error("{series} series of {moments} moments are more than {limit} points")]
    TooLarge {
        /// How many series.
        series: usize,
        /// How many moments.
        moments: usize,
        /// The most points of a grid.
        limit: usize,
    },
}

impl Grid {
    /// Brings series of one granularity, each ascending, side by side, in a grid of at most `limit` values.
    ///
    /// # Errors
    /// [`GridError::TooLarge`].
    pub fn filled(
        granularity: Granularity,
        series: &[Vec<AggregatePoint>],
        fill: Fill,
        limit: usize,
    ) -> Result<Self, GridError> {
        let mut grid = Self::align(granularity, series, filler(Some(fill)), limit)?;
        for column in &mut grid.columns {
            match fill {
                Fill::Null | Fill::Drop | Fill::Number(_) => {}
                Fill::Forward => carry(column.iter_mut()),
                Fill::Backward => carry(column.iter_mut().rev()),
                Fill::FullForward => {
                    carry(column.iter_mut());
                    carry(column.iter_mut().rev());
                }
                Fill::FullBackward => {
                    carry(column.iter_mut().rev());
                    carry(column.iter_mut());
                }
            }
        }
        Ok(grid)
    }

    /// The same without filling gaps, if there are few enough.
    ///
    /// # Errors
    /// [`GridError`].
    pub fn overlapping(
        granularity: Granularity,
        series: &[Vec<AggregatePoint>],
        overlap: Overlap,
        limit: usize,
    ) -> Result<Self, GridError> {
        let mut grid = Self::align(granularity, series, f64::NAN, limit)?;
        let mut common = Common::default();
        common.add(&grid);
        grid.trim(common.check(overlap)?);
        Ok(grid)
    }

    /// The same with gaps as [`Fill::is_pointwise`] ones fill them; where nothing fills them they are NaN.
    ///
    /// # Errors
    /// [`GridError::TooLarge`].
    pub fn aligned(
        granularity: Granularity,
        series: &[Vec<AggregatePoint>],
        fill: Option<Fill>,
        limit: usize,
    ) -> Result<Self, GridError> {
        Self::align(granularity, series, filler(fill), limit)
    }

    fn align(
        granularity: Granularity,
        series: &[Vec<AggregatePoint>],
        filler: f64,
        limit: usize,
    ) -> Result<Self, GridError> {
        let all = series.iter().flatten().map(|point| point.timestamp);
        let mut timestamps: Vec<Timestamp> = all.collect();
        timestamps.sort_unstable();
        timestamps.dedup();
        let moments = timestamps.len();
        if moments.saturating_mul(series.len()) > limit {
            return Err(GridError::TooLarge {
                series: series.len(),
                moments,
                limit,
            });
        }
        let column = |points: &Vec<AggregatePoint>| {
            let mut points = points.iter().peekable();
            let values = timestamps.iter().map(|timestamp| {
                let point = points.next_if(|point| point.timestamp == *timestamp);
                point.map_or(filler, |point| point.value)
            });
            values.collect()
        };
        Ok(Self {
            granularity,
            columns: series.iter().map(column).collect(),
            timestamps,
        })
    }
}

fn filler(fill: Option<Fill>) -> f64 {
    match fill {
        Some(Fill::Number(number)) => number,
        _ => f64::NAN,
    }
}

/// Puts the last number before into each gap.
fn carry<'v>(values: impl Iterator<Item = &'v mut f64>) {
    let mut last = f64::NAN;
    for value in values {
        if value.is_nan() {
            *value = last;
        } else {
            last = *value;
        }
    }
}

#[cfg(test)]
mod tests;
