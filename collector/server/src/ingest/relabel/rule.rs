//! One rule of `relabel_configs` or `metric_relabel_configs`, with Prometheus' keys and defaults, refused where Prometheus
//! refuses it.

use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;

use super::pattern::Pattern;
use crate::ingest::label_set::is_label_name;

/// The value where none is given.
const REPLACEMENT: &str = "$1";

/// A checked rule.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Written")]
pub(crate) struct Rule {
    pub(super) source_labels: Vec<String>,
    pub(super) separator: String,
    pub(super) regex: Pattern,
    pub(super) action: Action,
}

/// What a rule does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    /// Sets a label where the source matches.
    Replace { target: String, replacement: String },
    /// Drops what does not match.
    Keep,
    /// Drops what matches.
    Drop,
    /// Drops what differs from a label.
    KeepEqual { target: String },
    /// Drops what equals a label.
    DropEqual { target: String },
    /// Sets a label to the source's hash.
    HashMod { target: String, modulus: u64 },
    /// Copies labels whose name matches to another name.
    LabelMap { replacement: String },
    /// Takes away labels whose name matches.
    LabelDrop,
    /// Takes away labels whose name does not match.
    LabelKeep,
    /// Sets a label to the source in lower case.
    Lowercase { target: String },
    /// Sets a label to the source in upper case.
    Uppercase { target: String },
}

/// A rule as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    source_labels: Option<Vec<String>>,
    separator: Option<String>,
    regex: Option<String>,
    modulus: Option<u64>,
    target_label: Option<String>,
    replacement: Option<String>,
    action: Option<String>,
}

impl TryFrom<Written> for Rule {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let action = read_action(&written)?;
        Ok(Self {
            source_labels: written.source_labels.unwrap_or_default(),
            separator: written.separator.unwrap_or_else(|| ";".to_owned()),
            regex: Pattern::parse(written.regex.as_deref().unwrap_or("(.*)"))?,
            action,
        })
    }
}

fn read_action(written: &Written) -> Result<Action, String> {
    let name = written
        .action
        .as_deref()
        .unwrap_or("replace")
        .to_lowercase();
    let target = || {
        let target = written.target_label.clone().unwrap_or_default();
        if target.is_empty() {
            return Err(format!("action {name} requires target_label"));
        }
        Ok(target)
    };
    let template = |key: &str, text: String| {
        if is_template(&text) {
            return Ok(text);
        }
        Err(format!(
            "{key}: expected the name of a label for action {name}, found {text:?}"
        ))
    };
    let target_template = || template("target_label", target()?);
    let replacement = || {
        written
            .replacement
            .clone()
            .unwrap_or_else(|| REPLACEMENT.to_owned())
    };
    let only = |others: bool, keys: &str| match others {
        true => Err(format!("action {name} requires {keys} and no other keys")),
        false => Ok(()),
    };
    let beside_source = written.regex.is_some()
        || written.modulus.is_some()
        || written.separator.is_some()
        || written.replacement.is_some();
    Ok(match name.as_str() {
        "replace" => Action::Replace {
            target: target_template()?,
            replacement: replacement(),
        },
        "keep" => Action::Keep,
        "drop" => Action::Drop,
        "keepequal" | "dropequal" => {
            only(beside_source, "source_labels, target_label")?;
            let target = target_template()?;
            match name.as_str() {
                "keepequal" => Action::KeepEqual { target },
                _ => Action::DropEqual { target },
            }
        }
        "hashmod" => {
            let target = target()?;
            if !is_label_name(&target) {
                return Err(format!(
                    "target_label: expected the name of a label for action hashmod, found {target:?}"
                ));
            }
            match written.modulus {
                None | Some(0) => {
                    return Err("action hashmod requires a modulus above 0".to_owned());
                }
                Some(modulus) => Action::HashMod { target, modulus },
            }
        }
        "labelmap" => Action::LabelMap {
            replacement: template("replacement", replacement())?,
        },
        "labeldrop" | "labelkeep" => {
            let others = written.source_labels.is_some() || written.target_label.is_some();
            let others = others
                || written.modulus.is_some()
                || written.separator.is_some()
                || written.replacement.is_some();
            only(others, "regex")?;
            match name.as_str() {
                "labeldrop" => Action::LabelDrop,
                _ => Action::LabelKeep,
            }
        }
        "lowercase" | "uppercase" => {
            if written.replacement.is_some() {
                return Err(format!("action {name} takes no replacement"));
            }
            let target = target_template()?;
            match name.as_str() {
                "lowercase" => Action::Lowercase { target },
                _ => Action::Uppercase { target },
            }
        }
        _ => {
            return Err(format!(
                "action: expected one of replace, keep, drop, keepequal, dropequal, hashmod, labelmap, labeldrop, \
                 labelkeep, lowercase, uppercase, found {name:?}"
            ));
        }
    })
}

/// Whether a text is a label's name, or becomes one when `$1` or `${name}` in it are filled in.
fn is_template(text: &str) -> bool {
    // Constant, and a test reads it.
    static TEMPLATE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"^(?:(?:[a-zA-Z_]|\$(?:\{[0-9A-Za-z_]+\}|[0-9A-Za-z_]+))+[0-9A-Za-z_]*)+$").ok()
    });
    TEMPLATE
        .as_ref()
        .is_some_and(|template| template.is_match(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(yaml: &str) -> Result<Rule, String> {
        serde_saphyr::from_str(yaml).map_err(|error| error.to_string())
    }

    #[test]
    fn a_rule_of_nothing_but_a_target_copies() {
        let rule = read("{source_labels: [a, b], target_label: c}").unwrap();
        assert_eq!(
            (rule.separator.as_str(), rule.source_labels.len()),
            (";", 2)
        );
        let replace = Action::Replace {
            target: "c".to_owned(),
            replacement: "$1".to_owned(),
        };
        assert_eq!(rule.action, replace);
        assert_eq!(
            read("{action: DROP, regex: x}").unwrap().action,
            Action::Drop
        );
        read("{source_labels: [a], target_label: 'x_${1}_$2', replacement: 1}").unwrap();
    }

    #[test]
    fn what_prometheus_refuses_is_refused_by_its_key() {
        for (yaml, words) in [
            ("{action: replace}", "action replace requires target_label"),
            (
                "{target_label: 'a-b'}",
                "target_label: expected the name of a label",
            ),
            ("{action: hashmod, target_label: a}", "requires a modulus"),
            (
                "{action: hashmod, target_label: '$1', modulus: 2}",
                "target_label: expected",
            ),
            (
                "{action: labelmap, replacement: 'a-b'}",
                "replacement: expected",
            ),
            (
                "{action: labeldrop, source_labels: [a]}",
                "requires regex and no other",
            ),
            (
                "{action: keepequal, target_label: a, regex: x}",
                "and no other keys",
            ),
            (
                "{action: lowercase, target_label: a, replacement: x}",
                "takes no replacement",
            ),
            ("{action: keeep}", "action: expected one of replace"),
            ("{action: keep, regex: 'a('}", "regex \"a(\" is not valid"),
            ("{action: keep, regx: 'a'}", "regx"),
        ] {
            let error = read(yaml).unwrap_err();
            assert!(error.contains(words), "{yaml}: {error}");
        }
    }
}
