//! Compute nodes as many clouds have them.

use super::Tree;

/// An x86 compute node: a bond of two ports of one card, a VLAN on it in a bridge, virtual functions, guests' taps, and
/// disks in RAID with LVM on it.
pub(in crate::inventory::tests) fn compute() -> Tree {
    let tree = Tree::new();
    tree.host("compute-1", "6.1.0-28-amd64");
    tree.file("proc/sys/kernel/arch", "x86_64");
    tree.release("debian", "Debian GNU/Linux", "12");
    let mut text = String::new();
    for cpu in 0..4_usize {
        text += &format!(
            "processor\t: {cpu}\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 106\nstepping\t: 6\n\
             model name\t: Intel(R) Xeon(R) Gold 6330 CPU @ 2.00GHz\nflags\t\t: fpu vmx aes\n\n"
        );
        let dir = format!("sys/devices/system/cpu/cpu{cpu}/topology");
        let siblings = if cpu % 2 == 0 { "0,2" } else { "1,3" };
        tree.files(
            &dir,
            &[
                ("physical_package_id", "0"),
                ("core_id", "0"),
                ("thread_siblings_list", siblings),
            ],
        );
    }
    tree.file("proc/cpuinfo", &text);
    tree.files(
        "sys/devices/system/cpu",
        &[
            ("online", "0-3"),
            ("cpu0/cpufreq/cpuinfo_max_freq", "3100000"),
        ],
    );
    tree.file("proc/meminfo", "MemTotal:       16000000 kB");
    network(&tree);
    disks(&tree);
    tree
}

fn network(tree: &Tree) {
    let root = "pci0000:3a/0000:3a:00.0";
    let bond = "../../../../virtual/net/bond0";
    for (name, function, state, carrier) in [
        ("ens1f0", "0", "active", "1"),
        ("ens1f1", "1", "backup", "0"),
    ] {
        let place = format!("{root}/0000:3b:00.{function}");
        tree.pci(&place, "mlx5_core", "0");
        let own = format!("0c:42:a1:00:00:0{function}");
        let operstate = if carrier == "1" { "up" } else { "down" };
        let files = [
            ("address", "0c:42:a1:00:00:00"),
            ("addr_assign_type", "3"),
            ("carrier", carrier),
            ("operstate", operstate),
            ("phys_port_name", if function == "0" { "p0" } else { "p1" }),
            ("bonding_slave/perm_hwaddr", &own),
            ("bonding_slave/state", state),
        ];
        let dir = tree.nic(name, &place, &files);
        tree.link(&format!("{dir}/master"), bond);
    }
    let card = format!("sys/devices/{root}/0000:3b:00.0");
    tree.files(&card, &[("sriov_numvfs", "2"), ("sriov_totalvfs", "8")]);
    let function = format!("{root}/0000:3b:00.2");
    tree.pci(&function, "mlx5_core", "0");
    tree.link(&format!("sys/devices/{function}/physfn"), "../0000:3b:00.0");
    tree.nic(
        "ens1f0v0",
        &function,
        &[("address", "0c:42:a1:00:00:10"), ("flags", "0x1002")],
    );
    let port = [
        ("address", "0c:42:a1:00:00:20"),
        ("phys_port_name", "pf0vf1"),
        ("carrier", "1"),
    ];
    tree.nic("ens1f0r0", &format!("{root}/0000:3b:00.0"), &port);

    let slaves = [
        ("address", "0c:42:a1:00:00:00"),
        ("bonding/mode", "active-backup 1"),
        ("bonding/slaves", "ens1f0 ens1f1"),
        ("uevent", "DEVTYPE=bond\nINTERFACE=bond0"),
    ];
    tree.nic("bond0", "virtual", &slaves);
    let dir = tree.nic(
        "bond0.100",
        "virtual",
        &[("uevent", "DEVTYPE=vlan\nINTERFACE=bond0.100")],
    );
    tree.link(&format!("{dir}/master"), "../br-ex");
    tree.dir(&format!("{dir}/brport"));
    tree.file(
        "proc/net/vlan/config",
        "VLAN Dev name    | VLAN ID\nName-Type: RAW\nbond0.100      | 100  | bond0",
    );
    let bridge = tree.nic(
        "br-ex",
        "virtual",
        &[("uevent", "DEVTYPE=bridge\nINTERFACE=br-ex")],
    );
    tree.dir(&format!("{bridge}/bridge"));
    tree.dir(&format!("{bridge}/brif/bond0.100"));
    tree.nic(
        "lo",
        "virtual",
        &[
            ("type", "772"),
            ("address", "00:00:00:00:00:00"),
            ("operstate", "unknown"),
        ],
    );
    tree.nic(
        "tap0f1c2d3e-45",
        "virtual",
        &[("tun_flags", "0x5002"), ("speed", "10")],
    );
    tree.nic(
        "tun0",
        "virtual",
        &[("tun_flags", "0x1001"), ("type", "65534")],
    );
    tree.nic(
        "veth1",
        "virtual",
        &[("addr_assign_type", "1"), ("address", "02:00:00:00:00:01")],
    );
}

fn disks(tree: &Tree) {
    for (name, port, major) in [("sda", "1", "0"), ("sdb", "2", "16")] {
        let place =
            format!("pci0000:00/0000:00:17.0/ata{port}/host{port}/target{port}:0:0/{port}:0:0:0");
        let files = [
            ("size", "937703088"),
            ("dev", &format!("8:{major}")),
            ("queue/rotational", "0"),
            ("device/vendor", "ATA"),
            ("device/model", "SAMSUNG MZ7LH480"),
        ];
        let dir = tree.disk(name, &place, &files);
        let second = format!("{dir}/{name}2");
        tree.files(
            &second,
            &[("partition", "2"), ("size", "900000000"), ("dev", "8:99")],
        );
        tree.dir(&format!("{second}/holders/md0"));
        if name == "sda" {
            tree.files(
                &format!("{dir}/sda1"),
                &[("partition", "1"), ("size", "1048576"), ("dev", "8:1")],
            );
        }
    }
    tree.link("sys/class/block/sda1", "../../block/sda/sda1");
    tree.file("udev/b8:0", "E:ID_SERIAL_SHORT=S4EVNF0M\nE:ID_ATA=1");
    let md = tree.disk(
        "md0",
        "virtual",
        &[("size", "899999744"), ("dev", "9:0"), ("md/level", "raid1")],
    );
    for name in ["slaves/sda2", "slaves/sdb2", "holders/dm-0", "holders/dm-1"] {
        tree.dir(&format!("{md}/{name}"));
    }
    for (name, volume, minor) in [("dm-0", "vg0-root", "0"), ("dm-1", "vg0-swap", "1")] {
        let files = [
            ("size", "409600"),
            ("dev", &format!("254:{minor}")),
            ("dm/name", volume),
            ("dm/uuid", "LVM-aB1"),
        ];
        let dir = tree.disk(name, "virtual", &files);
        tree.dir(&format!("{dir}/slaves/md0"));
    }
    let nvme = [
        ("size", "7501476528"),
        ("dev", "259:0"),
        ("queue/rotational", "0"),
        ("device/model", "INTEL SSDPE2KX040T8"),
        ("device/serial", "PHLJ0001"),
        ("device/firmware_rev", "VDV10131"),
    ];
    tree.disk("nvme0n1", "pci0000:5d/0000:5e:00.0/nvme/nvme0", &nvme);
    tree.disk("loop0", "virtual", &[("size", "0")]);
    let mounts = "22 1 254:0 / / rw - ext4 /dev/mapper/vg0-root rw\n30 22 8:1 / /boot rw - ext4 /dev/sda1 rw\n\
        31 22 0:40 /@ /var/lib/nova rw - btrfs /dev/nvme0n1 rw";
    tree.file("proc/1/mountinfo", mounts);
    let swaps = "Filename Type Size Used Priority\n/dev/dm-1 partition 204796 0 -2";
    tree.file("proc/swaps", swaps);
}

/// A host whose cables are out, and one device is not even up.
pub(in crate::inventory::tests) fn dark() -> Tree {
    let tree = Tree::new();
    for (name, function, flags) in [("eth0", "0", "0x1003"), ("eth1", "1", "0x1002")] {
        let place = format!("pci0000:00/0000:01:00.{function}");
        tree.pci(&place, "igb", "0");
        let files = [
            ("flags", flags),
            ("operstate", "down"),
            ("carrier", "0"),
            ("carrier_changes", "1"),
            ("speed", "-1"),
            ("duplex", "unknown"),
        ];
        let dir = tree.nic(name, &place, &files);
        if function == "1" {
            // The kernel answers EINVAL.
            std::fs::remove_file(tree.0.path().join(dir).join("carrier")).unwrap();
        }
    }
    tree
}
