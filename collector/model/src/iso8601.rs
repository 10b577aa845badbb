//! Calendar text to nanoseconds and back: the ISO 8601 subset that Gnocchi takes (date, optional time of day to the
//! hour, minute, second or fraction, optional zone) and the one form that it prints. What else may stand for a
//! moment (numbers, relative times) is in `timestamp`.

use std::fmt;

use time::{Date, Month};

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// Why a text that looks like a calendar time gives no timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IsoError {
    /// Not of the form.
    Malformed,
    /// Of the form, but beyond what nanoseconds in 64 bits can say.
    OutOfRange,
}

/// A reader of fixed-width fields.
struct Fields<'a> {
    rest: &'a [u8],
}

impl Fields<'_> {
    /// The next `width` digits as a number.
    fn digits(&mut self, width: usize) -> Option<i64> {
        let (field, rest) = self.rest.split_at_checked(width)?;
        self.rest = rest;
        field.iter().try_fold(0, |number, byte| {
            byte.is_ascii_digit()
                .then(|| number * 10 + i64::from(byte - b'0'))
        })
    }

    fn eat(&mut self, wanted: &[u8]) -> bool {
        match self.rest.split_first() {
            Some((first, rest)) if wanted.contains(first) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// `.` and digits as nanoseconds; what is finer is cut.
    fn fraction(&mut self) -> i64 {
        if !self.eat(b".") {
            return 0;
        }
        let count = self
            .rest
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let (digits, rest) = self
            .rest
            .split_at_checked(count)
            .unwrap_or((&[], self.rest));
        self.rest = rest;
        let padded = digits
            .iter()
            .copied()
            .chain(std::iter::repeat(b'0'))
            .take(9);
        padded.fold(0, |nanos, byte| nanos * 10 + i64::from(byte - b'0'))
    }

    /// `Z`, `+HH`, `+HHMM` or `+HH:MM` as seconds east of Greenwich; nothing is UTC.
    fn zone(&mut self) -> Option<i64> {
        if self.eat(b"Z") || self.rest.is_empty() || self.rest.first() == Some(&b' ') {
            return Some(0);
        }
        let sign = if self.eat(b"+") {
            1
        } else {
            self.eat(b"-").then_some(-1)?
        };
        let hours = self.digits(2).filter(|hours| *hours < 24)?;
        let minutes = if self.eat(b":") || self.rest.first().is_some_and(u8::is_ascii_digit) {
            self.digits(2)?
        } else {
            0
        };
        (minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60))
    }
}

/// Nanoseconds since the epoch of `YYYY-MM`, `YYYY-MM-DD`, and the latter with ` ` or `T`, `HH[:MM[:SS[.fraction]]]`
/// and a zone.
pub(crate) fn parse(text: &str) -> Result<i64, IsoError> {
    let (days, in_day) = fields(text.trim_start().as_bytes()).ok_or(IsoError::Malformed)?;
    let nanos = i128::from(days) * 86_400 * i128::from(NANOS_PER_SECOND) + i128::from(in_day);
    i64::try_from(nanos).map_err(|_| IsoError::OutOfRange)
}

/// Days since the epoch, and nanoseconds to add for the time of day and the zone.
fn fields(text: &[u8]) -> Option<(i64, i64)> {
    let mut fields = Fields { rest: text };
    let year = fields.digits(4)?;
    let month = fields.eat(b"-").then(|| fields.digits(2))??;
    let day = if fields.eat(b"-") {
        Some(fields.digits(2)?)
    } else {
        None
    };
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = Date::from_calendar_date(
        i32::try_from(year).ok()?,
        month,
        u8::try_from(day.unwrap_or(1)).ok()?,
    )
    .ok()?;
    let days = i64::from(date.to_julian_day())
        - i64::from(Date::from_ordinal_date(1970, 1).ok()?.to_julian_day());
    if fields.rest.is_empty() {
        return Some((days, 0));
    }
    if day.is_none() || !fields.eat(b"T ") {
        return None;
    }
    let hours = fields.digits(2).filter(|hours| *hours < 24)?;
    let (mut minutes, mut seconds, mut nanos) = (0, 0, 0);
    if fields.eat(b":") {
        minutes = fields.digits(2).filter(|minutes| *minutes < 60)?;
        if fields.eat(b":") {
            seconds = fields.digits(2).filter(|seconds| *seconds < 60)?;
            nanos = fields.fraction();
        }
    }
    let east = fields.zone()?;
    let seconds = hours * 3_600 + minutes * 60 + seconds - east;
    fields
        .rest
        .iter()
        .all(|byte| *byte == b' ')
        .then_some((days, seconds * NANOS_PER_SECOND + nanos))
}

/// Nanoseconds of a day.
const NANOS_PER_DAY: i64 = 86_400 * NANOS_PER_SECOND;
/// Day of the epoch in the count that [`Date`] has.
const EPOCH: i64 = 2_440_588;
/// What follows the seconds.
const UTC: &str = "+00:00";

/// Writes `2026-01-01T00:00:00+00:00`; microseconds or nanoseconds follow the seconds only where they are not zero.
/// Answers are full of such texts: it is put together in place, without the formatting of single numbers.
pub(crate) fn write(nanos: i64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    // Every i64 of nanoseconds lies in the years 1677..=2262, which the calendar covers.
    let day = i32::try_from(nanos.div_euclid(NANOS_PER_DAY) + EPOCH).map_err(|_| fmt::Error)?;
    let (year, month, day) = Date::from_julian_day(day)
        .map_err(|_| fmt::Error)?
        .to_calendar_date();
    let in_day = nanos.rem_euclid(NANOS_PER_DAY);
    let (seconds, fraction) = (in_day / NANOS_PER_SECOND, in_day % NANOS_PER_SECOND);
    let mut text = *b"0000-00-00T00:00:00";
    for (at, number) in [
        (0, i64::from(year) / 100),
        (2, i64::from(year) % 100),
        (5, i64::from(u8::from(month))),
        (8, i64::from(day)),
        (11, seconds / 3_600),
        (14, seconds / 60 % 60),
        (17, seconds % 60),
    ] {
        if let Some([tens, ones]) = text.get_mut(at..at + 2) {
            (*tens, *ones) = (digit(number / 10), digit(number));
        }
    }
    f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)?;
    match fraction {
        0 => {}
        nanos if nanos % 1_000 == 0 => write!(f, ".{:06}", nanos / 1_000)?,
        nanos => write!(f, ".{nanos:09}")?,
    }
    f.write_str(UTC)
}

/// The last digit of a number.
fn digit(number: i64) -> u8 {
    b'0' + (number % 10) as u8
}
