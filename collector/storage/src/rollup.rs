//! From measures to windows: recomputes every window of an archive from a given moment on out of the raw tail, never
//! by subtracting from what is stored. A window for which nothing can be computed keeps what it had.

use collector_model::statistics::Calculator;
use collector_model::{Granularity, Measure, Timestamp, window};

use crate::head::plan::{Column, Plan};
use crate::head::rows::Rows;

/// Buffers that are used again for each metric.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    calculator: Calculator,
    differences: Vec<Measure>,
}

/// The measures from a moment on.
fn since(raw: &[Measure], from: Timestamp) -> &[Measure] {
    // Most often that is the last few.
    let tail = raw.len().saturating_sub(8);
    let early = raw
        .get(tail)
        .is_none_or(|measure| measure.timestamp >= from);
    let (lower, searched) = if early {
        (0, raw)
    } else {
        (tail, raw.get(tail..).unwrap_or_default())
    };
    let first = lower + searched.partition_point(|measure| measure.timestamp < from);
    raw.get(first..).unwrap_or_default()
}

/// Recomputes the windows of one archive from the one that holds `from` to the newest. A rate sees the measures of
/// one more window before that: further back there is no difference to the first measure.
pub(crate) fn recompute(
    plan: &Plan,
    granularity: Granularity,
    raw: &[Measure],
    from: Timestamp,
    rows: &mut Rows,
    scratch: &mut Scratch,
) {
    let start = window::start(from, granularity);
    let Scratch {
        calculator,
        differences,
    } = scratch;
    if !plan.plain().is_empty() {
        fill(
            since(raw, start),
            granularity,
            plan.plain(),
            plan.width(),
            rows,
            calculator,
        );
    }
    if !plan.rates().is_empty() {
        let before = Timestamp(start.0.saturating_sub(granularity.nanos()));
        differences.clear();
        differences.extend(since(raw, before).windows(2).filter_map(|pair| match pair {
            [a, b] if b.timestamp >= start => Some(Measure::new(b.timestamp, b.value - a.value)),
            _ => None,
        }));
        fill(
            differences,
            granularity,
            plan.rates(),
            plan.width(),
            rows,
            calculator,
        );
    }
}

fn fill(
    mut points: &[Measure],
    granularity: Granularity,
    columns: &[Column],
    width: usize,
    rows: &mut Rows,
    calculator: &mut Calculator,
) {
    while let Some(first) = points.first() {
        let start = window::start(first.timestamp, granularity);
        // The last window of all may reach beyond the end of time.
        let inside = match start.0.checked_add(granularity.nanos()) {
            Some(end) => points.partition_point(|point| point.timestamp.0 < end),
            None => points.len(),
        };
        let (group, rest) = points
            .split_at_checked(inside.max(1))
            .unwrap_or((points, &[]));
        points = rest;
        calculator.load(group.iter().map(|point| point.value));
        let value = |column: &Column| Some((column.index, calculator.get(column.statistic)?));
        rows.set(start.0, width, columns.iter().filter_map(value));
    }
}
