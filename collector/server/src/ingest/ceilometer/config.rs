//! The `ceilometer:` section of the configuration, with its defaults.

use std::path::PathBuf;

use serde::Deserialize;

/// How Ceilometer's samples become resources.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CeilometerConfig {
    /// A `gnocchi_resources.yaml` in place of the shipped one.
    pub(crate) resources_definition_file: Option<PathBuf>,
}
