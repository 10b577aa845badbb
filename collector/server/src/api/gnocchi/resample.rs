//! Resampling: points of one granularity put together into longer windows, of a fixed length or of the calendar (year,
//! half, quarter, month, week), by the same aggregation. Pure; in UTC.

use collector_model::statistics::Calculator;
use collector_model::{AggregatePoint, Aggregation, Granularity, Timestamp, window};
use collector_storage::ReadQuery;

use super::points::Point;

const DAY: i64 = 86_400_000_000_000;

/// What points are put together into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sampling {
    /// Windows of one length.
    Fixed(Granularity),
    /// Periods of the calendar.
    Calendar(Period),
}

/// A period of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Period {
    /// From the first of January.
    Year,
    /// From the first of January and July.
    Half,
    /// From the first of January, April, July and October.
    Quarter,
    /// From the first of a month.
    Month,
    /// From Sunday on.
    Week,
}

impl Period {
    /// As it stands in queries and answers.
    pub(super) fn letter(self) -> &'static str {
        match self {
            Self::Year => "Y",
            Self::Half => "H",
            Self::Quarter => "Q",
            Self::Month => "M",
            Self::Week => "W",
        }
    }

    fn start(self, timestamp: Timestamp) -> Timestamp {
        let days = timestamp.nanos().div_euclid(DAY);
        let months = match self {
            // Day 3 of the epoch, 4 January 1970, was a Sunday.
            Self::Week => return Timestamp(((days - 3).div_euclid(7) * 7 + 3) * DAY),
            Self::Year => 12,
            Self::Half => 6,
            Self::Quarter => 3,
            Self::Month => 1,
        };
        let (year, month) = year_and_month(days);
        Timestamp(first_of_month(year, (month - 1) / months * months + 1) * DAY)
    }
}

/// Year and month (1 to 12) of a day since the epoch in the proleptic Gregorian calendar.
fn year_and_month(days: i64) -> (i64, i64) {
    // Years are counted from March, so that the leap day is the last; 719,468 days lie between 0000-03-01 and the epoch.
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month)
}

/// Day since the epoch of the first of a month (1 to 12).
fn first_of_month(year: i64, month: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

impl Sampling {
    /// Reads `Y`, `H`, `Q`, `M`, `W` or a length of time.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let period = [
            Period::Year,
            Period::Half,
            Period::Quarter,
            Period::Month,
            Period::Week,
        ];
        match period.into_iter().find(|period| period.letter() == text) {
            Some(period) => Ok(Self::Calendar(period)),
            None => text
                .parse()
                .map(Self::Fixed)
                .map_err(|error: collector_model::TimespanError| error.to_string()),
        }
    }

    /// Start of the window that a moment falls into.
    pub(super) fn start(self, timestamp: Timestamp) -> Timestamp {
        match self {
            Self::Fixed(granularity) => window::start(timestamp, granularity),
            Self::Calendar(period) => period.start(timestamp),
        }
    }
}

/// Windows that Gnocchi keeps in one file.
const WINDOWS_OF_A_FILE: i64 = 3_600;

/// What is to be read for the answer to a query: Gnocchi puts whole files of windows together before it looks at start
/// and stop, so that a longer window is whole though it reaches beyond them.
pub(super) fn whole_files(query: ReadQuery) -> ReadQuery {
    let length = |granularity: Granularity| granularity.nanos().checked_mul(WINDOWS_OF_A_FILE);
    let Some(file) = query
        .granularity
        .and_then(length)
        .and_then(Granularity::from_nanos)
    else {
        return query;
    };
    let end = |stop| Timestamp(window::start(stop, file).0.saturating_add(file.nanos()));
    ReadQuery {
        start: query.start.map(|start| window::start(start, file)),
        stop: query.stop.map(end),
        ..query
    }
}

/// Whether a point of longer windows, made of points of [`whole_files`], is asked for.
pub(super) fn is_within(point: &Point, query: &ReadQuery) -> bool {
    let from = query.start.map(|start| point.sampling.start(start));
    from.is_none_or(|from| from <= point.timestamp)
        && query.stop.is_none_or(|stop| point.timestamp < stop)
}

/// Puts points of one granularity together that come in order of time. Holds those of one window.
#[derive(Debug)]
pub(super) struct Resampler {
    sampling: Sampling,
    aggregation: Aggregation,
    /// The last value, where differences are put together.
    before: Option<f64>,
    /// The window's start and what is in it.
    window: Option<(Timestamp, Vec<f64>)>,
    calculator: Calculator,
}

impl Resampler {
    /// Of no point yet.
    pub(super) fn new(sampling: Sampling, aggregation: Aggregation) -> Self {
        Self {
            sampling,
            aggregation,
            before: None,
            window: None,
            calculator: Calculator::new(),
        }
    }

    /// How many points wait for the end of their window.
    pub(super) fn waiting(&self) -> usize {
        self.window.as_ref().map_or(0, |(_, values)| values.len())
    }

    /// Takes the next point; gives the window before, where this one is in another.
    pub(super) fn push(&mut self, point: &AggregatePoint) -> Option<Point> {
        let mut value = point.value;
        if self.aggregation.rate {
            value -= self.before.replace(point.value)?;
        }
        let start = self.sampling.start(point.timestamp);
        match &mut self.window {
            Some((known, values)) if *known == start => {
                values.push(value);
                None
            }
            _ => {
                let whole = self.finish();
                self.window = Some((start, vec![value]));
                whole
            }
        }
    }

    /// The last window.
    pub(super) fn finish(&mut self) -> Option<Point> {
        let (timestamp, values) = self.window.take()?;
        self.calculator.load(values);
        Some(Point {
            timestamp,
            sampling: self.sampling,
            value: self.calculator.get(self.aggregation.statistic)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::gnocchi::points::points_text;

    fn points(values: &[(&str, f64)]) -> Vec<AggregatePoint> {
        let point = |(at, value): &(&str, f64)| AggregatePoint {
            timestamp: Timestamp::parse(at, Timestamp(0)).unwrap(),
            granularity: Granularity::from_nanos(1_000_000_000).unwrap(),
            value: *value,
        };
        values.iter().map(point).collect()
    }

    fn resampled(values: &[(&str, f64)], sampling: &str, aggregation: &str) -> String {
        let mut resampler = Resampler::new(
            Sampling::parse(sampling).unwrap(),
            aggregation.parse().unwrap(),
        );
        let points = points(values);
        let mut resampled: Vec<Point> = points
            .iter()
            .filter_map(|point| resampler.push(point))
            .collect();
        resampled.extend(resampler.finish());
        points_text(resampled).replace(", ", ",")
    }

    #[test]
    fn points_are_put_together_into_windows() {
        let values = [
            ("2015-03-06T14:33:57", 43.1),
            ("2015-03-06T14:34:12", 12.0),
            ("2015-03-06T14:34:15", 16.0),
        ];
        assert_eq!(
            resampled(&values, "60", "mean"),
            r#"[["2015-03-06T14:33:00+00:00",60.0,43.1],["2015-03-06T14:34:00+00:00",60.0,14.0]]"#
        );
        assert_eq!(
            resampled(&values, "1 hour", "rate:max"),
            r#"[["2015-03-06T14:00:00+00:00",3600.0,4.0]]"#
        );
    }

    #[test]
    fn the_calendar_has_periods() {
        let values = [
            ("2015-03-01T00:00", 10.0),
            ("2015-03-06", 12.0),
            ("2015-04-01", 2.0),
            ("2015-10-06", 7.0),
            ("2016-02-29", 4.0),
        ];
        assert_eq!(
            resampled(&values, "Y", "sum"),
            r#"[["2015-01-01T00:00:00+00:00","Y",31.0],["2016-01-01T00:00:00+00:00","Y",4.0]]"#
        );
        assert_eq!(
            resampled(&values, "H", "count"),
            r#"[["2015-01-01T00:00:00+00:00","H",3.0],["2015-07-01T00:00:00+00:00","H",1.0],["2016-01-01T00:00:00+00:00","H",1.0]]"#
        );
        assert_eq!(
            resampled(&values[2..4], "Q", "sum"),
            r#"[["2015-04-01T00:00:00+00:00","Q",2.0],["2015-10-01T00:00:00+00:00","Q",7.0]]"#
        );
        assert_eq!(
            resampled(&values[4..], "M", "sum"),
            r#"[["2016-02-01T00:00:00+00:00","M",4.0]]"#
        );
        assert_eq!(
            resampled(&values[..3], "W", "sum"),
            r#"[["2015-03-01T00:00:00+00:00","W",22.0],["2015-03-29T00:00:00+00:00","W",2.0]]"#
        );
    }

    #[test]
    fn what_is_no_length_of_time_is_refused() {
        assert_eq!(
            Sampling::parse("abc"),
            Err("Unable to parse timespan".to_owned())
        );
        assert_eq!(
            Sampling::parse("-5"),
            Err("Timespan must be positive".to_owned())
        );
    }
}
