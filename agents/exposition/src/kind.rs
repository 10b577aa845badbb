//! The small words of the model: a family's type, a sample's suffix, a timestamp. What may go with what is decided here;
//! how it is spelled in either format as well.

use std::fmt;

/// What a family measures, as its `# TYPE` line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MetricType {
    /// Only goes up, or starts anew at zero.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts of observations by upper bound (`le`).
    Histogram,
    /// Quantiles, sum and count of observations.
    Summary,
    /// Nobody knows; OpenMetrics calls it `unknown`.
    Untyped,
    /// Facts as labels, value 1; a gauge in text 0.0.4.
    Info,
    /// One of several states is 1, named by a label called as the family; a gauge in text 0.0.4.
    StateSet,
}

impl MetricType {
    /// The word after `# TYPE name` in text 0.0.4, which knows five types only.
    #[must_use]
    pub fn text_name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge | Self::Info | Self::StateSet => "gauge",
            Self::Histogram => "histogram",
            Self::Summary => "summary",
            Self::Untyped => "untyped",
        }
    }

    /// The word after `# TYPE name` in OpenMetrics.
    #[must_use]
    pub fn openmetrics_name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::StateSet => "stateset",
            Self::Untyped => "unknown",
            Self::Counter | Self::Gauge | Self::Histogram | Self::Summary => self.text_name(),
        }
    }

    /// Reads the word of either format. `gaugehistogram` is taken as [`MetricType::Untyped`]: the model has no such type.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "counter" => Self::Counter,
            "gauge" => Self::Gauge,
            "histogram" => Self::Histogram,
            "summary" => Self::Summary,
            "untyped" | "unknown" | "gaugehistogram" => Self::Untyped,
            "info" => Self::Info,
            "stateset" => Self::StateSet,
            _ => return None,
        })
    }

    /// What OpenMetrics adds to the family's name to name the plain sample: `_total`, `_info` or nothing.
    pub(crate) fn openmetrics_suffix(self) -> &'static str {
        match self {
            Self::Counter => "_total",
            Self::Info => "_info",
            _ => "",
        }
    }

    /// Whether a sample of this type may carry the suffix.
    pub(crate) fn allows(self, suffix: Suffix) -> bool {
        match suffix {
            Suffix::None => self != Self::Histogram,
            Suffix::Bucket => self == Self::Histogram,
            Suffix::Sum | Suffix::Count => matches!(self, Self::Histogram | Self::Summary),
            Suffix::Created => matches!(self, Self::Counter | Self::Histogram | Self::Summary),
        }
    }

    /// The label without which such a sample says nothing, given the family's name.
    pub(crate) fn required_label(self, suffix: Suffix, family: &str) -> Option<&str> {
        match (self, suffix) {
            (Self::Histogram, Suffix::Bucket) => Some("le"),
            (Self::Summary, Suffix::None) => Some("quantile"),
            (Self::StateSet, _) => Some(family),
            _ => None,
        }
    }
}

impl fmt::Display for MetricType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Untyped => "untyped",
            _ => self.openmetrics_name(),
        })
    }
}

/// Which part of a histogram, a summary or a counter a sample is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Suffix {
    /// The plain sample; of a summary a quantile.
    None,
    /// `_bucket`: observations up to and including the label `le`.
    Bucket,
    /// `_sum`: sum of all observations.
    Sum,
    /// `_count`: number of observations.
    Count,
    /// `_created`: Unix time in seconds at which counting began. Written in OpenMetrics only: text 0.0.4 has no such
    /// thing.
    Created,
}

impl Suffix {
    /// The text added to the family's name; empty for [`Suffix::None`].
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Bucket => "_bucket",
            Self::Sum => "_sum",
            Self::Count => "_count",
            Self::Created => "_created",
        }
    }

    /// Takes the suffix off a sample's name: `("x_seconds", Bucket)` of `x_seconds_bucket`. `None` when there is none.
    pub(crate) fn split(name: &str) -> Option<(&str, Self)> {
        [Self::Bucket, Self::Sum, Self::Count, Self::Created]
            .into_iter()
            .find_map(|suffix| Some((name.strip_suffix(suffix.as_str())?, suffix)))
    }
}

/// Milliseconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);
