//! What a request for `/snmp` asks: target, modules, credentials, context and time. Whether there are such modules is
//! for the configuration to say.

use std::time::Duration;

use bytes::Bytes;

use crate::target::Target;

/// The longest time that a scrape may take, whatever the scraper says.
const LONGEST: Duration = Duration::from_secs(120);

/// What the way to the scraper is given, at most.
const MARGIN: Duration = Duration::from_millis(500);

/// A request that makes sense.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Query {
    /// Whom to ask.
    pub(crate) target: Target,
    /// What to ask for, by name.
    pub(crate) modules: Vec<String>,
    /// With which credentials, by name.
    pub(crate) auth: Option<String>,
    /// In which context of version 3.
    pub(crate) context: Option<String>,
    /// Which engine of version 3 behind the target, which is its proxy then.
    pub(crate) engine: Option<Bytes>,
}

impl Query {
    /// Reads the query's decoded pairs. `Err` is for the one who asked.
    pub(crate) fn new(pairs: &[(String, String)]) -> Result<Self, String> {
        let values = |key: &'static str| {
            pairs
                .iter()
                .filter(move |(name, _)| name == key)
                .map(|(_, value)| value.as_str())
        };
        let single = |key: &'static str| {
            let mut values = values(key);
            match (values.next(), values.next()) {
                (value, None) => Ok(value.filter(|value| !value.is_empty())),
                _ => Err(format!("'{key}' parameter must only be specified once")),
            }
        };
        let once = || "'target' parameter must be specified once".to_owned();
        let target = single("target").map_err(|_| once())?.ok_or_else(once)?;
        let mut modules: Vec<String> = Vec::new();
        for module in values("module").flat_map(|value| value.split(',')) {
            if !module.is_empty() && !modules.iter().any(|known| known == module) {
                modules.push(module.to_owned());
            }
        }
        if modules.is_empty() {
            modules.push("if_mib".to_owned());
        }
        Ok(Self {
            target: Target::parse(target)?,
            modules,
            auth: single("auth")?.map(str::to_owned),
            context: single("snmp_context")?.map(str::to_owned),
            engine: single("snmp_engineid")?.map(engine).transpose()?,
        })
    }
}

/// The bytes of an engine's id, 5 to 32 (RFC 3411), given in hexadecimal.
pub(crate) fn engine(text: &str) -> Result<Bytes, String> {
    let expected = || {
        format!(
            "cannot ask engine {text:?}: expected 5 to 32 bytes in hexadecimal, such as 800004f7059c7a0307400529"
        )
    };
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let digits: Option<Vec<u8>> = digits
        .chars()
        .map(|digit| {
            digit
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        })
        .collect();
    let digits = digits.ok_or_else(expected)?;
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() || !(5..=32).contains(&pairs.len()) {
        return Err(expected());
    }
    Ok(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

/// How long a scrape may take: what the scraper waits, in seconds as its header says, less a tenth or half a second for
/// the way back.
pub(crate) fn time(header: Option<&str>) -> Duration {
    let given = header.and_then(|value| value.trim().parse::<f64>().ok());
    let given = given
        .filter(|seconds| *seconds > 0.0)
        .map(|seconds| seconds.min(LONGEST.as_secs_f64()));
    let given = given.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let timeout = given.unwrap_or(LONGEST);
    timeout.saturating_sub(MARGIN.min(timeout / 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(pairs: &[(&str, &str)]) -> Result<Query, String> {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        Query::new(&pairs)
    }

    #[test]
    fn modules_are_repeated_or_separated_by_commas_and_each_is_asked_once() {
        let read = query(&[
            ("target", "a"),
            ("module", "x,y"),
            ("module", "z"),
            ("module", "x"),
        ])
        .unwrap();
        assert_eq!(read.modules, ["x", "y", "z"]);
        assert_eq!(query(&[("target", "a")]).unwrap().modules, ["if_mib"]);
    }

    #[test]
    fn a_request_without_exactly_one_target_is_refused() {
        for pairs in [
            &[][..],
            &[("target", "")],
            &[("target", "a"), ("target", "b")],
        ] {
            assert_eq!(
                query(pairs).unwrap_err(),
                "'target' parameter must be specified once"
            );
        }
        let twice = query(&[("target", "a"), ("auth", "x"), ("auth", "y")]).unwrap_err();
        assert_eq!(twice, "'auth' parameter must only be specified once");
    }

    #[test]
    fn an_engine_is_given_in_hexadecimal() {
        let read =
            |text| query(&[("target", "a"), ("snmp_engineid", text)]).map(|query| query.engine);
        let engine = Bytes::from_static(&[0x80, 0, 0x1f, 0x88, 0xaf]);
        assert_eq!(read("80001f88AF"), Ok(Some(engine.clone())));
        assert_eq!(read("0x80001f88af"), Ok(Some(engine)));
        assert_eq!(read(""), Ok(None));
        for text in ["80001f88", "80001f88a", "80001f88ag", &"80".repeat(33)] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_time_is_what_the_scraper_waits_less_a_margin() {
        for (header, millis) in [
            (Some("10"), 9500),
            (Some("0.5"), 450),
            (Some("1e300"), 119_500),
            (None, 119_500),
            (Some("soon"), 119_500),
            (Some("-1"), 119_500),
            (Some("NaN"), 119_500),
        ] {
            assert_eq!(time(header), Duration::from_millis(millis), "{header:?}");
        }
    }
}
