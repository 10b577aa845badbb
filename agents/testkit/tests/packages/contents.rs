//! What is in the packages and what they ask of a system.

use std::collections::BTreeSet;

use testkit::tools;

use crate::built::{META, PROGRAMS, files, folder, pack_again, package, query, root};

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
    for name in PROGRAMS {
        let dir = tempfile::tempdir().unwrap();
        let unpack = r#"rpm2cpio "$0" | (cd "$1" && cpio --quiet -id ./usr/bin/*)"#;
        let package = package(name);
        let at = dir.path().to_str().unwrap();
        tools::run("sh", ["-ec", unpack, package.to_str().unwrap(), at]);
        let binary = dir.path().join("usr/bin").join(name);
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
        let said = tools::run(binary.to_str().unwrap(), ["--version"]);
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
    for name in PROGRAMS {
        let requires = query(&package(name), &["--requires"]);
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
                | "ld-linux-x86-64.so.2" => true,
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
        for file in first
            .iter()
            .filter(|it| !it.to_str().unwrap().contains("aarch64"))
        {
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
