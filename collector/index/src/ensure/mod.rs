//! Ingest's way into the catalogue: makes sure that many resources and their named metrics exist and are up to date,
//! in one transaction, and without any where nothing has changed since the last time.

use std::sync::Arc;

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::changes::Change;
use crate::metric::row as metric_row;
use crate::resource::row as resource_row;
use crate::{Index, IndexError, Metric};

mod known;
mod plan;

pub use known::Current;
pub(crate) use known::{Fingerprints, Known};
use plan::Plan;

/// A resource that ingest has measures for.
#[derive(Debug, Clone)]
pub struct EnsureResource<'a> {
    /// Its id.
    pub id: Uuid,
    /// What it is, to create or update it; `None` if it must exist already.
    pub body: Option<EnsureBody<'a>>,
    /// Creator of what has to be created: `user` or `user:project`.
    pub creator: Option<&'a str>,
    /// Its metrics; the answer has them in the same order.
    pub metrics: Vec<EnsureMetric<'a>>,
}

/// What a resource is according to its source.
#[derive(Debug, Clone)]
pub struct EnsureBody<'a> {
    /// Name of its type; a resource of another type is refused.
    pub resource_type: &'a str,
    /// The id as the source writes it.
    pub original_resource_id: &'a str,
    /// Its owner's project; `None` leaves what is known.
    pub project_id: Option<&'a str>,
    /// Its owner; `None` leaves what is known.
    pub user_id: Option<&'a str>,
    /// Attributes that the source knows; others stay. Required ones may be missing.
    pub attributes: Map<String, Value>,
}

/// A metric that ingest has measures for.
#[derive(Debug, Clone, Copy)]
pub struct EnsureMetric<'a> {
    /// Its name.
    pub name: &'a str,
    /// Unit of its values, if it has to be created.
    pub unit: Option<&'a str>,
    /// Name of the archive policy, if it has to be created; `None` leaves it to the rules.
    pub archive_policy_name: Option<&'a str>,
}

/// What is there now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ensured {
    /// Whether the resource is new.
    pub created: bool,
    /// Its metrics in the order in which they were asked for.
    pub metrics: Vec<EnsuredMetric>,
    /// Whether this stays so; only where the answer came from memory.
    pub current: Option<Current>,
}

/// A metric that is there now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnsuredMetric {
    /// The metric.
    pub metric: Arc<Metric>,
    /// Whether this call created it, so that it has to be made known to the store. Another call at the same time gets
    /// it with `false`, maybe before the store knows it.
    pub created: bool,
}

impl Index {
    /// Makes sure that resources and their metrics exist and are as described, in one transaction; what is in memory
    /// already costs none. There is one answer for each in their order, and one that is refused does not hinder the
    /// others: [`IndexError::NoSuchResource`] without a body, [`IndexError::NoSuchResourceType`],
    /// [`IndexError::ResourceAlreadyExists`] with another type, [`IndexError::ResourceAttribute`],
    /// [`IndexError::ResourceValue`], [`IndexError::NoSuchArchivePolicy`], [`IndexError::NoArchivePolicyRuleMatch`].
    ///
    /// # Errors
    /// Only where the database fails; nothing is written then.
    pub async fn ensure(
        &self,
        wanted: &[EnsureResource<'_>],
    ) -> Result<Vec<Result<Ensured, IndexError>>, IndexError> {
        let mut answers: Vec<Option<Result<Ensured, IndexError>>> = Vec::new();
        answers.resize_with(wanted.len(), || None);
        self.freshen().await?;
        self.answer_from_memory(wanted, &mut answers);
        if answers.iter().any(Option::is_none) {
            self.ensure_rest(wanted, &mut answers).await?;
        }
        Ok(answers.into_iter().flatten().collect())
    }

    fn answer_from_memory(
        &self,
        wanted: &[EnsureResource<'_>],
        answers: &mut [Option<Result<Ensured, IndexError>>],
    ) {
        for (wanted, answer) in wanted.iter().zip(answers) {
            if answer.is_none() {
                let known = self.known.get(&wanted.id);
                *answer = known.and_then(|known| known.answer(wanted, &self.fingerprints).map(Ok));
            }
        }
    }

    /// Answers what is not answered yet.
    async fn ensure_rest(
        &self,
        wanted: &[EnsureResource<'_>],
        answers: &mut [Option<Result<Ensured, IndexError>>],
    ) -> Result<(), IndexError> {
        let turn = self.turn().await?;
        // While waiting for the turn another task may have done it.
        self.answer_from_memory(wanted, answers);
        let open = wanted.iter().zip(&*answers);
        let open = open.filter(|(_, answer)| answer.is_none());
        let ids: Vec<Uuid> = open.map(|(wanted, _)| wanted.id).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let mut transaction = self.begin_in(turn).await?;
        let snapshot = self.snapshot_in(&mut transaction).await?;
        let resources = resource_row::find_many(&mut transaction, &ids).await?;
        let metrics =
            metric_row::find_many(&mut transaction, &snapshot, "resource_id", &ids).await?;
        let agrees = |id: &Uuid| {
            let known = self.known.get(id);
            known.map_or_else(Vec::new, |known| known.fingerprints().to_vec())
        };
        let mut plan = Plan::new(
            &snapshot,
            &self.fingerprints,
            self.now(),
            resources,
            metrics,
            agrees,
        );
        for (wanted, answer) in wanted.iter().zip(answers) {
            if answer.is_none() {
                *answer = Some(plan.add(wanted));
            }
        }
        // Held to the end, for what is kept in memory is filled only in one's turn.
        let _lock = if plan.writes() {
            resource_row::insert(&mut transaction, &plan.new_resources()).await?;
            for resource in plan.revised() {
                resource_row::revise(&mut transaction, resource).await?;
                transaction.will_change(Change::Resource(resource.id));
            }
            metric_row::insert(&mut transaction, &plan.new_metrics).await?;
            self.commit_in_turn(transaction).await?
        } else {
            transaction.end()
        };
        for metric in &plan.new_metrics {
            self.metrics.insert(metric.id, Arc::clone(metric), 1);
        }
        for (id, known) in plan.into_known() {
            let weight = known.weight();
            self.known.insert(id, Arc::new(known), weight);
        }
        Ok(())
    }
}
