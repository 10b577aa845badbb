//! What single operations do with all series of a grid.

use super::Method;
use crate::grid::Grid;
use crate::statistics::Calculator;
use crate::{Aggregation, Timestamp};

/// Puts points of a grid together into longer windows, of which `start` gives the first moment; the grid keeps its
/// granularity.
#[must_use]
pub fn resample(
    grid: Grid,
    aggregation: Aggregation,
    start: impl Fn(Timestamp) -> Timestamp,
) -> Grid {
    let mut grid = if aggregation.rate {
        differences(grid)
    } else {
        grid
    };
    let mut calculator = Calculator::new();
    let (mut starts, mut columns) = (Vec::new(), vec![Vec::new(); grid.columns.len()]);
    let mut from = 0;
    for moments in grid.timestamps.chunk_by(|a, b| start(*a) == start(*b)) {
        let to = from + moments.len();
        let mut there = true;
        for (column, resampled) in grid.columns.iter().zip(&mut columns) {
            let values = column.get(from..to).unwrap_or_default();
            calculator.load(values.iter().copied());
            match calculator.get(aggregation.statistic) {
                Some(value) => resampled.push(value),
                // Too few for a deviation, and then they are in every column.
                None => there = false,
            }
        }
        starts.extend(moments.first().filter(|_| there).map(|first| start(*first)));
        from = to;
    }
    (grid.timestamps, grid.columns) = (starts, columns);
    grid
}

/// A function of every value.
pub(super) fn map(mut grid: Grid, function: impl Fn(f64) -> f64) -> Grid {
    for value in grid.columns.iter_mut().flatten() {
        *value = function(*value);
    }
    grid
}

/// A function of two series' values: one series with each of many, or each with the one at its place.
pub(super) fn both(left: Grid, right: &Grid, function: fn(f64, f64) -> f64) -> Option<Grid> {
    let (lefts, rights) = (left.columns.len(), right.columns.len());
    let count = match (lefts, rights) {
        (1, count) | (count, 1) => count,
        (lefts, rights) if lefts == rights => lefts,
        _ => return None,
    };
    let pairs = left
        .columns
        .iter()
        .cycle()
        .zip(right.columns.iter().cycle());
    let columns = pairs.take(count).map(|(left, right)| {
        let values = left.iter().zip(right);
        values
            .map(|(left, right)| function(*left, *right))
            .collect()
    });
    let columns = columns.collect();
    Some(Grid { columns, ..left })
}

/// What each value is more than the one before.
pub(super) fn differences(mut grid: Grid) -> Grid {
    grid.timestamps.drain(..grid.timestamps.len().min(1));
    for column in &mut grid.columns {
        let pairs = column.iter().zip(column.iter().skip(1));
        *column = pairs.map(|(before, value)| value - before).collect();
    }
    grid
}

/// The differences by the seconds between; the first value has none.
pub(super) fn changes_per_second(mut grid: Grid) -> Grid {
    let pairs = grid.timestamps.iter().zip(grid.timestamps.iter().skip(1));
    let spans: Vec<f64> = pairs
        .map(|(before, at)| at.nanos().saturating_sub(before.nanos()) as f64 / 1e9)
        .collect();
    for column in &mut grid.columns {
        let pairs = column.iter().zip(column.iter().skip(1)).zip(&spans);
        let changes = pairs.map(|((before, value), span)| (value - before) / span);
        let first = column.first().map(|_| f64::NAN);
        *column = first.into_iter().chain(changes).collect();
    }
    grid
}

/// One series: at each moment what the method makes of all.
#[must_use]
pub fn aggregate(mut grid: Grid, method: Method) -> Grid {
    let mut calculator = Calculator::new();
    let moments = 0..grid.timestamps.len();
    let values = moments.map(|at| {
        let values = grid
            .columns
            .iter()
            .filter_map(|column| column.get(at).copied());
        method.compute(values, &mut calculator)
    });
    grid.columns = vec![values.collect()];
    if method.rate { differences(grid) } else { grid }
}
