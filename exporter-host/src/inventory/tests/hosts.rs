//! The hosts of the tests, file by file.

use std::path::PathBuf;

use crate::roots::Roots;

mod compute;
mod kunpeng;

pub(super) use compute::{compute, dark};
pub(super) use kunpeng::kunpeng;

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
