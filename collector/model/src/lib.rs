//! Gnocchi's model: timestamps and timespans in its input and output forms, measures, archive policies with their
//! rules, the aggregation methods, operations on many series, resource ids and attribute types. Pure: no I/O, no
//! clock, no storage; a caller that needs "now" passes it in.
#![forbid(unsafe_code)]

mod aggregation;
mod attribute;
mod defaults;
pub mod grid;
mod iso8601;
mod measure;
pub mod operations;
mod policy;
mod resource;
mod rule;
pub mod statistics;
mod timespan;
mod timestamp;
pub mod window;

pub use aggregation::{Aggregation, AggregationError, Statistic, expand_methods};
pub use attribute::{Attribute, AttributeError, AttributeType, MAX_STRING_LENGTH};
pub use measure::{AggregatePoint, Measure, MetricId};
pub use policy::{ArchivePolicy, ArchivePolicyInput, Definition, DefinitionInput, PolicyError};
pub use resource::{
    MAX_RESOURCE_ID_CHARS, RESOURCE_ID_NAMESPACE, ResourceIdError, parse_uuid, resource_id,
    resource_id_within,
};
pub use rule::{ArchivePolicyRule, fnmatch, matching_rule, sort_rules};
pub use timespan::{Granularity, Timespan, TimespanError};
pub use timestamp::{Timestamp, TimestampError, TimestampInput};
