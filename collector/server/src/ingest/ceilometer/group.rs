//! From samples to resources with measures, as Ceilometer's gnocchi publisher groups them: by resource, whose type and
//! owner the first of its samples says, whose attributes are those that its samples tell, later ones before earlier.

use std::collections::HashMap;

use collector_model::Measure;
use serde_json::{Map, Value};

use super::definitions::{Definitions, ResourceDefinition};
use super::sample::Sample;

/// A resource according to its samples.
#[derive(Debug, PartialEq)]
pub(super) struct Described<'d> {
    /// Its id; Gnocchi takes no slash in it.
    pub(super) original: String,
    pub(super) resource_type: &'d str,
    pub(super) user_id: Option<String>,
    pub(super) project_id: Option<String>,
    pub(super) attributes: Map<String, Value>,
    /// Each name once.
    pub(super) metrics: Vec<DescribedMetric<'d>>,
}

/// A metric according to its samples.
#[derive(Debug, PartialEq)]
pub(super) struct DescribedMetric<'d> {
    pub(super) name: &'d str,
    pub(super) unit: Option<String>,
    pub(super) archive_policy: &'d str,
    pub(super) measures: Vec<Measure>,
}

/// What samples become.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Grouped<'d> {
    pub(super) resources: Vec<Described<'d>>,
    /// Samples of meters that no definition has.
    pub(super) unknown: usize,
}

impl Described<'_> {
    pub(super) fn measures(&self) -> usize {
        let metrics = self.metrics.iter();
        metrics.map(|metric| metric.measures.len()).sum()
    }
}

/// A sample of a known meter with what is needed of it; the rest, which may be large, is gone.
#[derive(Debug)]
struct Reading<'d> {
    definition: &'d ResourceDefinition,
    metric: &'d str,
    archive_policy: &'d str,
    attributes: Vec<(&'d String, Value)>,
    sample: Sample,
}

/// Samples on their way to resources.
#[derive(Debug)]
pub(super) struct Grouping<'d> {
    definitions: &'d Definitions,
    readings: Vec<Reading<'d>>,
    unknown: usize,
}

impl<'d> Grouping<'d> {
    /// None yet.
    pub(super) fn new(definitions: &'d Definitions) -> Self {
        Self {
            definitions,
            readings: Vec::new(),
            unknown: 0,
        }
    }

    /// Adds a sample.
    pub(super) fn add(&mut self, mut sample: Sample) {
        let found = self.definitions.of_meter(&sample.name);
        let found = found.and_then(|definition| {
            let (metric, policy) = definition.metrics.get_key_value(&sample.name)?;
            Some((definition, metric, policy))
        });
        let Some((definition, metric, archive_policy)) = found else {
            self.unknown += 1;
            return;
        };
        let fields = std::mem::take(&mut sample.fields);
        self.readings.push(Reading {
            definition,
            metric,
            archive_policy,
            attributes: definition.attributes(&fields).collect(),
            sample,
        });
    }

    /// The resources of all samples.
    pub(super) fn finish(mut self) -> Grouped<'d> {
        // The order decides about the owner, also where ids are one resource only after the replacement below.
        let by_id =
            |a: &Reading<'_>, b: &Reading<'_>| a.sample.resource_id.cmp(&b.sample.resource_id);
        self.readings.sort_by(by_id);
        let mut grouped = Grouped {
            unknown: self.unknown,
            resources: Vec::new(),
        };
        let mut places: HashMap<String, usize> = HashMap::new();
        for reading in self.readings {
            let original = reading.sample.resource_id.replace('/', "_");
            let next = grouped.resources.len();
            let place = *places.entry(original.clone()).or_insert(next);
            if place == next {
                grouped.resources.push(Described {
                    original,
                    resource_type: &reading.definition.resource_type,
                    user_id: reading.sample.user_id.clone(),
                    project_id: reading.sample.project_id.clone(),
                    attributes: Map::new(),
                    metrics: Vec::new(),
                });
            }
            if let Some(resource) = grouped.resources.get_mut(place) {
                resource.add(reading);
            }
        }
        grouped
    }
}

impl<'d> Described<'d> {
    fn add(&mut self, reading: Reading<'d>) {
        let attributes = reading.attributes.into_iter();
        let attributes = attributes.map(|(name, value)| (name.clone(), value));
        self.attributes.extend(attributes);
        let measure = Measure::new(reading.sample.timestamp, reading.sample.volume);
        let mut metrics = self.metrics.iter_mut();
        match metrics.find(|metric| metric.name == reading.metric) {
            Some(metric) => metric.measures.push(measure),
            None => self.metrics.push(DescribedMetric {
                name: reading.metric,
                unit: reading.sample.unit,
                archive_policy: reading.archive_policy,
                measures: vec![measure],
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use collector_model::Timestamp;
    use serde_json::json;

    fn group(samples: Vec<Sample>, definitions: &Definitions) -> Grouped<'_> {
        let mut grouping = Grouping::new(definitions);
        samples.into_iter().for_each(|sample| grouping.add(sample));
        grouping.finish()
    }

    fn sample(name: &str, resource: &str, metadata: Value) -> Sample {
        let fields = json!({
            "name": name, "resource_id": resource, "volume": 1, "timestamp": 60, "unit": "B",
            "project_id": format!("of {name}"), "resource_metadata": metadata,
        });
        let Value::Object(fields) = fields else {
            panic!("no object")
        };
        Sample::read(fields, Timestamp(0)).unwrap()
    }

    #[test]
    fn samples_of_a_resource_are_one_whose_owner_the_first_says_and_whose_attributes_the_last() {
        let definitions = Definitions::load(None).unwrap();
        let samples = vec![
            sample("vcpus", "b", json!({"display_name": "old", "host": "h"})),
            sample("no.such.meter", "b", json!({})),
            sample("image.size", "a/1", json!({"name": "i"})),
            sample(
                "cpu",
                "b",
                json!({"display_name": "new", "image_ref": null}),
            ),
            sample("cpu", "b", json!({})),
        ];
        let grouped = group(samples, &definitions);
        assert_eq!(grouped.unknown, 1);
        let [image, instance] = &grouped.resources[..] else {
            panic!("{:?}", grouped.resources)
        };
        assert_eq!(
            (image.original.as_str(), image.resource_type),
            ("a_1", "image")
        );
        assert_eq!(instance.project_id.as_deref(), Some("of vcpus"));
        assert_eq!(
            Value::Object(instance.attributes.clone()),
            json!({"display_name": "new", "host": "h"})
        );
        let metrics: Vec<_> = instance
            .metrics
            .iter()
            .map(|metric| (metric.name, metric.archive_policy, metric.measures.len()))
            .collect();
        assert_eq!(
            metrics,
            [
                ("vcpus", "ceilometer-low", 1),
                ("cpu", "ceilometer-low-rate", 2)
            ]
        );
        assert_eq!(instance.measures(), 3);
    }

    #[test]
    fn ids_that_differ_in_their_slashes_only_are_one_resource() {
        let definitions = Definitions::load(None).unwrap();
        let samples = vec![
            sample("switch", "a_b", json!({})),
            sample("switch", "a/b", json!({})),
        ];
        let grouped = group(samples, &definitions);
        assert_eq!(grouped.resources.len(), 1);
        assert_eq!(grouped.resources[0].metrics[0].measures.len(), 2);
    }
}
