//! Numbers as Go writes them: the shortest text that reads back as the same double, with an exponent of at least two
//! digits below 1e-4 and from 1e+06 on (`strconv`'s format `g`, precision -1). Reading is the other half.

use std::fmt::Write as _;

/// Integers up to here are exact in a double, and their digits are the shortest text.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Writes a value.
pub(crate) fn push(value: f64, out: &mut String) {
    let magnitude = value.abs();
    if magnitude < EXACT && magnitude.fract() == 0.0 {
        if value.is_sign_negative() {
            out.push('-');
        }
        push_integer(magnitude as u64, out);
    } else if value.is_nan() {
        out.push_str("NaN");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    } else if (1e-4..1e6).contains(&magnitude) {
        // Writing to a String cannot fail, here and below.
        let _ = write!(out, "{value}");
    } else {
        push_scientific(value, out);
    }
}

/// Writes a whole number below 2^53.
fn push_integer(number: u64, out: &mut String) {
    if number < 1_000_000 {
        push_digits(number, out);
        return;
    }
    let exponent = number.ilog10();
    let mut digits = number;
    while digits.is_multiple_of(10) {
        digits /= 10;
    }
    let scale = 10_u64.pow(digits.ilog10());
    push_digits(digits / scale, out);
    if scale > 1 {
        let width = scale.ilog10() as usize;
        let _ = write!(out, ".{:0width$}", digits % scale);
    }
    let _ = write!(out, "e+{exponent:02}");
}

fn push_digits(number: u64, out: &mut String) {
    match u8::try_from(number) {
        Ok(digit @ 0..10) => out.push(char::from(b'0' + digit)),
        _ => {
            let _ = write!(out, "{number}");
        }
    }
}

/// Writes with an exponent; Rust has the same digits but spells `1e-7` where Go has `1e-07`.
fn push_scientific(value: f64, out: &mut String) {
    let start = out.len();
    let _ = write!(out, "{value:e}");
    let written = out.get(start..).and_then(|text| {
        let (mantissa, exponent) = text.split_once('e')?;
        Some((mantissa.len(), exponent.parse::<i32>().ok()?))
    });
    if let Some((mantissa, exponent)) = written {
        out.truncate(start + mantissa);
        let sign = if exponent < 0 { '-' } else { '+' };
        let _ = write!(out, "e{sign}{:02}", exponent.unsigned_abs());
    }
}

/// Reads a value: decimal, with or without exponent, `NaN`, `Inf` with or without sign.
pub(crate) fn parse(text: &str) -> Option<f64> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::push;

    fn text(value: f64) -> String {
        let mut out = String::new();
        push(value, &mut out);
        out
    }

    #[test]
    fn numbers_are_spelled_as_go_spells_them() {
        // Literals as printed by client_golang.
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-1.0, "-1"),
            (10.0, "10"),
            (999_999.0, "999999"),
            (1e6, "1e+06"),
            (-1e6, "-1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (1_050_000.0, "1.05e+06"),
            (1_000_001.0, "1.000001e+06"),
            (8_261_431_296.0, "8.261431296e+09"),
            (9_007_199_254_740_991.0, "9.007199254740991e+15"),
            (9_007_199_254_740_992.0, "9.007199254740992e+15"),
            (1e21, "1e+21"),
            (1.797_693_134_862_315_7e308, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
            (0.1, "0.1"),
            (0.0001, "0.0001"),
            (0.00012, "0.00012"),
            (0.00001, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (123_456.789, "123456.789"),
            (1_234_567.5, "1.2345675e+06"),
            (-2.5, "-2.5"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(text(value), expected);
        }
    }

    #[test]
    fn a_number_near_a_power_of_ten_keeps_its_digits() {
        assert_eq!(text(999_999.999_999_999_9), "999999.9999999999");
        assert_eq!(text(0.000_099_999), "9.9999e-05");
    }
}
