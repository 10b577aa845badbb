//! Prometheus' relabelling: rules that keep, drop and rewrite a set of labels, in the order in which they are written.
//! `rule` reads and checks them, `pattern` is their dialect of regular expressions; this applies them.

mod pattern;
mod rule;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use md5::{Digest as _, Md5};

use super::label_set::{LabelSet, is_label_name};
use rule::Action;
pub(crate) use rule::Rule;

/// Applies the rules; whether the labels are kept.
pub(crate) fn apply(rules: &[Rule], labels: &mut LabelSet<'_>) -> bool {
    rules.iter().all(|rule| apply_one(rule, labels))
}

fn apply_one(rule: &Rule, labels: &mut LabelSet<'_>) -> bool {
    match &rule.action {
        Action::Keep => return rule.regex.is_match(&source(rule, labels)),
        Action::Drop => return !rule.regex.is_match(&source(rule, labels)),
        Action::KeepEqual { target } => return source(rule, labels) == labels.get(target),
        Action::DropEqual { target } => return source(rule, labels) != labels.get(target),
        Action::Replace {
            target,
            replacement,
        } => replace(rule, target, replacement, labels),
        Action::HashMod { target, modulus } => {
            let value = hash(&source(rule, labels)) % modulus;
            labels.set(target.clone(), value.to_string());
        }
        Action::Lowercase { target } => {
            let value = source(rule, labels).to_lowercase();
            labels.set(target.clone(), value);
        }
        Action::Uppercase { target } => {
            let value = source(rule, labels).to_uppercase();
            labels.set(target.clone(), value);
        }
        Action::LabelMap { replacement } => {
            let renamed = labels.iter().filter_map(|(name, value)| {
                let name = rule.regex.expand(name, &[replacement])?.pop()?;
                Some((name, value.to_owned()))
            });
            let renamed: Vec<_> = renamed.filter(|(name, _)| !name.is_empty()).collect();
            for (name, value) in renamed {
                labels.set(name, value);
            }
        }
        Action::LabelDrop => labels.retain(|name| !rule.regex.is_match(name)),
        Action::LabelKeep => labels.retain(|name| rule.regex.is_match(name)),
    }
    true
}

fn replace(rule: &Rule, target: &str, replacement: &str, labels: &mut LabelSet<'_>) {
    let expanded = rule
        .regex
        .expand(&source(rule, labels), &[target, replacement]);
    // Where the expression does not match, nothing changes.
    let Some(Ok([target, value])) = expanded.map(<[String; 2]>::try_from) else {
        return;
    };
    if is_label_name(&target) {
        labels.set(target, value);
    }
}

/// The values of the source labels with the separator between them.
fn source<'l>(rule: &Rule, labels: &'l LabelSet<'_>) -> Cow<'l, str> {
    match rule.source_labels.as_slice() {
        [one] => Cow::Borrowed(labels.get(one)),
        several => {
            let values: Vec<_> = several.iter().map(|name| labels.get(name)).collect();
            Cow::Owned(values.join(&rule.separator))
        }
    }
}

/// The last 64 bits of MD5, by which Prometheus shares targets out.
fn hash(value: &str) -> u64 {
    let digest: [u8; 16] = Md5::digest(value.as_bytes()).into();
    let mut low = [0; 8];
    low.copy_from_slice(digest.split_at(8).1);
    u64::from_be_bytes(low)
}
