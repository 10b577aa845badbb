//! Rows of windows: order, columns of their own, what is dropped and what stays.

use super::*;

const ALL: (Option<i64>, Option<i64>) = (None, None);

fn column(rows: &Rows, column: usize, timespan: Option<i64>) -> Vec<(i64, f64)> {
    rows.column(2, column, timespan, ALL).collect()
}

#[test]
fn values_are_set_in_any_order_and_read_ascending() {
    let mut rows = Rows::default();
    for start in [20, 10, 30, 10] {
        rows.set(start, 2, [(0, start as f64)].into_iter());
    }
    rows.set(20, 2, [(1, 7.0)].into_iter());
    assert_eq!(column(&rows, 0, None), [(10, 10.0), (20, 20.0), (30, 30.0)]);
    assert_eq!(column(&rows, 1, None), [(20, 7.0)]);
    let between: Vec<i64> = rows
        .column(2, 0, None, (Some(11), Some(30)))
        .map(|(start, _)| start)
        .collect();
    assert_eq!(between, [20]);
}

#[test]
fn each_column_counts_from_its_own_newest_window() {
    let mut rows = Rows::default();
    for start in [10, 20, 30, 40] {
        rows.set(start, 2, [(0, 1.0)].into_iter());
    }
    rows.set(20, 2, [(1, 2.0)].into_iter());
    rows.set(10, 2, [(1, 2.0)].into_iter());
    assert_eq!(column(&rows, 0, Some(20)), [(30, 1.0), (40, 1.0)]);
    assert_eq!(column(&rows, 1, Some(20)), [(10, 2.0), (20, 2.0)]);
}

#[test]
fn compaction_drops_what_no_column_returns_and_nothing_else() {
    let mut rows = Rows::default();
    rows.set(0, 2, [(1, 5.0)].into_iter());
    for start in 0..100 {
        rows.set(start, 2, [(0, 1.0)].into_iter());
    }
    let before = (column(&rows, 0, Some(3)), column(&rows, 1, Some(3)));
    rows.compact(2, Some(3));
    assert_eq!(rows.len(2), 4);
    assert_eq!(
        (column(&rows, 0, Some(3)), column(&rows, 1, Some(3))),
        before
    );
}

#[test]
fn rows_stay_bounded_while_windows_come() {
    let mut rows = Rows::default();
    for start in 0..10_000 {
        rows.set(start, 1, [(0, 1.0)].into_iter());
        rows.compact(1, Some(100));
        assert!(rows.len(1) <= 117, "{}", rows.len(1));
    }
    assert_eq!(rows.column(1, 0, Some(100), ALL).count(), 100);
}

#[test]
fn a_nan_is_a_value_whatever_its_bits() {
    let mut rows = Rows::default();
    rows.set(1, 2, [(0, f64::from_bits(ABSENT))].into_iter());
    assert!(column(&rows, 0, None)[0].1.is_nan());
    assert_eq!(column(&rows, 1, None), []);
}

#[test]
fn only_fitting_parts_make_rows() {
    assert!(Rows::from_parts(&[1, 2], &[0.0; 4], 2).is_some());
    assert!(Rows::from_parts(&[1, 2], &[0.0; 3], 2).is_none());
    assert!(Rows::from_parts(&[2, 2], &[0.0; 4], 2).is_none());
    assert!(Rows::from_parts(&[2], &[], 0).is_none());
    let mut rows = Rows::from_parts(&[1, 2], &[5.0, 6.0], 1).unwrap();
    assert!(!rows.append(Rows::from_parts(&[2], &[0.0], 1).unwrap(), 1));
    assert!(rows.append(Rows::from_parts(&[3], &[7.0], 1).unwrap(), 1));
    let bits = [5.0_f64, 6.0, 7.0].map(f64::to_bits);
    assert_eq!(rows.cells(), [1, bits[0], 2, bits[1], 3, bits[2]]);
    rows.mark_flushed(2);
    assert_eq!(rows.unflushed(1), &rows.cells()[2..]);
}
