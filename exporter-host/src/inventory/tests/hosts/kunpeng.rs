//! A Kunpeng 920 server.

use super::Tree;
use crate::inventory::smbios::tests::{module, processor};

/// Two sockets of 48 cores, four NUMA nodes, a module of memory at each socket, no `model name` in `/proc/cpuinfo`.
pub(in crate::inventory::tests) fn kunpeng() -> Tree {
    const CPUS: usize = 96;
    let tree = Tree::new();
    tree.host("compute-arm-1", "5.10.0-216.0.0.115.oe2203sp4.aarch64");
    tree.file("proc/sys/kernel/arch", "aarch64");
    tree.release("openEuler", "openEuler", "22.03");
    let mut text = String::new();
    for cpu in 0..CPUS {
        text += &format!(
            "processor\t: {cpu}\nBogoMIPS\t: 200.00\nFeatures\t: fp asimd\nCPU implementer\t: 0x48\nCPU architecture: 8\n\
             CPU variant\t: 0x1\nCPU part\t: 0xd01\nCPU revision\t: 0\n\n"
        );
        // The numbers of sockets are those of the firmware's table of processors.
        let socket = if cpu < CPUS / 2 { "36" } else { "3002" };
        let dir = format!("sys/devices/system/cpu/cpu{cpu}/topology");
        let siblings = cpu.to_string();
        tree.files(
            &dir,
            &[
                ("physical_package_id", socket),
                ("thread_siblings_list", &siblings),
            ],
        );
    }
    tree.file("proc/cpuinfo", &text);
    tree.files(
        "sys/devices/system/cpu",
        &[("online", "0-95"), ("present", "0-95")],
    );
    for node in 0..4_usize {
        let dir = format!("sys/devices/system/node/node{node}");
        let meminfo = format!(
            "Node {node} MemTotal:       16448000 kB\nNode {node} MemFree:        8000000 kB"
        );
        let distances = ["10 12 20 22", "12 10 22 24", "20 22 10 12", "22 24 12 10"];
        let cpus = format!("{}-{}", node * 24, node * 24 + 23);
        tree.files(
            &dir,
            &[
                ("cpulist", &cpus),
                ("meminfo", &meminfo),
                ("distance", distances[node]),
            ],
        );
    }
    tree.file(
        "sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages",
        "1024",
    );
    tree.file(
        "sys/devices/system/node/node0/hugepages/hugepages-2048kB/free_hugepages",
        "512",
    );
    tree.file(
        "proc/meminfo",
        "MemTotal:       65792000 kB\nSwapTotal:       4194300 kB",
    );
    tree.files(
        "sys/class/dmi/id",
        &[
            ("sys_vendor", "Huawei"),
            ("product_name", "TaiShan 200 (Model 2280)"),
            ("product_serial", "2102312QPT10K8000001"),
            ("product_uuid", "To be filled by O.E.M."),
            ("board_name", "BC82AMDDA"),
            ("bios_vendor", "Huawei Corp."),
            ("bios_version", "6.57"),
        ],
    );
    let table = [processor("CPU01"), processor("CPU02"), module(0), module(1)].concat();
    std::fs::write(tree.at("sys/firmware/dmi/tables/DMI"), table).unwrap();
    let place = "pci0000:7c/0000:7c:00.0/0000:7d:00.0";
    tree.pci(place, "hns3", "0");
    tree.nic(
        "enp125s0f0",
        place,
        &[
            ("address", "44:a1:91:00:00:01"),
            ("ifindex", "2"),
            ("speed", "10000"),
        ],
    );
    let place = "pci0000:74/0000:74:02.0";
    let files = [
        ("size", "7501476528"),
        ("dev", "8:0"),
        ("queue/rotational", "1"),
        ("device/vendor", "SEAGATE"),
        ("device/model", "ST4000NM0025"),
        ("device/rev", "N004"),
        ("wwid", "naa.5000c500a1b2c3d4"),
    ];
    let scsi = format!("{place}/host0/port-0:0/end_device-0:0/target0:0:0/0:0:0:0");
    let dir = tree.disk("sda", &scsi, &files);
    tree.files(
        &format!("{dir}/sda1"),
        &[("partition", "1"), ("size", "7501474480"), ("dev", "8:1")],
    );
    tree.file("udev/b8:0", "E:ID_SERIAL_SHORT=ZC1A2B3C");
    tree.file("udev/b8:1", "E:ID_FS_TYPE=xfs\nE:ID_FS_UUID=6f1c");
    tree.file("proc/1/mountinfo", "1 1 8:1 / / rw - xfs /dev/sda1 rw");
    tree
}
