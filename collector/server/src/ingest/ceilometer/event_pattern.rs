//! Patterns of event types in Ceilometer's definitions of meters: Python's regular expressions, one look-ahead of which is
//! known too.

use regex::Regex;

/// A regular expression on event types, from their beginning on, and one that must not match (`(?!…)` in Python's).
#[derive(Debug)]
pub(super) struct EventPattern {
    matches: Regex,
    unless: Option<Regex>,
}

impl EventPattern {
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let compile = |text: &str| {
            Regex::new(&format!("^(?:{text})"))
                .map_err(|error| format!("event_type: {}", error.to_string().replace('\n', " ")))
        };
        // Python's "not followed by", which this library has not: what follows must not match behind the same beginning.
        let ahead = text.split_once("(?!");
        let ahead = ahead.and_then(|(before, rest)| Some((before, rest.split_once(')')?)));
        match ahead {
            Some((before, (not, after))) => Ok(Self {
                matches: compile(&format!("{before}{after}"))?,
                unless: Some(compile(&format!("{before}(?:{not})"))?),
            }),
            None => Ok(Self {
                matches: compile(text)?,
                unless: None,
            }),
        }
    }

    pub(super) fn is_match(&self, event_type: &str) -> bool {
        let unless = self.unless.as_ref();
        self.matches.is_match(event_type) && !unless.is_some_and(|one| one.is_match(event_type))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_from_the_beginning_and_looks_ahead() {
        let matches = |pattern: &str, event_type: &str| {
            EventPattern::read(pattern).unwrap().is_match(event_type)
        };
        assert!(matches("image.upload", "image.upload"));
        assert!(matches("volume.create.*", "volume.create.end"));
        assert!(!matches("image.upload", "my.image.upload"));
        let instances = "compute.instance.(?!create.start|update).*";
        assert!(matches(instances, "compute.instance.create.end"));
        assert!(matches(instances, "compute.instance.exists"));
        assert!(!matches(instances, "compute.instance.create.start"));
        assert!(!matches(instances, "compute.instance.update"));
        let refused = EventPattern::read("a(").unwrap_err();
        assert!(refused.starts_with("event_type: "), "{refused}");
    }
}
