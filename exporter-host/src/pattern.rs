//! Regular expressions as operators write them on the command line, and the include/exclude pair that most
//! collectors have. The syntax is Go's RE2 in everything that the peer's flags use; matching is by bytes.

use regex::bytes::{Regex, RegexBuilder};

/// A compiled pattern. The empty pattern filters nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pattern(Option<Regex>);

impl Pattern {
    /// Compiles a pattern; the error is one line.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        // Go's \d, \w and \s are ASCII, and device names are bytes: the Unicode tables would only cost memory.
        let built = RegexBuilder::new(text).unicode(false).build();
        built
            .map(|regex| Self(Some(regex)))
            .map_err(|error| one_line(&error))
    }

    /// Whether the pattern is there and matches somewhere in `text`.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.0
            .as_ref()
            .is_some_and(|regex| regex.is_match(text.as_bytes()))
    }

    /// Whether nothing is filtered.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

/// The regex crate draws the pattern with a caret over several lines; the last one says what is wrong.
fn one_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or("not a regular expression");
    last.trim().trim_start_matches("error: ").to_owned()
}

/// Which devices, mount points or types a collector leaves out.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    exclude: Pattern,
    include: Pattern,
}

impl Filter {
    /// Leaves out what `exclude` matches and, if there is an `include`, what it does not match.
    pub(crate) fn new(exclude: Pattern, include: Pattern) -> Self {
        Self { exclude, include }
    }

    /// Whether it lets everything pass.
    pub(crate) fn is_empty(&self) -> bool {
        self.exclude.is_empty() && self.include.is_empty()
    }

    /// Whether `name` is left out.
    pub(crate) fn ignores(&self, name: &str) -> bool {
        self.exclude.is_match(name) || (!self.include.is_empty() && !self.include.is_match(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(exclude: &str, include: &str) -> Filter {
        Filter::new(
            Pattern::new(exclude).unwrap(),
            Pattern::new(include).unwrap(),
        )
    }

    #[test]
    fn an_empty_pattern_filters_nothing() {
        assert!(!filter("", "").ignores("eth0"));
    }

    #[test]
    fn excluded_names_and_names_outside_the_include_are_ignored() {
        let excluding = filter(r"^(ram|nvme\d+n\d+p)\d+$", "");
        assert!(excluding.ignores("nvme0n1p12"));
        assert!(!excluding.ignores("nvme0n1"));
        let including = filter("", "^eth");
        assert!(including.ignores("lo"));
        assert!(!including.ignores("eth0"));
    }

    #[test]
    fn a_broken_pattern_is_explained_in_one_line() {
        let error = Pattern::new("^(eth").unwrap_err();
        assert_eq!(error, "unclosed group");
    }

    #[test]
    fn a_dot_matches_names_outside_ascii() {
        assert!(Pattern::new("^/数据/.+$").unwrap().is_match("/数据/盘"));
    }
}
