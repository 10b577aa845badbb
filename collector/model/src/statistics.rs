//! The arithmetic of the aggregation methods over the values of one window, to Gnocchi's digits: sums run in time
//! order, NaN sorts last. Which values belong to a window, and the differences that a rate is made of, is the
//! caller's business.

use crate::Statistic;

/// Computes statistics of one window after the other, keeping its buffers.
#[derive(Debug, Default)]
pub struct Calculator {
    values: Vec<f64>,
    sorted: Vec<f64>,
    sum: f64,
    min: f64,
    max: f64,
}

impl Calculator {
    /// A calculator without values.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the values of the next window, in order of time, and forgets the last one's.
    pub fn load(&mut self, values: impl IntoIterator<Item = f64>) {
        self.values.clear();
        self.sorted.clear();
        self.values.extend(values);
        (self.sum, self.min, self.max) = (0.0, f64::NAN, f64::NEG_INFINITY);
        for value in &self.values {
            self.sum += value;
            // `min` of Rust takes the number where the other is NaN: a NaN stays only where all are.
            self.min = self.min.min(*value);
            // The largest is NaN as soon as one is, since that sorts last.
            self.max = if *value > self.max || value.is_nan() {
                *value
            } else {
                self.max
            };
        }
    }

    /// The statistic of the loaded values; `None` where there are none, or too few of them for a deviation.
    pub fn get(&mut self, statistic: Statistic) -> Option<f64> {
        let count = self.values.len();
        let (first, last) = (*self.values.first()?, *self.values.last()?);
        match statistic {
            Statistic::Mean => Some(self.sum / count as f64),
            Statistic::Sum => Some(self.sum),
            Statistic::Min => Some(self.min),
            Statistic::Max => Some(self.max),
            Statistic::Std => self.std(),
            Statistic::Count => Some(count as f64),
            Statistic::First => Some(first),
            Statistic::Last => Some(last),
            Statistic::Median => self.median(),
            Statistic::Percentile(percent) => self.percentile(f64::from(percent) / 100.0),
        }
    }

    fn std(&self) -> Option<f64> {
        let count = self.values.len();
        if count < 2 {
            return None;
        }
        let mean = self.sum / count as f64;
        let squares: f64 = self
            .values
            .iter()
            .map(|value| (value - mean) * (value - mean))
            .sum();
        Some((squares / (count - 1) as f64).sqrt())
    }

    fn median(&mut self) -> Option<f64> {
        let count = self.values.len();
        let low = (count - 1) - count / 2;
        let sorted = self.sorted();
        Some((sorted.get(low)? + sorted.get(count / 2)?) / 2.0)
    }

    fn percentile(&mut self, share: f64) -> Option<f64> {
        let position = (self.values.len() - 1) as f64 * share;
        let (floor, ceil) = (position.floor(), position.ceil());
        let sorted = self.sorted();
        let (low, high) = (sorted.get(floor as usize)?, sorted.get(ceil as usize)?);
        if floor == ceil {
            return Some(*low);
        }
        Some(low * (ceil - position) + high * (position - floor))
    }

    fn sorted(&mut self) -> &[f64] {
        if self.sorted.is_empty() {
            self.sorted.extend_from_slice(&self.values);
            let number_first = |a: &f64, b: &f64| {
                a.partial_cmp(b)
                    .unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
            };
            self.sorted.sort_unstable_by(number_first);
        }
        &self.sorted
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::*;

    fn of(statistic: Statistic, values: &[f64]) -> Option<f64> {
        let mut calculator = Calculator::new();
        calculator.load(values.iter().copied());
        calculator.get(statistic)
    }

    #[test]
    fn every_statistic_of_a_known_window() {
        let values = [3.0, 1.0, 4.0, 1.0, 5.0];
        for (statistic, expected) in [
            (Statistic::Mean, 2.8),
            (Statistic::Sum, 14.0),
            (Statistic::Min, 1.0),
            (Statistic::Max, 5.0),
            (Statistic::Std, 3.2_f64.sqrt()),
            (Statistic::Count, 5.0),
            (Statistic::First, 3.0),
            (Statistic::Last, 5.0),
            (Statistic::Median, 3.0),
            (Statistic::Percentile(50), 3.0),
            (Statistic::Percentile(90), 4.6),
            (Statistic::Percentile(1), 1.0),
        ] {
            let value = of(statistic, &values).unwrap();
            assert!((value - expected).abs() < 1e-12, "{statistic}: {value}");
        }
    }

    #[test]
    fn a_window_of_one_measure_has_no_deviation_but_all_else() {
        for statistic in crate::Aggregation::all().map(|aggregation| aggregation.statistic) {
            let expected = match statistic {
                Statistic::Std => None,
                Statistic::Count => Some(1.0),
                _ => Some(-7.5),
            };
            assert_eq!(of(statistic, &[-7.5]), expected, "{statistic}");
            assert_eq!(of(statistic, &[]), None, "{statistic}");
        }
    }

    #[test]
    fn the_median_of_an_even_count_is_between_the_two_middle_values() {
        assert_eq!(of(Statistic::Median, &[4.0, 1.0, 3.0, 2.0]), Some(2.5));
    }

    #[test]
    fn a_nan_sorts_last_and_is_the_largest_but_never_the_smallest() {
        let values = [2.0, f64::NAN, 1.0];
        assert_eq!(of(Statistic::Min, &values), Some(1.0));
        assert_eq!(of(Statistic::Median, &values), Some(2.0));
        for statistic in [
            Statistic::Max,
            Statistic::Sum,
            Statistic::Mean,
            Statistic::Std,
            Statistic::Percentile(99),
        ] {
            assert!(of(statistic, &values).unwrap().is_nan(), "{statistic}");
        }
        assert!(of(Statistic::Max, &[f64::NAN, 9.0]).unwrap().is_nan());
        assert!(of(Statistic::Min, &[f64::NAN]).unwrap().is_nan());
    }

    #[test]
    fn infinities_are_values() {
        assert_eq!(
            of(Statistic::Max, &[f64::NEG_INFINITY]),
            Some(f64::NEG_INFINITY)
        );
        assert_eq!(of(Statistic::Min, &[f64::INFINITY]), Some(f64::INFINITY));
        assert_eq!(
            of(Statistic::Sum, &[f64::INFINITY, 1.0]),
            Some(f64::INFINITY)
        );
    }

    proptest! {
        #[test]
        fn a_calculator_used_before_gives_what_a_fresh_one_gives(
            first in proptest::collection::vec(any::<f64>(), 0..20),
            second in proptest::collection::vec(any::<f64>(), 0..20),
        ) {
            let mut used = Calculator::new();
            used.load(first);
            used.get(Statistic::Median);
            used.load(second.iter().copied());
            for statistic in [Statistic::Median, Statistic::Percentile(37), Statistic::Max, Statistic::Min, Statistic::Std] {
                assert_eq!(used.get(statistic).map(f64::to_bits), of(statistic, &second).map(f64::to_bits));
            }
        }
    }
}
