//! Archive policies: which windows of which length are kept for how long, by which methods they are aggregated, and
//! how far back a measure may come late. Validation is in Gnocchi's words; the policies that exist from the start are
//! in `defaults`, the choice of a policy by metric name in `rule`.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::{Aggregation, AggregationError, Granularity, Timespan, expand_methods};

mod json;

pub use json::{ArchivePolicyInput, DefinitionInput};

/// One archive of a policy: windows of one granularity, all of them or the newest `points`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "DefinitionInput")]
pub struct Definition {
    /// Length of a window.
    pub granularity: Granularity,
    /// How many windows are kept, counted from the newest; `None` keeps all.
    pub points: Option<u64>,
    /// Granularity times points; `None` where points is.
    pub timespan: Option<Timespan>,
}

/// An archive policy. Its JSON is Gnocchi's; reading it or [`ArchivePolicy::new`] checks it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "ArchivePolicyInput")]
pub struct ArchivePolicy {
    /// Its name, unique in the catalogue.
    pub name: String,
    /// The archives in the order in which they were given, at least one, each granularity once.
    pub definition: Vec<Definition>,
    /// How many windows of the coarsest granularity a measure may be late.
    pub back_window: u32,
    /// What is computed over each window.
    pub aggregation_methods: BTreeSet<Aggregation>,
}

/// Why a policy is refused; the texts are Gnocchi's, its clients and tests compare them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// All three given, and the product is another.
    #[error("timespan ≠ granularity × points")]
    Mismatch,
    /// Zero points.
    #[error("Number of points should be > 0")]
    NoPoints,
    /// Timespan divided by points is below a nanosecond.
    #[error("Granularity should be > 0")]
    NoGranularity,
    /// Only points or only a timespan, or nothing.
    #[error("At least two of granularity/points/timespan must be provided")]
    Underdetermined,
    /// A timespan shorter than the granularity.
    #[error("Calculated number of points is < 0")]
    NegativePoints,
    /// Granularity times points is more than 292 years.
    #[error("timespan of {points} points of {granularity} is out of range")]
    OutOfRange {
        /// Points asked for.
        points: u64,
        /// Granularity asked for.
        granularity: Granularity,
    },
    /// No definition at all.
    #[error("length of value must be at least 1")]
    Empty,
    /// Two archives of one granularity.
    #[error("More than one archive policy uses granularity `{:?}'", .0.seconds())]
    Duplicate(Granularity),
    /// A method that does not exist.
    #[error(transparent)]
    Methods(#[from] AggregationError),
    /// A change that would need stored windows to be computed anew.
    #[error("Archive policy {name} does not support change: {reason}")]
    UnsupportedChange {
        /// The policy.
        name: String,
        /// What was changed.
        reason: String,
    },
}

impl Definition {
    /// Completes a definition from what is given of the three.
    ///
    /// # Errors
    /// [`PolicyError`] in Gnocchi's words where they contradict each other or do not suffice.
    pub fn new(
        granularity: Option<Granularity>,
        points: Option<u64>,
        timespan: Option<Timespan>,
    ) -> Result<Self, PolicyError> {
        if points == Some(0) {
            return Err(PolicyError::NoPoints);
        }
        let (granularity, points) = match (granularity, points, timespan) {
            (Some(granularity), Some(points), Some(timespan)) => {
                let product = i128::from(granularity.nanos()) * i128::from(points);
                if product != i128::from(timespan.nanos()) {
                    return Err(PolicyError::Mismatch);
                }
                (granularity, Some(points))
            }
            (Some(granularity), None, Some(timespan)) => {
                let points = timespan.nanos() / granularity.nanos();
                let points = u64::try_from(points).ok().filter(|points| *points > 0);
                (
                    granularity,
                    Some(points.ok_or(PolicyError::NegativePoints)?),
                )
            }
            (Some(granularity), points, None) => (granularity, points),
            (None, Some(points), Some(timespan)) => {
                let nanos = i64::try_from(points).map_or(0, |points| timespan.nanos() / points);
                (
                    Granularity::from_nanos(nanos).ok_or(PolicyError::NoGranularity)?,
                    Some(points),
                )
            }
            (None, _, _) => return Err(PolicyError::Underdetermined),
        };
        let timespan = points.map(|points| {
            let nanos = i64::try_from(points)
                .ok()
                .and_then(|points| granularity.nanos().checked_mul(points));
            nanos
                .and_then(Timespan::from_nanos)
                .ok_or(PolicyError::OutOfRange {
                    points,
                    granularity,
                })
        });
        Ok(Self {
            granularity,
            points,
            timespan: timespan.transpose()?,
        })
    }
}

impl ArchivePolicy {
    /// A checked policy.
    ///
    /// # Errors
    /// [`PolicyError::Empty`] without a definition, [`PolicyError::Duplicate`] where a granularity comes twice.
    pub fn new(
        name: impl Into<String>,
        back_window: u32,
        definition: Vec<Definition>,
        aggregation_methods: BTreeSet<Aggregation>,
    ) -> Result<Self, PolicyError> {
        if definition.is_empty() {
            return Err(PolicyError::Empty);
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = definition
            .iter()
            .find(|archive| !seen.insert(archive.granularity))
        {
            return Err(PolicyError::Duplicate(twice.granularity));
        }
        Ok(Self {
            name: name.into(),
            definition,
            back_window,
            aggregation_methods,
        })
    }

    /// Checks what a client wrote; `defaults` are the methods where it names none or only changes to them.
    ///
    /// # Errors
    /// The first [`PolicyError`] found.
    pub fn from_input(
        input: &ArchivePolicyInput,
        defaults: &BTreeSet<Aggregation>,
    ) -> Result<Self, PolicyError> {
        let definition = input
            .definition
            .iter()
            .map(|archive| Definition::try_from(*archive));
        let definition = definition.collect::<Result<Vec<_>, _>>()?;
        let methods = expand_methods(
            input.aggregation_methods.as_deref().unwrap_or_default(),
            defaults,
        )?;
        Self::new(input.name.clone(), input.back_window, definition, methods)
    }

    /// The same policy with other points or timespans, as an update asks for.
    ///
    /// # Errors
    /// [`PolicyError::UnsupportedChange`] unless the granularities are the same.
    pub fn with_definition(&self, definition: Vec<Definition>) -> Result<Self, PolicyError> {
        let sorted = |definition: &[Definition]| {
            let mut granularities: Vec<Granularity> = definition
                .iter()
                .map(|archive| archive.granularity)
                .collect();
            granularities.sort_unstable();
            granularities
        };
        let refuse = |reason| {
            Err(PolicyError::UnsupportedChange {
                name: self.name.clone(),
                reason,
            })
        };
        let (current, new) = (sorted(&self.definition), sorted(&definition));
        if current.len() != new.len() {
            return refuse("Cannot add or drop granularities".to_owned());
        }
        match current
            .iter()
            .zip(&new)
            .find(|(current, new)| current != new)
        {
            Some((current, _)) => refuse(format!(
                "{:?} granularity interval was changed",
                current.seconds()
            )),
            None => Ok(Self {
                definition,
                ..self.clone()
            }),
        }
    }

    /// The longest window, which the back window counts in; `None` only for a policy built by hand without any.
    #[must_use]
    pub fn coarsest(&self) -> Option<Granularity> {
        self.definition
            .iter()
            .map(|archive| archive.granularity)
            .max()
    }

    /// How many coarsest windows of measures are kept before the newest: the back window, and one more where a rate
    /// needs the measure before its window.
    #[must_use]
    pub fn raw_blocks(&self) -> u32 {
        let rates = self
            .aggregation_methods
            .iter()
            .any(|aggregation| aggregation.rate);
        self.back_window.saturating_add(u32::from(rates))
    }
}

#[cfg(test)]
mod tests;
