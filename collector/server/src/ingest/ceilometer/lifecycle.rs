//! What events do to resources, as Ceilometer's gnocchi publisher does it: one begins with its traits as attributes,
//! one changes, one ends now and with it those that hang on it. Events about what is not there are ignored, and so is
//! the beginning of what is there already, which makes a repeated event harmless.

use std::time::SystemTime;

use collector_index::{
    Filter, IndexError, NewResource, Page, Resource, ResourceQuery, ResourceUpdate,
};
use collector_model::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::Operation;
use super::definitions::ResourceDefinition;
use super::event::Event;
use super::intake::{Intake, is_failure};
use super::missing::is_want;
use super::outcome::{FORBIDDEN, MALFORMED, Outcome, RESOURCE};
use super::sender::Sender;
use crate::measures::MeasureError;

/// Why an event does nothing.
enum Refusal {
    /// It is about nothing that could be changed.
    Ignored,
    /// The resource is not the sender's.
    Forbidden,
    /// The catalogue refused or failed.
    Index(IndexError),
}

impl From<IndexError> for Refusal {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::NoSuchResource(_) | IndexError::ResourceAlreadyExists(_) => Self::Ignored,
            error => Self::Index(error),
        }
    }
}

impl Intake<'_> {
    /// Applies an event; what it could not do is in the outcome, and an error is only that the catalogue failed.
    pub(super) async fn apply<S: Sender>(
        &self,
        sender: &S,
        event: Event,
        outcome: &mut Outcome,
    ) -> Result<(), S::Error> {
        let Some((definition, operation)) = self.definitions.of_event(&event.event_type) else {
            outcome.events_ignored += 1;
            return Ok(());
        };
        let mut fields = definition.events.fields(&event.traits);
        let original = match fields.remove("id") {
            Some(Value::String(original)) => original,
            _ => {
                let why = format!(
                    "event {}: no trait tells the id of the resource",
                    event.event_type
                );
                outcome.reject_event(MALFORMED, why);
                return Ok(());
            }
        };
        let of = |why: &dyn std::fmt::Display| {
            let resource_type = &definition.resource_type;
            format!(
                "event {}: {resource_type} {original}: {why}",
                event.event_type
            )
        };
        let id = match sender.resource_id(&original) {
            Ok(id) => id,
            Err(error) => {
                outcome.reject_event(RESOURCE, of(&error));
                return Ok(());
            }
        };
        let done = match operation {
            Operation::Create => self.begin(sender, definition, id, &original, fields).await,
            Operation::Update => self.change(sender, definition, id, fields).await,
            Operation::Delete => self.end(sender, definition, id, &original).await,
        };
        match done {
            Ok(()) => *outcome.events.entry(operation).or_default() += 1,
            Err(Refusal::Ignored) => outcome.events_ignored += 1,
            Err(Refusal::Forbidden) => {
                outcome.reject_event(FORBIDDEN, of(&"not the sender's to change"));
            }
            Err(Refusal::Index(error)) if is_failure(&error) => {
                return Err(MeasureError::from(error).into());
            }
            Err(Refusal::Index(error)) => outcome.reject_event(RESOURCE, of(&error)),
        }
        Ok(())
    }

    async fn begin<S: Sender>(
        &self,
        sender: &S,
        definition: &ResourceDefinition,
        id: Uuid,
        original: &str,
        mut fields: Map<String, Value>,
    ) -> Result<(), Refusal> {
        let new = NewResource {
            id,
            original_resource_id: Some(original.to_owned()),
            resource_type: definition.resource_type.clone(),
            creator: Some(sender.creator().to_owned()),
            project_id: take_text(&mut fields, "project_id"),
            user_id: take_text(&mut fields, "user_id"),
            attributes: fields,
            ..NewResource::default()
        };
        if let Err(error) = self.index.create_resource(new.clone()).await {
            self.mend(error).await?;
            self.index.create_resource(new).await?;
        }
        Ok(())
    }

    async fn change<S: Sender>(
        &self,
        sender: &S,
        definition: &ResourceDefinition,
        id: Uuid,
        mut fields: Map<String, Value>,
    ) -> Result<(), Refusal> {
        let resource_type = &definition.resource_type;
        let known = self.index.resource(resource_type, id).await?;
        allow(sender.may_update(&known))?;
        let update = ResourceUpdate {
            project_id: take_text(&mut fields, "project_id").map(Some),
            user_id: take_text(&mut fields, "user_id").map(Some),
            attributes: fields,
            ..ResourceUpdate::default()
        };
        let updated = self
            .index
            .update_resource(resource_type, id, update.clone());
        if let Err(error) = updated.await {
            self.mend(error).await?;
            let updated = self.index.update_resource(resource_type, id, update);
            updated.await?;
        }
        Ok(())
    }

    /// Makes what the catalogue lacked; any other error stays one.
    async fn mend(&self, error: IndexError) -> Result<(), Refusal> {
        match is_want(&error) {
            true => Ok(self.definitions.make_missing(self.index).await?),
            false => Err(error.into()),
        }
    }

    async fn end<S: Sender>(
        &self,
        sender: &S,
        definition: &ResourceDefinition,
        id: Uuid,
        original: &str,
    ) -> Result<(), Refusal> {
        let now = Timestamp::from(SystemTime::now());
        // What hangs on it may be there without it.
        let own = self.index.resource(&definition.resource_type, id).await;
        let own = own.map_err(Refusal::from);
        let mut others = Vec::new();
        for (resource_type, search) in definition.events.associated(original) {
            let query = ResourceQuery {
                resource_type: resource_type.to_owned(),
                filter: Some(Filter::from_json(&search)?),
                history: false,
                page: Page::default(),
            };
            match self.index.list_resources(&query).await {
                Ok(found) => others.extend(found),
                // A type that this cloud has not, or an id that is none of its attribute's.
                Err(error) if !is_failure(&error) => {
                    tracing::debug!(%error, resource_type, "search failed");
                }
                Err(error) => return Err(error.into()),
            }
        }
        for other in &others {
            if sender.may_update(other) {
                self.end_one(other, now).await?;
            }
        }
        let own = match own {
            Err(Refusal::Ignored) if !others.is_empty() => return Ok(()),
            own => own?,
        };
        allow(sender.may_update(&own))?;
        self.end_one(&own, now).await
    }

    async fn end_one(&self, resource: &Resource, now: Timestamp) -> Result<(), Refusal> {
        if resource.ended_at.is_some() {
            // The same event again: it ended when it was told first.
            return Ok(());
        }
        let update = ResourceUpdate {
            ended_at: Some(Some(now)),
            ..ResourceUpdate::default()
        };
        let updated = self
            .index
            .update_resource(&resource.resource_type, resource.id, update);
        updated.await?;
        Ok(())
    }
}

fn allow(allowed: bool) -> Result<(), Refusal> {
    allowed.then_some(()).ok_or(Refusal::Forbidden)
}

/// Takes out a field that has a text.
fn take_text(fields: &mut Map<String, Value>, name: &str) -> Option<String> {
    match fields.remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}
