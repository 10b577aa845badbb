//! What AMD graphics cards are, how busy they are and how full their memory is. Source: `/sys/class/drm/cardN/device`.

use runtime::{Collector, ConfigError, Spec};

use crate::config::HostConfig;
use crate::roots::Roots;
use crate::sources::board::{Items, Metric};
use crate::sources::devices::{Absence, DeviceCollector};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "drm",
    default_on: false,
    help: "AMD graphics cards from /sys/class/drm",
    build,
};

const DIR: &str = "class/drm";

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    DeviceCollector::build(config, DIR, Absence::Fine, discover)
}

/// The file, the metric and its HELP.
const NUMBERS: [(&str, &str, &str); 7] = [
    (
        "gpu_busy_percent",
        "node_drm_gpu_busy_percent",
        "How busy the GPU is as a percentage.",
    ),
    (
        "mem_info_gtt_total",
        "node_drm_memory_gtt_size_bytes",
        "The size of the graphics translation table (GTT) block in bytes.",
    ),
    (
        "mem_info_gtt_used",
        "node_drm_memory_gtt_used_bytes",
        "The used amount of the graphics translation table (GTT) block in bytes.",
    ),
    (
        "mem_info_vram_total",
        "node_drm_memory_vram_size_bytes",
        "The size of VRAM in bytes.",
    ),
    (
        "mem_info_vram_used",
        "node_drm_memory_vram_used_bytes",
        "The used amount of VRAM in bytes.",
    ),
    (
        "mem_info_vis_vram_total",
        "node_drm_memory_vis_vram_size_bytes",
        "The size of visible VRAM in bytes.",
    ),
    (
        "mem_info_vis_vram_used",
        "node_drm_memory_vis_vram_used_bytes",
        "The used amount of visible VRAM in bytes.",
    ),
];

fn discover(roots: &Roots, names: &[String], items: &mut Items) {
    let is_card = |name: &&String| {
        let number = name.strip_prefix("card").unwrap_or_default();
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    };
    for card in names.iter().filter(is_card) {
        let path = format!("{DIR}/{card}/device");
        let driver = roots
            .sys_once(&format!("{path}/uevent"))
            .unwrap_or_default();
        if !driver.lines().any(|line| line == "DRIVER=amdgpu") {
            continue;
        }
        let file = |name: &str| roots.attribute(&format!("{path}/{name}"));
        items.info(
            Metric::gauge("node_drm_card_info", "Card information"),
            &[("card", card), ("vendor", "amd")],
            [
                ("memory_vendor", file("mem_info_vram_vendor")),
                (
                    "power_performance_level",
                    file("power_dpm_force_performance_level"),
                ),
                ("unique_id", file("unique_id")),
            ],
        );
        for (name, metric, help) in NUMBERS {
            items.number(file(name), Metric::gauge(metric, help), &[("card", card)]);
        }
    }
}
