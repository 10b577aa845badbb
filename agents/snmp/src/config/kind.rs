//! The types that snmp.yml gives to metrics, indexes and lookups, under the generator's names.

use serde::{Deserialize, Serialize};

/// What a value, or a run of an index's numbers, is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// Goes up and down.
    #[serde(rename = "gauge")]
    Gauge,
    /// Only goes up.
    #[serde(rename = "counter")]
    Counter,
    /// A number in an index.
    Integer,
    /// A number in an index.
    Integer32,
    /// Bytes, told in hexadecimal.
    OctetString,
    /// Bytes that are text.
    DisplayString,
    /// A MAC address.
    PhysAddress48,
    /// An opaque number of 4 bytes.
    Float,
    /// An opaque number of 8 bytes.
    Double,
    /// Four bytes.
    #[serde(alias = "IpAddr", alias = "IpAddress")]
    InetAddressIPv4,
    /// Sixteen bytes.
    InetAddressIPv6,
    /// Bytes whose type is the object before this one.
    InetAddress,
    /// The same where the index lacks the length.
    InetAddressMissingSize,
    /// Bytes whose type is the object before this one.
    LldpPortId,
    /// A state, told by a label.
    EnumAsInfo,
    /// A state, told by a series for each.
    EnumAsStateSet,
    /// Named bits, a series for each.
    Bits,
    /// RFC 2579's date, 8 or 11 bytes.
    DateAndTime,
    /// A date as text.
    ParseDateAndTime,
    /// RFC 5905's date, 8 bytes.
    NTPTimeStamp,
}

impl Kind {
    /// Whether an index can be of this type.
    pub(crate) fn is_index(self) -> bool {
        !matches!(
            self,
            Self::Float
                | Self::Double
                | Self::EnumAsStateSet
                | Self::Bits
                | Self::DateAndTime
                | Self::ParseDateAndTime
                | Self::NTPTimeStamp
        )
    }

    /// For types that another object decides about: whether this is one, and what `subtype`, the other object's value,
    /// makes of it.
    pub(crate) fn combined(self, subtype: i64) -> Option<Option<Self>> {
        match self {
            Self::InetAddress | Self::InetAddressMissingSize => Some(match subtype {
                1 => Some(Self::InetAddressIPv4),
                2 => Some(Self::InetAddressIPv6),
                _ => None,
            }),
            Self::LldpPortId => Some(match subtype {
                1 | 2 | 5 | 7 => Some(Self::DisplayString),
                3 => Some(Self::PhysAddress48),
                _ => None,
            }),
            _ => None,
        }
    }
}
