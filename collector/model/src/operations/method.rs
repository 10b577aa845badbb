//! How values are put together in an aggregate: the statistics over values that may be missing, which are NaN and do
//! not count. They differ from the archive policies' in that, and in a deviation that is the population's.

use crate::statistics::Calculator;
use crate::{Aggregation, Statistic};

/// What is computed over values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Mean,
    Median,
    Std,
    Min,
    Max,
    Sum,
    Var,
    Count,
}

const KINDS: [(&str, &str, Kind); 8] = [
    ("mean", "rate:mean", Kind::Mean),
    ("median", "rate:median", Kind::Median),
    ("std", "rate:std", Kind::Std),
    ("min", "rate:min", Kind::Min),
    ("max", "rate:max", Kind::Max),
    ("sum", "rate:sum", Kind::Sum),
    ("var", "rate:var", Kind::Var),
    ("count", "rate:count", Kind::Count),
];

/// A method of `aggregate`, `rolling` and `resample`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Method {
    kind: Kind,
    /// Whether the differences of consecutive results (`rate:mean`) are meant.
    pub(super) rate: bool,
}

impl Method {
    /// The method of a name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        let found = KINDS
            .iter()
            .find(|(plain, rate, _)| *plain == name || *rate == name);
        found.map(|(_, rate, kind)| Self {
            kind: *kind,
            rate: *rate == name,
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        let found = KINDS.iter().find(|(_, _, kind)| *kind == self.kind);
        found.map_or(
            "",
            |(plain, rate, _)| if self.rate { *rate } else { *plain },
        )
    }

    /// Whether the differences of consecutive results are meant.
    #[must_use]
    pub fn is_rate(self) -> bool {
        self.rate
    }

    /// The aggregation method of an archive policy that resampling computes; there is none for a variance.
    #[must_use]
    pub fn aggregation(self) -> Option<Aggregation> {
        let statistic = match self.kind {
            Kind::Mean => Statistic::Mean,
            Kind::Median => Statistic::Median,
            Kind::Std => Statistic::Std,
            Kind::Min => Statistic::Min,
            Kind::Max => Statistic::Max,
            Kind::Sum => Statistic::Sum,
            Kind::Count => Statistic::Count,
            Kind::Var => return None,
        };
        Some(Aggregation {
            statistic,
            rate: self.rate,
        })
    }

    /// The statistic of those values that are numbers; the differences of a rate are the caller's business.
    pub(super) fn compute(self, values: impl Iterator<Item = f64>, with: &mut Calculator) -> f64 {
        let mut count = 0_usize;
        with.load(
            values
                .filter(|value| !value.is_nan())
                .inspect(|_| count += 1),
        );
        let statistic = match self.kind {
            Kind::Mean => Statistic::Mean,
            Kind::Median => Statistic::Median,
            Kind::Min => Statistic::Min,
            Kind::Max => Statistic::Max,
            Kind::Sum => return with.get(Statistic::Sum).unwrap_or(0.0),
            Kind::Count => return count as f64,
            Kind::Std | Kind::Var => {
                let variance = match with.get(Statistic::Std) {
                    // Of the population, from that of a sample.
                    Some(sample) => sample * sample * (count - 1) as f64 / count as f64,
                    // One value does not deviate, unless it is infinite.
                    None => match with.get(Statistic::Mean) {
                        Some(one) if one.is_finite() => 0.0,
                        _ => f64::NAN,
                    },
                };
                return if self.kind == Kind::Std {
                    variance.sqrt()
                } else {
                    variance
                };
            }
        };
        with.get(statistic).unwrap_or(f64::NAN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, values: &[f64]) -> f64 {
        let method = Method::of(name).unwrap();
        method.compute(values.iter().copied(), &mut Calculator::new())
    }

    #[test]
    fn missing_values_do_not_count() {
        let values = [4.0, f64::NAN, 1.0, 1.0];
        for (name, expected) in [
            ("mean", 2.0),
            ("median", 1.0),
            ("min", 1.0),
            ("max", 4.0),
            ("sum", 6.0),
            ("count", 3.0),
            ("var", 2.0),
            ("std", 2.0_f64.sqrt()),
        ] {
            let value = of(name, &values);
            assert!((value - expected).abs() < 1e-12, "{name}: {value}");
        }
    }

    #[test]
    fn of_nothing_there_is_a_sum_and_a_count_only() {
        for name in ["mean", "median", "std", "var", "min", "max"] {
            assert!(of(name, &[f64::NAN]).is_nan(), "{name}");
        }
        assert_eq!((of("sum", &[f64::NAN]), of("count", &[])), (0.0, 0.0));
        assert_eq!((of("std", &[7.0]), of("var", &[7.0])), (0.0, 0.0));
    }

    #[test]
    fn every_method_has_a_name_that_reads_back_as_itself() {
        for (plain, rate, _) in KINDS {
            for name in [plain, rate] {
                assert_eq!(Method::of(name).unwrap().name(), name);
            }
        }
        assert_eq!((Method::of("95pct"), Method::of("last")), (None, None));
        assert_eq!(Method::of("var").unwrap().aggregation(), None);
    }
}
