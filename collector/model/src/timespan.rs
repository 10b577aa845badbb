//! Lengths of time: the granularity of a window and the timespan that an archive keeps, read from all forms that
//! Gnocchi takes (seconds as number or text, "5 minutes", "0:05:00", "30 days, 0:00:00") and printed as it prints
//! them. Moments are in `timestamp`.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error as _, Visitor};
use serde::{Serialize, Serializer};

mod text;

pub(crate) use text::parse_signed;

const NANOS_PER_SECOND: f64 = 1e9;

/// A length of time greater than zero, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timespan(i64);

/// The length of the windows of one archive; orders by length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Granularity(Timespan);

/// Why a text or number is no timespan, in Gnocchi's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimespanError {
    /// Neither a number of seconds nor one of the written forms.
    #[error("Unable to parse timespan")]
    Unparsable,
    /// Zero, negative, or below a nanosecond.
    #[error("Timespan must be positive")]
    NotPositive,
}

impl Timespan {
    /// From nanoseconds; `None` unless positive.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Option<Self> {
        if nanos > 0 { Some(Self(nanos)) } else { None }
    }

    /// From seconds; a fraction below a nanosecond is cut.
    ///
    /// # Errors
    /// [`TimespanError`] unless positive, finite and below 292 years.
    pub fn from_seconds(seconds: f64) -> Result<Self, TimespanError> {
        Self::from_nanos(nanos_of_seconds(seconds)?).ok_or(TimespanError::NotPositive)
    }

    /// Length in nanoseconds, always positive.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Length in seconds.
    #[must_use]
    pub fn seconds(self) -> f64 {
        // One second's worth at a time, so that whole seconds print as such whatever their size.
        let (whole, rest) = (self.0 / 1_000_000_000, self.0 % 1_000_000_000);
        whole as f64 + rest as f64 / NANOS_PER_SECOND
    }
}

impl Granularity {
    /// From nanoseconds; `None` unless positive.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Option<Self> {
        match Timespan::from_nanos(nanos) {
            Some(span) => Some(Self(span)),
            None => None,
        }
    }

    /// From seconds; a fraction below a nanosecond is cut.
    ///
    /// # Errors
    /// [`TimespanError`] unless positive, finite and below 292 years.
    pub fn from_seconds(seconds: f64) -> Result<Self, TimespanError> {
        Timespan::from_seconds(seconds).map(Self)
    }

    /// Length in nanoseconds, always positive.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0.nanos()
    }

    /// Length in seconds, as Gnocchi prints the granularity of a measure.
    #[must_use]
    pub fn seconds(self) -> f64 {
        self.0.seconds()
    }
}

impl From<Timespan> for Granularity {
    fn from(span: Timespan) -> Self {
        Self(span)
    }
}

impl From<Granularity> for Timespan {
    fn from(granularity: Granularity) -> Self {
        granularity.0
    }
}

impl fmt::Display for Timespan {
    /// As Python prints a timedelta: `0:05:00`, `1 day, 0:00:00`, `0:00:00.500000`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (micros, rest) = (self.0 / 1_000, self.0 % 1_000);
        // Half a microsecond goes to the even neighbour, as there.
        let micros = micros + i64::from(rest > 500 || (rest == 500 && micros % 2 == 1));
        let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
        let (days, seconds) = (seconds / 86_400, seconds % 86_400);
        match days {
            0 => {}
            1 => f.write_str("1 day, ")?,
            days => write!(f, "{days} days, ")?,
        }
        let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        write!(f, "{hours}:{minutes:02}:{seconds:02}")?;
        if micros > 0 {
            write!(f, ".{micros:06}")
        } else {
            Ok(())
        }
    }
}

impl fmt::Display for Granularity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Timespan {
    type Err = TimespanError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_nanos(parse_signed(text)?).ok_or(TimespanError::NotPositive)
    }
}

impl FromStr for Granularity {
    type Err = TimespanError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl Serialize for Timespan {
    /// As seconds.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.seconds())
    }
}

impl Serialize for Granularity {
    /// As seconds.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

struct TimespanVisitor;

impl Visitor<'_> for TimespanVisitor {
    type Value = Timespan;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a timespan in seconds or as text")
    }

    fn visit_f64<E: serde::de::Error>(self, seconds: f64) -> Result<Timespan, E> {
        Timespan::from_seconds(seconds).map_err(E::custom)
    }

    fn visit_u64<E: serde::de::Error>(self, seconds: u64) -> Result<Timespan, E> {
        self.visit_f64(seconds as f64)
    }

    fn visit_i64<E: serde::de::Error>(self, seconds: i64) -> Result<Timespan, E> {
        self.visit_f64(seconds as f64)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Timespan, E> {
        text.parse().map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for Timespan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_any(TimespanVisitor)
            .map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Granularity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Timespan::deserialize(deserializer).map(Self)
    }
}

fn nanos_of_seconds(seconds: f64) -> Result<i64, TimespanError> {
    let nanos = seconds * NANOS_PER_SECOND;
    // The bounds themselves are not representable in an i64 after rounding.
    if nanos.abs() < i64::MAX as f64 {
        Ok(nanos as i64)
    } else {
        Err(TimespanError::Unparsable)
    }
}

#[cfg(test)]
mod tests;
