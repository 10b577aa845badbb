//! What the tests of the shipped binary share: the fixture trees and a way to start the exporter on them.
#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(
    clippy::unwrap_used,
    reason = "a failed assumption fails the test loudly"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use exposition::{Families, FamilyRef};
use testkit::{Running, Shipped};

/// The binary under test.
pub(crate) const EXPORTER: &str = env!("CARGO_BIN_EXE_nephoscope-exporter-host");

/// The host that the fixture files describe.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// What our exporter says of that host.
pub(crate) fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/metrics.txt")
}

/// The flags that make an exporter read the host under `tree` and nothing of this machine. Mount points are looked for
/// in a root that is not there, because what is on this machine's disks is nobody's fixture.
pub(crate) fn paths(tree: &Path) -> Vec<String> {
    let tree = tree.display();
    vec![
        format!("--path.procfs={tree}/proc"),
        format!("--path.sysfs={tree}/sys"),
        format!("--path.udev.data={tree}/udev"),
        format!("--path.rootfs={tree}/no-root"),
        format!("--collector.textfile.directory={tree}/textfile"),
        format!("--collector.qdisc.fixtures={tree}/qdisc"),
        format!("--collector.wifi.fixtures={tree}/wifi"),
        "--no-collector.netdev.netlink".to_owned(),
    ]
}

/// The collectors that run only when a flag says so, and read files.
pub(crate) const DEFAULT_OFF: [&str; 28] = [
    "--collector.buddyinfo",
    "--collector.cgroups",
    "--collector.cpu.info",
    "--collector.cpu.info.bugs-include=^mds$",
    "--collector.cpu.info.flags-include=^(vmx|aes)$",
    "--collector.cpu_vulnerabilities",
    "--collector.daemons",
    "--collector.daemons.names=nova-compute,libvirtd",
    "--collector.dmmultipath",
    "--collector.drbd",
    "--collector.drm",
    "--collector.interrupts",
    "--collector.ksmd",
    "--collector.lnstat",
    "--collector.meminfo_numa",
    "--collector.mountstats",
    "--collector.pcidevice",
    "--collector.pcidevice.names",
    "--collector.processes",
    "--collector.qdisc",
    "--collector.slabinfo",
    "--collector.softirqs",
    "--collector.swap",
    "--collector.sysctl",
    "--collector.sysctl.include=fs.file-nr:total,current,max",
    "--collector.wifi",
    "--collector.xfrm",
    "--collector.zoneinfo",
];

/// Collectors that ask the kernel of this machine, whatever the paths are.
pub(crate) const LIVE: [&str; 1] = ["--no-collector.timex"];

/// Our exporter on the host under `tree`, with all its collectors.
pub(crate) fn start_on(tree: &Path) -> Running {
    Shipped::new(EXPORTER)
        .args(paths(tree))
        .args(DEFAULT_OFF)
        .args(LIVE)
        .arg("--collector.bcache.priorityStats")
        .arg(format!(
            "--collector.pcidevice.idsfile={}/pci.ids",
            tree.display()
        ))
        .env("TZ", "")
        .start()
}

/// A copy of the fixtures that a test may damage.
pub(crate) fn copy_of_fixtures() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    copy(&fixtures(), dir.path());
    dir
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_symlink() {
            let leads_to = std::fs::read_link(entry.path()).unwrap();
            std::os::unix::fs::symlink(leads_to, target).unwrap();
        } else if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Values by what is said of their family and by their labels.
pub(crate) type Series = BTreeMap<(String, BTreeSet<String>), f64>;

/// All series with a value, without the labels that are empty; `said` is of their family, nothing of those to leave out.
pub(crate) fn series(
    families: &Families,
    said: impl Fn(&FamilyRef<'_>) -> Option<String>,
) -> Series {
    let mut all = Series::new();
    for family in families.iter() {
        let Some(said) = said(&family) else { continue };
        for sample in family.samples() {
            let labels = sample.labels().filter(|(_, value)| !value.is_empty());
            let labels = labels.map(|(name, value)| format!("{name}={value}"));
            all.insert((said.clone(), labels.collect()), sample.value);
        }
    }
    all
}
