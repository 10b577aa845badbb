//! What the model refuses, one clear line each. A refused sample is missing from the scrape; without the refusal
//! Prometheus would reject the scrape as a whole.

use crate::kind::{MetricType, Suffix};

/// Why a family or a sample was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The family's name is not one.
    #[error("refused metric family {name:?}: expected a name of the form [a-zA-Z_:][a-zA-Z0-9_:]*")]
    InvalidName {
        /// The name as given.
        name: String,
    },
    /// A label's name is not one, or is reserved (`__` in front).
    #[error(
        "refused sample of {family}: invalid label name {label:?}, expected [a-zA-Z_][a-zA-Z0-9_]* without leading __"
    )]
    InvalidLabel {
        /// The family's name.
        family: String,
        /// The label's name as given.
        label: String,
    },
    /// The same label twice in one sample.
    #[error("refused sample of {family}: label {label} given twice")]
    DuplicateLabel {
        /// The family's name.
        family: String,
        /// The label's name.
        label: String,
    },
    /// A sample lacks the label that gives it its meaning, such as a bucket without `le`.
    #[error("refused sample of {family}: expected label {label} on a {kind}{}", suffix.as_str())]
    MissingLabel {
        /// The family's name.
        family: String,
        /// The family's type.
        kind: MetricType,
        /// Which part of it.
        suffix: Suffix,
        /// The missing label's name.
        label: String,
    },
    /// The same series (name and labels, in any order) twice in one collection; the first stays.
    #[error("refused duplicate series {series}")]
    DuplicateSeries {
        /// The series as text 0.0.4 names it.
        series: String,
    },
    /// A family opened again with another type; the first stays.
    #[error("metric family {family} is already a {first}, cannot make it a {then}")]
    TypeConflict {
        /// The family's name.
        family: String,
        /// The type that stays.
        first: MetricType,
        /// The type that was asked for.
        then: MetricType,
    },
    /// A family called like a part of a histogram or summary, such as `x_count` beside the summary `x`.
    #[error("refused metric family {name}: its samples would be taken for those of {other}")]
    NameClash {
        /// The family refused.
        name: String,
        /// The family that was there first.
        other: String,
    },
    /// A sample of a part that the type does not have.
    #[error("refused sample of {family}: a {kind} has no {} sample", if suffix.as_str().is_empty() { "plain" } else { suffix.as_str() })]
    WrongSuffix {
        /// The family's name.
        family: String,
        /// The family's type.
        kind: MetricType,
        /// The part that it does not have.
        suffix: Suffix,
    },
    /// A unit with which the family's name does not end.
    #[error("refused unit {unit:?} of {family}: expected the name to end in it")]
    WrongUnit {
        /// The family's name.
        family: String,
        /// The unit as given.
        unit: String,
    },
    /// The arena is at its limit of 4 GiB of text or 2^32 samples.
    #[error("refused sample of {family}: the collection is full")]
    Full {
        /// The family's name.
        family: String,
    },
}
