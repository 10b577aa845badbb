//! What goes into the store and what comes out: a measure (timestamp and value) and an aggregate point (timestamp,
//! granularity and value). How points are computed from measures is in `statistics`, where they are kept is storage's.

use serde::Serialize;
use serde::ser::{SerializeTuple as _, Serializer};

use crate::{Granularity, Timestamp};

/// A metric's id, given by the catalogue when the metric is created and never used again after its deletion.
pub type MetricId = uuid::Uuid;

/// One raw value of a metric at one moment, as a client posts it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measure {
    /// When the value was taken.
    pub timestamp: Timestamp,
    /// The value, in the metric's unit. NaN and infinities are values like others.
    pub value: f64,
}

impl Measure {
    /// A measure of `value` at `timestamp`.
    #[must_use]
    pub fn new(timestamp: Timestamp, value: f64) -> Self {
        Self { timestamp, value }
    }
}

/// One aggregated value of a metric: what Gnocchi prints as `[timestamp, granularity, value]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AggregatePoint {
    /// Start of the window.
    pub timestamp: Timestamp,
    /// Length of the window.
    pub granularity: Granularity,
    /// The aggregate of the window's measures.
    pub value: f64,
}

impl Serialize for AggregatePoint {
    /// As Gnocchi's triple: `["2026-01-01T00:00:00+00:00", 300.0, 1.5]`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(3)?;
        tuple.serialize_element(&self.timestamp)?;
        tuple.serialize_element(&self.granularity)?;
        tuple.serialize_element(&self.value)?;
        tuple.end()
    }
}
