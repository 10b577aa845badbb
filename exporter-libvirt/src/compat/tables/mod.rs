//! Which families each peer has, under which name and with which labels: one file for each peer, sorted by its names.

mod inovex;
mod kumina;
mod tinkoff;

use super::{Kept, Peer};

const PLAIN: &[&str] = &[];
const DOMAIN: &[&str] = &["domain"];
const DOMAIN_UUID: &[&str] = &["domain", "uuid"];
const DEVICE: &[&str] = &["domain", "target_device"];
const DEVICE_UUID: &[&str] = &["domain", "uuid", "target_device"];
const VCPU: &[&str] = &["domain", "vcpu"];

impl Peer {
    /// The families that the peer has.
    pub(super) fn table(self) -> &'static [Kept] {
        match self {
            Peer::Inovex => &inovex::FAMILIES,
            Peer::Tinkoff => &tinkoff::FAMILIES,
            Peer::Kumina => &kumina::FAMILIES,
        }
    }
}

/// A family that has one name on both sides.
const fn same(name: &'static str, labels: &'static [&'static str]) -> Kept {
    Kept {
        ours: name,
        theirs: name,
        labels,
    }
}
