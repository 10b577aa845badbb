//! Tests of the filesystem collector on literals.

use std::path::PathBuf;

use super::*;
use crate::pattern::{Filter, Pattern};

const TABLE: &str = "\
1 0 0:1 / /proc rw - proc proc rw
2 0 8:1 / / rw - ext4 /dev/sda1 rw
3 0 0:2 / /srv/nfs ro - nfs4 server:/export rw
4 0 8:2 / /data rw - xfs /dev/sda2 rw
5 0 8:1 / / rw - ext4 /dev/sda1 rw
6 0 8:3 / /data rw - xfs /dev/sda3 rw
";

const SPACE: Space = Space {
    block_size: 512.0,
    blocks: 100.0,
    free: 50.0,
    available: 40.0,
    files: 10.0,
    files_free: 5.0,
};

fn config() -> FilesystemConfig {
    let filter = |exclude| Filter::new(Pattern::new(exclude).unwrap(), Pattern::default());
    FilesystemConfig {
        mount_points: filter("^/(sys)($|/)"),
        fs_types: filter("^proc$"),
        mount_timeout: Duration::from_secs(5),
    }
}

fn roots(rootfs: &str) -> Roots {
    let nowhere = PathBuf::from("/nonexistent");
    Roots {
        procfs: nowhere.clone(),
        sysfs: nowhere.clone(),
        udev: nowhere,
        rootfs: PathBuf::from(rootfs),
    }
}

fn selected(rootfs: &str) -> (Vec<(Mount, usize)>, Arc<Paths>) {
    select(
        mountinfo::parse(TABLE.as_bytes()).unwrap(),
        &config(),
        &roots(rootfs),
    )
}

fn scraped(answers: &[Answer]) -> String {
    let mut families = Families::new();
    emit(&selected("/").0, answers, &mut families);
    let mut text = String::new();
    exposition::encode(&families, exposition::Format::Text, &mut text);
    text
}

#[test]
fn filtered_and_repeated_mounts_are_left_out_and_remote_ones_come_last() {
    let (mounts, paths) = selected("/");
    let devices: Vec<&str> = mounts
        .iter()
        .map(|(mount, _)| mount.device.as_str())
        .collect();
    assert_eq!(
        devices,
        ["/dev/sda1", "/dev/sda2", "/dev/sda3", "server:/export"]
    );
    assert_eq!(
        paths.all,
        [c"/".to_owned(), c"/data".to_owned(), c"/srv/nfs".to_owned()]
    );
    assert_eq!(paths.local, 2);
    assert_eq!(
        mounts.iter().map(|(_, index)| *index).collect::<Vec<_>>(),
        [0, 1, 1, 2]
    );
}

#[test]
fn mounts_of_the_host_are_asked_under_its_root() {
    let (_, paths) = selected("/host");
    assert_eq!(
        paths.all[..2],
        [c"/host/".to_owned(), c"/host/data".to_owned()]
    );
}

#[test]
fn a_mount_without_an_answer_has_an_error_and_no_sizes() {
    let text = scraped(&[Some(SPACE), Some(SPACE), None]);
    let nfs: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("/srv/nfs"))
        .collect();
    let error = "node_filesystem_device_error{device=\"server:/export\",fstype=\"nfs4\",mountpoint=\"/srv/nfs\"} 1";
    assert_eq!(nfs, [error]);
}

#[test]
fn blocks_become_bytes() {
    let text = scraped(&[Some(SPACE), None, None]);
    let labels = "{device=\"/dev/sda1\",fstype=\"ext4\",mountpoint=\"/\"}";
    for (name, value) in [
        ("size_bytes", 51200),
        ("free_bytes", 25600),
        ("avail_bytes", 20480),
        ("files_free", 5),
    ] {
        let line = format!("node_filesystem_{name}{labels} {value}");
        assert!(
            text.lines().any(|found| found == line),
            "{line} is not in\n{text}"
        );
    }
}

#[test]
fn remote_file_systems_are_known_by_their_type() {
    for fs_type in [
        "nfs",
        "nfs4",
        "fuse.sshfs",
        "fuseblk",
        "cifs",
        "ceph",
        "smb3",
    ] {
        assert!(is_remote(fs_type), "{fs_type}");
    }
    for fs_type in ["ext4", "xfs", "tmpfs", "btrfs", "zfs", "vfat"] {
        assert!(!is_remote(fs_type), "{fs_type}");
    }
}

#[test]
fn a_silent_mount_is_given_up_before_the_scrape_ends() {
    let (short, long) = (Duration::from_secs(2), Duration::from_secs(5));
    assert!(patience(short, long) < short);
    assert_eq!(patience(10 * long, long), long);
    assert_eq!(patience(Duration::ZERO, long), Duration::ZERO);
}
