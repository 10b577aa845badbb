//! The packet of NTP (RFC 5905, 7.3): the question as bytes, the answer from bytes, and the rules by which an answer is
//! judged.

use std::time::{Duration, SystemTime};

/// The length of a packet without extensions.
pub(super) const LENGTH: usize = 48;

/// Seconds from NTP's epoch, 1900, to Unix' epoch.
const TO_UNIX: f64 = 2_208_988_800.0;

/// A moment in units of 2^-32 seconds since 1900.
#[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd)]
pub(super) struct Timestamp(pub(super) u64);

/// What one second is in those units.
const SECOND: f64 = 4_294_967_296.0;

impl Timestamp {
    /// A moment of this host's clock.
    pub(super) fn of(moment: SystemTime) -> Self {
        let since = moment
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let seconds = since.as_secs().wrapping_add(TO_UNIX as u64);
        let fraction = (u64::from(since.subsec_nanos()) << 32) / 1_000_000_000;
        Self(seconds << 32 | fraction)
    }

    /// A later moment.
    pub(super) fn after(self, duration: Duration) -> Self {
        let units = (duration.as_secs_f64() * SECOND) as u64;
        Self(self.0.wrapping_add(units))
    }

    /// Seconds since the Unix epoch.
    pub(super) fn unix(self) -> f64 {
        (self.0 >> 32) as f64 - TO_UNIX + (self.0 & u64::from(u32::MAX)) as f64 / SECOND
    }

    /// Seconds from `earlier` to this one.
    fn since(self, earlier: Self) -> f64 {
        self.0.wrapping_sub(earlier.0).cast_signed() as f64 / SECOND
    }
}

/// What the server said, and when.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Answer {
    /// The leap indicator, 0 to 3.
    pub(super) leap: u8,
    /// How many servers are between this one and a clock.
    pub(super) stratum: u8,
    /// Seconds to the clock and back.
    pub(super) root_delay: f64,
    /// By how many seconds the clock may be wrong.
    pub(super) root_dispersion: f64,
    /// When the server's clock was last set.
    pub(super) reference: Timestamp,
    /// When the question was sent, came to the server, was answered, and the answer came.
    sent: Timestamp,
    arrived: Timestamp,
    pub(super) transmitted: Timestamp,
    received: Timestamp,
}

const CLIENT: u8 = 3;
const SERVER: u8 = 4;

/// A question in this version of NTP.
pub(super) fn question(version: u8, sent: Timestamp) -> Vec<u8> {
    let mut packet = vec![0; LENGTH - 8];
    if let Some(first) = packet.first_mut() {
        *first = version << 3 | CLIENT;
    }
    packet.extend(sent.0.to_be_bytes());
    packet
}

/// The answer to the question that was sent then; the error says why it is none.
pub(super) fn parse(
    bytes: &[u8],
    sent: Timestamp,
    received: Timestamp,
) -> Result<Answer, &'static str> {
    let long = |at: usize| {
        Some(Timestamp(u64::from_be_bytes(
            *bytes.get(at..)?.first_chunk()?,
        )))
    };
    let short = |at: usize| {
        let units = u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?);
        Some(f64::from(units) / 65_536.0)
    };
    let read = || {
        let &[first, stratum, ..] = bytes else {
            return None;
        };
        let answer = Answer {
            leap: first >> 6,
            stratum,
            root_delay: short(4)?,
            root_dispersion: short(8)?,
            reference: long(16)?,
            sent,
            arrived: long(32)?,
            transmitted: long(40)?,
            received,
        };
        Some((first & 7, long(24)?, answer))
    };
    let (mode, origin, answer) = read().ok_or("packet too short")?;
    if mode != SERVER {
        return Err("packet that is no answer of a server");
    }
    if origin != sent {
        return Err("answer to another question");
    }
    if answer.transmitted == Timestamp::default() {
        return Err("answer without a time");
    }
    if answer.arrived > answer.transmitted {
        return Err("answer sent before its question came");
    }
    Ok(answer)
}

impl Answer {
    /// Seconds that question and answer were under way.
    pub(super) fn round_trip(&self) -> f64 {
        let away = self.received.since(self.sent) - self.transmitted.since(self.arrived);
        away.max(0.0)
    }

    /// Seconds by which the server's clock is before this host's.
    pub(super) fn offset(&self) -> f64 {
        (self.arrived.since(self.sent) + self.transmitted.since(self.received)) / 2.0
    }

    /// By how many seconds time may be wrong at most, all the way to the clock.
    pub(super) fn root_distance(&self) -> f64 {
        f64::midpoint(self.round_trip(), self.root_delay) + self.root_dispersion
    }

    /// By how many seconds the two clocks are apart at least: nothing arrives before it was sent.
    pub(super) fn least_error(&self) -> f64 {
        let there = self.sent.since(self.arrived);
        let back = self.transmitted.since(self.received);
        there.max(back).max(0.0)
    }

    /// Whether a second is to be added or left out at the next midnight.
    pub(super) fn announces_leap(&self) -> bool {
        matches!(self.leap, 1 | 2)
    }

    /// Whether the server says that it has the time.
    pub(super) fn is_valid(&self) -> bool {
        const UNSYNCHRONISED: u8 = 3;
        const MOST_STRATUM: u8 = 15;
        /// The longest time between two settings of a clock, 2^17 seconds.
        const MOST_POLL: f64 = 131_072.0;
        const MOST_DISPERSION: f64 = 16.0;
        let age = self.transmitted.since(self.reference);
        (1..=MOST_STRATUM).contains(&self.stratum)
            && self.leap != UNSYNCHRONISED
            && (0.0..=MOST_POLL).contains(&age)
            && self.root_delay / 2.0 + self.root_dispersion <= MOST_DISPERSION
    }
}

#[cfg(test)]
#[path = "packet_tests.rs"]
mod tests;
