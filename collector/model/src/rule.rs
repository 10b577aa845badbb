//! Archive policy rules: which policy a metric gets whose creator names none, by the shell pattern that its name
//! matches. The rules' storage is the catalogue's.

use serde::{Deserialize, Serialize};

/// A rule: metrics whose name matches the pattern get the policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchivePolicyRule {
    /// Its name, unique in the catalogue.
    pub name: String,
    /// Shell pattern on metric names: `*`, `?`, `[abc]`, `[!a-z]`.
    pub metric_pattern: String,
    /// The policy that a matching metric gets.
    pub archive_policy_name: String,
}

/// Puts rules into the order in which they are tried: by pattern from the last in byte order to the first (so that of
/// two patterns with a common beginning the longer one wins), then by name.
pub fn sort_rules(rules: &mut [ArchivePolicyRule]) {
    rules.sort_by(|a, b| {
        b.metric_pattern
            .cmp(&a.metric_pattern)
            .then_with(|| a.name.cmp(&b.name))
    });
}

/// The rule that decides for a metric's name, whatever the order of `rules`; a metric without name counts as "".
#[must_use]
pub fn matching_rule<'r>(
    rules: &'r [ArchivePolicyRule],
    metric_name: &str,
) -> Option<&'r ArchivePolicyRule> {
    let matching = rules
        .iter()
        .filter(|rule| fnmatch(&rule.metric_pattern, metric_name));
    matching.min_by(|a, b| {
        b.metric_pattern
            .cmp(&a.metric_pattern)
            .then_with(|| a.name.cmp(&b.name))
    })
}

/// Whether all of `text` matches a shell pattern, as Python's `fnmatch`: case counts, `/` and a leading dot are
/// ordinary, an unclosed `[` stands for itself.
#[must_use]
pub fn fnmatch(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern, text);
    // After a star: what follows it, and the text that it has not swallowed yet.
    let mut retry: Option<(&str, &str)> = None;
    loop {
        let step = match pattern.strip_prefix('*') {
            Some(rest) => {
                retry = Some((rest, text));
                Some((rest, text))
            }
            None if pattern.is_empty() => text.is_empty().then_some(("", "")),
            None => one(pattern, text),
        };
        match (step, retry) {
            (Some(("", "")), _) => return true,
            (Some(next), _) => (pattern, text) = next,
            (None, Some((after, swallowed))) => {
                let mut chars = swallowed.chars();
                if chars.next().is_none() {
                    return false;
                }
                retry = Some((after, chars.as_str()));
                (pattern, text) = (after, chars.as_str());
            }
            (None, None) => return false,
        }
    }
}

/// Matches one character; gives what is left of both.
fn one<'a>(pattern: &'a str, text: &'a str) -> Option<(&'a str, &'a str)> {
    let mut wanted = pattern.chars();
    let mut given = text.chars();
    let (first, actual) = (wanted.next()?, given.next()?);
    let (matches, rest) = match first {
        '?' => (true, wanted.as_str()),
        '[' => match set(wanted.as_str(), actual) {
            Some((inside, rest)) => (inside, rest),
            None => (actual == '[', wanted.as_str()),
        },
        literal => (literal == actual, wanted.as_str()),
    };
    matches.then_some((rest, given.as_str()))
}

/// Whether a bracket set (what follows its `[`) has the character, and the pattern after it; `None` if unclosed.
fn set(pattern: &str, actual: char) -> Option<(bool, &str)> {
    let (negated, body) = match pattern.strip_prefix('!') {
        Some(body) => (true, body),
        None => (false, pattern),
    };
    // A `]` right at the beginning belongs to the set.
    let first = body.chars().next()?.len_utf8();
    let close = body.get(first..)?.find(']')? + first;
    let (members, rest) = (body.get(..close)?, body.get(close + 1..)?);
    let members: Vec<char> = members.chars().collect();
    let (mut at, mut found) = (0, false);
    while let Some(low) = members.get(at) {
        match (members.get(at + 1), members.get(at + 2)) {
            (Some('-'), Some(high)) => {
                found |= (*low..=*high).contains(&actual);
                at += 3;
            }
            _ => {
                found |= *low == actual;
                at += 1;
            }
        }
    }
    Some((found != negated, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_a_shell() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("disk.*", "disk.device.read", true),
            ("disk.*", "disk", false),
            ("*.bytes", "network.incoming.bytes", true),
            ("*a*b*c", "xxaxxbxxc", true),
            ("*a*b*c", "xxaxxcxxb", false),
            ("cp?", "cpu", true),
            ("cp?", "cpus", false),
            ("?", "é", true),
            ("[abc]pu", "cpu", true),
            ("[!a-c]pu", "cpu", false),
            ("[a-c]pu", "bpu", true),
            ("[]x]", "]", true),
            ("[abc", "[abc", true),
            ("[abc", "a", false),
            ("CPU", "cpu", false),
            ("[a-]", "-", true),
            ("**", "anything", true),
        ] {
            assert_eq!(fnmatch(pattern, text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn many_stars_on_a_long_name_end_quickly() {
        assert!(!fnmatch(&"*a".repeat(60), &"a".repeat(50)));
    }

    #[test]
    fn of_two_patterns_with_a_common_beginning_the_longer_decides() {
        let rule = |name: &str, pattern: &str| ArchivePolicyRule {
            name: name.to_owned(),
            metric_pattern: pattern.to_owned(),
            archive_policy_name: "low".to_owned(),
        };
        let mut rules = vec![
            rule("all", "*"),
            rule("disk", "disk.*"),
            rule("b", "disk.io.*"),
            rule("a", "disk.io.*"),
        ];
        assert_eq!(matching_rule(&rules, "disk.io.rate").unwrap().name, "a");
        assert_eq!(matching_rule(&rules, "disk.size").unwrap().name, "disk");
        assert_eq!(matching_rule(&rules, "").unwrap().name, "all");
        assert!(matching_rule(&rules[1..], "cpu").is_none());
        sort_rules(&mut rules);
        let order: Vec<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
        assert_eq!(order, ["a", "b", "disk", "all"]);
    }
}
