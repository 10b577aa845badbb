//! Points in answers: `[timestamp, granularity or period of the calendar, value]`, written straight to text, with NaN
//! and infinities as Gnocchi's encoder writes them though JSON has none.

use std::fmt::Write as _;

use collector_model::{AggregatePoint, Timestamp};

use super::resample::Sampling;

/// A point of an answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    /// Start of the window.
    pub(super) timestamp: Timestamp,
    /// The window.
    pub(super) sampling: Sampling,
    /// The aggregate of what is in it.
    pub(super) value: f64,
}

impl From<AggregatePoint> for Point {
    fn from(point: AggregatePoint) -> Self {
        Self {
            timestamp: point.timestamp,
            sampling: Sampling::Fixed(point.granularity),
            value: point.value,
        }
    }
}

/// The JSON of points.
#[cfg(test)]
pub(super) fn points_text(points: impl IntoIterator<Item = Point>) -> String {
    let points = points.into_iter();
    let mut out = String::with_capacity(2 + 48 * points.size_hint().0);
    out.push('[');
    write_points(points, true, &mut out);
    out.push(']');
    out
}

/// Adds points to a list; whether it has none yet is said by `first`.
pub(super) fn write_points(points: impl IntoIterator<Item = Point>, first: bool, out: &mut String) {
    let mut comma = if first { "" } else { ", " };
    for point in points {
        // Writing into a String cannot fail.
        let _ = match point.sampling {
            Sampling::Fixed(granularity) => {
                write!(
                    out,
                    "{comma}[\"{}\", {:?}, ",
                    point.timestamp,
                    granularity.seconds()
                )
            }
            Sampling::Calendar(period) => {
                write!(
                    out,
                    "{comma}[\"{}\", \"{}\", ",
                    point.timestamp,
                    period.letter()
                )
            }
        };
        comma = ", ";
        write_float(point.value, out);
        out.push(']');
    }
}

fn write_float(value: f64, out: &mut String) {
    if value.is_nan() {
        out.push_str("NaN");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    } else {
        let _ = write!(out, "{value:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use collector_model::Granularity;

    fn text(values: &[f64]) -> String {
        let point = |value: &f64| AggregatePoint {
            timestamp: Timestamp(1_425_652_437_000_000_000),
            granularity: Granularity::from_nanos(500_000_000).unwrap(),
            value: *value,
        };
        points_text(values.iter().map(|value| Point::from(point(value))))
    }

    #[test]
    fn points_are_triples() {
        assert_eq!(text(&[]), "[]");
        assert_eq!(
            text(&[43.1, 12.0]),
            r#"[["2015-03-06T14:33:57+00:00", 0.5, 43.1], ["2015-03-06T14:33:57+00:00", 0.5, 12.0]]"#
        );
    }

    #[test]
    fn what_json_cannot_say_is_written_as_python_does() {
        for (value, written) in [
            (f64::NAN, "NaN"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
            (1e300, "1e300"),
            (-0.1, "-0.1"),
        ] {
            assert!(
                text(&[value]).ends_with(&format!(" {written}]]")),
                "{}",
                text(&[value])
            );
        }
    }
}
