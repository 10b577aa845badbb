//! What a new catalogue starts with: the resource types that `ceilometer-upgrade` of Ceilometer 19 creates, with their
//! attributes; the archive policies and the rule are the model's. Made once: what is deleted later stays deleted.

use std::collections::BTreeMap;

use collector_model::{ArchivePolicy, ArchivePolicyRule, Attribute, AttributeType, Timestamp};

use crate::changes::Change;
use crate::db::query;
use crate::resource_type::GENERIC;
use crate::{Defaults, Index, IndexError, ResourceType, policy, resource_type, rule};

/// Kinds of attribute that the default types have.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Text of at most 255 characters.
    Text,
    /// Text of at most 64 characters.
    Short,
    Uuid,
    /// A number of 32 bits.
    Number,
    Datetime,
}
use Kind::{Datetime, Number, Short, Text, Uuid};

/// An attribute: its name, its kind, whether it is required.
type Row = (&'static str, Kind, bool);

const HOST_NAME: Row = ("host_name", Text, true);
const CONTROLLER: Row = ("controller", Text, true);

/// Types by name with their attributes.
const CEILOMETER_TYPES: &[(&str, &[Row])] = &[
    ("ceph_account", &[]),
    ("host", &[HOST_NAME]),
    ("host_disk", &[HOST_NAME, ("device_name", Text, false)]),
    (
        "host_network_interface",
        &[HOST_NAME, ("device_name", Text, false)],
    ),
    ("identity", &[]),
    (
        "image",
        &[
            ("container_format", Text, true),
            ("disk_format", Text, true),
            ("name", Text, true),
        ],
    ),
    (
        "instance",
        &[
            ("availability_zone", Text, false),
            ("created_at", Datetime, false),
            ("deleted_at", Datetime, false),
            ("display_name", Text, true),
            ("flavor_id", Text, true),
            ("flavor_name", Text, true),
            ("host", Text, true),
            ("image_ref", Text, false),
            ("launched_at", Datetime, false),
            ("server_group", Text, false),
        ],
    ),
    (
        "instance_disk",
        &[("instance_id", Uuid, true), ("name", Text, true)],
    ),
    (
        "instance_network_interface",
        &[("instance_id", Uuid, true), ("name", Text, true)],
    ),
    ("ipmi", &[]),
    ("ipmi_sensor", &[("node", Text, true)]),
    (
        "manila_share",
        &[
            ("availability_zone", Text, false),
            ("host", Text, true),
            ("name", Text, false),
            ("protocol", Text, false),
            ("status", Text, true),
        ],
    ),
    ("network", &[]),
    ("nova_compute", &[HOST_NAME]),
    ("port", &[CONTROLLER]),
    ("stack", &[]),
    ("swift_account", &[]),
    ("switch", &[CONTROLLER]),
    (
        "switch_port",
        &[
            CONTROLLER,
            ("neutron_port_id", Text, false),
            ("port_number_on_switch", Number, false),
            ("switch", Short, true),
        ],
    ),
    ("switch_table", &[CONTROLLER, ("switch", Short, true)]),
    (
        "volume",
        &[
            ("display_name", Text, false),
            ("image_id", Uuid, false),
            ("instance_id", Uuid, false),
            ("volume_type", Text, false),
        ],
    ),
    ("volume_provider", &[]),
    ("volume_provider_pool", &[("provider", Text, true)]),
];

/// Makes the defaults unless that was done before; all of them or none.
pub(crate) async fn create_defaults(
    index: &Index,
    defaults: Defaults,
    now: Timestamp,
) -> Result<(), IndexError> {
    let mut transaction = index.begin().await?;
    let first = query("INSERT INTO once (what) VALUES ('defaults') ON CONFLICT DO NOTHING")
        .execute(&mut transaction)
        .await?;
    if first == 0 {
        return Ok(());
    }
    resource_type::insert(&mut transaction, &new_type(GENERIC, &[], now)).await?;
    if defaults == Defaults::Full {
        for policy in ArchivePolicy::defaults() {
            policy::insert(&mut transaction, &policy).await?;
        }
        rule::insert(&mut transaction, &ArchivePolicyRule::default_rule()).await?;
        for (name, attributes) in CEILOMETER_TYPES {
            resource_type::insert(&mut transaction, &new_type(name, attributes, now)).await?;
        }
    }
    transaction.will_change(Change::Definitions);
    index.commit(transaction).await
}

/// The attributes of a resource type that `ceilometer-upgrade` of Ceilometer 19 creates, if it creates that one.
#[must_use]
pub fn ceilometer_attributes(name: &str) -> Option<BTreeMap<String, Attribute>> {
    let mut types = CEILOMETER_TYPES.iter();
    let (_, rows) = types.find(|(known, _)| *known == name)?;
    Some(attributes(rows))
}

fn new_type(name: &str, rows: &[Row], now: Timestamp) -> ResourceType {
    ResourceType {
        name: name.to_owned(),
        attributes: attributes(rows),
        updated_at: now,
    }
}

fn attributes(rows: &[Row]) -> BTreeMap<String, Attribute> {
    let attributes = rows.iter().map(|(name, kind, required)| {
        let attribute = Attribute {
            kind: kind.attribute_type(),
            required: *required,
        };
        ((*name).to_owned(), attribute)
    });
    attributes.collect()
}

impl Kind {
    fn attribute_type(self) -> AttributeType {
        let text = |max_length| AttributeType::String {
            min_length: 0,
            max_length,
        };
        match self {
            Text => text(255),
            Short => text(64),
            Uuid => AttributeType::Uuid,
            Number => AttributeType::Number {
                min: Some(0.into()),
                max: Some(u32::MAX.into()),
            },
            Datetime => AttributeType::Datetime,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_types_are_sorted_and_their_attributes_valid() {
        let names: Vec<&str> = CEILOMETER_TYPES.iter().map(|(name, _)| *name).collect();
        assert!(names.is_sorted());
        for (name, attributes) in CEILOMETER_TYPES {
            let new = new_type(name, attributes, Timestamp(0));
            assert_eq!(new.attributes.len(), attributes.len(), "{name}");
            for (name, attribute) in &new.attributes {
                assert_eq!(attribute.check(name), Ok(()), "{name}");
            }
        }
    }
}
