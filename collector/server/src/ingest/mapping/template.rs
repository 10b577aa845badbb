//! `"{uuid}-{target_device}"`: text with labels filled in. `{a|b}` takes the first label that is there and not
//! empty, `{a|}` falls back to nothing at all instead of being missing. It knows label look-up only through a closure.

use std::fmt;

/// A checked template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    /// Labels to try in order; `or_empty` when none need be there.
    Label {
        names: Vec<String>,
        or_empty: bool,
    },
}

impl Template {
    /// Reads a template. The error says what is wrong with the text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let (names, after) = after
                .split_once('}')
                .ok_or_else(|| format!("template {text:?} lacks a closing brace"))?;
            parts.push(label_part(names).map_err(|why| format!("template {text:?} {why}"))?);
            rest = after;
        }
        if rest.contains('}') {
            return Err(format!("template {text:?} has a closing brace too many"));
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self { parts })
    }

    /// The text with labels filled in; `None` when a label that must be there is not.
    pub(crate) fn render<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> Option<String> {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Label { names, or_empty } => {
                    let found = names
                        .iter()
                        .find_map(|name| label(name).filter(|value| !value.is_empty()));
                    match found {
                        Some(value) => out.push_str(value),
                        None if *or_empty => {}
                        None => return None,
                    }
                }
            }
        }
        Some(out)
    }
}

fn label_part(names: &str) -> Result<Part, String> {
    let mut list: Vec<String> = names.split('|').map(str::to_owned).collect();
    let or_empty = list.len() > 1 && list.last().is_some_and(String::is_empty);
    if or_empty {
        list.pop();
    }
    let label = |name: &String| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    if list.iter().all(label) {
        Ok(Part::Label {
            names: list,
            or_empty,
        })
    } else {
        Err(format!("names no label in {{{names}}}"))
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Text(text) => f.write_str(text)?,
                Part::Label { names, or_empty } => {
                    let end = if *or_empty { "|" } else { "" };
                    write!(f, "{{{}{end}}}", names.join("|"))?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(template: &str, labels: &[(&str, &str)]) -> Option<String> {
        Template::parse(template).unwrap().render(|name| {
            labels
                .iter()
                .find(|(label, _)| *label == name)
                .map(|(_, value)| *value)
        })
    }

    #[test]
    fn labels_are_filled_in_between_text() {
        let labels = [("uuid", "6f2c"), ("target_device", "vda")];
        assert_eq!(
            render("{uuid}-{target_device}", &labels).as_deref(),
            Some("6f2c-vda")
        );
    }

    #[test]
    fn the_first_label_that_is_there_and_not_empty_is_taken() {
        let labels = [("instance_name", ""), ("domain", "instance-00000001")];
        assert_eq!(
            render("{instance_name|domain}", &labels).as_deref(),
            Some("instance-00000001")
        );
    }

    #[test]
    fn a_missing_label_makes_no_text_unless_the_template_allows_it() {
        assert_eq!(render("x{flavor}", &[]), None);
        assert_eq!(render("x{flavor|}", &[]).as_deref(), Some("x"));
    }

    #[test]
    fn a_template_that_is_not_one_is_refused_with_its_text() {
        for (bad, why) in [
            ("{uuid", "lacks a closing brace"),
            ("uuid}", "closing brace too many"),
            ("{}", "names no label"),
            ("{a b}", "names no label"),
            ("{|a}", "names no label"),
        ] {
            let error = Template::parse(bad).unwrap_err();
            assert!(error.contains(why) && error.contains(bad), "{error}");
        }
    }

    #[test]
    fn a_template_is_shown_as_it_was_written() {
        for text in ["{uuid}-{a|b}", "plain", "{a|}x"] {
            assert_eq!(Template::parse(text).unwrap().to_string(), text);
        }
    }
}
