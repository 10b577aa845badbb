//! From Prometheus series to Gnocchi resources and metrics: the shipped mapping gives what Ceilometer would have
//! published, with its ids, names and units; an operator's own file may stand in its place.

mod apply;
mod rules;
mod selector;
mod template;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::path::Path;

pub(crate) use apply::{Labels, MappedResource, Sample, Samples};
use rules::{MappingFile, ResourceRule};

/// The shipped mapping file.
const SHIPPED: &str = include_str!("../../../mapping.yaml");

/// A checked mapping.
#[derive(Debug)]
pub(crate) struct Mapping {
    rules: Vec<ResourceRule>,
    series: HashSet<String>,
}

/// A mapping file that cannot be used; names the file and what was expected.
#[derive(Debug, thiserror::Error)]
#[error("mapping {file}: {reason}")]
pub(crate) struct MappingError {
    file: String,
    reason: String,
}

impl Mapping {
    /// The mapping of that file, or the shipped one where no file is named.
    pub(crate) fn load(file: Option<&Path>) -> Result<Self, MappingError> {
        let Some(path) = file else {
            return Self::parse("as shipped", SHIPPED);
        };
        let name = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&name, &text),
            Err(error) => Err(MappingError {
                file: name,
                reason: format!("cannot read it: {error}"),
            }),
        }
    }

    fn parse(file: &str, text: &str) -> Result<Self, MappingError> {
        let wrong = |reason: String| MappingError {
            file: file.to_owned(),
            reason,
        };
        let raw: MappingFile =
            serde_saphyr::from_str(text).map_err(|error| wrong(one_line(&error.to_string())))?;
        let rules = rules::check(raw).map_err(wrong)?;
        let terms = rules
            .iter()
            .flat_map(|rule| rule.metrics.iter().flat_map(|m| m.from.iter().flatten()))
            .map(|term| &term.selector);
        let facts = rules
            .iter()
            .filter_map(|rule| rule.facts.as_ref().map(|f| &f.series));
        let series = terms.chain(facts).map(|s| s.series.clone()).collect();
        Ok(Self { rules, series })
    }

    /// Whether any rule asks for that series; the others need not be kept of a scrape.
    pub(crate) fn wants(&self, series: &str) -> bool {
        self.series.contains(series)
    }

    /// The resources that a scrape of a target with these labels tells of.
    pub(crate) fn apply(&self, samples: &Samples<'_>, target: &Labels) -> Vec<MappedResource<'_>> {
        self.rules
            .iter()
            .flat_map(|rule| apply::apply(rule, samples, target))
            .collect()
    }
}

/// A message of several lines as one.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
