//! The functions of values by the names that Gnocchi gives them, with the arithmetic of its numbers: a comparison gives
//! 1 or 0, the remainder has the divisor's sign, NaN stays NaN unless said otherwise.

use std::fmt;

/// A function by one of its names.
pub struct Function<F: 'static> {
    name: &'static str,
    /// What it computes.
    pub(super) apply: F,
}

impl<F> Function<F> {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }
}

impl<F> PartialEq for Function<F> {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl<F> fmt::Debug for Function<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

type Unary = Function<fn(f64) -> f64>;
type Binary = Function<fn(f64, f64) -> f64>;

const fn unary(name: &'static str, apply: fn(f64) -> f64) -> Unary {
    Function { name, apply }
}

const fn binary(name: &'static str, apply: fn(f64, f64) -> f64) -> Binary {
    Function { name, apply }
}

static UNARY: [Unary; 9] = [
    unary("abs", f64::abs),
    unary("absolute", f64::abs),
    unary("neg", negative),
    unary("negative", negative),
    unary("cos", f64::cos),
    unary("sin", f64::sin),
    unary("tan", f64::tan),
    unary("floor", f64::floor),
    unary("ceil", f64::ceil),
];

static BINARY: [Binary; 34] = [
    binary("=", equal),
    binary("==", equal),
    binary("eq", equal),
    binary("<", less),
    binary("lt", less),
    binary(">", greater),
    binary("gt", greater),
    binary("<=", at_most),
    binary("≤", at_most),
    binary("le", at_most),
    binary(">=", at_least),
    binary("≥", at_least),
    binary("ge", at_least),
    binary("!=", different),
    binary("≠", different),
    binary("ne", different),
    binary("%", remainder),
    binary("mod", remainder),
    binary("+", add),
    binary("add", add),
    binary("-", subtract),
    binary("sub", subtract),
    binary("*", multiply),
    binary("×", multiply),
    binary("mul", multiply),
    binary("/", divide),
    binary("÷", divide),
    binary("div", divide),
    binary("**", f64::powf),
    binary("^", f64::powf),
    binary("pow", f64::powf),
    binary("max", f64::max),
    binary("clip_min", clip_min),
    binary("clip_max", clip_max),
];

/// The function of one value of a name.
pub(super) fn find_unary(name: &str) -> Option<&'static Unary> {
    UNARY.iter().find(|function| function.name == name)
}

/// The function of two values of a name.
pub(super) fn find_binary(name: &str) -> Option<&'static Binary> {
    BINARY.iter().find(|function| function.name == name)
}

fn truth(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

fn negative(value: f64) -> f64 {
    -value
}

#[expect(clippy::float_cmp, reason = "equality is what was asked for")]
fn equal(left: f64, right: f64) -> f64 {
    truth(left == right)
}

#[expect(clippy::float_cmp, reason = "inequality is what was asked for")]
fn different(left: f64, right: f64) -> f64 {
    truth(left != right)
}

fn less(left: f64, right: f64) -> f64 {
    truth(left < right)
}

fn greater(left: f64, right: f64) -> f64 {
    truth(left > right)
}

fn at_most(left: f64, right: f64) -> f64 {
    truth(left <= right)
}

fn at_least(left: f64, right: f64) -> f64 {
    truth(left >= right)
}

fn add(left: f64, right: f64) -> f64 {
    left + right
}

fn subtract(left: f64, right: f64) -> f64 {
    left - right
}

fn multiply(left: f64, right: f64) -> f64 {
    left * right
}

fn divide(left: f64, right: f64) -> f64 {
    left / right
}

fn remainder(left: f64, right: f64) -> f64 {
    let rest = left % right;
    if rest == 0.0 {
        0.0_f64.copysign(right)
    } else if (rest < 0.0) != (right < 0.0) {
        rest + right
    } else {
        rest
    }
}

/// The larger of both.
pub(super) fn clip_min(value: f64, least: f64) -> f64 {
    if value.is_nan() || value >= least {
        value
    } else {
        least
    }
}

/// The smaller of both.
pub(super) fn clip_max(value: f64, most: f64) -> f64 {
    if value.is_nan() || value <= most {
        value
    } else {
        most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, left: f64, right: f64) -> f64 {
        (find_binary(name).unwrap().apply)(left, right)
    }

    #[test]
    fn functions_compute_what_numpy_computes() {
        for (name, left, right, expected) in [
            ("mod", -7.0, 3.0, 2.0),
            ("%", 7.0, -3.0, -2.0),
            ("%", 7.5, 2.0, 1.5),
            ("**", 2.0, 10.0, 1024.0),
            ("÷", 1.0, 0.0, f64::INFINITY),
            ("≥", 2.0, 2.0, 1.0),
            ("<", 2.0, 2.0, 0.0),
            ("=", f64::NAN, f64::NAN, 0.0),
            ("≠", f64::NAN, f64::NAN, 1.0),
            ("max", f64::NAN, 3.0, 3.0),
            ("clip_min", -1.0, 0.0, 0.0),
            ("clip_max", -1.0, 0.0, -1.0),
        ] {
            assert_eq!(of(name, left, right), expected, "{left} {name} {right}");
        }
        assert!(of("%", 1.0, 0.0).is_nan() && of("clip_min", f64::NAN, 0.0).is_nan());
        assert!(of("clip_max", 1.0, f64::NAN).is_nan());
    }

    #[test]
    fn a_name_stands_for_one_function() {
        let mut names: Vec<&str> = BINARY.iter().map(Function::name).collect();
        names.extend(UNARY.iter().map(Function::name));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert_eq!(find_unary("round"), None);
    }
}
