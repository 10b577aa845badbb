//! What `ensure` has to write, worked out in memory from what the database has: nothing is asked of the database for a
//! single resource.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use collector_model::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{EnsureBody, EnsureResource, Ensured, EnsuredMetric, Fingerprints, Known};
use crate::metric::new_id;
use crate::resource::check::{self, Required};
use crate::resource::row::next_revision;
use crate::snapshot::Snapshot;
use crate::{IndexError, Metric, MetricStatus, Resource};

/// A resource at work.
#[derive(Debug)]
struct Entry {
    resource: Resource,
    fate: Fate,
    /// Descriptions that it agrees with.
    agrees: Vec<u128>,
    /// Its active metrics by name.
    metrics: BTreeMap<String, Arc<Metric>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Stays,
    New,
    Revised,
}

/// All resources of one call.
#[derive(Debug)]
pub(super) struct Plan<'s> {
    snapshot: &'s Snapshot,
    fingerprints: &'s Fingerprints,
    now: Timestamp,
    entries: HashMap<Uuid, Entry>,
    pub(super) new_metrics: Vec<Arc<Metric>>,
}

impl<'s> Plan<'s> {
    /// A plan from what the database has of the resources; `agrees` are the descriptions known to change nothing.
    pub(super) fn new(
        snapshot: &'s Snapshot,
        fingerprints: &'s Fingerprints,
        now: Timestamp,
        resources: HashMap<Uuid, Resource>,
        metrics: Vec<Arc<Metric>>,
        agrees: impl Fn(&Uuid) -> Vec<u128>,
    ) -> Self {
        let entries = resources.into_iter().map(|(id, resource)| {
            let entry = Entry {
                resource,
                fate: Fate::Stays,
                agrees: agrees(&id),
                metrics: BTreeMap::new(),
            };
            (id, entry)
        });
        let mut entries: HashMap<Uuid, Entry> = entries.collect();
        for metric in metrics {
            if let (Some(id), Some(name)) = (metric.resource_id, &metric.name)
                && let Some(entry) = entries.get_mut(&id)
            {
                entry.metrics.insert(name.clone(), metric);
            }
        }
        Self {
            snapshot,
            fingerprints,
            now,
            entries,
            new_metrics: Vec::new(),
        }
    }

    /// Works out one resource; where it is refused nothing of it is written.
    pub(super) fn add(&mut self, wanted: &EnsureResource<'_>) -> Result<Ensured, IndexError> {
        let known = self.entries.get(&wanted.id);
        let policies = wanted.metrics.iter().map(|metric| {
            let known = known.is_some_and(|entry| entry.metrics.contains_key(metric.name));
            if known {
                return Ok(None);
            }
            let named = metric.archive_policy_name;
            let policy = self.snapshot.policy_of_new(named, Some(metric.name))?;
            Ok(Some(Arc::clone(policy)))
        });
        let policies = policies.collect::<Result<Vec<_>, IndexError>>()?;
        let created = match &wanted.body {
            Some(body) => self.describe(wanted, body)?,
            None => false,
        };
        let entry = self
            .entries
            .get_mut(&wanted.id)
            .ok_or(IndexError::NoSuchResource(wanted.id))?;
        let mut metrics = Vec::with_capacity(wanted.metrics.len());
        for (metric, policy) in wanted.metrics.iter().zip(policies) {
            let existing = entry.metrics.get(metric.name).map(Arc::clone);
            let created = existing.is_none();
            let metric = match (existing, policy) {
                (Some(existing), _) => existing,
                (None, Some(archive_policy)) => {
                    let new = Arc::new(Metric {
                        id: new_id(),
                        creator: wanted.creator.map(str::to_owned),
                        name: Some(metric.name.to_owned()),
                        unit: metric.unit.map(str::to_owned),
                        resource_id: Some(wanted.id),
                        archive_policy,
                        status: MetricStatus::Active,
                    });
                    entry
                        .metrics
                        .insert(metric.name.to_owned(), Arc::clone(&new));
                    self.new_metrics.push(Arc::clone(&new));
                    new
                }
                // A policy was looked up for all that did not exist.
                (None, None) => return Err(IndexError::NoSuchMetric(metric.name.to_owned())),
            };
            metrics.push(EnsuredMetric { metric, created });
        }
        Ok(Ensured {
            created,
            metrics,
            current: None,
        })
    }

    /// Brings the resource into agreement with its description; gives whether it is new.
    fn describe(
        &mut self,
        wanted: &EnsureResource<'_>,
        body: &EnsureBody<'_>,
    ) -> Result<bool, IndexError> {
        let resource_type = self.snapshot.resource_type(body.resource_type)?;
        let told = body.attributes.iter().filter(|(_, value)| !value.is_null());
        let told: Map<String, Value> = told
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let checked = check::attributes(resource_type, &told, Required::Leave, self.now)?;
        let fingerprint = self.fingerprints.of(body);
        let Some(entry) = self.entries.get_mut(&wanted.id) else {
            let entry = Entry {
                resource: self.new_resource(wanted, body, checked),
                fate: Fate::New,
                agrees: vec![fingerprint],
                metrics: BTreeMap::new(),
            };
            self.entries.insert(wanted.id, entry);
            return Ok(true);
        };
        if entry.resource.resource_type != body.resource_type {
            return Err(IndexError::ResourceAlreadyExists(wanted.id));
        }
        let owned = |text: Option<&str>| text.map(|text| Some(text.to_owned()));
        let resource = &mut entry.resource;
        let changes = [
            check::set(&mut resource.project_id, owned(body.project_id)),
            check::set(&mut resource.user_id, owned(body.user_id)),
            check::merge(&mut resource.attributes, &checked),
        ];
        if changes.contains(&true) {
            entry.agrees.clear();
            if entry.fate == Fate::Stays {
                entry.fate = Fate::Revised;
                resource.revision_start = next_revision(resource, self.now);
            }
        }
        if !entry.agrees.contains(&fingerprint) {
            entry.agrees.push(fingerprint);
        }
        Ok(false)
    }

    fn new_resource(
        &self,
        wanted: &EnsureResource<'_>,
        body: &EnsureBody<'_>,
        attributes: Map<String, Value>,
    ) -> Resource {
        Resource {
            id: wanted.id,
            revision: -1,
            original_resource_id: body.original_resource_id.to_owned(),
            resource_type: body.resource_type.to_owned(),
            creator: wanted.creator.map(str::to_owned),
            project_id: body.project_id.map(str::to_owned),
            user_id: body.user_id.map(str::to_owned),
            started_at: self.now,
            ended_at: None,
            revision_start: self.now,
            revision_end: None,
            attributes,
            metrics: BTreeMap::new(),
        }
    }

    /// Resources to insert.
    pub(super) fn new_resources(&self) -> Vec<Resource> {
        self.of_fate(Fate::New).cloned().collect()
    }

    /// Resources to revise.
    pub(super) fn revised(&self) -> Vec<&Resource> {
        self.of_fate(Fate::Revised).collect()
    }

    fn of_fate(&self, fate: Fate) -> impl Iterator<Item = &Resource> {
        let entries = self.entries.values();
        entries
            .filter(move |entry| entry.fate == fate)
            .map(|entry| &entry.resource)
    }

    /// Whether anything is to be written.
    pub(super) fn writes(&self) -> bool {
        let stays = |entry: &Entry| entry.fate == Fate::Stays;
        !self.new_metrics.is_empty() || !self.entries.values().all(stays)
    }

    /// What is to be kept in memory once all is written.
    pub(super) fn into_known(self) -> impl Iterator<Item = (Uuid, Known)> {
        self.entries.into_iter().map(|(id, entry)| {
            let metrics = entry.metrics.into_values().collect();
            (id, Known::new(entry.agrees, metrics))
        })
    }
}
