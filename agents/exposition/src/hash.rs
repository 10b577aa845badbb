//! A cheap hash for names and labels, and a map keyed by it. Nothing trusts the hash: whoever finds an entry compares the
//! text behind it, so a collision costs a comparison and never a series.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map whose keys are hashes already.
pub(crate) type HashKeyed = HashMap<u64, u32, BuildHasherDefault<PassThrough>>;

/// An odd constant with its bits well spread (the golden ratio's fraction).
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// Both halves of a 128-bit product folded into one.
fn mix(value: u64) -> u64 {
    let product = u128::from(value) * u128::from(MULTIPLIER);
    (product as u64) ^ ((product >> 64) as u64)
}

/// Hash of a text, eight bytes at a step.
pub(crate) fn hash(text: &str) -> u64 {
    let (chunks, tail) = text.as_bytes().as_chunks::<8>();
    let mut state = MULTIPLIER ^ text.len() as u64;
    for chunk in chunks {
        state = mix(state ^ u64::from_le_bytes(*chunk));
    }
    let mut last = [0; 8];
    for (to, from) in last.iter_mut().zip(tail) {
        *to = *from;
    }
    mix(state ^ u64::from_le_bytes(last))
}

/// Hash of a pair; unlike [`hash`] of both one after the other it tells `(a, b)` from `(b, a)`.
pub(crate) fn pair(left: u64, right: u64) -> u64 {
    mix(left.rotate_left(29) ^ right)
}

/// Hands the key through, for it is a hash.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct PassThrough(u64);

impl Hasher for PassThrough {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = mix(self.0 ^ u64::from(*byte));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{hash, pair};

    #[test]
    fn near_texts_have_different_hashes() {
        let texts = [
            "",
            "a",
            "b",
            "aa",
            "abcdefgh",
            "abcdefg",
            "abcdefghi",
            "abcdefgh\0",
        ];
        for (at, left) in texts.iter().enumerate() {
            for right in texts.iter().skip(at + 1) {
                assert_ne!(hash(left), hash(right), "{left:?} and {right:?}");
            }
        }
    }

    #[test]
    fn a_pair_is_ordered() {
        assert_ne!(pair(hash("a"), hash("b")), pair(hash("b"), hash("a")));
    }
}
