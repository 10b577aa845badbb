//! Reads the bodies that clients send nearly always in one pass over the bytes: measures with ISO timestamps or numbers,
//! alone, by metric, or by resource and name. No tree and no text is copied, and nothing is allocated for an entry. What
//! is unusual in any way (escapes, other fields, NaN, relative times, mistakes) is left to `measure_body`, which knows
//! all forms and what is wrong with the rest: this reader gives `None` then.

use std::borrow::Cow;

use collector_model::{Measure, Timestamp};

use super::batch_body::{Body, Entry, Group};

/// Most digits of a number that a double holds exactly, whatever they are.
const EXACT_DIGITS: usize = 15;
/// Powers of ten that a double holds exactly, for so many digits after the point.
const POWERS: [f64; EXACT_DIGITS + 1] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
];

/// A list of measures.
pub(super) fn list(body: &[u8]) -> Option<Vec<Measure>> {
    let mut scan = Scan::new(body)?;
    scan.measures()?;
    scan.end()?;
    Some(scan.found)
}

/// `{metric: [measure, …], …}`.
pub(super) fn by_metric(body: &[u8]) -> Option<Body<'_>> {
    let mut scan = Scan::new(body)?;
    let mut entries = Vec::new();
    scan.object(|scan, name| {
        let from = scan.found.len();
        scan.measures()?;
        entries.push(Entry {
            name: Cow::Borrowed(name),
            archive_policy_name: None,
            unit: None,
            measures: from..scan.found.len(),
        });
        Some(())
    })?;
    scan.end()?;
    let group = Group {
        name: Cow::Borrowed(""),
        entries: 0..entries.len(),
    };
    Body::of_scan(vec![group], entries, scan.found)
}

/// `{resource: {name: [measure, …] or {"measures": […], …}, …}, …}`.
pub(super) fn by_resource(body: &[u8]) -> Option<Body<'_>> {
    let mut scan = Scan::new(body)?;
    let (mut groups, mut entries) = (Vec::new(), Vec::new());
    scan.object(|scan, resource| {
        let from = entries.len();
        scan.object(|scan, name| {
            entries.push(scan.entry(name)?);
            Some(())
        })?;
        groups.push(Group {
            name: Cow::Borrowed(resource),
            entries: from..entries.len(),
        });
        Some(())
    })?;
    scan.end()?;
    Body::of_scan(groups, entries, scan.found)
}

/// A place in a body, and the measures before it.
struct Scan<'b> {
    text: &'b str,
    at: usize,
    found: Vec<Measure>,
    /// The timestamp that was read last: one POST often has the same everywhere.
    last: (&'b str, Timestamp),
}

impl<'b> Scan<'b> {
    fn new(body: &'b [u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        Some(Self {
            text,
            at: 0,
            found: Vec::new(),
            last: ("", Timestamp(0)),
        })
    }

    /// The next byte that is no space.
    fn peek(&mut self) -> Option<u8> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let blanks = rest
            .iter()
            .position(|byte| !matches!(byte, b' ' | b'\n' | b'\r' | b'\t'))?;
        self.at += blanks;
        rest.get(blanks).copied()
    }

    fn eat(&mut self, wanted: u8) -> Option<()> {
        (self.peek()? == wanted).then(|| self.at += 1)
    }

    /// Whether nothing follows.
    fn end(&mut self) -> Option<()> {
        self.peek().is_none().then_some(())
    }

    /// Reads a comma or the end of what it is in.
    fn goes_on(&mut self, end: u8) -> Option<bool> {
        let byte = self.peek()?;
        self.at += 1;
        match byte {
            b',' => Some(true),
            byte if byte == end => Some(false),
            _ => None,
        }
    }

    /// A text without escapes.
    fn string(&mut self) -> Option<&'b str> {
        self.eat(b'"')?;
        let from = self.at;
        let rest = self.text.as_bytes().get(from..)?;
        let length = rest
            .iter()
            .position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f))?;
        if rest.get(length) != Some(&b'"') {
            return None;
        }
        self.at += length + 1;
        self.text.get(from..from + length)
    }

    /// An object, each of whose values `field` reads.
    fn object(&mut self, mut field: impl FnMut(&mut Self, &'b str) -> Option<()>) -> Option<()> {
        self.eat(b'{')?;
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(());
        }
        loop {
            let name = self.string()?;
            self.eat(b':')?;
            field(self, name)?;
            if !self.goes_on(b'}')? {
                return Some(());
            }
        }
    }

    /// An entry of a resource.
    fn entry(&mut self, name: &'b str) -> Option<Entry<'b>> {
        let from = self.found.len();
        let (mut policy, mut unit, mut read) = (None, None, false);
        if self.peek()? == b'[' {
            self.measures()?;
        } else {
            self.object(|scan, field| {
                match field {
                    "measures" if !read => {
                        scan.measures()?;
                        read = true;
                    }
                    "archive_policy_name" if policy.is_none() => policy = Some(scan.string()?),
                    "unit" if unit.is_none() => unit = Some(scan.string()?),
                    _ => return None,
                }
                Some(())
            })?;
        }
        Some(Entry {
            name: Cow::Borrowed(name),
            archive_policy_name: policy.map(Cow::Borrowed),
            unit: unit.map(Cow::Borrowed),
            measures: from..self.found.len(),
        })
    }

    /// A list of measures, whose timestamps are all texts or all numbers.
    fn measures(&mut self) -> Option<()> {
        self.eat(b'[')?;
        if self.peek()? == b']' {
            self.at += 1;
            return Some(());
        }
        let mut are_text = None;
        loop {
            let (mut timestamp, mut value) = (None, None);
            self.object(|scan, field| {
                match field {
                    "timestamp" if timestamp.is_none() => {
                        let is_text = scan.peek()? == b'"';
                        if *are_text.get_or_insert(is_text) != is_text {
                            return None;
                        }
                        timestamp = Some(scan.timestamp(is_text)?);
                    }
                    "value" if value.is_none() => value = Some(scan.number()?),
                    _ => return None,
                }
                Some(())
            })?;
            self.found.push(Measure::new(timestamp?, value?));
            if !self.goes_on(b']')? {
                return Some(());
            }
        }
    }

    fn timestamp(&mut self, is_text: bool) -> Option<Timestamp> {
        if !is_text {
            return Timestamp::from_seconds(self.number()?).ok();
        }
        let text = self.string()?;
        if self.last.0 != text {
            self.last = (text, Timestamp::of_iso8601(text)?);
        }
        Some(self.last.1)
    }

    /// A number as JSON writes it.
    fn number(&mut self) -> Option<f64> {
        self.peek()?;
        let bytes = self.text.as_bytes();
        let from = self.at;
        let digits = |at: usize| {
            let rest = bytes.get(at..).unwrap_or_default();
            rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
        };
        let negative = bytes.get(from) == Some(&b'-');
        let whole_at = from + usize::from(negative);
        let whole = digits(whole_at);
        if whole == 0 || (whole > 1 && bytes.get(whole_at) == Some(&b'0')) {
            return None;
        }
        let mut end = whole_at + whole;
        let mut after_point = 0;
        if bytes.get(end) == Some(&b'.') {
            after_point = digits(end + 1);
            if after_point == 0 {
                return None;
            }
            end += 1 + after_point;
        }
        self.at = end;
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            end += 1 + usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let exponent = digits(end);
            if exponent == 0 {
                return None;
            }
            self.at = end + exponent;
        } else if whole + after_point <= EXACT_DIGITS {
            let digits = bytes.get(whole_at..end)?.iter();
            let digits = digits.filter(|byte| **byte != b'.');
            let number = digits.fold(0_u64, |number, byte| number * 10 + u64::from(byte - b'0'));
            // Both are exact, so the quotient is the nearest double.
            let number = number as f64 / POWERS.get(after_point)?;
            return Some(if negative { -number } else { number });
        }
        let number: f64 = self.text.get(from..self.at)?.parse().ok()?;
        number.is_finite().then_some(number)
    }
}
