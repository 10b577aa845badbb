//! Moments: nanoseconds since the epoch, read from every form that Gnocchi takes (ISO 8601, seconds since the epoch,
//! relative to now) and printed in the one that it prints. Lengths of time are in `timespan`.

use std::borrow::Cow;
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::iso8601::{self, IsoError};
use crate::timespan::parse_signed;

/// Nanoseconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

/// A timestamp as a client writes it: a number or a text.
#[derive(Debug, Clone, PartialEq)]
pub enum TimestampInput<'a> {
    /// Seconds since the epoch.
    Seconds(f64),
    /// ISO 8601, seconds as text, or a time relative to now ("-5 minutes").
    Text(Cow<'a, str>),
}

/// Why an input is no timestamp, in Gnocchi's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    /// None of the forms.
    #[error("Unable to convert timestamps")]
    Unparsable,
    /// Before 1970, or beyond the year 2262.
    #[error("Timestamp must be after Epoch")]
    BeforeEpoch,
}

/// The forms among which the first timestamp of a list decides for all.
enum Form {
    Seconds,
    Calendar,
    Relative,
}

impl Timestamp {
    /// From seconds since the epoch; what is finer than the number can say or than a nanosecond is cut.
    ///
    /// # Errors
    /// [`TimestampError`] where it is no finite number, before the epoch, or after the year 2262.
    pub fn from_seconds(seconds: f64) -> Result<Self, TimestampError> {
        let nanos = seconds * 1e9;
        if !nanos.is_finite() {
            return Err(TimestampError::Unparsable);
        }
        // `as` saturates; the largest value is no real moment.
        Self(nanos as i64)
            .after_epoch()
            .and_then(|timestamp| match timestamp.0 {
                i64::MAX => Err(TimestampError::BeforeEpoch),
                _ => Ok(timestamp),
            })
    }

    /// Nanoseconds since the epoch.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Seconds since the epoch, to the precision of a double.
    #[must_use]
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// One text in any of the forms; `now` is what relative times start from.
    ///
    /// # Errors
    /// [`TimestampError`] in Gnocchi's words.
    pub fn parse(text: &str, now: Self) -> Result<Self, TimestampError> {
        let input = TimestampInput::Text(Cow::Borrowed(text));
        Self::read(&Form::of(&input), &input, now)
    }

    /// A calendar time with a time of day, as machines write it; `None` for every other form, and before the epoch.
    #[must_use]
    pub fn of_iso8601(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let fits = bytes.len() >= 19
            && bytes.first().is_some_and(u8::is_ascii_digit)
            && bytes.get(4) == Some(&b'-');
        let nanos = fits.then(|| iso8601::parse(text).ok())??;
        Self(nanos).after_epoch().ok()
    }

    /// A list of inputs, as the timestamps of one POST: the first one decides in which form all are read.
    ///
    /// # Errors
    /// [`TimestampError`] of the first input that cannot be read in that form.
    pub fn parse_all<'i, 's: 'i>(
        inputs: impl IntoIterator<Item = &'i TimestampInput<'s>>,
        now: Self,
    ) -> Result<Vec<Self>, TimestampError> {
        let mut form = None;
        let read = |input| Self::read(form.get_or_insert_with(|| Form::of(input)), input, now);
        inputs.into_iter().map(read).collect()
    }

    fn read(form: &Form, input: &TimestampInput<'_>, now: Self) -> Result<Self, TimestampError> {
        match (form, input) {
            (Form::Seconds, TimestampInput::Seconds(seconds)) => Self::from_seconds(*seconds),
            (Form::Seconds, TimestampInput::Text(text)) => Self::from_seconds(
                text.trim()
                    .parse()
                    .map_err(|_| TimestampError::Unparsable)?,
            ),
            (Form::Calendar, TimestampInput::Text(text)) => Self::of_calendar(text, now),
            (Form::Calendar, TimestampInput::Seconds(_)) => Err(TimestampError::Unparsable),
            (Form::Relative, TimestampInput::Text(text)) => {
                now.plus(parse_signed(text).map_err(|_| TimestampError::Unparsable)?)
            }
            (Form::Relative, TimestampInput::Seconds(seconds)) => now.plus((seconds * 1e9) as i64),
        }
    }

    fn of_calendar(text: &str, now: Self) -> Result<Self, TimestampError> {
        let day = 86_400_000_000_000;
        match text.trim() {
            word if word.eq_ignore_ascii_case("now") => now.after_epoch(),
            word if word.eq_ignore_ascii_case("today") => {
                Self(now.0 - now.0.rem_euclid(day)).after_epoch()
            }
            _ => match iso8601::parse(text) {
                Ok(nanos) => Self(nanos).after_epoch(),
                Err(IsoError::Malformed) => Err(TimestampError::Unparsable),
                Err(IsoError::OutOfRange) => Err(TimestampError::BeforeEpoch),
            },
        }
    }

    fn plus(self, nanos: i64) -> Result<Self, TimestampError> {
        self.0
            .checked_add(nanos)
            .map(Self)
            .ok_or(TimestampError::BeforeEpoch)?
            .after_epoch()
    }

    fn after_epoch(self) -> Result<Self, TimestampError> {
        if self.0 < 0 {
            Err(TimestampError::BeforeEpoch)
        } else {
            Ok(self)
        }
    }
}

impl Form {
    fn of(first: &TimestampInput<'_>) -> Self {
        let TimestampInput::Text(text) = first else {
            return Self::Seconds;
        };
        let word = text.trim();
        if word.parse::<f64>().is_ok() {
            Self::Seconds
        } else if parse_signed(word).is_ok() {
            Self::Relative
        } else {
            Self::Calendar
        }
    }
}

impl From<SystemTime> for Timestamp {
    /// Saturates outside 1677..=2262.
    fn from(time: SystemTime) -> Self {
        match time.duration_since(UNIX_EPOCH) {
            Ok(since) => Self(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)),
            Err(before) => {
                Self(i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |nanos| -nanos))
            }
        }
    }
}

impl fmt::Display for Timestamp {
    /// `2026-01-01T00:00:00+00:00`, with a fraction only where there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        iso8601::write(self.0, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TimestampInput<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = TimestampInput<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a timestamp as a number or as text")
            }

            fn visit_f64<E>(self, seconds: f64) -> Result<Self::Value, E> {
                Ok(TimestampInput::Seconds(seconds))
            }

            fn visit_u64<E>(self, seconds: u64) -> Result<Self::Value, E> {
                Ok(TimestampInput::Seconds(seconds as f64))
            }

            fn visit_i64<E>(self, seconds: i64) -> Result<Self::Value, E> {
                Ok(TimestampInput::Seconds(seconds as f64))
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(TimestampInput::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(TimestampInput::Text(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests;
