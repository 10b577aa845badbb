//! The hosts of the tests, file by file.

use std::path::{Path, PathBuf};

use crate::inventory::smbios::tests::{module, processor};
use crate::roots::Roots;

/// A directory with `proc`, `sys` and the like in it.
pub(super) struct Tree(tempfile::TempDir);

impl Tree {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn roots(&self) -> Roots {
        let at = |name| self.0.path().join(name);
        Roots {
            procfs: at("proc"),
            sysfs: at("sys"),
            rootfs: at("root"),
            udev: at("udev"),
        }
    }

    fn at(&self, path: &str) -> PathBuf {
        let path = self.0.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    /// A file with a line.
    pub(super) fn file(&self, path: &str, text: &str) {
        std::fs::write(self.at(path), format!("{text}\n")).unwrap();
    }

    /// Files of one directory: `name=text` for each word pair.
    fn files(&self, dir: &str, files: &[(&str, &str)]) {
        for (name, text) in files {
            self.file(&format!("{dir}/{name}"), text);
        }
    }

    fn link(&self, path: &str, target: &str) {
        std::os::unix::fs::symlink(target, self.at(path)).unwrap();
    }

    fn dir(&self, path: &str) {
        std::fs::create_dir_all(self.0.path().join(path)).unwrap();
    }

    /// Replaces the content of every file.
    pub(super) fn spoil(&self, by: &dyn Fn(&[u8]) -> Vec<u8>) {
        let mut dirs = vec![self.0.path().to_owned()];
        while let Some(dir) = dirs.pop() {
            for entry in std::fs::read_dir(dir).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    dirs.push(entry.path());
                } else if entry.file_type().unwrap().is_file() {
                    let text = std::fs::read(entry.path()).unwrap();
                    std::fs::write(entry.path(), by(&text)).unwrap();
                }
            }
        }
    }

    fn host(&self, name: &str, release: &str) {
        self.files(
            "proc/sys/kernel",
            &[
                ("hostname", name),
                ("osrelease", release),
                ("version", "#1 SMP"),
            ],
        );
        self.file("proc/stat", "cpu  1 2 3\nbtime 1764000000");
        self.file("root/etc/machine-id", "0123456789abcdef0123456789abcdef");
    }

    fn release(&self, id: &str, name: &str, version: &str) {
        let text = format!(
            "ID={id}\nNAME=\"{name}\"\nVERSION_ID=\"{version}\"\nPRETTY_NAME=\"{name} {version}\""
        );
        self.file("root/etc/os-release", &text);
    }

    /// A network device; `place` is where `/sys/class/net/NAME` leads to, below `devices`.
    fn nic(&self, name: &str, place: &str, files: &[(&str, &str)]) -> String {
        let dir = format!("sys/devices/{place}/net/{name}");
        self.dir(&dir);
        self.link(
            &format!("sys/class/net/{name}"),
            &format!("../../devices/{place}/net/{name}"),
        );
        let usual = [
            ("type", "1"),
            ("addr_assign_type", "0"),
            ("flags", "0x1003"),
            ("operstate", "up"),
            ("carrier", "1"),
            ("carrier_changes", "2"),
            ("speed", "25000"),
            ("duplex", "full"),
            ("mtu", "1500"),
            ("statistics/rx_errors", "0"),
            ("statistics/tx_errors", "0"),
            ("statistics/rx_dropped", "7"),
            ("statistics/tx_dropped", "0"),
        ];
        self.files(&dir, &usual);
        self.files(&dir, files);
        if place != "virtual" {
            self.link(
                &format!("{dir}/device"),
                &format!("../../../{}", place.rsplit('/').next().unwrap()),
            );
        }
        dir
    }

    /// The PCI device at `place`, with its driver.
    fn pci(&self, place: &str, driver: &str, node: &str) {
        self.file(&format!("sys/devices/{place}/numa_node"), node);
        self.link(
            &format!("sys/devices/{place}/driver"),
            &format!("../../../bus/pci/drivers/{driver}"),
        );
    }

    /// A block device; `place` as in [`Tree::nic`].
    fn disk(&self, name: &str, place: &str, files: &[(&str, &str)]) -> String {
        let dir = format!("sys/devices/{place}/block/{name}");
        self.dir(&dir);
        self.link(
            &format!("sys/block/{name}"),
            &format!("../devices/{place}/block/{name}"),
        );
        self.files(
            &dir,
            &[
                ("ro", "0"),
                ("removable", "0"),
                ("queue/logical_block_size", "512"),
            ],
        );
        self.files(&dir, files);
        dir
    }
}

/// Two sockets of 48 cores, four NUMA nodes, a module of memory at each socket, no `model name` in `/proc/cpuinfo`.
pub(super) fn kunpeng() -> Tree {
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

/// An x86 compute node: a bond of two ports of one card, a VLAN on it in a bridge, virtual functions, guests' taps, and
/// disks in RAID with LVM on it.
pub(super) fn compute() -> Tree {
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
pub(super) fn dark() -> Tree {
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
            std::fs::remove_file(Path::new(tree.0.path()).join(dir).join("carrier")).unwrap();
        }
    }
    tree
}
