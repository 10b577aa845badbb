//! What a batch of measures says, in one form for all ways to read it: entries of groups, with their measures one after
//! the other in one list. By metric there is one group, by resource one for each.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::SystemTime;

use collector_model::{Measure, Timestamp};

use super::error::{ApiError, ApiResult};
use super::json::{RawBody, decode_error};
use super::measure_body::{RawEntry, RawMeasures};
use super::measure_scan;
use super::schema::invalid_at;

/// A resource, or all metrics.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group<'b> {
    /// The resource's id as it came.
    pub(super) name: Cow<'b, str>,
    /// Where its entries are.
    pub(super) entries: Range<usize>,
}

/// A metric with measures.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry<'b> {
    /// Its name, or its id.
    pub(super) name: Cow<'b, str>,
    /// Policy of the metric, should it be created.
    pub(super) archive_policy_name: Option<Cow<'b, str>>,
    /// Unit of the metric, should it be created.
    pub(super) unit: Option<Cow<'b, str>>,
    /// Where its measures are.
    pub(super) measures: Range<usize>,
}

/// A batch: groups by name, in each its entries by name.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Body<'b> {
    /// Each name once.
    pub(super) groups: Vec<Group<'b>>,
    entries: Vec<Entry<'b>>,
    measures: Vec<Measure>,
}

impl<'b> Body<'b> {
    /// Of groups and entries in the order in which they came; `None` where a name comes twice.
    pub(super) fn of_scan(
        mut groups: Vec<Group<'b>>,
        mut entries: Vec<Entry<'b>>,
        measures: Vec<Measure>,
    ) -> Option<Self> {
        for group in &groups {
            let entries = entries.get_mut(group.entries.clone())?;
            // Clients mostly send the same order, and often this one.
            if !entries.is_sorted_by(|a, b| a.name < b.name) {
                entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
                if !entries.is_sorted_by(|a, b| a.name < b.name) {
                    return None;
                }
            }
        }
        groups.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let unique = groups.is_sorted_by(|a, b| a.name < b.name);
        unique.then_some(Self {
            groups,
            entries,
            measures,
        })
    }

    /// The entries of a group.
    pub(super) fn entries(&self, group: &Group<'b>) -> &[Entry<'b>] {
        self.entries.get(group.entries.clone()).unwrap_or_default()
    }

    /// The measures of all entries.
    pub(super) fn measures(&self) -> &[Measure] {
        &self.measures
    }

    fn begin(&mut self, name: String) {
        let from = self.entries.len();
        self.groups.push(Group {
            name: Cow::Owned(name),
            entries: from..from,
        });
    }

    fn push(&mut self, name: String, entry: RawEntry<'_>, measures: Vec<Measure>) {
        let from = self.measures.len();
        self.measures.extend(measures);
        self.entries.push(Entry {
            name: Cow::Owned(name),
            archive_policy_name: entry.archive_policy_name.map(Cow::Owned),
            unit: entry.unit.map(Cow::Owned),
            measures: from..self.measures.len(),
        });
        if let Some(group) = self.groups.last_mut() {
            group.entries.end = self.entries.len();
        }
    }
}

/// Measures of one metric.
pub(super) fn list(body: &RawBody) -> ApiResult<Vec<Measure>> {
    if let Some(measures) = measure_scan::list(body.of_type("application/json")?) {
        return Ok(measures);
    }
    decode_list(&body.measures()?)
}

/// The same of a text, by the reader that knows all forms.
pub(super) fn decode_list(text: &[u8]) -> ApiResult<Vec<Measure>> {
    let raw: RawMeasures<'_> =
        serde_json::from_slice(text).map_err(|error| decode_error(&error))?;
    raw.resolve(now())
        .map_err(|reason| invalid_at(&reason, &[]))
}

/// Measures by the ids of their metrics.
pub(super) fn by_metric(body: &RawBody) -> ApiResult<Body<'_>> {
    if let Some(read) = measure_scan::by_metric(body.of_type("application/json")?) {
        return Ok(read);
    }
    decode_by_metric(&body.measures()?)
}

/// The same of a text, by the reader that knows all forms.
pub(super) fn decode_by_metric(text: &[u8]) -> ApiResult<Body<'static>> {
    let raw: BTreeMap<String, RawMeasures<'_>> = read(text)?;
    let now = now();
    let mut body = Body::default();
    body.begin(String::new());
    for (id, list) in raw {
        if collector_model::parse_uuid(&id).is_none() {
            return Err(not_uuid(&id));
        }
        let measures = list.resolve(now);
        let measures = measures.map_err(|reason| invalid_at(&reason, &[&id]))?;
        body.push(id, RawEntry::default(), measures);
    }
    Ok(body)
}

/// The refusal of what is to be a metric's id and is none.
pub(super) fn not_uuid(text: &str) -> ApiError {
    invalid_at("badly formed hexadecimal UUID string", &[text])
}

/// Measures by resource and name; `check` says what is wrong with a resource's id.
pub(super) fn by_resource<'b>(
    body: &'b RawBody,
    check: impl Fn(&str) -> ApiResult<()>,
) -> ApiResult<Body<'b>> {
    if let Some(read) = measure_scan::by_resource(body.of_type("application/json")?) {
        return Ok(read);
    }
    decode_by_resource(&body.measures()?, check)
}

/// The same of a text, by the reader that knows all forms.
pub(super) fn decode_by_resource(
    text: &[u8],
    check: impl Fn(&str) -> ApiResult<()>,
) -> ApiResult<Body<'static>> {
    let raw: BTreeMap<String, BTreeMap<String, RawEntry<'_>>> = read(text)?;
    let now = now();
    let mut body = Body::default();
    for (resource, entries) in raw {
        check(&resource)?;
        body.begin(resource.clone());
        for (name, mut entry) in entries {
            let measures = std::mem::take(&mut entry.measures).resolve(now);
            let measures = measures.map_err(|reason| invalid_at(&reason, &[&resource, &name]))?;
            body.push(name, entry, measures);
        }
    }
    Ok(body)
}

fn now() -> Timestamp {
    Timestamp::from(SystemTime::now())
}

fn read<'de, T: serde::Deserialize<'de>>(text: &'de [u8]) -> ApiResult<T> {
    serde_json::from_slice(text).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => invalid_at(&error.to_string(), &[]),
        _ => decode_error(&error),
    })
}

#[cfg(test)]
#[path = "batch_body_tests.rs"]
mod tests;
