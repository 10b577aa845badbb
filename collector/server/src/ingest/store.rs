//! Puts what a scrape told into the catalogue and the store. A measure counts as stored when the store has
//! acknowledged it: on stable storage and visible.

use std::sync::Arc;

use collector_index::{EnsureBody, EnsureMetric, EnsureResource, Ensured};
use collector_model::{Measure, MetricId, Timestamp, resource_id};
use collector_storage::Batch;
use serde_json::{Map, Value};

use super::mapping::MappedResource;
use crate::measures::Measures;
use crate::metrics::Input;

/// The way from mapped resources to stored measures.
pub(crate) struct Sink {
    measures: Arc<Measures>,
    /// Creator of the resources: free-form ids are looked up under it, so it is the name that clients use.
    creator: String,
}

impl Sink {
    /// Into catalogue and store, as that creator.
    pub(crate) fn new(measures: Arc<Measures>, creator: String) -> Self {
        Self { measures, creator }
    }

    /// Stores the values as measures of that moment and returns how many. The error is one line; resources that the
    /// catalogue refuses (of a type that does not exist, say) cost only themselves and are told of after the rest
    /// is stored.
    pub(crate) async fn store(
        &self,
        resources: &[MappedResource<'_>],
        timestamp: Timestamp,
    ) -> Result<usize, String> {
        let mut refused = None;
        let mut wanted = Vec::with_capacity(resources.len());
        for resource in resources {
            match self.wanted(resource) {
                Ok(ensure) => wanted.push((resource, ensure)),
                Err(why) => {
                    self.refuse("resource", resource.metrics.len());
                    refused = refused.or(Some(why));
                }
            }
        }
        let (mapped, ensures): (Vec<_>, Vec<_>) = wanted.into_iter().unzip();
        let answers = self.measures.ensure(&ensures).await;
        let answers = answers.map_err(|error| {
            let values = mapped.iter().map(|resource| resource.metrics.len());
            self.refuse(error.reason(), values.sum());
            error.to_string()
        })?;
        let mut batch = Batch::new();
        for (resource, answer) in mapped.into_iter().zip(answers) {
            match answer {
                Ok(ensured) => batch.extend(measures_of(resource, &ensured, timestamp)),
                Err(error) => {
                    let line = format!(
                        "{} {}: {error}",
                        resource.resource_type, resource.original_id
                    );
                    self.refuse("resource", resource.metrics.len());
                    refused = refused.or(Some(line));
                }
            }
        }
        let count = batch.len();
        if !batch.is_empty() {
            let written = self.measures.write(batch, Input::Scrape).await;
            written.map_err(|error| error.to_string())?;
        }
        refused.map_or(Ok(count), Err)
    }

    /// Counts values that are lost.
    fn refuse(&self, reason: &'static str, values: usize) {
        self.measures.rejected(Input::Scrape, reason, values);
    }

    fn wanted<'r>(
        &'r self,
        resource: &'r MappedResource<'_>,
    ) -> Result<EnsureResource<'r>, String> {
        let id = resource_id(&resource.original_id, Some(&self.creator))
            .map_err(|error| format!("resource {}: {error}", resource.original_id))?;
        let attributes: Map<_, _> = resource
            .attributes
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Value::String(value.clone())))
            .collect();
        Ok(EnsureResource {
            id,
            body: Some(EnsureBody {
                resource_type: resource.resource_type,
                original_resource_id: &resource.original_id,
                project_id: resource.project_id.as_deref(),
                user_id: resource.user_id.as_deref(),
                attributes,
            }),
            creator: Some(&self.creator),
            metrics: resource
                .metrics
                .iter()
                .map(|metric| EnsureMetric {
                    name: metric.name,
                    unit: Some(metric.unit),
                    archive_policy_name: Some(metric.archive_policy),
                })
                .collect(),
        })
    }
}

/// The values of a resource as measures of that moment, where they have none of their own.
fn measures_of<'r>(
    resource: &'r MappedResource<'_>,
    ensured: &'r Ensured,
    timestamp: Timestamp,
) -> impl Iterator<Item = (MetricId, Vec<Measure>)> + 'r {
    let pairs = resource.metrics.iter().zip(&ensured.metrics);
    pairs.map(move |(mapped, ensured)| {
        let measure = Measure::new(mapped.timestamp.unwrap_or(timestamp), mapped.value);
        (ensured.metric.id, vec![measure])
    })
}
