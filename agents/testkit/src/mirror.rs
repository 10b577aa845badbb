//! A directory that is mounted once more by a FUSE daemon, which can be told to stop: a disk, or a server of files, that
//! hangs. Needs root.

use std::path::{Path, PathBuf};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::peer::Peer;
use crate::running::Running;
use crate::tools::try_run;

/// The mount; dropping it ends the daemon and the mount.
pub struct Mirror {
    daemon: Running,
    point: PathBuf,
    _dir: TempDir,
}

impl Mirror {
    /// Mounts an empty directory.
    pub fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let [source, point] = ["source", "point"].map(|name| dir.path().join(name));
        std::fs::create_dir(&source).unwrap();
        std::fs::create_dir(&point).unwrap();
        let [from, to] = [&source, &point].map(|path| path.display().to_string());
        let wanted = to.clone();
        let is_mounted = move || {
            let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
            mounts.contains(&wanted)
        };
        let daemon = Peer::new("bindfs")
            .args(["-f".to_owned(), from, to])
            .ready_when(is_mounted)
            .start();
        Self {
            daemon,
            point,
            _dir: dir,
        }
    }

    /// Where it is mounted.
    pub fn point(&self) -> &Path {
        &self.point
    }

    /// From now on nothing is answered.
    pub fn hang(&mut self) {
        self.daemon.signal(Signal::STOP);
    }

    /// What waits is answered.
    pub fn go_on(&mut self) {
        self.daemon.signal(Signal::CONT);
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        self.daemon.kill();
        let _ = try_run("umount", ["-l".as_ref(), self.point.as_os_str()]);
    }
}
