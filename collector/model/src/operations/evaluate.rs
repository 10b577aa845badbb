//! What operations give for a grid of series. The work is bounded: a budget of steps is used up by every value that is
//! computed.

use std::collections::HashSet;

use super::functions::{clip_max, clip_min};
use super::series::{aggregate, both, changes_per_second, differences, map, resample};
use super::{Method, Operation, Reference};
use crate::grid::Grid;
use crate::statistics::Calculator;
use crate::window;

/// What operations give.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    /// The series.
    pub grid: Grid,
    /// Whether they were put together into one, the first; otherwise each belongs to the reference at its place.
    pub aggregated: bool,
}

/// Why operations give nothing, in Gnocchi's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluateError {
    /// Two operands are of other moments.
    #[error("Can't compute timeseries with different granularity {0} <> {1}")]
    Granularity(String, String),
    /// Two operands have several series, but not the same number.
    #[error("Can't compute {0} timeseries with {1} timeseries")]
    Series(usize, usize),
    /// A window is longer than the series.
    #[error("Rolling window '{window}' is greater than serie length '{length}'")]
    Rolling {
        /// Points of the window.
        window: usize,
        /// Points of the series.
        length: usize,
    },
    /// Series are needed where a number stands.
    #[error("'{0}' needs timeseries, not a number")]
    Number(&'static str),
    /// A method that there is only for `aggregate` and `rolling`.
    #[error("Unknown aggregation method '{0}'")]
    Method(&'static str),
    /// More is asked for than is computed for one request.
    #[error("operations take more than {0} steps")]
    TooMuchWork(u64),
    /// It was told to stop.
    #[error("stopped")]
    Stopped,
}

/// Values that are computed between two questions whether to stop.
const STEPS_BETWEEN_LOOKS: usize = 100_000;

/// How far an evaluation goes.
#[derive(Debug, Clone, Copy)]
pub struct Limits<S> {
    /// Most steps; each value computed is one.
    pub steps: u64,
    /// Asked before each operation, and within long ones: whether to give up.
    pub stop: S,
}

/// Evaluates operations on a grid within limits.
///
/// # Errors
/// [`EvaluateError`].
pub fn evaluate<S: Fn() -> bool>(
    operation: &Operation,
    grid: &Grid,
    references: &[Reference],
    limits: &Limits<S>,
) -> Result<Evaluated, EvaluateError> {
    let mut evaluator = Evaluator {
        grid,
        references,
        limits,
        left: limits.steps,
        calculator: Calculator::new(),
    };
    match evaluator.value(operation)? {
        Operand::Series(grid, aggregated) => Ok(Evaluated { grid, aggregated }),
        Operand::Number(_) => Err(EvaluateError::Number("metric")),
    }
}

enum Operand {
    Number(f64),
    /// Series, and whether they are put together from several.
    Series(Grid, bool),
}

struct Evaluator<'g, S> {
    grid: &'g Grid,
    references: &'g [Reference],
    limits: &'g Limits<S>,
    left: u64,
    calculator: Calculator,
}

impl<S: Fn() -> bool> Evaluator<'_, S> {
    fn spend(&mut self, steps: usize) -> Result<(), EvaluateError> {
        if (self.limits.stop)() {
            return Err(EvaluateError::Stopped);
        }
        let steps = u64::try_from(steps).unwrap_or(u64::MAX);
        let left = self.left.checked_sub(steps);
        self.left = left.ok_or(EvaluateError::TooMuchWork(self.limits.steps))?;
        Ok(())
    }

    fn series(
        &mut self,
        name: &'static str,
        operation: &Operation,
    ) -> Result<(Grid, bool), EvaluateError> {
        match self.value(operation)? {
            Operand::Series(grid, aggregated) => {
                self.spend(size(&grid))?;
                Ok((grid, aggregated))
            }
            Operand::Number(_) => Err(EvaluateError::Number(name)),
        }
    }

    fn value(&mut self, operation: &Operation) -> Result<Operand, EvaluateError> {
        self.spend(1)?;
        let (grid, aggregated) = match operation {
            Operation::Number(number) => return Ok(Operand::Number(*number)),
            Operation::Metric(wanted) => (self.select(wanted)?, false),
            Operation::Unary(function, operand) => match self.value(operand)? {
                Operand::Number(number) => return Ok(Operand::Number((function.apply)(number))),
                Operand::Series(grid, aggregated) => {
                    self.spend(size(&grid))?;
                    (map(grid, function.apply), aggregated)
                }
            },
            Operation::Binary(function, operands) => {
                return self.binary(operands, function.apply);
            }
            Operation::Clip {
                value_and_least,
                most,
            } => {
                let held = self.binary(value_and_least, clip_min)?;
                let Some(most) = most else { return Ok(held) };
                let [value, _] = &**value_and_least;
                let bound = self.value(most)?;
                return self.combine((held, value), (bound, most), clip_max);
            }
            Operation::RateOfChange {
                per_second: false,
                operand,
            } => {
                let (grid, aggregated) = self.series("rateofchange", operand)?;
                (differences(grid), aggregated)
            }
            Operation::RateOfChange {
                per_second: true,
                operand,
            } => {
                let (grid, aggregated) = self.series("rateofchangesec", operand)?;
                (changes_per_second(grid), aggregated)
            }
            Operation::Aggregate(method, operand) => {
                let (grid, _) = self.series("aggregate", operand)?;
                (aggregate(grid, *method), true)
            }
            Operation::Resample(method, granularity, operand) => {
                let (grid, aggregated) = self.series("resample", operand)?;
                let aggregation = method.aggregation();
                let aggregation = aggregation.ok_or(EvaluateError::Method(method.name()))?;
                let mut grid = resample(grid, aggregation, |at| window::start(at, *granularity));
                grid.granularity = *granularity;
                (grid, aggregated)
            }
            Operation::Rolling(method, window, operand) => {
                let (grid, aggregated) = self.series("rolling", operand)?;
                (self.rolling(grid, *method, *window)?, aggregated)
            }
        };
        Ok(Operand::Series(grid, aggregated))
    }

    fn select(&mut self, wanted: &[Reference]) -> Result<Grid, EvaluateError> {
        let wanted: HashSet<&Reference> = wanted.iter().collect();
        let columns = self.references.iter().zip(&self.grid.columns);
        let columns = columns.filter(|(reference, _)| wanted.contains(reference));
        let columns: Vec<&Vec<f64>> = columns.map(|(_, column)| column).collect();
        self.spend(columns.len().saturating_mul(self.grid.timestamps.len()))?;
        Ok(Grid {
            granularity: self.grid.granularity,
            timestamps: self.grid.timestamps.clone(),
            columns: columns.into_iter().cloned().collect(),
        })
    }

    fn binary(
        &mut self,
        operands: &[Operation; 2],
        function: fn(f64, f64) -> f64,
    ) -> Result<Operand, EvaluateError> {
        let [left, right] = operands;
        let values = (self.value(left)?, self.value(right)?);
        self.combine((values.0, left), (values.1, right), function)
    }

    fn combine(
        &mut self,
        (left, left_operation): (Operand, &Operation),
        (right, right_operation): (Operand, &Operation),
        function: fn(f64, f64) -> f64,
    ) -> Result<Operand, EvaluateError> {
        match (left, right) {
            (Operand::Number(left), Operand::Number(right)) => {
                Ok(Operand::Number(function(left, right)))
            }
            (Operand::Series(grid, aggregated), Operand::Number(number)) => {
                self.spend(size(&grid))?;
                let grid = map(grid, |value| function(value, number));
                Ok(Operand::Series(grid, aggregated))
            }
            (Operand::Number(number), Operand::Series(grid, aggregated)) => {
                self.spend(size(&grid))?;
                let grid = map(grid, |value| function(number, value));
                Ok(Operand::Series(grid, aggregated))
            }
            (Operand::Series(left, _), Operand::Series(right, _)) => {
                if left.granularity != right.granularity || left.timestamps != right.timestamps {
                    return Err(EvaluateError::Granularity(
                        left_operation.to_string(),
                        right_operation.to_string(),
                    ));
                }
                self.spend(size(&left).saturating_add(size(&right)))?;
                let (lefts, rights) = (left.columns.len(), right.columns.len());
                let grid = both(left, &right, function);
                let grid = grid.ok_or(EvaluateError::Series(lefts, rights))?;
                Ok(Operand::Series(grid, true))
            }
        }
    }

    fn rolling(
        &mut self,
        mut grid: Grid,
        method: Method,
        window: usize,
    ) -> Result<Grid, EvaluateError> {
        let length = grid.timestamps.len();
        if window > length {
            return Err(EvaluateError::Rolling { window, length });
        }
        let windows = (length - window + 1).saturating_mul(grid.columns.len());
        self.spend(windows.saturating_mul(window))?;
        grid.timestamps.drain(..window - 1);
        // Long windows of long series are most of the work that there is: the clock is asked meanwhile.
        let between_looks = (STEPS_BETWEEN_LOOKS / window).max(1);
        for column in &mut grid.columns {
            let mut rolled = Vec::with_capacity((length - window + 1).min(column.len()));
            for (at, values) in column.windows(window).enumerate() {
                if at % between_looks == 0 && (self.limits.stop)() {
                    return Err(EvaluateError::Stopped);
                }
                rolled.push(method.compute(values.iter().copied(), &mut self.calculator));
            }
            *column = rolled;
        }
        Ok(if method.rate { differences(grid) } else { grid })
    }
}

fn size(grid: &Grid) -> usize {
    grid.columns.len().saturating_mul(grid.timestamps.len())
}
