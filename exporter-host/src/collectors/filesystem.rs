//! How full the mounted file systems are. Source: the mount table of process 1 (the host's, also from inside a
//! container), and statfs(2) for each mount that the filters leave.

use std::sync::Arc;
use std::time::{Duration, Instant};

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::{FilesystemConfig, HostConfig};
use crate::roots::{KernelFile, Roots};
use crate::sources::mountinfo::{self, Mount};
use crate::sources::prober::{Answer, Paths, Prober, Space};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "filesystem",
    default_on: true,
    help: "size and free space of mounted file systems",
    build,
};

/// File systems behind a server or a daemon, which may stop answering.
const REMOTE: [&str; 14] = [
    "9p",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "fuse",
    "gfs2",
    "glusterfs",
    "gpfs",
    "lustre",
    "nfs",
    "ocfs2",
    "smb",
    "virtiofs",
];

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(FilesystemCollector {
        // Process 1 has the mounts of the host; our own have to do where it is not visible.
        tables: ["1/mountinfo", "self/mountinfo"].map(|path| config.roots.proc(path)),
        roots: config.roots.clone(),
        config: config.filesystem.clone(),
        seen: Vec::new(),
        mounts: Vec::new(),
        paths: Arc::default(),
        prober: Prober::new(),
    }))
}

struct FilesystemCollector {
    tables: [KernelFile; 2],
    roots: Roots,
    config: FilesystemConfig,
    /// The mount table that `mounts` and `paths` were made from: most scrapes find it unchanged.
    seen: Vec<u8>,
    /// The mounts that the filters leave, each with the index of its path.
    mounts: Vec<(Mount, usize)>,
    paths: Arc<Paths>,
    prober: Prober,
}

impl Collector for FilesystemCollector {
    fn update(&mut self, scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        self.refresh()?;
        let deadline = Instant::now() + patience(scrape.remaining(), self.config.mount_timeout);
        let answers = self.prober.ask(&self.paths, deadline);
        emit(&self.mounts, &answers, out);
        self.prober.recycle(answers);
        Ok(())
    }
}

impl FilesystemCollector {
    /// Reads the mount table; if it has changed, makes the lists anew.
    fn refresh(&mut self) -> Result<(), CollectError> {
        let [host, own] = &mut self.tables;
        let table = if host.exists() { host } else { own };
        let text = table.bytes()?;
        if text == self.seen {
            return Ok(());
        }
        self.seen = text.to_vec();
        let mounts = mountinfo::parse(&self.seen).map_err(|error| {
            self.seen.clear();
            table.malformed(&error)
        })?;
        (self.mounts, self.paths) = select(mounts, &self.config, &self.roots);
        Ok(())
    }
}

/// How long to wait for silent mounts: not so long that the rest of the scrape suffers.
fn patience(remaining: Duration, mount_timeout: Duration) -> Duration {
    mount_timeout.min(remaining.mul_f64(0.8))
}

/// Leaves what the filters leave, no mount twice, and lists the paths to ask, local ones first.
fn select(
    mounts: Vec<Mount>,
    config: &FilesystemConfig,
    roots: &Roots,
) -> (Vec<(Mount, usize)>, Arc<Paths>) {
    let mut kept: Vec<Mount> = Vec::new();
    for mut mount in mounts {
        mount.mount_point = roots.without_root(&mount.mount_point).to_owned();
        let is_twice = kept.iter().any(|other| same_series(other, &mount));
        if is_twice
            || config.mount_points.ignores(&mount.mount_point)
            || config.fs_types.ignores(&mount.fs_type)
        {
            continue;
        }
        mount.path = roots.on_host(&mount.path);
        kept.push(mount);
    }
    // The sort is stable: within each kind the order of the table stays.
    kept.sort_by_key(|mount| is_remote(&mount.fs_type));
    let mut paths = Paths::default();
    let mut indexed = Vec::with_capacity(kept.len());
    for mount in kept {
        // One mounted over another: what can be asked is the upper one.
        let known = paths.all.iter().position(|path| *path == mount.path);
        let index = known.unwrap_or(paths.all.len());
        if known.is_none() {
            paths.all.push(mount.path.clone());
            paths.local += usize::from(!is_remote(&mount.fs_type));
        }
        indexed.push((mount, index));
    }
    (indexed, Arc::new(paths))
}

fn same_series(one: &Mount, other: &Mount) -> bool {
    one.mount_point == other.mount_point
        && one.device == other.device
        && one.fs_type == other.fs_type
}

fn is_remote(fs_type: &str) -> bool {
    REMOTE.iter().any(|prefix| fs_type.starts_with(prefix))
}

/// A family with its HELP and what it takes from the answer.
type Gauge = (&'static str, &'static str, fn(&Space) -> f64);

const GAUGES: [Gauge; 5] = [
    (
        "node_filesystem_avail_bytes",
        "Filesystem space available to non-root users in bytes.",
        |space| space.available * space.block_size,
    ),
    (
        "node_filesystem_files",
        "Filesystem total file nodes.",
        |space| space.files,
    ),
    (
        "node_filesystem_files_free",
        "Filesystem total free file nodes.",
        |space| space.files_free,
    ),
    (
        "node_filesystem_free_bytes",
        "Filesystem free space in bytes.",
        |space| space.free * space.block_size,
    ),
    (
        "node_filesystem_size_bytes",
        "Filesystem size in bytes.",
        |space| space.blocks * space.block_size,
    ),
];

fn emit(mounts: &[(Mount, usize)], answers: &[Answer], out: &mut Families) {
    let answer = |index: usize| answers.get(index).copied().flatten();
    for (name, help, value) in GAUGES {
        let mut family = out.family(name, help, MetricType::Gauge);
        for (mount, index) in mounts {
            if let Some(space) = answer(*index) {
                family.sample(&labels(mount), value(&space));
            }
        }
    }
    let mut errors = out.family(
        "node_filesystem_device_error",
        "Whether an error occurred while getting statistics for the given device.",
        MetricType::Gauge,
    );
    for (mount, index) in mounts {
        errors.sample(
            &labels(mount),
            f64::from(u8::from(answer(*index).is_none())),
        );
    }
    let mut read_only = out.family(
        "node_filesystem_readonly",
        "Filesystem read-only status.",
        MetricType::Gauge,
    );
    for (mount, index) in mounts {
        if answer(*index).is_some() {
            read_only.sample(&labels(mount), f64::from(u8::from(mount.read_only)));
        }
    }
    let mut info = out.family(
        "node_filesystem_mount_info",
        "Filesystem mount information.",
        MetricType::Gauge,
    );
    for (mount, index) in mounts {
        if answer(*index).is_some() {
            let Mount {
                device,
                mount_point,
                major,
                minor,
                ..
            } = mount;
            let labels = [
                ("device", device),
                ("major", major),
                ("minor", minor),
                ("mountpoint", mount_point),
            ];
            info.sample(&labels.map(|(name, value)| (name, value.as_str())), 1.0);
        }
    }
}

fn labels(mount: &Mount) -> [(&'static str, &str); 3] {
    [
        ("device", &mount.device),
        ("fstype", &mount.fs_type),
        ("mountpoint", &mount.mount_point),
    ]
}

#[cfg(test)]
mod tests;
