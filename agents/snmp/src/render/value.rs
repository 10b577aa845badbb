//! What came over the wire as a number and as a label's text.

use async_snmp::Value;

use crate::config::{EnumValues, Kind};
use crate::render::index::{self, Form};
use crate::render::text;

/// Integers up to this can be told apart as 64-bit floats; larger counters wrap around here.
const MANTISSA: u64 = 1 << 53;

/// The number; 0 of what is none. Counters of 64 bits wrap at 2^53 if `wrap`, so that their rate stays exact.
pub(crate) fn number(value: &Value, wrap: bool) -> f64 {
    if let Some(number) = value.as_opaque_float() {
        return f64::from(number);
    }
    if let Some(number) = value.as_opaque_double() {
        return number;
    }
    match value {
        Value::Counter64(number) if wrap => (number % MANTISSA) as f64,
        Value::Counter64(number) => *number as f64,
        other => integer(other) as f64,
    }
}

/// The whole number; 0 of what is none.
pub(crate) fn integer(value: &Value) -> i64 {
    match value {
        Value::Integer(number) => i64::from(*number),
        Value::Counter32(number)
        | Value::Gauge32(number)
        | Value::UInteger32(number)
        | Value::TimeTicks(number) => i64::from(*number),
        Value::Counter64(number) => number.cast_signed(),
        Value::Opaque(_) => {
            let unsigned = value
                .as_opaque_counter64()
                .or_else(|| value.as_opaque_u64());
            let unsigned = unsigned.map(u64::cast_signed);
            unsigned
                .or_else(|| value.as_opaque_i64())
                .unwrap_or_default()
        }
        _ => 0,
    }
}

/// The bytes of a string.
pub(crate) fn bytes(value: &Value) -> Option<&[u8]> {
    match value {
        Value::OctetString(bytes) | Value::Nsap(bytes) => Some(bytes),
        _ => None,
    }
}

/// Appends the value as a label's text. `kind` says what bytes are, `hint` how octets are displayed.
pub(crate) fn push_text(value: &Value, kind: Option<Kind>, hint: &str, out: &mut String) {
    match value {
        Value::OctetString(octets) | Value::Nsap(octets) | Value::Opaque(octets) => {
            if let Some(number) = value.as_opaque_float() {
                text::fraction(f64::from(number), number, out);
            } else if let Some(number) = value.as_opaque_double() {
                text::fraction(number, number, out);
            } else {
                push_octets(value, octets, kind.unwrap_or(Kind::OctetString), hint, out);
            }
        }
        Value::IpAddress(address) => text::joined(address.map(u32::from), ".", out),
        Value::ObjectIdentifier(oid) => text::joined(oid.arcs().iter().copied(), ".", out),
        Value::Counter64(number) => out.push_str(&number.to_string()),
        Value::Integer(_)
        | Value::Counter32(_)
        | Value::Gauge32(_)
        | Value::UInteger32(_)
        | Value::TimeTicks(_) => out.push_str(&integer(value).to_string()),
        _ => {}
    }
}

fn push_octets(value: &Value, octets: &[u8], kind: Kind, hint: &str, out: &mut String) {
    match kind {
        Kind::DisplayString => text::push_lossy(octets, out),
        Kind::OctetString if !hint.is_empty() && !octets.is_empty() => {
            match value.format_with_hint(hint) {
                Some(shown) => out.push_str(&shown),
                None => text::hexadecimal(octets, out),
            }
        }
        // Numbers, addresses and what another object decides about are read as an index is.
        kind if kind.is_index() && kind != Kind::OctetString => {
            let arcs: Vec<u32> = octets.iter().copied().map(u32::from).collect();
            let states = EnumValues::new();
            let form = Form {
                kind,
                fixed_size: 0,
                implied: false,
                states: &states,
            };
            index::read(&arcs, form, out);
        }
        _ => text::hexadecimal(octets, out),
    }
}
