//! The series of the host's hardware but its network devices: host, processors, memory, disks.

use exposition::{Families, MetricType};

use crate::inventory::disks::Disk;
use crate::inventory::{Hardware, Inventory};

/// Reads and writes all of it. What is not known is an empty label or a missing series.
pub(super) fn emit(inventory: &Inventory, out: &mut Families) {
    let hardware = inventory.hardware();
    host(&hardware, out);
    processors(&hardware, out);
    memory(&hardware, out);
    let disks = inventory.disks();
    disk_series(&disks, out);
}

fn text(value: &Option<String>) -> &str {
    value.as_deref().unwrap_or_default()
}

fn gauge<'a>(out: &'a mut Families, name: &str, help: &str) -> exposition::FamilyWriter<'a> {
    out.family(name, help, MetricType::Gauge)
}

fn host(hardware: &Hardware, out: &mut Families) {
    let host = &hardware.host;
    let labels = [
        ("architecture", text(&host.architecture)),
        ("hostname", text(&host.hostname)),
        ("kernel", text(&host.kernel.release)),
        ("machine_id", text(&host.machine_id)),
        ("os", text(&host.os.pretty_name)),
        ("product", text(&host.hardware.product)),
        ("serial", text(&host.hardware.serial)),
        ("vendor", text(&host.hardware.vendor)),
    ];
    gauge(
        out,
        "node_host_info",
        "Which host this is, what it runs and who made it; value is always 1.",
    )
    .sample(&labels, 1.0);
}

fn processors(hardware: &Hardware, out: &mut Families) {
    let cpu = &hardware.cpu;
    let labels = [
        ("core", text(&cpu.core)),
        ("model", text(&cpu.model)),
        ("vendor", text(&cpu.vendor)),
    ];
    gauge(
        out,
        "node_cpu_model_info",
        "What the processors are; value is always 1.",
    )
    .sample(&labels, 1.0);
    let counts = [
        (
            "node_cpu_sockets",
            "Sockets whose processors are online.",
            cpu.sockets,
        ),
        ("node_cpu_cores", "Cores that are online.", cpu.cores),
        (
            "node_cpu_threads",
            "CPUs that are online, each a hardware thread.",
            cpu.threads,
        ),
    ];
    for (name, help, count) in counts {
        gauge(out, name, help).sample(&[], count as f64);
    }
    for node in &hardware.numa_nodes {
        let id = node.id.to_string();
        let help = "Which CPUs a NUMA node has; value is always 1.";
        gauge(out, "node_numa_node_info", help).sample(&[("cpus", &node.cpus), ("node", &id)], 1.0);
        if let Some(total) = node.total_bytes {
            gauge(out, "node_numa_node_memory_bytes", "Memory of a NUMA node.")
                .sample(&[("node", &id)], total as f64);
        }
    }
}

fn memory(hardware: &Hardware, out: &mut Families) {
    for (slot, module) in hardware.memory.modules.iter().enumerate() {
        let slot = slot.to_string();
        let labels = [
            ("bank", text(&module.bank)),
            ("locator", text(&module.locator)),
            ("manufacturer", text(&module.manufacturer)),
            ("part_number", text(&module.part_number)),
            ("serial", text(&module.serial)),
            ("slot", &slot),
            ("type", module.kind.unwrap_or_default()),
        ];
        let help = "What is in a slot for memory, from the firmware's table; value is always 1.";
        gauge(out, "node_memory_module_info", help).sample(&labels, 1.0);
        if let Some(size) = module.size_bytes {
            let labels = [("locator", text(&module.locator)), ("slot", &slot)];
            let help = "Size of a memory module, 0 for an empty slot.";
            gauge(out, "node_memory_module_size_bytes", help).sample(&labels, size as f64);
        }
    }
}

fn disk_series(disks: &[Disk], out: &mut Families) {
    for disk in disks {
        let rotational = match disk.is_rotational {
            Some(true) => "1",
            Some(false) => "0",
            None => "",
        };
        let labels = [
            ("device", disk.name.as_str()),
            ("firmware", text(&disk.firmware)),
            ("kind", disk.kind.name()),
            ("layer", text(&disk.layer)),
            ("mapper_name", text(&disk.mapper_name)),
            ("model", text(&disk.model)),
            ("pci_address", text(&disk.pci_address)),
            ("rotational", rotational),
            ("serial", text(&disk.serial)),
            ("transport", disk.transport.unwrap_or_default()),
            ("vendor", text(&disk.vendor)),
            ("wwn", text(&disk.wwn)),
        ];
        gauge(
            out,
            "node_block_device_info",
            "What a block device is; value is always 1.",
        )
        .sample(&labels, 1.0);
        let help = "Size of a block device.";
        gauge(out, "node_block_device_size_bytes", help)
            .sample(&[("device", &disk.name)], disk.size_bytes as f64);
    }
    for disk in disks {
        for on in &disk.file_systems {
            let labels = [
                ("device", disk.name.as_str()),
                ("fstype", on.kind.as_str()),
                ("mountpoint", text(&on.mount_point)),
                ("on", &on.device),
            ];
            let help = "Which file systems and swap areas are on a block device or on what is made of it; value is always 1.";
            gauge(out, "node_block_device_filesystem_info", help).sample(&labels, 1.0);
        }
    }
}
