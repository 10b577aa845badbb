//! What one request or message brought, read item by item: samples on their way to resources, events, and what is wrong
//! with the rest.

use collector_model::Timestamp;
use serde_json::Value;

use super::definitions::Definitions;
use super::event::{Event, is_event};
use super::group::Grouping;
use super::items;
use super::outcome::{MALFORMED, Outcome};
use super::sample::Sample;

/// Samples and events that have been read.
#[derive(Debug)]
pub(crate) struct Received<'d> {
    pub(super) samples: Grouping<'d>,
    pub(super) events: Vec<Event>,
    /// What was refused while reading.
    pub(super) outcome: Outcome,
    count: usize,
}

impl<'d> Received<'d> {
    /// Reads a JSON text of samples or events. One that cannot be read costs only itself.
    ///
    /// # Errors
    /// Where the text is no JSON, or no list.
    pub(crate) fn read(
        text: &[u8],
        definitions: &'d Definitions,
        now: Timestamp,
    ) -> Result<Self, serde_json::Error> {
        let mut received = Self {
            samples: Grouping::new(definitions),
            events: Vec::new(),
            outcome: Outcome::default(),
            count: 0,
        };
        items::for_each(text, |item| received.add(item, now))?;
        Ok(received)
    }

    /// How many samples and events there are, those that could not be read included.
    pub(crate) fn count(&self) -> usize {
        self.count
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
