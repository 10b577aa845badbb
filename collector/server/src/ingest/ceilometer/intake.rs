//! The way of samples into catalogue and store, in the order in which Ceilometer's gnocchi publisher goes: measures of
//! the resources that are there, creation of those that are not, then the attributes. Owners are set at the creation
//! only. Where nothing has changed all of it is answered from memory.

use collector_index::{EnsureBody, EnsureMetric, EnsureResource, Ensured, Index, IndexError};
use collector_storage::Batch;
use uuid::Uuid;

use super::definitions::Definitions;
use super::event::Event;
use super::group::Described;
use super::missing::is_want;
use super::outcome::{FORBIDDEN, Outcome, RESOURCE, UNAVAILABLE, UNKNOWN_METER};
use super::received::Received;
use super::sender::Sender;
use crate::measures::{MeasureError, Measures};
use crate::metrics::Input;

/// Where samples and events go.
pub(crate) struct Intake<'a> {
    pub(crate) index: &'a Index,
    pub(crate) measures: &'a Measures,
    pub(crate) definitions: &'a Definitions,
    /// The way by which they came.
    pub(crate) input: Input,
}

/// A resource and its metrics in the catalogue.
struct Found<'r, 'd> {
    id: Uuid,
    described: &'r Described<'d>,
    ensured: Ensured,
    created: bool,
}

impl Intake<'_> {
    /// Stores samples and applies events. What was accepted is on stable storage and visible, also where the rest
    /// failed; what becomes of each is added to `outcome`.
    ///
    /// # Errors
    /// Where store or catalogue could not take what is sound; the same may succeed later.
    pub(crate) async fn take<S: Sender>(
        &self,
        sender: &S,
        received: Received<'_>,
        outcome: &mut Outcome,
    ) -> Result<(), S::Error> {
        *outcome = received.outcome;
        let grouped = received.samples.finish();
        if grouped.unknown > 0 {
            *outcome.rejected.entry(UNKNOWN_METER).or_default() += grouped.unknown;
        }
        let total: usize = grouped.resources.iter().map(Described::measures).sum();
        let mut done = self.apply_all(sender, received.notified, outcome).await;
        let settled = outcome.refused();
        if done.is_ok() {
            done = self.store(sender, &grouped.resources, outcome).await;
        }
        if done.is_err() {
            let lost = total.saturating_sub(outcome.accepted + outcome.refused() - settled);
            let reason = outcome.failure.unwrap_or(UNAVAILABLE);
            outcome.reject(reason, lost, "cannot store".to_owned());
            outcome.events_rejected.extend(
                (!received.events.is_empty()).then_some((UNAVAILABLE, received.events.len())),
            );
            return done;
        }
        self.apply_all(sender, received.events, outcome).await
    }

    /// Applies events in their order; those behind one that could not be are not tried.
    async fn apply_all<S: Sender>(
        &self,
        sender: &S,
        events: Vec<Event>,
        outcome: &mut Outcome,
    ) -> Result<(), S::Error> {
        let mut events = events.into_iter();
        while let Some(event) = events.next() {
            let applied = self.apply(sender, event, outcome).await;
            if applied.is_err() {
                *outcome.events_rejected.entry(UNAVAILABLE).or_default() += 1 + events.len();
                return applied;
            }
        }
        Ok(())
    }

    async fn store<S: Sender>(
        &self,
        sender: &S,
        resources: &[Described<'_>],
        outcome: &mut Outcome,
    ) -> Result<(), S::Error> {
        let mut named = Vec::with_capacity(resources.len());
        for described in resources {
            match sender.resource_id(&described.original) {
                Ok(id) => named.push((id, described)),
                Err(error) => refuse(outcome, described, &error),
            }
        }
        let found = self.find_or_create(sender, named, outcome).await;
        let found = found.inspect_err(|error| outcome.failure = Some(error.reason()))?;
        let mut batch = Batch::new();
        let mut accepted = 0;
        for found in &found {
            let metrics = found.described.metrics.iter().zip(&found.ensured.metrics);
            for (described, ensured) in metrics {
                let count = described.measures.len();
                if sender.may_all() || sender.may_post(&ensured.metric).await? {
                    batch.push((ensured.metric.id, described.measures.clone()));
                    accepted += count;
                } else {
                    let why = format!(
                        "{}: {}: not the sender's",
                        found.described.original, described.name
                    );
                    outcome.reject(FORBIDDEN, count, why);
                }
            }
        }
        if !batch.is_empty() {
            let written = self.measures.try_write(batch, self.input).await;
            written.inspect_err(|error| outcome.failure = Some(error.reason()))?;
        }
        outcome.accepted += accepted;
        self.update(sender, &found, outcome).await
    }

    async fn find_or_create<'r, 'd, S: Sender>(
        &self,
        sender: &S,
        named: Vec<(Uuid, &'r Described<'d>)>,
        outcome: &mut Outcome,
    ) -> Result<Vec<Found<'r, 'd>>, MeasureError> {
        let asked = named
            .iter()
            .map(|(id, described)| wanted(*id, described, sender.creator()));
        let answers = self.ensure(&asked.collect::<Vec<_>>()).await?;
        let mut found = Vec::with_capacity(named.len());
        let mut new = Vec::new();
        for ((id, described), answer) in named.into_iter().zip(answers) {
            match answer {
                Ok(ensured) => found.push(Found {
                    id,
                    described,
                    ensured,
                    created: false,
                }),
                Err(IndexError::NoSuchResource(_)) => match self.lacks(described).await? {
                    None => new.push((id, described)),
                    Some(why) => refuse(outcome, described, &why),
                },
                Err(error) => refuse(outcome, described, &error),
            }
        }
        let asked = new.iter().map(|(id, described)| EnsureResource {
            body: Some(EnsureBody {
                project_id: described.project_id.as_deref(),
                user_id: described.user_id.as_deref(),
                ..body(described)
            }),
            ..wanted(*id, described, sender.creator())
        });
        let answers = self.ensure(&asked.collect::<Vec<_>>()).await?;
        for ((id, described), answer) in new.into_iter().zip(answers) {
            match answer {
                Ok(ensured) => found.push(Found {
                    id,
                    described,
                    ensured,
                    created: true,
                }),
                Err(error) => refuse(outcome, described, &error),
            }
        }
        Ok(found)
    }

    /// Brings the attributes of resources that were there before up to date. One that cannot be has its measures all
    /// the same.
    async fn update<S: Sender>(
        &self,
        sender: &S,
        found: &[Found<'_, '_>],
        outcome: &mut Outcome,
    ) -> Result<(), S::Error> {
        let mut wanted = Vec::new();
        for found in found {
            if found.created || found.described.attributes.is_empty() {
                continue;
            }
            if !sender.may_all() {
                let known = self.index.resource("generic", found.id).await;
                let known = known.map_err(MeasureError::from)?;
                if !sender.may_update(&known) {
                    outcome.not_updated += 1;
                    continue;
                }
            }
            wanted.push(EnsureResource {
                id: found.id,
                body: Some(body(found.described)),
                creator: Some(sender.creator()),
                metrics: Vec::new(),
            });
        }
        for answer in self.ensure(&wanted).await? {
            if let Err(error) = answer {
                outcome.not_updated += 1;
                tracing::debug!(%error, "attributes of a resource are not as its samples say");
            }
        }
        Ok(())
    }

    /// Why a new resource cannot be made of its samples, if it cannot.
    async fn lacks(&self, described: &Described<'_>) -> Result<Option<String>, MeasureError> {
        let resource_type = match self.index.resource_type(described.resource_type).await {
            Ok(resource_type) => resource_type,
            Err(error) if is_failure(&error) => return Err(error.into()),
            // It is made with the resource.
            Err(_) => return Ok(None),
        };
        let mut attributes = resource_type.attributes.iter();
        let missing = attributes.find(|(name, attribute)| {
            attribute.required && !described.attributes.contains_key(*name)
        });
        Ok(missing.map(|(name, _)| format!("no sample tells the required attribute {name}")))
    }

    /// [`Measures::ensure`]; what the definitions name and the catalogue has not is made first.
    async fn ensure(
        &self,
        wanted: &[EnsureResource<'_>],
    ) -> Result<Vec<Result<Ensured, IndexError>>, MeasureError> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let answers = self.measures.ensure(wanted).await?;
        let wants = |answer: &Result<_, _>| answer.as_ref().is_err_and(is_want);
        if !answers.iter().any(wants) {
            return Ok(answers);
        }
        match self.definitions.make_missing(self.index).await {
            Ok(()) => self.measures.ensure(wanted).await,
            Err(error) if is_failure(&error) => Err(error.into()),
            Err(error) => {
                tracing::warn!(%error, "cannot make what the definitions name");
                Ok(answers)
            }
        }
    }
}

fn refuse(outcome: &mut Outcome, described: &Described<'_>, why: &dyn std::fmt::Display) {
    let line = format!("{} {}: {why}", described.resource_type, described.original);
    outcome.reject(RESOURCE, described.measures(), line);
}

/// The resource if it is there, with its metrics.
fn wanted<'r>(id: Uuid, described: &'r Described<'_>, creator: &'r str) -> EnsureResource<'r> {
    let metrics = described.metrics.iter().map(|metric| EnsureMetric {
        name: metric.name,
        unit: metric.unit.as_deref(),
        archive_policy_name: Some(metric.archive_policy),
    });
    EnsureResource {
        id,
        body: None,
        creator: Some(creator),
        metrics: metrics.collect(),
    }
}

fn body<'r>(described: &'r Described<'_>) -> EnsureBody<'r> {
    EnsureBody {
        resource_type: described.resource_type,
        original_resource_id: &described.original,
        project_id: None,
        user_id: None,
        attributes: described.attributes.clone(),
    }
}

/// Whether the catalogue itself failed, so that the same may succeed later.
pub(super) fn is_failure(error: &IndexError) -> bool {
    matches!(
        error,
        IndexError::Busy
            | IndexError::DiskFull
            | IndexError::Unavailable { .. }
            | IndexError::Database(_)
            | IndexError::Corrupt { .. }
            | IndexError::Open { .. }
    )
}
