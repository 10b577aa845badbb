//! From Prometheus series to Gnocchi resources and metrics: the shipped mapping gives what Ceilometer would have
//! published, with its ids, names and units; an operator's own file may stand in its place.

mod apply;
mod rates;
#[cfg(test)]
mod retired_tests;
mod rules;
mod selector;
mod template;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

pub(crate) use apply::{Labels, MappedResource, Sample, Samples};
pub(crate) use rates::Rates;
use rules::{MappingFile, ResourceRule, Wishes};
use selector::Selector;

use super::config::ScrapeConfig;

/// The shipped mapping file.
const SHIPPED: &str = include_str!("../../../mapping.yaml");

/// A checked mapping.
#[derive(Debug)]
pub(crate) struct Mapping {
    rules: Vec<ResourceRule>,
    series: HashSet<String>,
    /// Those of the series of which a rule asks the growth.
    counters: HashSet<String>,
}

/// A mapping file that cannot be used; names the file and what was expected.
#[derive(Debug, thiserror::Error)]
#[error("mapping {file}: {reason}")]
pub(crate) struct MappingError {
    file: String,
    reason: String,
}

impl Mapping {
    /// The mapping of the configured file, or the shipped one where no file is named.
    pub(crate) fn load(config: &ScrapeConfig) -> Result<Self, MappingError> {
        let Some(path) = config.mapping_file.as_deref() else {
            return Self::parse("as shipped", SHIPPED, config);
        };
        let name = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&name, &text, config),
            Err(error) => Err(MappingError {
                file: name,
                reason: format!("cannot read it: {error}"),
            }),
        }
    }

    fn parse(file: &str, text: &str, config: &ScrapeConfig) -> Result<Self, MappingError> {
        let wrong = |reason: String| MappingError {
            file: file.to_owned(),
            reason,
        };
        let raw: MappingFile =
            serde_saphyr::from_str(text).map_err(|error| wrong(one_line(&error.to_string())))?;
        let wishes = Wishes {
            retired_meters: config.retired_meters,
            archive_policies: &config.archive_policies,
        };
        let rules = rules::check(raw, wishes).map_err(wrong)?;
        let quantities = || {
            let metrics = rules.iter().flat_map(|rule| &rule.metrics);
            metrics.flat_map(|metric| metric.quantities())
        };
        let counters = quantities().filter(|quantity| quantity.is_rate);
        let counters = counters.flat_map(|counter| &counter.selectors);
        let facts = rules
            .iter()
            .flat_map(|rule| rule.facts.iter().map(|facts| &facts.series));
        let selectors = quantities().flat_map(|quantity| &quantity.selectors);
        Ok(Self {
            series: names(selectors.chain(facts)),
            counters: names(counters),
            rules,
        })
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

fn names<'s>(selectors: impl Iterator<Item = &'s Selector>) -> HashSet<String> {
    selectors.map(|selector| selector.series.clone()).collect()
}

/// A message of several lines as one.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
