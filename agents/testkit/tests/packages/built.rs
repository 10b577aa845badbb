//! The packages that `packaging/build` has made, and making them again from the same programs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use testkit::tools;

/// The programs with a service each.
pub(crate) const PROGRAMS: [&str; 4] = [
    "nephoscope-agent-snmp",
    "nephoscope-collector",
    "nephoscope-exporter-host",
    "nephoscope-exporter-libvirt",
];
/// Packages without a program.
pub(crate) const META: [&str; 2] = ["nephoscope-agent", "nephoscope-dashboards"];

pub(crate) fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().unwrap()
}

/// `target/package/KIND`, `rpm` or `deb`.
pub(crate) fn folder(kind: &str) -> PathBuf {
    root().join("target/package").join(kind)
}

/// What the programs are compiled for.
pub(crate) const ARCHITECTURES: [&str; 2] = ["x86_64", "aarch64"];

/// The one package of this name that this machine can install.
pub(crate) fn package(name: &str) -> PathBuf {
    package_for(name, "x86_64")
}

/// The one package of this name for this architecture or for all.
pub(crate) fn package_for(name: &str, architecture: &str) -> PathBuf {
    let ends = [format!(".{architecture}.rpm"), ".noarch.rpm".to_owned()];
    let all = files(&folder("rpm"));
    let is_it = |path: &&PathBuf| {
        let file = path.file_name().unwrap().to_str().unwrap();
        let rest = file.strip_prefix(name).and_then(|it| it.strip_prefix('-'));
        rest.is_some_and(|it| it.starts_with(|c: char| c.is_ascii_digit()))
            && ends.iter().any(|it| file.ends_with(it.as_str()))
    };
    let found = all.iter().find(is_it).cloned();
    found.unwrap_or_else(|| panic!("no package {name} among {all:?}: make rpm"))
}

/// The files of a folder, sorted.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}: make rpm", folder.display()));
    let mut files: Vec<_> = entries.map(|it| it.unwrap().path()).collect();
    files.sort();
    files
}

/// The same programs packed as release 2, in `rpm` and `deb` of this folder.
pub(crate) fn newer() -> PathBuf {
    static PACKED: OnceLock<PathBuf> = OnceLock::new();
    let pack = || {
        let out = root().join("target/package-newer");
        pack_again(&out, "2");
        out
    };
    PACKED.get_or_init(pack).clone()
}

/// Packs the compiled programs once more, into `out`.
pub(crate) fn pack_again(out: &Path, release: &str) {
    let mut build = Command::new(root().join("packaging/build"));
    build.args(["rpm", "deb"]).envs([
        ("COMPILE", "no"),
        ("RELEASE", release),
        ("ARCHITECTURES", "x86_64"),
    ]);
    tools::try_run_command(build.env("OUT", out)).unwrap();
}

/// A package's files in a folder that goes with the value, and the program among them.
pub(crate) fn unpacked(name: &str, architecture: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let unpack = r#"rpm2cpio "$0" | (cd "$1" && cpio --quiet -id)"#;
    let package = package_for(name, architecture);
    let at = dir.path().to_str().unwrap();
    tools::run("sh", ["-ec", unpack, package.to_str().unwrap(), at]);
    let binary = dir.path().join("usr/bin").join(name);
    (dir, binary)
}

/// What `rpm -q` says of a package file.
pub(crate) fn query(package: &Path, arguments: &[&str]) -> String {
    let package = package.to_str().unwrap();
    tools::run("rpm", [&["-qp"], arguments, &[package]].concat())
}
