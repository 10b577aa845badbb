//! `node_cpu_seconds_total{mode="idle"}`: which samples of a scrape a mapping rule means. As in PromQL, `=` is
//! equality and `=~` a regular expression over the whole value.

use regex::Regex;

/// A checked selector.
#[derive(Debug, Clone)]
pub(crate) struct Selector {
    /// Name of the series.
    pub(crate) series: String,
    labels: Vec<(String, Matcher)>,
}

#[derive(Debug, Clone)]
enum Matcher {
    Equal(String),
    Regex(Regex),
}

impl Selector {
    /// Reads a selector: a metric name and, in braces, labels with the values that they must have.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = |what: &str| format!("series {text:?} {what}");
        let (series, matchers) = match text.split_once('{') {
            None => (text, ""),
            Some((series, rest)) => (
                series,
                rest.strip_suffix('}')
                    .ok_or_else(|| wrong("lacks a closing brace"))?,
            ),
        };
        let name_char = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        if series.is_empty() || !series.chars().all(name_char) {
            return Err(wrong("is not a metric name"));
        }
        let mut labels = Vec::new();
        for matcher in matchers.split(',').map(str::trim).filter(|m| !m.is_empty()) {
            let pair = matcher.split_once('=').and_then(|(label, value)| {
                let (regex, value) = match value.strip_prefix('~') {
                    Some(value) => (true, value),
                    None => (false, value),
                };
                let value = value.strip_prefix('"')?.strip_suffix('"')?;
                Some((label.trim(), regex, value))
            });
            let (label, regex, value) =
                pair.ok_or_else(|| wrong("expects label=\"value\" in its braces"))?;
            let matcher = if regex {
                let whole = Regex::new(&format!("^(?:{value})$"));
                Matcher::Regex(whole.map_err(|_| wrong("has no valid regular expression"))?)
            } else {
                Matcher::Equal(value.to_owned())
            };
            labels.push((label.to_owned(), matcher));
        }
        Ok(Self {
            series: series.to_owned(),
            labels,
        })
    }

    /// Whether a sample of the series with these labels is meant.
    pub(crate) fn matches<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.labels.iter().all(|(name, matcher)| {
            let value = label(name).unwrap_or("");
            match matcher {
                Matcher::Equal(wanted) => value == wanted,
                Matcher::Regex(regex) => regex.is_match(value),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_means_the_samples_whose_labels_are_equal() {
        let selector = Selector::parse(r#"node_cpu_seconds_total{mode="idle", cpu="0"}"#).unwrap();
        assert_eq!(selector.series, "node_cpu_seconds_total");
        let labels = |mode: &'static str| {
            move |name: &str| match name {
                "mode" => Some(mode),
                "cpu" => Some("0"),
                _ => None,
            }
        };
        assert!(selector.matches(labels("idle")));
        assert!(!selector.matches(labels("user")));
    }

    #[test]
    fn a_regular_expression_is_over_the_whole_value() {
        let selector = Selector::parse(r#"node_filesystem_size_bytes{device=~"/dev/.*"}"#).unwrap();
        assert!(selector.matches(|_| Some("/dev/sda1")));
        assert!(!selector.matches(|_| Some("x/dev/sda1")));
    }

    #[test]
    fn a_bare_name_means_all_its_samples() {
        assert!(Selector::parse("up").unwrap().matches(|_| None));
    }

    #[test]
    fn what_is_not_a_selector_is_refused_with_its_text() {
        for bad in [
            "",
            "a b",
            "up{",
            "up{x}",
            "up{x=1}",
            "{x=\"1\"}",
            "up{x=~\"(\"}",
        ] {
            let error = Selector::parse(bad).unwrap_err();
            assert!(error.contains(&format!("{bad:?}")), "{error}");
        }
    }
}
