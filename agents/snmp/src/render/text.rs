//! The spellings of addresses, bytes and numbers in labels, the same as snmp_exporter's.

use std::fmt::Write as _;

/// Writing to a String cannot fail.
fn write(out: &mut String, text: std::fmt::Arguments<'_>) {
    let written = out.write_fmt(text);
    debug_assert!(written.is_ok());
}

/// `1.2.3`
pub(crate) fn joined(numbers: impl IntoIterator<Item = u32>, separator: &str, out: &mut String) {
    for (at, number) in numbers.into_iter().enumerate() {
        let separator = if at == 0 { "" } else { separator };
        write(out, format_args!("{separator}{number}"));
    }
}

/// `00:1A:2B:3C:4D:5E`
pub(crate) fn mac(numbers: impl Iterator<Item = u32>, out: &mut String) {
    for (at, number) in numbers.enumerate() {
        let separator = if at == 0 { "" } else { ":" };
        write(out, format_args!("{separator}{number:02X}"));
    }
}

/// `FE80:0000:0000:0000:0000:0000:0000:0001`
pub(crate) fn ipv6(numbers: impl Iterator<Item = u32>, out: &mut String) {
    for (at, number) in numbers.enumerate() {
        let separator = if at > 0 && at % 2 == 0 { ":" } else { "" };
        write(out, format_args!("{separator}{number:02X}"));
    }
}

/// `0x0A1B`, or nothing of nothing.
pub(crate) fn hexadecimal(bytes: &[u8], out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    if bytes.is_empty() {
        return;
    }
    out.push_str("0x");
    let digit = |half: u8| {
        DIGITS
            .get(usize::from(half))
            .copied()
            .map_or('0', char::from)
    };
    for byte in bytes {
        out.push(digit(byte >> 4));
        out.push(digit(byte & 0xf));
    }
}

/// Bytes as text; each run of bytes that is not UTF-8 becomes one U+FFFD, as in Go.
pub(crate) fn push_lossy(bytes: &[u8], out: &mut String) {
    let mut in_run = false;
    for chunk in bytes.utf8_chunks() {
        in_run &= chunk.valid().is_empty();
        out.push_str(chunk.valid());
        if !chunk.invalid().is_empty() && !in_run {
            out.push('\u{fffd}');
            in_run = true;
        }
    }
}

/// A fraction without an exponent, as Go's `%f` of the shortest form.
pub(crate) fn fraction(number: f64, shortest: impl std::fmt::Display, out: &mut String) {
    if number.is_nan() {
        out.push_str("NaN");
    } else if number.is_infinite() {
        out.push_str(if number > 0.0 { "+Inf" } else { "-Inf" });
    } else {
        write(out, format_args!("{shortest}"));
    }
}
