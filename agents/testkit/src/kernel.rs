//! The kernel that guests boot: Debian's own for clouds, fetched with apt-get once per build folder
//! and unpacked without being installed. Kept are the image and the few modules that a guest loads.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::profile_dir;
use crate::tools::{find_program, run, try_run, try_run_command};

/// What a guest loads, in this order: each needs only those before it.
pub(crate) const MODULES: [&str; 11] = [
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
];

/// The package that depends on the newest kernel for clouds.
const META_PACKAGE: &str = "linux-image-cloud-amd64";

/// A folder with `vmlinuz` and a `NAME.ko` for each of [`MODULES`], made on first use.
pub(crate) fn kernel_dir() -> PathBuf {
    let cache = profile_dir().parent().unwrap().join("testkit");
    std::fs::create_dir_all(&cache).unwrap();
    // Test programs run side by side: one fetches, the others wait for it.
    let lock = std::fs::File::create(cache.join("kernel.lock")).unwrap();
    lock.lock().unwrap();
    let kernel = cache.join("kernel");
    if !kernel.is_dir() {
        fetch(&cache, &kernel);
    }
    kernel
}

fn fetch(cache: &Path, kernel: &Path) {
    let work = tempfile::Builder::new()
        .prefix("kernel-")
        .tempdir_in(cache)
        .unwrap();
    if let Err(error) = download(work.path()) {
        // The lists may be missing, or so old that they name a package that is no more.
        eprintln!("{error}; updating the package lists");
        run("apt-get", ["update", "-qq"]);
        download(work.path()).unwrap_or_else(|error| panic!("{error}"));
    }
    let deb = find_file(work.path(), &|name| name.ends_with(".deb"));
    let tree = work.path().join("tree");
    run("dpkg", ["-x".as_ref(), deb.as_os_str(), tree.as_os_str()]);

    // Made beside its place and renamed, so that an interrupted run leaves nothing half made.
    let made = work.path().join("kernel");
    std::fs::create_dir(&made).unwrap();
    let image = find_file(&tree.join("boot"), &|name| name.starts_with("vmlinuz-"));
    std::fs::copy(image, made.join("vmlinuz")).unwrap();
    for module in MODULES {
        let file = format!("{module}.ko");
        let found = find_file(&tree.join("lib/modules"), &|name| name == file);
        std::fs::copy(found, made.join(&file)).unwrap();
    }
    std::fs::rename(made, kernel).unwrap();
}

/// Downloads the newest kernel package into `dir`.
fn download(dir: &Path) -> Result<(), String> {
    let depends = try_run("apt-cache", ["depends", META_PACKAGE])?;
    let package = depends
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Depends: "))
        .find(|name| name.starts_with("linux-image-"))
        .ok_or_else(|| format!("no dependency of {META_PACKAGE} is a kernel: {depends}"))?;
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
