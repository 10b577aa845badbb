//! Dates as text, read by a pattern in strftime's letters (`datetime_pattern`), as Unix time in seconds.

use crate::render::date::unix_seconds;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const DAYS: [&str; 7] = [
    "sunday",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
];

/// What has been read so far; what the pattern leaves out counts as the year's or the day's beginning.
#[derive(Default)]
struct Parts {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    clock: [i64; 3],
    afternoon: Option<bool>,
    offset: i64,
    unix: Option<i64>,
}

/// The time that `text` tells; `None` if it is not written as `pattern` says, or the pattern has a letter that is not
/// known here.
pub(crate) fn parse(text: &str, pattern: &str) -> Option<i64> {
    let mut parts = Parts::default();
    let rest = parts.read(text, pattern)?;
    if !rest.is_empty() {
        return None;
    }
    parts.seconds()
}

impl Parts {
    fn read<'t>(&mut self, text: &'t str, pattern: &str) -> Option<&'t str> {
        let (mut rest, mut letters) = (text, pattern.chars());
        while let Some(letter) = letters.next() {
            rest = if letter == '%' {
                self.field(rest, letters.next()?)?
            } else {
                rest.strip_prefix(letter)?
            };
        }
        Some(rest)
    }

    fn field<'t>(&mut self, text: &'t str, letter: char) -> Option<&'t str> {
        let (number, rest) = match letter {
            'Y' => digits(text, 4),
            'j' => digits(text, 3),
            'f' => digits(text, 9),
            's' => digits(text, 18),
            _ => digits(text.trim_start_matches(' '), 2),
        }
        .map_or((0, None), |(number, rest)| (number, Some(rest)));
        match letter {
            'Y' => self.year = number,
            'y' => {
                self.year = if number < 69 {
                    2000 + number
                } else {
                    1900 + number
                }
            }
            'm' => self.month = Some(number).filter(|number| (1..=12).contains(number)),
            'd' | 'e' => self.day = Some(number).filter(|number| (1..=31).contains(number)),
            'j' => self.day_of_year = Some(number).filter(|number| (1..=366).contains(number)),
            'H' | 'k' => self.clock[0] = within(number, 23)?,
            'I' | 'l' => self.clock[0] = within(number, 12)?,
            'M' => self.clock[1] = within(number, 59)?,
            'S' => self.clock[2] = within(number, 60)?,
            's' => self.unix = Some(number),
            'f' => {}
            _ => return self.words(text, letter),
        }
        let is_valid = match letter {
            'm' => self.month.is_some(),
            'd' | 'e' => self.day.is_some(),
            'j' => self.day_of_year.is_some(),
            _ => true,
        };
        rest.filter(|_| is_valid)
    }

    fn words<'t>(&mut self, text: &'t str, letter: char) -> Option<&'t str> {
        match letter {
            'F' => self.read(text, "%Y-%m-%d"),
            'D' => self.read(text, "%m/%d/%y"),
            'T' => self.read(text, "%H:%M:%S"),
            'R' => self.read(text, "%H:%M"),
            'b' | 'B' | 'h' => {
                let (at, rest) = name(text, &MONTHS)?;
                self.month = Some(i64::try_from(at).ok()? + 1);
                Some(rest)
            }
            'a' | 'A' => name(text, &DAYS).map(|(_, rest)| rest),
            'p' | 'P' => {
                let (half, rest) = text.split_at_checked(2)?;
                self.afternoon = match half.to_ascii_lowercase().as_str() {
                    "am" => Some(false),
                    "pm" => Some(true),
                    _ => return None,
                };
                Some(rest)
            }
            'z' => self.zone(text),
            'Z' => text
                .strip_prefix("UTC")
                .or_else(|| text.strip_prefix("GMT")),
            'n' | 't' => text.strip_prefix(char::is_whitespace),
            '%' => text.strip_prefix('%'),
            _ => None,
        }
    }

    /// `+0130`, `+01:30` or `Z`.
    fn zone<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        if let Some(rest) = text.strip_prefix('Z') {
            return Some(rest);
        }
        let (sign, rest) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text.strip_prefix('+')?),
        };
        let (hours, rest) = digits(rest, 2)?;
        let (minutes, rest) = digits(rest.strip_prefix(':').unwrap_or(rest), 2)?;
        self.offset = sign * (hours * 60 + minutes) * 60;
        Some(rest)
    }

    fn seconds(&self) -> Option<i64> {
        if self.unix.is_some() {
            return self.unix;
        }
        let mut clock = self.clock;
        if let Some(afternoon) = self.afternoon {
            clock[0] = clock[0] % 12 + if afternoon { 12 } else { 0 };
        }
        let (month, day) = match self.day_of_year {
            Some(day) => (1, day),
            None => (self.month.unwrap_or(1), self.day.unwrap_or(1)),
        };
        Some(unix_seconds(self.year, month, day, clock) - self.offset)
    }
}

fn within(number: i64, most: i64) -> Option<i64> {
    (0..=most).contains(&number).then_some(number)
}

/// One to `most` digits.
fn digits(text: &str, most: usize) -> Option<(i64, &str)> {
    let end = text
        .bytes()
        .take(most)
        .take_while(u8::is_ascii_digit)
        .count();
    let (number, rest) = text.split_at_checked(end)?;
    Some((number.parse().ok()?, rest))
}

/// A whole name or its first three letters, in any case.
fn name<'t>(text: &'t str, names: &[&str]) -> Option<(usize, &'t str)> {
    let starts = |name: &str| {
        let (start, rest) = text.split_at_checked(name.len())?;
        start.eq_ignore_ascii_case(name).then_some(rest)
    };
    names.iter().enumerate().find_map(|(at, name)| {
        let rest = starts(name).or_else(|| starts(name.get(..3)?))?;
        Some((at, rest))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_read_as_its_pattern_says() {
        for (text, pattern, seconds) in [
            ("2025-03-01 12:30:45", "%Y-%m-%d %H:%M:%S", 1_740_832_245),
            ("2025-03-01T12:30:45+01:30", "%FT%T%z", 1_740_826_845),
            (
                "Sat Mar  1 12:30:45 2025",
                "%a %b %e %H:%M:%S %Y",
                1_740_832_245,
            ),
            ("03/01/25 12:30 pm", "%D %I:%M %p", 1_740_832_200),
            (
                "12:05 AM, March 1, 2025 UTC",
                "%I:%M %p, %B %d, %Y %Z",
                1_740_787_500,
            ),
            ("1740832245", "%s", 1_740_832_245),
            ("2025060", "%Y%j", 1_740_787_200),
            ("100% 2025", "100%% %Y", 1_735_689_600),
        ] {
            assert_eq!(parse(text, pattern), Some(seconds), "{text}");
        }
    }

    #[test]
    fn what_is_not_written_so_is_no_date() {
        for (text, pattern) in [
            ("", "%Y"),
            ("2025-13-01", "%F"),
            ("2025-01-32", "%F"),
            ("2025-01-01 rest", "%F"),
            ("25:00", "%R"),
            ("Foo", "%b"),
            ("2025", "%Q"),
            ("2025", "%"),
            ("n/a", "%F"),
        ] {
            assert_eq!(parse(text, pattern), None, "{text} {pattern}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_and_pattern_are_read_without_a_panic(text in "\\PC{0,20}|[0-9:+-]{0,20}", pattern in "(%[a-zA-Z]|[ :/-]){0,8}") {
            let _ = parse(&text, &pattern);
        }
    }
}
