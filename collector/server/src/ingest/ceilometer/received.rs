//! What one request or message brought, read item by item: samples on their way to resources, events, and what is wrong
//! with the rest.

use collector_model::Timestamp;
use serde_json::Value;

use super::definitions::Definitions;
use super::event::{Event, is_event};
use super::group::Grouping;
use super::items;
use super::notification::Notification;
use super::outcome::{MALFORMED, NO_VOLUME, Outcome};
use super::sample::Sample;
use super::translation::Translation;

/// Samples and events that have been read.
#[derive(Debug)]
pub(crate) struct Received<'d> {
    pub(super) samples: Grouping<'d>,
    /// Events that were sent as such; they come after the samples.
    pub(super) events: Vec<Event>,
    /// Events that notifications are; they come before the samples in them, as they know the resource better.
    pub(super) notified: Vec<Event>,
    /// What was refused while reading.
    pub(super) outcome: Outcome,
    definitions: &'d Definitions,
    count: usize,
}

impl<'d> Received<'d> {
    /// Nothing yet.
    pub(crate) fn nothing(definitions: &'d Definitions) -> Self {
        Self {
            samples: Grouping::new(definitions),
            events: Vec::new(),
            notified: Vec::new(),
            outcome: Outcome::default(),
            definitions,
            count: 0,
        }
    }

    /// Reads a JSON text of samples or events. One that cannot be read costs only itself.
    ///
    /// # Errors
    /// Where the text is no JSON, or no list.
    pub(crate) fn read(
        text: &[u8],
        definitions: &'d Definitions,
        now: Timestamp,
    ) -> Result<Self, serde_json::Error> {
        let mut received = Self::nothing(definitions);
        items::for_each(text, |item| received.add(item, now))?;
        Ok(received)
    }

    /// How many samples and events there are, those that could not be read included.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Adds a notification: the samples or events that it carries, or what it is itself.
    pub(crate) fn notification(
        &mut self,
        mut notification: Notification,
        translation: &Translation,
        now: Timestamp,
    ) {
        if let Some(carried) = notification.carried() {
            for item in carried {
                self.add(item, now);
            }
            return;
        }
        let samples = translation.samples(&notification);
        let concerns = self.definitions.of_event(&notification.event_type);
        if concerns.is_some() {
            self.count += 1;
            self.notified.push(translation.event(&notification));
        } else if samples.is_empty() {
            self.outcome.events_ignored += 1;
        }
        for sample in samples {
            // Many notifications are sent before what they would measure is known.
            if sample.get("volume").is_none_or(Value::is_null) {
                self.count += 1;
                *self.outcome.rejected.entry(NO_VOLUME).or_default() += 1;
            } else {
                self.add(Value::Object(sample), now);
            }
        }
    }

    fn add(&mut self, item: Value, now: Timestamp) {
        self.count += 1;
        if is_event(&item) {
            match Event::read(item) {
                Ok(event) => self.events.push(event),
                Err(why) => self.outcome.reject_event(MALFORMED, why),
            }
            return;
        }
        let read = match item {
            Value::Object(fields) => Sample::read(fields, now),
            _ => Err("sample: expected an object".to_owned()),
        };
        match read {
            Ok(sample) => self.samples.add(sample),
            Err(why) => self.outcome.reject(MALFORMED, 1, why),
        }
    }
}
