//! Series side by side: what fills their gaps, and how much of them must overlap.

use proptest::prelude::{prop, prop_assert, prop_assert_eq, proptest};

use super::{Fill, Grid, GridError, Overlap};
use crate::{AggregatePoint, Granularity, Timestamp};

const LIMIT: usize = 1_000;

fn minute() -> Granularity {
    Granularity::from_nanos(60_000_000_000).unwrap()
}

fn series(points: &[(i64, f64)]) -> Vec<AggregatePoint> {
    let point = |(minutes, value): &(i64, f64)| AggregatePoint {
        timestamp: Timestamp(minutes * minute().nanos()),
        granularity: minute(),
        value: *value,
    };
    points.iter().map(point).collect()
}

/// One series at minutes 1, 2, 4 and one at 2, 3, 4, 6.
fn two() -> [Vec<AggregatePoint>; 2] {
    [
        series(&[(1, 1.0), (2, 2.0), (4, 4.0)]),
        series(&[(2, 20.0), (3, 30.0), (4, 40.0), (6, 60.0)]),
    ]
}

fn minutes(grid: &Grid) -> Vec<i64> {
    let timestamps = grid.timestamps.iter();
    timestamps.map(|at| at.nanos() / minute().nanos()).collect()
}

fn overlapping(needed: f64, cut: bool) -> Result<Grid, GridError> {
    let overlap = Overlap {
        needed,
        cut_start: cut,
        cut_stop: cut,
    };
    Grid::overlapping(minute(), &two(), overlap, LIMIT)
}

#[test]
fn gaps_are_filled_as_is_asked_for() {
    for (fill, first, second) in [
        (
            "null",
            "[1.0, 2.0, NaN, 4.0, NaN]",
            "[NaN, 20.0, 30.0, 40.0, 60.0]",
        ),
        (
            "dropna",
            "[1.0, 2.0, NaN, 4.0, NaN]",
            "[NaN, 20.0, 30.0, 40.0, 60.0]",
        ),
        (
            " -1",
            "[1.0, 2.0, -1.0, 4.0, -1.0]",
            "[-1.0, 20.0, 30.0, 40.0, 60.0]",
        ),
        (
            "ffill",
            "[1.0, 2.0, 2.0, 4.0, 4.0]",
            "[NaN, 20.0, 30.0, 40.0, 60.0]",
        ),
        (
            "bfill",
            "[1.0, 2.0, 4.0, 4.0, NaN]",
            "[20.0, 20.0, 30.0, 40.0, 60.0]",
        ),
        (
            "full_ffill",
            "[1.0, 2.0, 2.0, 4.0, 4.0]",
            "[20.0, 20.0, 30.0, 40.0, 60.0]",
        ),
        (
            "full_bfill",
            "[1.0, 2.0, 4.0, 4.0, 4.0]",
            "[20.0, 20.0, 30.0, 40.0, 60.0]",
        ),
    ] {
        let grid = Grid::filled(minute(), &two(), fill.parse().unwrap(), LIMIT).unwrap();
        assert_eq!(minutes(&grid), [1, 2, 3, 4, 6]);
        let shown: Vec<String> = grid.columns.iter().map(|one| format!("{one:?}")).collect();
        assert_eq!(shown, [first, second], "{fill}");
    }
    assert!("water".parse::<Fill>().is_err() && "".parse::<Fill>().is_err());
}

#[test]
fn without_bounds_of_time_the_ends_are_cut_to_what_is_common() {
    assert_eq!(minutes(&overlapping(50.0, true).unwrap()), [2, 3, 4]);
    assert_eq!(minutes(&overlapping(40.0, false).unwrap()), [1, 2, 3, 4, 6]);
}

#[test]
fn too_little_overlap_is_refused_with_its_share() {
    assert_eq!(
        overlapping(100.0, true).unwrap_err().to_string(),
        "Less than 100.000000% of datapoints overlap in this timespan (66.67%)"
    );
    assert!(overlapping(66.0, true).is_ok());
    let apart = [series(&[(1, 1.0)]), series(&[(2, 1.0)])];
    let overlap = |needed| Overlap {
        needed,
        cut_start: true,
        cut_stop: true,
    };
    let grid = |needed| Grid::overlapping(minute(), &apart, overlap(needed), LIMIT);
    assert_eq!(grid(1.0), Err(GridError::NoOverlap));
    assert_eq!(minutes(&grid(0.0).unwrap()), [1, 2]);
    let nothing = Grid::overlapping(minute(), &[vec![], vec![]], overlap(100.0), LIMIT);
    assert_eq!(nothing, Err(GridError::NoOverlap));
}

#[test]
fn a_grid_is_never_larger_than_its_limit() {
    assert!(Grid::filled(minute(), &two(), Fill::Null, 10).is_ok());
    assert_eq!(
        Grid::filled(minute(), &two(), Fill::Null, 9)
            .unwrap_err()
            .to_string(),
        "2 series of 5 moments are more than 9 points"
    );
}

proptest! {
    #[test]
    fn every_point_stands_in_its_row(
        chosen in prop::collection::vec(prop::collection::btree_map(0..30_i64, -5.0..5.0_f64, 0..20), 0..5),
    ) {
        let all: Vec<Vec<AggregatePoint>> = chosen
            .iter()
            .map(|points| series(&points.iter().map(|(at, value)| (*at, *value)).collect::<Vec<_>>()))
            .collect();
        let grid = Grid::filled(minute(), &all, Fill::Null, LIMIT).unwrap();
        prop_assert!(grid.timestamps.is_sorted());
        for (points, column) in chosen.iter().zip(&grid.columns) {
            for (at, value) in minutes(&grid).iter().zip(column) {
                match points.get(at) {
                    Some(point) => prop_assert_eq!(point, value),
                    None => prop_assert!(value.is_nan()),
                }
            }
            prop_assert_eq!(column.iter().filter(|value| !value.is_nan()).count(), points.len());
        }
    }
}
