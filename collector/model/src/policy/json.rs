//! Archive policies as JSON: what a client may write, and what the policy endpoints print. Validation is the parent's.

use serde::ser::{SerializeStruct as _, Serializer};
use serde::{Deserialize, Serialize};

use super::{ArchivePolicy, Definition, PolicyError};
use crate::{Aggregation, Granularity, Timespan};

/// A definition as a client writes it: any two of the three, or the granularity alone for an archive without end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefinitionInput {
    /// Length of a window.
    #[serde(default)]
    pub granularity: Option<Timespan>,
    /// How many windows to keep.
    #[serde(default)]
    pub points: Option<u64>,
    /// For how long to keep windows.
    #[serde(default)]
    pub timespan: Option<Timespan>,
}

/// A policy as a client writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchivePolicyInput {
    /// Its name.
    pub name: String,
    /// How many windows of the coarsest granularity a measure may be late.
    #[serde(default)]
    pub back_window: u32,
    /// Names of methods, also with `*`, `+` and `-`; absent means the defaults.
    #[serde(default)]
    pub aggregation_methods: Option<Vec<String>>,
    /// The archives, at least one.
    pub definition: Vec<DefinitionInput>,
}

impl TryFrom<DefinitionInput> for Definition {
    type Error = PolicyError;

    fn try_from(input: DefinitionInput) -> Result<Self, PolicyError> {
        Self::new(
            input.granularity.map(Granularity::from),
            input.points,
            input.timespan,
        )
    }
}

impl TryFrom<ArchivePolicyInput> for ArchivePolicy {
    type Error = PolicyError;

    fn try_from(input: ArchivePolicyInput) -> Result<Self, PolicyError> {
        Self::from_input(&input, &Aggregation::defaults())
    }
}

impl Serialize for Definition {
    /// Lengths as text, as the policy endpoints print them: `{"timespan": "1:00:00", "granularity": "0:05:00", ...}`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Definition", 3)?;
        fields.serialize_field("timespan", &self.timespan.map(|span| span.to_string()))?;
        fields.serialize_field("granularity", &self.granularity.to_string())?;
        fields.serialize_field("points", &self.points)?;
        fields.end()
    }
}

impl Serialize for ArchivePolicy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("ArchivePolicy", 4)?;
        fields.serialize_field("name", &self.name)?;
        fields.serialize_field("back_window", &self.back_window)?;
        fields.serialize_field("definition", &self.definition)?;
        fields.serialize_field("aggregation_methods", &self.aggregation_methods)?;
        fields.end()
    }
}
