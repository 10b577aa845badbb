//! The scalars of snmp.yml that are more than a string: OIDs, durations as Go writes them, patterns and secrets. Each is
//! checked while the file is read, so that a mistake is told with its line.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use async_snmp::Oid;
use regex::Regex;
use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// States by their number in the MIB.
pub(crate) type EnumValues = BTreeMap<i64, String>;

/// The longest OID that SNMP allows, in numbers.
const MAX_ARCS: usize = 128;

/// An object identifier, such as `1.3.6.1.2.1.1.3`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DottedOid(pub(crate) Oid);

impl DottedOid {
    /// Reads dotted numbers, of which there are at least two; a leading dot is allowed.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let expected = || format!("expected an OID such as 1.3.6.1.2.1.1.3, found {text:?}");
        let dotted = text.strip_prefix('.').unwrap_or(text);
        let arcs: Result<Vec<u32>, _> = dotted.split('.').map(str::parse).collect();
        let arcs = arcs.map_err(|_| expected())?;
        if !(2..=MAX_ARCS).contains(&arcs.len()) {
            return Err(expected());
        }
        Ok(Self(Oid::new(arcs)))
    }

    /// The numbers.
    pub(crate) fn arcs(&self) -> &[u32] {
        self.0.arcs()
    }
}

impl<'de> Deserialize<'de> for DottedOid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl Serialize for DottedOid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A span of time as Go writes it: `5s`, `1m30s`, `500ms`; a plain number is nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GoDuration(pub(crate) Duration);

impl GoDuration {
    fn parse(text: &str) -> Result<Self, String> {
        let expected = || format!("expected a duration such as 5s or 1m30s, found {text:?}");
        let (mut rest, mut total) = (text, Duration::ZERO);
        if text.is_empty() {
            return Err(expected());
        }
        while !rest.is_empty() && text != "0" {
            let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.');
            let (number, tail) = rest.split_at(end.ok_or_else(expected)?);
            let end = tail.find(|c: char| c.is_ascii_digit());
            let (unit, tail) = tail.split_at(end.unwrap_or(tail.len()));
            let seconds = match unit {
                "ns" => 1e-9,
                "us" | "µs" => 1e-6,
                "ms" => 1e-3,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                _ => return Err(expected()),
            };
            let number: f64 = number.parse().map_err(|_| expected())?;
            let part = Duration::try_from_secs_f64(number * seconds).map_err(|_| expected())?;
            total = total.checked_add(part).ok_or_else(expected)?;
            rest = tail;
        }
        Ok(Self(total))
    }
}

impl<'de> Deserialize<'de> for GoDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = GoDuration;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration such as 5s")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<GoDuration, E> {
                GoDuration::parse(text).map_err(E::custom)
            }

            fn visit_u64<E: serde::de::Error>(self, nanoseconds: u64) -> Result<GoDuration, E> {
                Ok(GoDuration(Duration::from_nanos(nanoseconds)))
            }

            fn visit_i64<E: serde::de::Error>(self, nanoseconds: i64) -> Result<GoDuration, E> {
                let nanoseconds = u64::try_from(nanoseconds);
                let nanoseconds =
                    nanoseconds.map_err(|_| E::custom("expected a positive duration"))?;
                self.visit_u64(nanoseconds)
            }
        }
        deserializer.deserialize_any(Text)
    }
}

impl Serialize for GoDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}s", self.0.as_secs_f64()))
    }
}

/// A regular expression with the text that it was made of.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    source: String,
    /// What is matched with.
    pub(crate) regex: Regex,
}

/// A pattern that the whole text has to match, as in `regex_extracts`.
#[derive(Debug, Clone)]
pub(crate) struct Anchored(pub(crate) Pattern);

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let source = String::deserialize(deserializer)?;
        let regex = compile(&source, &source).map_err(D::Error::custom)?;
        Ok(Self { source, regex })
    }
}

impl<'de> Deserialize<'de> for Anchored {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let source = String::deserialize(deserializer)?;
        let regex = compile(&source, &format!("^(?:{source})$")).map_err(D::Error::custom)?;
        Ok(Self(Pattern { source, regex }))
    }
}

fn compile(told: &str, pattern: &str) -> Result<Regex, String> {
    Regex::new(pattern).map_err(|error| {
        let reason = error.to_string();
        let reason = reason.lines().last().unwrap_or_default().trim();
        format!("expected a regular expression, found {told:?}: {reason}")
    })
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.source.serialize(serializer)
    }
}

impl Serialize for Anchored {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// A community or password: never shown, neither in `/config` nor in an error.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(String);

impl Secret {
    /// Hides `text`.
    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }

    /// The secret itself, for the wire only.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("<secret>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_oid_is_dotted_numbers_and_nothing_else() {
        assert_eq!(DottedOid::parse(".1.3.6").unwrap().arcs(), [1, 3, 6]);
        assert_eq!(
            DottedOid::parse("1.4294967295").unwrap().arcs(),
            [1, u32::MAX]
        );
        for text in [
            "",
            "1",
            "1.",
            "1..3",
            "1.x",
            "1.4294967296",
            "iso.3",
            "1.-3",
        ] {
            assert!(DottedOid::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_are_written_as_in_go() {
        let parse = |text| GoDuration::parse(text).map(|duration| duration.0);
        assert_eq!(parse("5s"), Ok(Duration::from_secs(5)));
        assert_eq!(parse("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse("1.5ms"), Ok(Duration::from_micros(1500)));
        assert_eq!(parse("0"), Ok(Duration::ZERO));
        for text in [
            "",
            "5",
            "s",
            "5 s",
            "-1s",
            "1e400s",
            "99999999999999999999h",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        let secret = Secret::new("sesame".to_owned());
        assert_eq!(format!("{secret:?}"), "<secret>");
        let shown = serde_saphyr::to_string(&secret).unwrap();
        assert!(!shown.contains("sesame"), "{shown}");
    }

    proptest::proptest! {
        #[test]
        fn any_oid_is_read_as_it_is_written(arcs in proptest::collection::vec(proptest::num::u32::ANY, 2..128)) {
            let text = arcs.iter().map(u32::to_string).collect::<Vec<_>>().join(".");
            let oid = DottedOid::parse(&text).unwrap();
            proptest::prop_assert_eq!(oid.arcs(), arcs.as_slice());
        }
    }
}
