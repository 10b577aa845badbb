//! Index numbers as text: how many of an instance's numbers an index takes, and what they say. Numbers that an instance
//! lacks count as zero, because some devices leave trailing zeros out.

use crate::config::{EnumValues, Kind};
use crate::render::text;

/// More numbers than an OID can have: what a broken length asks for beyond is not given.
const MAX_LENGTH: usize = 256;

/// What is known about an index.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form<'a> {
    /// What the numbers are.
    pub(crate) kind: Kind,
    /// Length where the MIB fixes it, else 0.
    pub(crate) fixed_size: usize,
    /// Whether the rest of the instance is this index.
    pub(crate) implied: bool,
    /// States by number.
    pub(crate) states: &'a EnumValues,
}

/// Appends what `arcs` says to `out` and returns how many of the numbers that took; may be more than there are.
pub(crate) fn read(arcs: &[u32], form: Form<'_>, out: &mut String) -> usize {
    let arc = |at: usize| arcs.get(at).copied().unwrap_or_default();
    if let Some(subtype) = form.kind.combined(i64::from(arc(0))) {
        return combined(arcs, subtype, form, out);
    }
    match form.kind {
        Kind::PhysAddress48 => {
            text::mac((0..6).map(arc), out);
            6
        }
        Kind::InetAddressIPv4 => {
            text::joined((0..4).map(arc), ".", out);
            4
        }
        Kind::InetAddressIPv6 => {
            text::ipv6((0..16).map(arc), out);
            16
        }
        Kind::OctetString | Kind::DisplayString => {
            let (skipped, length) = extent(arcs, form);
            let bytes: Vec<u8> = (skipped..skipped + length.min(MAX_LENGTH))
                .map(|at| arc(at).to_le_bytes()[0])
                .collect();
            if form.kind == Kind::OctetString {
                text::hexadecimal(&bytes, out);
            } else {
                text::push_lossy(&bytes, out);
            }
            skipped + length
        }
        Kind::EnumAsInfo => {
            match form.states.get(&i64::from(arc(0))) {
                Some(state) => out.push_str(state),
                None => text::joined([arc(0)], "", out),
            }
            1
        }
        _ => {
            text::joined([arc(0)], "", out);
            1
        }
    }
}

/// Where the bytes of a string begin and how many there are.
fn extent(arcs: &[u32], form: Form<'_>) -> (usize, usize) {
    let known = if form.implied {
        arcs.len()
    } else {
        form.fixed_size
    };
    if known > 0 {
        return (0, known);
    }
    let length = arcs.first().copied().unwrap_or_default();
    (1, length as usize)
}

/// An index that begins with its type.
fn combined(arcs: &[u32], subtype: Option<Kind>, form: Form<'_>, out: &mut String) -> usize {
    let has_length = form.kind != Kind::InetAddressMissingSize;
    let plain = Form {
        kind: subtype.unwrap_or(Kind::OctetString),
        fixed_size: 0,
        implied: false,
        states: form.states,
    };
    if subtype.is_some() {
        let skipped = if has_length { 2 } else { 1 };
        let rest = arcs.get(skipped..).unwrap_or_default();
        return skipped.saturating_add(read(rest, plain, out));
    }
    // An unknown type: all its numbers are told, type and length included.
    let length = arcs.get(1).copied().unwrap_or_default() as usize;
    let whole = if has_length {
        Form {
            fixed_size: length.saturating_add(2),
            ..plain
        }
    } else {
        Form {
            implied: true,
            ..plain
        }
    };
    read(arcs, whole, out)
}
