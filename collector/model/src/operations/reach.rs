//! How much of the time around a moment the result of operations at that moment depends on: what may be computed piece by
//! piece, and how the pieces are to be cut.

use super::Operation;
use crate::Granularity;

/// What a value depends on besides those of its own moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// On those of so many moments before.
    Moments(usize),
    /// On those of the same window of that length.
    Windows(Granularity),
}

impl Reach {
    /// What a value depends on that is made of two.
    fn and(self, other: Self) -> Option<Self> {
        Some(match (self, other) {
            (Self::Moments(a), Self::Moments(b)) => Self::Moments(a.max(b)),
            (Self::Windows(a), Self::Windows(b)) if a == b => Self::Windows(a),
            // A number has no moments.
            (Self::Windows(one), Self::Moments(0)) | (Self::Moments(0), Self::Windows(one)) => {
                Self::Windows(one)
            }
            _ => return None,
        })
    }

    /// What a value depends on that is made of this one and so many before.
    fn further(self, moments: usize) -> Option<Self> {
        match self {
            Self::Moments(before) => Some(Self::Moments(before.checked_add(moments)?)),
            Self::Windows(_) if moments == 0 => Some(self),
            Self::Windows(_) => None,
        }
    }
}

impl Operation {
    /// What a result depends on; `None` where that is not bounded, or not simply so, and all of the time has to be
    /// computed at once.
    #[must_use]
    pub fn reach(&self) -> Option<Reach> {
        match self {
            Self::Metric(_) | Self::Number(_) => Some(Reach::Moments(0)),
            Self::Unary(_, operand) => operand.reach(),
            Self::Binary(_, operands) => {
                let [left, right] = &**operands;
                left.reach()?.and(right.reach()?)
            }
            Self::Clip {
                value_and_least,
                most,
            } => {
                let [value, least] = &**value_and_least;
                let held = value.reach()?.and(least.reach()?)?;
                match most {
                    Some(most) => held.and(most.reach()?),
                    None => Some(held),
                }
            }
            Self::RateOfChange { operand, .. } => operand.reach()?.further(1),
            Self::Aggregate(method, operand) => operand.reach()?.further(usize::from(method.rate)),
            Self::Rolling(method, window, operand) => {
                let before = window.saturating_sub(1);
                let before = before.checked_add(usize::from(method.rate))?;
                operand.reach()?.further(before)
            }
            Self::Resample(method, granularity, operand) => match operand.reach()? {
                Reach::Moments(0) if !method.rate => Some(Reach::Windows(*granularity)),
                _ => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_looks_at_a_bounded_time_says_at_which() {
        let minutes = |minutes: i64| Granularity::from_nanos(minutes * 60_000_000_000).unwrap();
        for (text, reach) in [
            ("(* (metric a mean) 2)", Some(Reach::Moments(0))),
            ("(aggregate sum (metric a mean))", Some(Reach::Moments(0))),
            (
                "(rolling mean 5 (aggregate rate:mean (metric a mean)))",
                Some(Reach::Moments(5)),
            ),
            (
                "(+ (rateofchange (metric a mean)) (rolling max 3 (metric b mean)))",
                Some(Reach::Moments(2)),
            ),
            (
                "(aggregate max (/ (resample mean 3600 (metric a mean)) 3))",
                Some(Reach::Windows(minutes(60))),
            ),
            (
                "(rolling mean 2 (resample mean 3600 (metric a mean)))",
                None,
            ),
            ("(resample rate:mean 3600 (metric a mean))", None),
            (
                "(+ (resample mean 60 (metric a mean)) (resample mean 120 (metric a mean)))",
                None,
            ),
        ] {
            let operation = Operation::read(&json!(text)).unwrap();
            assert_eq!(operation.reach(), reach, "{text}");
        }
    }
}
