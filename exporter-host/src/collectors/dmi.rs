//! What the firmware says of the host: its vendor, its model, its board and its BIOS. Source: `/sys/class/dmi/id`;
//! serial numbers are there for root only.

use runtime::{Collector, ConfigError, Spec};

use crate::config::HostConfig;
use crate::roots::Roots;
use crate::sources::board::{Items, Metric};
use crate::sources::devices::{Absence, DeviceCollector};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "dmi",
    default_on: true,
    help: "firmware identification from /sys/class/dmi/id",
    build,
};

const DIR: &str = "class/dmi/id";

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    DeviceCollector::build(config, DIR, Absence::NoData, discover)
}

/// The label and the file of each field.
const FIELDS: [(&str, &str); 20] = [
    ("bios_date", "bios_date"),
    ("bios_release", "bios_release"),
    ("bios_vendor", "bios_vendor"),
    ("bios_version", "bios_version"),
    ("board_asset_tag", "board_asset_tag"),
    ("board_name", "board_name"),
    ("board_serial", "board_serial"),
    ("board_vendor", "board_vendor"),
    ("board_version", "board_version"),
    ("chassis_asset_tag", "chassis_asset_tag"),
    ("chassis_serial", "chassis_serial"),
    ("chassis_vendor", "chassis_vendor"),
    ("chassis_version", "chassis_version"),
    ("product_family", "product_family"),
    ("product_name", "product_name"),
    ("product_serial", "product_serial"),
    ("product_sku", "product_sku"),
    ("product_uuid", "product_uuid"),
    ("product_version", "product_version"),
    ("system_vendor", "sys_vendor"),
];

fn discover(roots: &Roots, _names: &[String], items: &mut Items) {
    let files = FIELDS.map(|(label, file)| (label, roots.attribute(&format!("{DIR}/{file}"))));
    items.info(
        Metric::gauge(
            "node_dmi_info",
            "A metric with a constant '1' value labeled by bios_date, bios_release, bios_vendor, bios_version, \
                board_asset_tag, board_name, board_serial, board_vendor, board_version, chassis_asset_tag, \
                chassis_serial, chassis_vendor, chassis_version, product_family, product_name, product_serial, \
                product_sku, product_uuid, product_version, system_vendor if provided by DMI.",
        ),
        &[],
        files,
    );
}
