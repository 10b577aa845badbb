//! The kernels that guests boot: Debian's own, fetched with apt-get once per build folder and unpacked
//! without being installed. Kept are the image and the few modules that a guest loads.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::profile_dir;
use crate::tools::{find_program, run, try_run, try_run_command};

/// One of Debian's kernels.
pub(crate) struct Kernel {
    /// The package that depends on the newest one.
    meta_package: &'static str,
    /// The folder in the build folder.
    folder: &'static str,
    /// What a guest loads, in this order: each needs only those before it.
    pub(crate) modules: &'static [&'static str],
}

/// The kernel for clouds, with virtio.
pub(crate) const CLOUD: Kernel = Kernel {
    meta_package: "linux-image-cloud-amd64",
    folder: "kernel",
    modules: &[
        "virtio_ring",
        "virtio",
        "virtio_pci_legacy_dev",
        "virtio_pci_modern_dev",
        "virtio_pci",
        "virtio_blk",
        "failover",
        "net_failover",
        "virtio_net",
        "virtio_console",
        "virtio_balloon",
    ],
};

/// The kernel for servers, with the drivers of board management controllers that the one for clouds lacks.
pub(crate) const SERVER: Kernel = Kernel {
    meta_package: "linux-image-amd64",
    folder: "server-kernel",
    modules: &["ipmi_msghandler", "ipmi_devintf", "ipmi_si"],
};

impl Kernel {
    /// A folder with `vmlinuz` and a `NAME.ko` for each module, made on first use.
    pub(crate) fn dir(&self) -> PathBuf {
        let cache = profile_dir().parent().unwrap().join("testkit");
        std::fs::create_dir_all(&cache).unwrap();
        // Test programs run side by side: one fetches, the others wait for it.
        let lock = std::fs::File::create(cache.join("kernel.lock")).unwrap();
        lock.lock().unwrap();
        let folder = cache.join(self.folder);
        if !folder.is_dir() {
            self.fetch(&cache, &folder);
        }
        folder
    }

    fn fetch(&self, cache: &Path, kernel: &Path) {
        let work = tempfile::Builder::new()
            .prefix("kernel-")
            .tempdir_in(cache)
            .unwrap();
        if let Err(error) = download(self.meta_package, work.path()) {
            // The lists may be missing, or so old that they name a package that is no more.
            eprintln!("{error}; updating the package lists");
            run("apt-get", ["update", "-qq"]);
            download(self.meta_package, work.path()).unwrap_or_else(|error| panic!("{error}"));
        }
        let deb = find_file(work.path(), &|name| name.ends_with(".deb"));
        let tree = work.path().join("tree");
        run("dpkg", ["-x".as_ref(), deb.as_os_str(), tree.as_os_str()]);

        // Made beside its place and renamed, so that an interrupted run leaves nothing half made.
        let made = work.path().join("kernel");
        std::fs::create_dir(&made).unwrap();
        let image = find_file(&tree.join("boot"), &|name| name.starts_with("vmlinuz-"));
        std::fs::copy(image, made.join("vmlinuz")).unwrap();
        for module in self.modules {
            let file = format!("{module}.ko");
            let found = find_file(&tree.join("lib/modules"), &|name| name == file);
            std::fs::copy(found, made.join(&file)).unwrap();
        }
        std::fs::rename(made, kernel).unwrap();
    }
}

/// Downloads the newest kernel package into `dir`.
fn download(meta_package: &str, dir: &Path) -> Result<(), String> {
    let depends = try_run("apt-cache", ["depends", meta_package])?;
    let package = depends
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Depends: "))
        .find(|name| name.starts_with("linux-image-"))
        .ok_or_else(|| format!("no dependency of {meta_package} is a kernel: {depends}"))?;
    // As root apt would drop to a user who may not write here, and warn of it.
    let mut command = Command::new(find_program("apt-get"));
    command
        .args(["-qq", "-o", "APT::Sandbox::User=root", "download", package])
        .current_dir(dir);
    try_run_command(&mut command).map(drop)
}

/// The first file below `dir` whose name is wanted; panics if there is none.
fn find_file(dir: &Path, wanted: &dyn Fn(&str) -> bool) -> PathBuf {
    let mut dirs = vec![dir.to_path_buf()];
    while let Some(next) = dirs.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                dirs.push(entry.path());
            } else if kind.is_file() && wanted(&entry.file_name().to_string_lossy()) {
                return entry.path();
            }
        }
    }
    panic!(
        "the kernel package has not the expected file in {}",
        dir.display()
    )
}
