//! The `ceilometer:` section of the configuration, with its defaults.

use std::path::PathBuf;

use serde::Deserialize;

use crate::ingest::amqp::AmqpConfig;

/// How Ceilometer's samples become resources.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CeilometerConfig {
    /// A `gnocchi_resources.yaml` in place of the shipped one.
    pub(crate) resources_definition_file: Option<PathBuf>,
    /// An `event_definitions.yaml` in place of the shipped one.
    pub(crate) event_definitions_file: Option<PathBuf>,
    /// A file of meters (Ceilometer's `meters.d/*.yaml`) in place of the shipped one.
    pub(crate) meter_definitions_file: Option<PathBuf>,
    /// Where samples, events and notifications come from over AMQP.
    pub(crate) amqp: AmqpConfig,
}
