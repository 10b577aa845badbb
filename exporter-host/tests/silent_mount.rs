//! A real FUSE file system whose daemon stops answering: it costs its own series and nobody else's.
#![allow(
    clippy::unwrap_used,
    reason = "a failed assumption fails the test loudly"
)]

mod common;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use testkit::scrape::scrape;
use testkit::tools::try_run;
use testkit::{Peer, Running, Shipped, metric};

/// How long something may take that must happen at last, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A directory that is mounted once more by a daemon; dropping it ends the daemon and the mount.
struct Mount {
    daemon: Running,
    point: PathBuf,
    _dir: tempfile::TempDir,
}

impl Mount {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let [source, point] = ["source", "point"].map(|name| dir.path().join(name));
        std::fs::create_dir(&source).unwrap();
        std::fs::create_dir(&point).unwrap();
        let is_mounted = {
            let point = path(&point);
            move || {
                let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
                mounts.contains(&point)
            }
        };
        let daemon = Peer::new("bindfs")
            .args(["-f".to_owned(), path(&source), path(&point)])
            .ready_when(is_mounted)
            .start();
        Self {
            daemon,
            point,
            _dir: dir,
        }
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        self.daemon.kill();
        let _ = try_run("umount", ["-l".as_ref(), self.point.as_os_str()]);
    }
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn a_mount_that_stops_answering_costs_its_own_series_only_and_is_whole_again_afterwards() {
    let mut mount = Mount::start();
    let point = path(&mount.point);
    let exporter = Shipped::new(common::EXPORTER)
        .args([
            "--collector.filesystem.mount-timeout=200ms",
            // The test's directory may lie below a mount point that is left out by default.
            "--collector.filesystem.mount-points-exclude=^$",
        ])
        .start();
    let url = exporter.url("/metrics");
    let error = |families: &exposition::Families| {
        metric(
            families,
            "node_filesystem_device_error",
            &[("mountpoint", &point)],
        )
    };
    let size = |families: &exposition::Families| {
        metric(
            families,
            "node_filesystem_size_bytes",
            &[("mountpoint", &point)],
        )
    };
    let before = scrape(&url);
    assert_eq!(error(&before), Some(0.0));
    assert!(size(&before).is_some());

    mount.daemon.signal(Signal::STOP);
    for _ in 0..20 {
        let silent = scrape(&url);
        assert_eq!(error(&silent), Some(1.0));
        assert_eq!(size(&silent), None);
        let root = [("mountpoint", "/")];
        assert!(metric(&silent, "node_filesystem_size_bytes", &root).is_some());
        let success = |collector| {
            let labels = [("collector", collector)];
            metric(&silent, "node_scrape_collector_success", &labels)
        };
        assert_eq!(success("filesystem"), Some(1.0));
        assert_eq!(success("loadavg"), Some(1.0));
    }
    assert!(
        exporter.usage().threads < 16,
        "{} threads after 20 scrapes of one silent mount",
        exporter.usage().threads
    );

    mount.daemon.signal(Signal::CONT);
    let start = Instant::now();
    while error(&scrape(&url)) != Some(0.0) {
        assert!(start.elapsed() < PATIENCE, "the mount does not come back");
        std::thread::sleep(Duration::from_millis(100));
    }
}
