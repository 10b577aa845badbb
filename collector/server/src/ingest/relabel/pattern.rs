//! Regular expressions as Prometheus has them: RE2's dialect, over the whole of a value. The same text means the same here:
//! `\d`, `\w` and `\s` are ASCII's, and a bracket within brackets is a character.

use regex::Regex;

/// An expression that a whole value matches or does not.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    regex: Regex,
}

impl Pattern {
    /// Reads an expression. The error is one line.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let whole = format!("^(?:{})$", translate(text));
        let regex = Regex::new(&whole);
        let regex = regex.map_err(|error| {
            // The last line says what is wrong, those before show where.
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default().trim();
            let reason = reason.strip_prefix("error: ").unwrap_or(reason);
            format!("regex {text:?} is not valid: {reason}")
        })?;
        Ok(Self { regex })
    }

    /// Whether the whole value matches.
    pub(crate) fn is_match(&self, value: &str) -> bool {
        self.regex.is_match(value)
    }

    /// Templates with `$1`, `${1}` and `${name}` filled in from a value that matches.
    pub(crate) fn expand(&self, value: &str, templates: &[&str]) -> Option<Vec<String>> {
        let captures = self.regex.captures(value)?;
        let expanded = templates.iter().map(|template| {
            let mut out = String::new();
            captures.expand(template, &mut out);
            out
        });
        Some(expanded.collect())
    }
}

/// The expression in this library's dialect.
fn translate(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut chars = text.chars().peekable();
    let mut in_class = false;
    while let Some(char) = chars.next() {
        match char {
            '\\' => match chars.next() {
                Some(escaped) => push_escaped(escaped, in_class, &mut out),
                None => out.push('\\'),
            },
            '[' if !in_class => {
                in_class = true;
                out.push('[');
                if chars.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                // A bracket at the beginning closes nothing.
                if chars.next_if_eq(&']').is_some() {
                    out.push_str("\\]");
                }
            }
            '[' if chars.peek() == Some(&':') => {
                out.push('[');
                // To the end of `[:alpha:]`.
                for inner in chars.by_ref() {
                    out.push(inner);
                    if inner == ']' {
                        break;
                    }
                }
            }
            '[' | '&' | '~' if in_class => {
                out.push('\\');
                out.push(char);
            }
            ']' => {
                in_class = false;
                out.push(']');
            }
            _ => out.push(char),
        }
    }
    out
}

fn push_escaped(escaped: char, in_class: bool, out: &mut String) {
    const DIGIT: &str = "0-9";
    const WORD: &str = "0-9A-Za-z_";
    const SPACE: &str = r"\t\n\x0C\r ";
    let class = match escaped {
        'd' | 'D' => DIGIT,
        'w' | 'W' => WORD,
        's' | 'S' => SPACE,
        'b' | 'B' if !in_class => {
            out.push_str(if escaped == 'b' {
                r"(?-u:\b)"
            } else {
                r"(?-u:\B)"
            });
            return;
        }
        _ => {
            out.push('\\');
            out.push(escaped);
            return;
        }
    };
    let (open, close) = match (escaped.is_ascii_uppercase(), in_class) {
        (true, _) => ("[^", "]"),
        (false, false) => ("[", "]"),
        (false, true) => ("", ""),
    };
    out.extend([open, class, close]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_value_has_to_match_in_res_dialect() {
        for (pattern, matching, other) in [
            ("a|b", "b", "ab"),
            (r"\d+", "17", "١٧"),
            (r"[\d.]+:\w*", "10.1:x_9", "10.1:é"),
            (r"[^\D]\S\s", "1x ", "xx "),
            (r"[]x]+", "]x]", "[x]"),
            (r"[[&~]+", "[&~", "x"),
            (r"[[:alpha:]-]+", "a-b", "1"),
            (r"\bnode\b.*", "node-1", "node1"),
            (r"(?i)WEB.*", "web1", "1web"),
            ("é.", "é1", "é"),
            ("", "", "x"),
            (r"a\.b\\", r"a.b\", r"axb\"),
        ] {
            let regex = Pattern::parse(pattern).unwrap();
            assert!(regex.is_match(matching), "{pattern} {matching}");
            assert!(!regex.is_match(other), "{pattern} {other}");
        }
    }

    #[test]
    fn a_wrong_expression_is_told_in_one_line() {
        let error = Pattern::parse("a(b").unwrap_err();
        assert!(
            error.starts_with("regex \"a(b\" is not valid: unclosed group"),
            "{error}"
        );
        assert_eq!(error.lines().count(), 1);
    }
}
