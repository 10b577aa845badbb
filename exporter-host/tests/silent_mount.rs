//! A real FUSE file system whose daemon stops answering: it costs its own series and nobody else's.
#![allow(
    clippy::unwrap_used,
    reason = "a failed assumption fails the test loudly"
)]

mod common;

use std::time::{Duration, Instant};

use testkit::scrape::scrape;
use testkit::{Mirror, Shipped, metric};

/// How long something may take that must happen at last, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_mount_that_stops_answering_costs_its_own_series_only_and_is_whole_again_afterwards() {
    let mut mount = Mirror::start();
    let point = mount.point().display().to_string();
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

    mount.hang();
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

    mount.go_on();
    let start = Instant::now();
    while error(&scrape(&url)) != Some(0.0) {
        assert!(start.elapsed() < PATIENCE, "the mount does not come back");
        std::thread::sleep(Duration::from_millis(100));
    }
}
