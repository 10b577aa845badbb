//! One line of statsd's protocol, `name:value|type` or `name:value|type|@rate`, with the types that gnocchi-statsd knows:
//! counters `c`, gauges `g` and timers `ms`. A rate is for counters only.

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Adds up until the flush.
    Counter,
    /// The last one before the flush stands.
    Gauge,
    /// A duration; the last one before the flush stands, as in gnocchi-statsd.
    Timer,
}

impl Kind {
    /// Its letters in the protocol and at the end of a metric's name.
    pub(crate) fn letters(self) -> &'static str {
        match self {
            Self::Counter => "c",
            Self::Gauge => "g",
            Self::Timer => "ms",
        }
    }
}

/// A line that was read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sample<'t> {
    /// The name before the colon.
    pub(crate) name: &'t str,
    /// What it is.
    pub(crate) kind: Kind,
    /// The value; a counter's is divided by the rate at which it was sampled.
    pub(crate) value: f64,
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LineError {
    #[error("expected name:value|type, and |@rate behind a counter")]
    Shape,
    #[error("expected a name of 1 to {MAX_NAME} bytes")]
    Name,
    #[error("expected a number behind the colon")]
    Value,
    #[error("expected the type c, g or ms")]
    Kind,
    #[error("expected a rate such as @0.1, behind a counter only")]
    Rate,
}

/// Longest name, bytes: with its type it is the name of a metric, which is text of at most 255.
pub(crate) const MAX_NAME: usize = 252;

/// Reads one line, without its end.
pub(crate) fn parse(line: &str) -> Result<Sample<'_>, LineError> {
    let mut parts = line.trim_end_matches('\r').split('|');
    let (named, kind, rate) = (parts.next(), parts.next(), parts.next());
    let (Some(named), Some(kind), None) = (named, kind, parts.next()) else {
        return Err(LineError::Shape);
    };
    let (name, value) = named.split_once(':').ok_or(LineError::Shape)?;
    if value.contains(':') {
        return Err(LineError::Shape);
    }
    if name.is_empty() || name.len() > MAX_NAME || name.contains('\0') {
        return Err(LineError::Name);
    }
    let value: f64 = value.trim().parse().map_err(|_| LineError::Value)?;
    let kind = match kind {
        "c" => Kind::Counter,
        "g" => Kind::Gauge,
        "ms" => Kind::Timer,
        _ => return Err(LineError::Kind),
    };
    let rate = rate.map(read_rate).transpose()?;
    let value = match (kind, rate) {
        (_, None) => value,
        (Kind::Counter, Some(rate)) => value * (1.0 / rate),
        _ => return Err(LineError::Rate),
    };
    Ok(Sample { name, kind, value })
}

fn read_rate(text: &str) -> Result<f64, LineError> {
    let rate = text.strip_prefix('@').ok_or(LineError::Rate)?;
    let rate: f64 = rate.trim().parse().map_err(|_| LineError::Rate)?;
    if rate > 0.0 {
        Ok(rate)
    } else {
        Err(LineError::Rate)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn counters_gauges_and_timers_are_read() {
        for (line, name, kind, value) in [
            ("hits:3|c", "hits", Kind::Counter, 3.0),
            ("hits:1|c|@0.25\r", "hits", Kind::Counter, 4.0),
            ("a b.c/d: -1.5e1 |g", "a b.c/d", Kind::Gauge, -15.0),
            ("+x:+7|g", "+x", Kind::Gauge, 7.0),
            ("took:320|ms", "took", Kind::Timer, 320.0),
        ] {
            assert_eq!(parse(line), Ok(Sample { name, kind, value }), "{line}");
        }
    }

    #[test]
    fn what_is_no_sample_says_why() {
        for (line, error) in [
            ("", LineError::Shape),
            ("hits:1", LineError::Shape),
            ("hits|c", LineError::Shape),
            ("a:1:2|c", LineError::Shape),
            ("a:1|c|@1|#tag", LineError::Shape),
            (":1|c", LineError::Name),
            ("a:one|c", LineError::Value),
            ("a:|c", LineError::Value),
            ("a:1|s", LineError::Kind),
            ("a:1|h", LineError::Kind),
            ("a:1|g|@0.1", LineError::Rate),
            ("a:1|ms|@0.1", LineError::Rate),
            ("a:1|c|@0", LineError::Rate),
            ("a:1|c|0.1", LineError::Rate),
            ("a:1|c|#host:b", LineError::Rate),
        ] {
            assert_eq!(parse(line), Err(error), "{line}");
        }
        let long = "n".repeat(MAX_NAME + 1);
        assert_eq!(parse(&format!("{long}:1|g")), Err(LineError::Name));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,60}") {
            let _ = parse(&text);
        }

        #[test]
        fn what_is_written_is_read(name in "[a-z.]{1,20}", value in any::<f64>().prop_filter("a number", |v| !v.is_nan())) {
            let line = format!("{name}:{value}|g");
            prop_assert_eq!(parse(&line).map(|sample| sample.value.to_bits()), Ok(value.to_bits()));
        }
    }
}
