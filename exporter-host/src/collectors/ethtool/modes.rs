//! What a link can do and offers, as the bits of `struct ethtool_cmd` (`enum ethtool_link_mode_bit_indices` up to 31).

use exposition::{Families, MetricType};

use crate::sources::netlink::read_u32;

/// Bytes per second of a link of one Mbit/s.
const MEGABIT: f64 = 1e6 / 8.0;

const AUTONEGOTIATE: u32 = 6;
const PAUSE: u32 = 13;
const ASYMMETRIC_PAUSE: u32 = 14;

/// Kinds of ports.
const PORTS: [(u32, &str); 6] = [
    (7, "TP"),
    (8, "AUI"),
    (9, "MII"),
    (10, "FIBRE"),
    (11, "BNC"),
    (16, "Backplane"),
];

/// Bit, Mbit/s, whether full duplex, and the rest of the mode's name.
const SPEEDS: [(u32, u32, bool, &str); 22] = [
    (0, 10, false, "T"),
    (1, 10, true, "T"),
    (2, 100, false, "T"),
    (3, 100, true, "T"),
    (4, 1000, false, "T"),
    (5, 1000, true, "T"),
    (12, 10_000, true, "T"),
    (17, 1000, true, "KX"),
    (18, 10_000, true, "KX4"),
    (19, 10_000, true, "KR"),
    (20, 10_000, true, "R_FEC"),
    (21, 20_000, true, "MLD2"),
    (22, 20_000, true, "KR2"),
    (23, 40_000, true, "KR4"),
    (24, 40_000, true, "CR4"),
    (25, 40_000, true, "SR4"),
    (26, 40_000, true, "LR4"),
    (27, 56_000, true, "KR4"),
    (28, 56_000, true, "CR4"),
    (29, 56_000, true, "SR4"),
    (30, 56_000, true, "LR4"),
    (31, 25_000, true, "CR"),
];

/// What one word of bits says: the family of its speeds, and those of its capabilities.
struct Word {
    speed: (&'static str, &'static str),
    capabilities: [(&'static str, &'static str, u32); 3],
}

const SUPPORTED: Word = Word {
    speed: (
        "node_network_supported_speed_bytes",
        "Combination of speeds and features supported by network device",
    ),
    capabilities: [
        (
            "node_network_autonegotiate_supported",
            "If this port device supports autonegotiate",
            AUTONEGOTIATE,
        ),
        (
            "node_network_pause_supported",
            "If this port device supports pause frames",
            PAUSE,
        ),
        (
            "node_network_asymmetricpause_supported",
            "If this port device supports asymmetric pause frames",
            ASYMMETRIC_PAUSE,
        ),
    ],
};

const ADVERTISED: Word = Word {
    speed: (
        "node_network_advertised_speed_bytes",
        "Combination of speeds and features offered by network device",
    ),
    capabilities: [
        (
            "node_network_autonegotiate_advertised",
            "If this port device offers autonegotiate",
            AUTONEGOTIATE,
        ),
        (
            "node_network_pause_advertised",
            "If this port device offers pause capability",
            PAUSE,
        ),
        (
            "node_network_asymmetricpause_advertised",
            "If this port device offers asymmetric pause capability",
            ASYMMETRIC_PAUSE,
        ),
    ],
};

fn has(bits: u32, bit: u32) -> bool {
    bits & (1 << bit) != 0
}

impl Word {
    fn emit(&self, device: &str, bits: u32, out: &mut Families) {
        for (bit, speed, is_full, rest) in SPEEDS {
            if has(bits, bit) {
                let (name, help) = self.speed;
                let mode = format!("{speed}base{rest}");
                let duplex = if is_full { "full" } else { "half" };
                let labels = [("device", device), ("duplex", duplex), ("mode", &mode)];
                out.family(name, help, MetricType::Gauge)
                    .sample(&labels, f64::from(speed) * MEGABIT);
            }
        }
        for (name, help, bit) in self.capabilities {
            out.family(name, help, MetricType::Gauge)
                .sample(&[("device", device)], f64::from(has(bits, bit)));
        }
    }
}

/// The series of a `struct ethtool_cmd`.
pub(super) fn emit(device: &str, link: &[u8], out: &mut Families) {
    let word = |place| read_u32(link, place).unwrap_or_default();
    let (supported, advertised) = (word(4), word(8));
    SUPPORTED.emit(device, supported, out);
    for (bit, port) in PORTS {
        if has(supported, bit) {
            out.family(
                "node_network_supported_port_info",
                "Type of ports or PHYs supported by network device",
                MetricType::Gauge,
            )
            .sample(&[("device", device), ("type", port)], 1.0);
        }
    }
    ADVERTISED.emit(device, advertised, out);
    let autonegotiate = link.get(18).copied().unwrap_or_default();
    out.family(
        "node_network_autonegotiate",
        "If this port is using autonegotiate",
        MetricType::Gauge,
    )
    .sample(&[("device", device)], autonegotiate.into());
}
