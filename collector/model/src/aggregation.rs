//! The aggregation methods of an archive policy by Gnocchi's names: the statistics, the percentiles, and the same of
//! the rate of change (`rate:`). Parsing and printing live here; the arithmetic is in `statistics`.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What is computed over the measures of one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Statistic {
    /// Arithmetic mean.
    Mean,
    /// Sum.
    Sum,
    /// Smallest value; a NaN only where there is nothing else.
    Min,
    /// Largest value; NaN where one is among them.
    Max,
    /// Sample standard deviation (divided by n - 1); a window of one measure has none.
    Std,
    /// Number of measures.
    Count,
    /// Value of the earliest measure.
    First,
    /// Value of the latest measure.
    Last,
    /// The middle value, or the mean of the two middle ones.
    Median,
    /// Percentile 1..=99 with linear interpolation between the two nearest ranks.
    Percentile(u8),
}

/// An aggregation method: a statistic, of the values or of their rate of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Aggregation {
    /// What is computed.
    pub statistic: Statistic,
    /// Whether over the differences of consecutive measures (`rate:mean`) instead of the measures.
    pub rate: bool,
}

/// A method's name that Gnocchi does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AggregationError {
    /// One name of a single method.
    #[error("unknown aggregation method `{0}`")]
    Unknown(String),
    /// Names of a policy's list, in Gnocchi's words.
    #[error("Invalid value for aggregation_methods: {{{0}}}")]
    InvalidList(String),
}

impl Statistic {
    const NAMED: [(&'static str, Self); 9] = [
        ("mean", Self::Mean),
        ("sum", Self::Sum),
        ("min", Self::Min),
        ("max", Self::Max),
        ("std", Self::Std),
        ("count", Self::Count),
        ("first", Self::First),
        ("last", Self::Last),
        ("median", Self::Median),
    ];
}

impl Aggregation {
    /// The statistic of the values themselves.
    #[must_use]
    pub const fn of(statistic: Statistic) -> Self {
        Self {
            statistic,
            rate: false,
        }
    }

    /// The statistic of the rate of change.
    #[must_use]
    pub const fn rate(statistic: Statistic) -> Self {
        Self {
            statistic,
            rate: true,
        }
    }

    /// Every method that Gnocchi knows: 9 statistics and 99 percentiles, each also as a rate.
    pub fn all() -> impl Iterator<Item = Self> {
        let statistics = || {
            let named = Statistic::NAMED.iter().map(|(_, statistic)| *statistic);
            named.chain((1..=99).map(Statistic::Percentile))
        };
        statistics()
            .map(Self::of)
            .chain(statistics().map(Self::rate))
    }

    /// Gnocchi's `default_aggregation_methods`: mean, min, max, sum, std, count.
    #[must_use]
    pub fn defaults() -> BTreeSet<Self> {
        use Statistic::{Count, Max, Mean, Min, Std, Sum};
        [Mean, Min, Max, Sum, Std, Count]
            .into_iter()
            .map(Self::of)
            .collect()
    }
}

impl fmt::Display for Statistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percentile(percent) => write!(f, "{percent}pct"),
            named => {
                let name = Self::NAMED.iter().find(|(_, statistic)| statistic == named);
                f.write_str(name.map_or("", |(name, _)| name))
            }
        }
    }
}

impl fmt::Display for Aggregation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.rate {
            f.write_str("rate:")?;
        }
        self.statistic.fmt(f)
    }
}

impl FromStr for Statistic {
    type Err = AggregationError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        if let Some((_, statistic)) = Self::NAMED.iter().find(|(known, _)| *known == name) {
            return Ok(*statistic);
        }
        let percent = name
            .strip_suffix("pct")
            .filter(|digits| !digits.starts_with(['0', '+']));
        match percent.and_then(|digits| digits.parse().ok()) {
            Some(percent @ 1..=99) => Ok(Self::Percentile(percent)),
            _ => Err(AggregationError::Unknown(name.to_owned())),
        }
    }
}

impl FromStr for Aggregation {
    type Err = AggregationError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let (rate, statistic) = match name.strip_prefix("rate:") {
            Some(statistic) => (true, statistic),
            None => (false, name),
        };
        match statistic.parse() {
            Ok(statistic) => Ok(Self { statistic, rate }),
            Err(_) => Err(AggregationError::Unknown(name.to_owned())),
        }
    }
}

impl Serialize for Aggregation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Aggregation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        name.parse().map_err(serde::de::Error::custom)
    }
}

/// The set that a policy's list of methods stands for. `*` is all; a list of only `-method` and `+method` (or an
/// empty one) changes `defaults`; otherwise the list itself, with `+` and `-` entries applied to it.
///
/// # Errors
/// [`AggregationError::InvalidList`] with every name that is no method, in Gnocchi's words.
pub fn expand_methods<S: AsRef<str>>(
    methods: &[S],
    defaults: &BTreeSet<Aggregation>,
) -> Result<BTreeSet<Aggregation>, AggregationError> {
    let (mut added, mut removed, mut plain) = (Vec::new(), Vec::new(), Vec::new());
    let (mut all, mut unknown) = (false, BTreeSet::new());
    for method in methods.iter().map(AsRef::as_ref) {
        let (list, name) = match (method.strip_prefix('+'), method.strip_prefix('-')) {
            _ if method == "*" => {
                all = true;
                continue;
            }
            (Some(name), _) => (&mut added, name),
            (_, Some(name)) => (&mut removed, name),
            (None, None) => (&mut plain, method),
        };
        match name.parse::<Aggregation>() {
            Ok(aggregation) => list.push(aggregation),
            Err(_) => drop(unknown.insert(format!("'{method}'"))),
        }
    }
    if !unknown.is_empty() {
        let names: Vec<String> = unknown.into_iter().collect();
        return Err(AggregationError::InvalidList(names.join(", ")));
    }
    let mut set = match (all, plain.is_empty()) {
        (true, _) => Aggregation::all().collect(),
        (false, true) => defaults.clone(),
        (false, false) => plain.into_iter().collect(),
    };
    for aggregation in removed {
        set.remove(&aggregation);
    }
    set.extend(added);
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(methods: &[&str]) -> Vec<String> {
        let set = expand_methods(methods, &Aggregation::defaults()).unwrap();
        set.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_method_has_a_name_that_reads_back_as_itself() {
        let all: Vec<Aggregation> = Aggregation::all().collect();
        assert_eq!(all.len(), 216);
        for aggregation in all {
            assert_eq!(aggregation.to_string().parse(), Ok(aggregation));
        }
    }

    #[test]
    fn what_gnocchi_does_not_know_is_refused_by_name() {
        for name in [
            "",
            "avg",
            "0pct",
            "100pct",
            "05pct",
            "+5pct",
            "pct",
            "rate:",
            "rate:rate:mean",
            "Mean",
            "1.5pct",
        ] {
            let error = name.parse::<Aggregation>().unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("unknown aggregation method `{name}`")
            );
        }
    }

    #[test]
    fn a_list_of_only_signs_changes_the_defaults() {
        assert_eq!(names(&["-std", "-count"]), ["mean", "sum", "min", "max"]);
        assert_eq!(
            names(&["+95pct"]),
            ["mean", "sum", "min", "max", "std", "count", "95pct"]
        );
        assert_eq!(names(&[]).len(), 6);
    }

    #[test]
    fn a_star_is_all_of_them_and_may_be_cut() {
        assert_eq!(names(&["*"]).len(), 216);
        assert_eq!(names(&["*", "-mean", "-rate:mean"]).len(), 214);
    }

    #[test]
    fn a_plain_list_takes_signs_too() {
        assert_eq!(names(&["mean", "max", "-max", "+last"]), ["mean", "last"]);
    }

    #[test]
    fn all_bad_names_of_a_list_are_named_at_once() {
        let error =
            expand_methods(&["mean", "wrong", "-bad"], &Aggregation::defaults()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Invalid value for aggregation_methods: {'-bad', 'wrong'}"
        );
    }
}
