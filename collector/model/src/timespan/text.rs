//! Timespans as text: plain seconds, units ("1 day 2h") and clocks ("0:05:00"), with the tolerance and the limits of
//! the parser that Gnocchi uses. The types are in the parent.

use super::{TimespanError, nanos_of_seconds};

/// Nanoseconds of any of the written forms; may be zero or negative, as a time relative to now is.
pub(crate) fn parse_signed(text: &str) -> Result<i64, TimespanError> {
    if let Ok(seconds) = text.trim().parse::<f64>() {
        return nanos_of_seconds(seconds);
    }
    let text = text.trim();
    let (sign, unsigned) = match text.strip_prefix(['+', '|']) {
        Some(rest) => (1.0, rest),
        None => text
            .strip_prefix('-')
            .map_or((1.0, text), |rest| (-1.0, rest)),
    };
    let seconds = written_seconds(unsigned.trim_start()).ok_or(TimespanError::Unparsable)?;
    nanos_of_seconds(sign * seconds)
}

/// Seconds of "1 week, 2 days 3h 4 min 5.5 s", of "2 days, 3:04:05" and of bare clocks.
fn written_seconds(text: &str) -> Option<f64> {
    let (mut rest, mut total, mut seconds) = (text, 0.0, None);
    let mut rank = 0;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, tail) = rest.split_at_checked(digits)?;
        if tail.starts_with(':') {
            // A clock ends the text and follows at most weeks and days.
            return (rank <= 2)
                .then(|| clock_seconds(rest, rank == 0))?
                .map(|clock| total + clock);
        }
        let tail = tail.trim_start();
        let letters = tail
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(tail.len());
        let (word, tail) = tail.split_at_checked(letters)?;
        let (unit, factor) = unit(&word.to_ascii_lowercase())?;
        if unit <= rank || seconds.is_some() {
            return None;
        }
        rank = unit;
        let number: f64 = number.parse().ok()?;
        rest = tail.trim_start();
        if unit == 5 {
            seconds = Some(number);
        } else {
            total += factor * number;
            rest = rest.strip_prefix([',', '/']).unwrap_or(rest).trim_start();
        }
    }
    (rank > 0).then(|| match seconds {
        Some(seconds) if seconds.fract() != 0.0 => total + seconds,
        // Without a fraction in the seconds, a fraction of a larger unit counts in whole seconds.
        whole => total.trunc() + whole.unwrap_or(0.0),
    })
}

/// Rank (units must come in order) and seconds of a unit's name.
fn unit(word: &str) -> Option<(u8, f64)> {
    Some(match word {
        "w" | "wk" | "wks" | "week" | "weeks" => (1, 604_800.0),
        "d" | "dy" | "dys" | "day" | "days" => (2, 86_400.0),
        "h" | "hr" | "hrs" | "hour" | "hours" => (3, 3_600.0),
        "m" | "min" | "mins" | "minute" | "minutes" => (4, 60.0),
        "s" | "sec" | "secs" | "second" | "seconds" => (5, 1.0),
        _ => return None,
    })
}

/// Seconds of `H:MM:SS`, and where it stands `alone` also of `:SS`, `M:SS` and `D:HH:MM:SS`; the seconds may have a
/// fraction.
fn clock_seconds(text: &str, alone: bool) -> Option<f64> {
    let parts: Vec<&str> = text.split(':').collect();
    let digits = |part: &&str| part.bytes().all(|byte| byte.is_ascii_digit());
    let two = |part: &&str| part.len() == 2 && digits(part);
    let (last, before) = parts.split_last()?;
    let (whole, fraction) = last.split_once('.').unwrap_or((last, "0"));
    let shape = match before {
        [""] => alone,
        [minutes] => alone && matches!(minutes.len(), 1 | 2) && digits(minutes),
        [hours, minutes] => !hours.is_empty() && digits(hours) && two(minutes),
        [days, hours, minutes] => {
            alone && !days.is_empty() && digits(days) && two(hours) && two(minutes)
        }
        _ => false,
    };
    if !shape || !two(&whole) || fraction.is_empty() || !digits(&fraction) {
        return None;
    }
    let factors = [60.0, 3_600.0, 86_400.0];
    let larger = before.iter().rev().zip(factors);
    larger
        .filter(|(part, _)| !part.is_empty())
        .try_fold(last.parse::<f64>().ok()?, |sum, (part, factor)| {
            Some(sum + part.parse::<f64>().ok()? * factor)
        })
}
