//! Points in answers: `[timestamp, granularity or period of the calendar, value]`, written straight to text, with NaN
//! and infinities as Gnocchi's encoder writes them though JSON has none.

use std::fmt::Write as _;

use collector_model::{AggregatePoint, Timestamp};

use super::resample::Sampling;

/// Room for a point, about what one takes.
const POINT_BYTES: usize = 56;

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
    let mut out = String::from("[");
    write_points(points, true, &mut out);
    out.push(']');
    out
}

/// Adds points to a list; whether it has none yet is said by `first`.
pub(super) fn write_points(points: impl IntoIterator<Item = Point>, first: bool, out: &mut String) {
    let points = points.into_iter();
    out.reserve(POINT_BYTES * points.size_hint().0);
    let mut comma = if first { "" } else { ", " };
    // Nearly always the next point is of the same windows.
    let (mut sampling, mut middle) = (None, String::new());
    for point in points {
        if sampling != Some(point.sampling) {
            sampling = Some(point.sampling);
            middle = match point.sampling {
                Sampling::Fixed(granularity) => format!("\", {:?}, ", granularity.seconds()),
                Sampling::Calendar(period) => format!("\", \"{}\", ", period.letter()),
            };
        }
        out.push_str(comma);
        out.push_str("[\"");
        // Writing into a String cannot fail.
        let _ = write!(out, "{}", point.timestamp);
        out.push_str(&middle);
        write_float(point.value, out);
        out.push(']');
        comma = ", ";
    }
}

fn write_float(value: f64, out: &mut String) {
    if value.is_nan() {
        out.push_str("NaN");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    } else {
        out.push_str(zmij::Buffer::new().format_finite(value));
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
            (1e300, "1e+300"),
            (1e16, "1e+16"),
            (12345.0, "12345.0"),
            (0.001, "0.001"),
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
