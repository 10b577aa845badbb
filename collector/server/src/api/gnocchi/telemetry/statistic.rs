//! The statistics that there are, and what of the samples of one period and group they are made of.

use std::collections::{BTreeMap, BTreeSet};

use collector_model::Timestamp;

use super::super::error::{ApiError, ApiResult};
use super::meter::Meter;
use super::numbers::Window;

/// What `cardinality` may count.
const COUNTED: [&str; 4] = ["project_id", "resource_id", "source", "user_id"];

/// What of the samples is asked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Function {
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// Their mean.
    Avg,
    /// Their sum.
    Sum,
    /// How many.
    Count,
    /// Of the whole, not of a sample of it.
    Stddev,
    /// How many different values of a field.
    Cardinality(String),
}

impl Function {
    /// The one of a name; a cardinality has a field that it counts.
    pub(super) fn of(name: &str, parameter: Option<&str>) -> ApiResult<Self> {
        Ok(match name {
            "min" => Self::Min,
            "max" => Self::Max,
            "avg" => Self::Avg,
            "sum" => Self::Sum,
            "count" => Self::Count,
            "stddev" => Self::Stddev,
            "cardinality" => {
                let counted = parameter.filter(|it| COUNTED.contains(it));
                let counted = counted.ok_or_else(|| {
                    ApiError::bad_request(format!(
                        "Invalid input for field/attribute aggregate.param: cardinality is of one of {COUNTED:?}"
                    ))
                })?;
                Self::Cardinality(counted.to_owned())
            }
            _ => {
                return Err(ApiError::bad_request(format!(
                    "Invalid input for field/attribute aggregate.func: unknown function {name}"
                )));
            }
        })
    }

    /// Its name in answers.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Min => "min".to_owned(),
            Self::Max => "max".to_owned(),
            Self::Avg => "avg".to_owned(),
            Self::Sum => "sum".to_owned(),
            Self::Count => "count".to_owned(),
            Self::Stddev => "stddev".to_owned(),
            Self::Cardinality(of) => format!("cardinality/{of}"),
        }
    }

    /// Its value.
    pub(super) fn value(&self, sums: &Sums) -> f64 {
        match self {
            Self::Min => sums.min,
            Self::Max => sums.max,
            Self::Avg => sums.mean(),
            Self::Sum => sums.sum,
            Self::Count => sums.count,
            Self::Stddev => {
                let mean = sums.mean();
                (sums.squares / sums.count - mean * mean).max(0.0).sqrt()
            }
            // Sets are small.
            Self::Cardinality(of) => sums.seen.get(of).map_or(0.0, |seen| seen.len() as f64),
        }
    }
}

/// The samples of one period and group.
#[derive(Debug, Clone)]
pub(super) struct Sums {
    /// How many samples.
    pub(super) count: f64,
    /// Their sum.
    pub(super) sum: f64,
    /// The smallest; NaN where none is a number.
    pub(super) min: f64,
    /// The largest; NaN where none is a number.
    pub(super) max: f64,
    /// Sum of their squares.
    pub(super) squares: f64,
    /// When the first was.
    pub(super) first: Timestamp,
    /// When the last was.
    pub(super) last: Timestamp,
    /// Their unit.
    pub(super) unit: String,
    /// The values of fields that are counted.
    pub(super) seen: BTreeMap<String, BTreeSet<String>>,
}

impl Sums {
    /// Of no sample yet.
    pub(super) fn new(meter: &Meter) -> Self {
        Self {
            count: 0.0,
            sum: 0.0,
            min: f64::NAN,
            max: f64::NAN,
            squares: 0.0,
            first: Timestamp(i64::MAX),
            last: Timestamp(i64::MIN),
            unit: meter.metric.unit.clone().unwrap_or_default(),
            seen: BTreeMap::new(),
        }
    }

    /// Adds the samples of a window.
    pub(super) fn add(&mut self, window: &Window) {
        self.count += window.count;
        self.sum += window.sum;
        // What is no number is passed over where there are numbers.
        self.min = self.min.min(window.min);
        self.max = self.max.max(window.max);
        self.squares += window.squares;
        self.first = self.first.min(window.timestamp);
        self.last = self.last.max(window.timestamp);
    }

    fn mean(&self) -> f64 {
        self.sum / self.count
    }
}
