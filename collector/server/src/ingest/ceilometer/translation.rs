//! What notifications become: their traits as events and the samples that are in them, by Ceilometer's two files of
//! definitions or the shipped ones.

use std::path::Path;

use serde_json::{Map, Value};

use super::config::CeilometerConfig;
use super::event::Event;
use super::meters::MeterDefinitions;
use super::notification::Notification;
use super::traits::TraitDefinitions;
use crate::ingest::mapping::one_line;

/// What Ceilometer 19 does with the notifications that concern resources here.
const TRAITS: &str = include_str!("../../../event_definitions.yaml");
/// What Ceilometer 19 measures by notifications.
const METERS: &str = include_str!("../../../meters.yaml");

/// Both files, checked.
#[derive(Debug)]
pub(crate) struct Translation {
    traits: TraitDefinitions,
    meters: MeterDefinitions,
}

/// A file that cannot be used; names the key and the file, and what was expected.
#[derive(Debug, thiserror::Error)]
#[error("ceilometer: {key}: {file}: {reason}")]
pub(crate) struct TranslationError {
    key: &'static str,
    file: String,
    reason: String,
}

impl Translation {
    /// Those that the configuration names, or the shipped ones.
    pub(crate) fn load(config: &CeilometerConfig) -> Result<Self, TranslationError> {
        let traits = config.event_definitions_file.as_deref();
        let meters = config.meter_definitions_file.as_deref();
        Ok(Self {
            traits: load(
                "event_definitions_file",
                traits,
                TRAITS,
                TraitDefinitions::parse,
            )?,
            meters: load(
                "meter_definitions_file",
                meters,
                METERS,
                MeterDefinitions::parse,
            )?,
        })
    }

    /// The notification as an event.
    pub(super) fn event(&self, notification: &Notification) -> Event {
        let Notification { event_type, body } = notification;
        Event {
            event_type: event_type.clone(),
            traits: self.traits.traits(event_type, body),
        }
    }

    /// The samples that are in the notification.
    pub(super) fn samples(&self, notification: &Notification) -> Vec<Map<String, Value>> {
        let Notification { event_type, body } = notification;
        self.meters.samples(event_type, body)
    }
}

fn load<T>(
    key: &'static str,
    file: Option<&Path>,
    shipped: &str,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<T, TranslationError> {
    let name = match file {
        Some(path) => path.display().to_string(),
        None => "as shipped".to_owned(),
    };
    let text = match file {
        Some(path) => {
            std::fs::read_to_string(path).map_err(|error| format!("cannot read it: {error}"))
        }
        None => Ok(shipped.to_owned()),
    };
    let parsed = text.and_then(|text| parse(&text));
    parsed.map_err(|reason| TranslationError {
        key,
        file: name,
        reason: one_line(&reason),
    })
}

#[cfg(test)]
#[path = "translation_tests.rs"]
mod tests;
