//! The rules of oslo.policy, as Gnocchi's `policy.yaml` and older `policy.json` write them: which rules there are, read
//! from a file over Gnocchi's defaults, and whether one lets somebody do a thing. The language is parsed in `parse`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

mod defaults;
mod parse;

pub(crate) use defaults::Action;
use parse::Check;

use super::Identity;

/// Rules that refer to others may be this deep.
const MAX_DEPTH: usize = 16;

/// What the action is about, as rules name its parts: `project_id`, `creator`, `resource.project_id`.
pub(crate) type Target<'a> = [(&'a str, Option<&'a str>)];

/// All rules by name.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    rules: BTreeMap<String, Check>,
}

/// A policy file: rules as text, or as lists of lists in the older form.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
struct File(BTreeMap<String, Value>);

impl Default for Policy {
    /// Gnocchi's own rules.
    fn default() -> Self {
        let rules = defaults::RULES.iter();
        // The table is parsed by a test; what is not there lets nobody in.
        let rules =
            rules.filter_map(|(name, text)| Some(((*name).to_owned(), parse::rule(text).ok()?)));
        Self {
            rules: rules.collect(),
        }
    }
}

impl Policy {
    /// Gnocchi's rules with those of a file in their place.
    ///
    /// # Errors
    /// One line that names the file and the rule that cannot be used.
    pub(crate) fn load(path: Option<&Path>) -> Result<Self, String> {
        let mut policy = Self::default();
        let Some(path) = path else {
            return Ok(policy);
        };
        let File(rules) = runtime::load(Some(path)).map_err(|error| error.to_string())?;
        for (name, value) in rules {
            let check = parse::value(&value)
                .map_err(|reason| format!("{}: rule \"{name}\": {reason}", path.display()))?;
            policy.rules.insert(name, check);
        }
        policy
            .check_references()
            .map_err(|reason| format!("{}: {reason}", path.display()))?;
        Ok(policy)
    }

    /// Whether somebody may do this to that target.
    pub(crate) fn allows(&self, action: Action, who: &Identity, target: &Target<'_>) -> bool {
        self.named(action.name(), who, target, 0)
    }

    fn named(&self, name: &str, who: &Identity, target: &Target<'_>, depth: usize) -> bool {
        let check = self.rules.get(name).or_else(|| self.rules.get("default"));
        depth < MAX_DEPTH && check.is_some_and(|check| self.holds(check, who, target, depth))
    }

    fn holds(&self, check: &Check, who: &Identity, target: &Target<'_>, depth: usize) -> bool {
        match check {
            Check::True => true,
            Check::False => false,
            Check::Not(inner) => !self.holds(inner, who, target, depth),
            Check::And(all) => all
                .iter()
                .all(|check| self.holds(check, who, target, depth)),
            Check::Or(any) => any
                .iter()
                .any(|check| self.holds(check, who, target, depth)),
            Check::Rule(name) => self.named(name, who, target, depth + 1),
            Check::Role(role) => role.fill(target).is_some_and(|role| {
                let mut roles = who.roles.iter();
                roles.any(|has| has.eq_ignore_ascii_case(&role))
            }),
            Check::Literal(literal, matched) => matched.fill(target).as_ref() == Some(literal),
            Check::Attribute(name, matched) => {
                let value = who.attribute(name).filter(|value| !value.is_empty());
                value.is_some() && value == matched.fill(target).as_deref()
            }
        }
    }

    /// Refuses rules that refer to none or, in the end, to themselves: they would let nobody in, without a word.
    fn check_references(&self) -> Result<(), String> {
        for (name, check) in &self.rules {
            let mut open = vec![(check, 0)];
            while let Some((check, depth)) = open.pop() {
                match check {
                    Check::Not(inner) => open.push((inner, depth)),
                    Check::And(parts) | Check::Or(parts) => {
                        open.extend(parts.iter().map(|part| (part, depth)));
                    }
                    Check::Rule(other) if depth == MAX_DEPTH => {
                        return Err(format!("rule \"{name}\": refers to itself by \"{other}\""));
                    }
                    Check::Rule(other) => match self.rules.get(other) {
                        Some(check) => open.push((check, depth + 1)),
                        None => {
                            return Err(format!("rule \"{name}\": there is no rule \"{other}\""));
                        }
                    },
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
