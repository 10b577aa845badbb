//! What is in the packages and what they ask of a system.

use std::collections::BTreeSet;
use std::path::PathBuf;

use testkit::tools;

use crate::built::{
    ARCHITECTURES, META, PROGRAMS, files, folder, pack_again, package, package_for, query, root,
    unpacked,
};
use crate::foreign::emulated;

/// The newest glibc that a program may ask for: CentOS 7's.
const GLIBC: (u32, u32) = (2, 17);
/// The newest libvirt that a program may ask for: CentOS 7's.
const LIBVIRT: (u32, u32) = (4, 5);

/// The versions of a library that a program's symbols ask for, as (major, minor).
fn versions(symbols: &str, library: &str) -> BTreeSet<(u32, u32)> {
    let words = symbols.split(|c: char| c.is_whitespace() || "()".contains(c));
    let versions = words.filter_map(|it| it.strip_prefix(library));
    let parse = |text: &str| {
        let mut parts = text.split('.').map(|it| it.parse().unwrap());
        (parts.next().unwrap(), parts.next().unwrap_or(0))
    };
    versions.map(parse).collect()
}

#[test]
#[ignore = "needs make rpm"]
fn no_program_asks_for_a_newer_glibc_or_libvirt_than_the_oldest_distribution_has() {
    for (name, architecture) in PROGRAMS
        .into_iter()
        .flat_map(|name| ARCHITECTURES.map(|it| (name, it)))
    {
        let (_dir, binary) = unpacked(name, architecture);
        let symbols = tools::run("objdump", ["-T", binary.to_str().unwrap()]);
        let glibc = versions(&symbols, "GLIBC_");
        assert!(!glibc.is_empty(), "{name}: {symbols}");
        assert!(glibc.iter().all(|it| *it <= GLIBC), "{name}: {glibc:?}");
        let libvirt = versions(&symbols, "LIBVIRT_");
        assert!(
            libvirt.iter().all(|it| *it <= LIBVIRT),
            "{name}: {libvirt:?}"
        );
        assert_eq!(libvirt.is_empty(), !name.ends_with("libvirt"), "{name}");
        let said = emulated(architecture, &binary, &["--version"]);
        assert!(said.starts_with(name), "{said}");
        // No path of the machine that built it.
        let bytes = std::fs::read(&binary).unwrap();
        let here = root();
        for path in [here.to_str().unwrap(), ".cargo/registry"] {
            let found = bytes.windows(path.len()).any(|it| it == path.as_bytes());
            assert!(!found, "{name} has {path} in it");
        }
    }
}

#[test]
#[ignore = "needs make rpm"]
fn a_package_asks_for_what_every_distribution_has() {
    for (name, architecture) in PROGRAMS
        .into_iter()
        .flat_map(|name| ARCHITECTURES.map(|it| (name, it)))
    {
        let requires = query(&package_for(name, architecture), &["--requires"]);
        for line in requires.lines() {
            let word = line.split_whitespace().next().unwrap();
            let symbol = word.split('(').next().unwrap();
            let known = match symbol {
                "rpmlib" | "rtld" | "config" => true,
                "/bin/sh"
                | "/usr/bin/getent"
                | "/usr/sbin/groupadd"
                | "/usr/sbin/useradd"
                | "systemd"
                | "libc.so.6"
                | "libdl.so.2"
                | "libm.so.6"
                | "libpthread.so.0"
                | "librt.so.1"
                | "libutil.so.1"
                | "ld-linux-x86-64.so.2"
                | "ld-linux-aarch64.so.1" => true,
                "libvirt.so.0" => name.ends_with("libvirt"),
                _ => false,
            };
            assert!(known, "{name} requires {line}");
            assert!(
                !line.contains(" if "),
                "{name}: rpm 4.11 cannot read {line}"
            );
            // Of rpm itself nothing that 4.11 lacks.
            if symbol == "rpmlib" {
                let feature = word.trim_start_matches("rpmlib(").trim_end_matches(')');
                let old = [
                    "CompressedFileNames",
                    "FileDigests",
                    "PayloadFilesHavePrefix",
                    "PayloadIsXz",
                ];
                assert!(old.contains(&feature), "{name} requires {line}");
            }
        }
    }
    let node = query(&package("nephoscope-agent"), &["--requires"]);
    for program in [
        "nephoscope-exporter-host >= ",
        "nephoscope-exporter-libvirt >= ",
    ] {
        assert!(node.contains(program), "{node}");
    }
}

#[test]
#[ignore = "needs make rpm"]
fn a_package_has_all_that_belongs_to_a_daemon() {
    for name in PROGRAMS {
        let listed = query(&package(name), &["-l"]);
        let files: BTreeSet<_> = listed.lines().collect();
        for file in [
            "/usr/bin/NAME",
            "/usr/lib/systemd/system/NAME.service",
            "/usr/lib/systemd/system-preset/80-NAME.preset",
            "/usr/lib/sysusers.d/NAME.conf",
            "/usr/lib/firewalld/services/NAME.xml",
            "/etc/sysconfig/NAME",
            "/usr/share/man/man1/NAME.1.gz",
            "/usr/share/bash-completion/completions/NAME",
            "/usr/share/zsh/site-functions/_NAME",
            "/usr/share/fish/vendor_completions.d/NAME.fish",
            "/usr/share/licenses/NAME/LICENSE",
            "/usr/share/licenses/NAME/THIRD-PARTY",
            "/usr/share/doc/NAME/sbom.cdx.json",
        ] {
            let file = file.replace("NAME", name);
            assert!(files.contains(file.as_str()), "{name} lacks {file}");
        }
        let configured = query(
            &package(name),
            &["--qf", "[%{FILEFLAGS:fflags} %{FILENAMES}\\n]"],
        );
        for line in configured.lines() {
            let (flags, file) = line.split_once(' ').unwrap();
            let is_noreplace = flags.contains('c') && flags.contains('n');
            let is_folder = file == "/etc/nephoscope";
            assert_eq!(
                is_noreplace,
                file.starts_with("/etc/") && !is_folder,
                "{line}"
            );
        }
        assert!(
            listed.contains("/etc/nephoscope/"),
            "{name} has no configuration"
        );
    }
    for name in META {
        assert!(query(&package(name), &["-l"]).contains("LICENSE"), "{name}");
    }
    let shared = query(&package("nephoscope-dashboards"), &["-l"]);
    for file in [
        "alerts/guests.yml",
        "recording/skyline.yml",
        "grafana/zh/host.json",
        "runbooks/hosts.md",
    ] {
        assert!(
            shared.contains(&format!("/usr/share/nephoscope/{file}")),
            "{file}"
        );
    }
}

/// Says what CycloneDX's schema finds wrong with the file that it is given.
const VALIDATE: &str = "
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
wrong = JsonStrictValidator(SchemaVersion.V1_5).validate_str(open(sys.argv[1]).read())
sys.exit(wrong and str(wrong))";

#[test]
#[ignore = "needs make rpm"]
fn a_bill_of_materials_is_as_its_schema_says() {
    let python = root().join("target/sbom/bin/python");
    for (name, architecture) in PROGRAMS
        .into_iter()
        .flat_map(|name| ARCHITECTURES.map(|it| (name, it)))
    {
        let (dir, _) = unpacked(name, architecture);
        let file = format!("usr/share/doc/{name}/sbom.cdx.json");
        let file = dir.path().join(file);
        let arguments = ["-c", VALIDATE, file.to_str().unwrap()];
        tools::run(python.to_str().unwrap(), arguments);
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains("\"tokio\""), "{name}: {text}");
    }
}

#[test]
#[ignore = "needs make rpm"]
fn packing_the_same_programs_again_gives_the_same_bytes() {
    let again = tempfile::tempdir().unwrap();
    pack_again(again.path(), "1");
    for kind in ["rpm", "deb"] {
        let first = files(&folder(kind));
        assert!(
            first.len() >= PROGRAMS.len() + META.len(),
            "{kind}: {first:?}"
        );
        let is_of_here = |it: &&PathBuf| {
            let name = it.to_str().unwrap();
            !name.contains("aarch64") && !name.contains("arm64")
        };
        for file in first.iter().filter(is_of_here) {
            let other = again.path().join(kind).join(file.file_name().unwrap());
            let same = std::fs::read(file).unwrap() == std::fs::read(&other).unwrap();
            assert!(same, "{} differs from {}", file.display(), other.display());
        }
    }
}

#[test]
#[ignore = "needs make rpm"]
fn rpmlint_finds_only_what_is_explained() {
    let config = root().join("packaging/rpm/rpmlint.toml");
    let packages = files(&folder("rpm"));
    let said = tools::run(
        "rpmlint",
        [
            &["--strict", "--config", config.to_str().unwrap()],
            &packages
                .iter()
                .map(|it| it.to_str().unwrap())
                .collect::<Vec<_>>()[..],
        ]
        .concat(),
    );
    assert!(said.contains(" 0 errors, 0 warnings"), "{said}");
}
