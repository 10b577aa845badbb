//! The parts in `packaging/programs`: systemd's own tools read the units and the files beside them, the programs read
//! their configurations.

use std::path::{Path, PathBuf};
use std::time::Duration;

use testkit::{Shipped, tools};

/// The highest exposure that `systemd-analyze security` may find: what needs libvirt's socket may have more.
const EXPOSURE: [(&str, f64); 4] = [
    ("agent-snmp", 2.0),
    ("collector", 2.0),
    ("exporter-host", 2.0),
    ("exporter-libvirt", 3.5),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn part(program: &str, file: &str) -> PathBuf {
    root().join("packaging/programs").join(program).join(file)
}

fn read(program: &str, file: &str) -> String {
    let path = part(program, file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The unit under the name that it is installed by.
fn unit(dir: &Path, program: &str) -> String {
    let path = dir.join(format!("nephoscope-{program}.service"));
    std::fs::write(&path, read(program, "service")).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn every_program_has_its_parts() {
    let mut found: Vec<_> = std::fs::read_dir(root().join("packaging/programs"))
        .unwrap()
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    assert_eq!(found, EXPOSURE.map(|(program, _)| program));
    for program in found {
        for file in [
            "about",
            "service",
            "preset",
            "environment",
            "sysusers.conf",
            "firewalld.xml",
        ] {
            assert!(!read(&program, file).is_empty(), "{program}/{file}");
        }
        let name = format!("nephoscope-{program}");
        let service = read(&program, "service");
        assert!(service.contains(&format!("\nUser={name}\n")), "{service}");
        assert!(
            service.contains(&format!(
                "\nExecStart=/usr/bin/{name} --config.file=/etc/nephoscope/"
            )),
            "{service}"
        );
        assert!(read(&program, "preset").ends_with(&format!("able {name}.service\n")));
    }
}

#[test]
fn a_unit_exposes_no_more_than_its_program_needs() {
    let dir = tempfile::tempdir().unwrap();
    for (program, limit) in EXPOSURE {
        let unit = unit(dir.path(), program);
        let said = tools::run(
            "systemd-analyze",
            ["security", "--offline=true", "--no-pager", &unit],
        );
        let line = said
            .lines()
            .find(|line| line.contains("Overall exposure level"));
        let line = line.unwrap_or_else(|| panic!("{said}"));
        let number = line.rsplit(": ").next().unwrap();
        let exposure: f64 = number.split_whitespace().next().unwrap().parse().unwrap();
        assert!(exposure <= limit, "{program}: {exposure} > {limit}\n{said}");
    }
}

#[test]
fn systemd_understands_units_users_and_folders() {
    let dir = tempfile::tempdir().unwrap();
    for (program, _) in EXPOSURE {
        // The program and its manual are not installed here; of the unit itself there must be nothing to say.
        let unit = unit(dir.path(), program);
        let said = tools::try_run("systemd-analyze", ["verify", "--man=no", &unit]);
        let said = said.err().unwrap_or_default();
        let others = said
            .lines()
            .filter(|it| !it.contains("is not executable") && !it.contains("exit status"));
        assert_eq!(others.collect::<Vec<_>>(), Vec::<&str>::new(), "{program}");

        let root = dir.path().join(program);
        std::fs::create_dir_all(root.join("etc")).unwrap();
        let in_root = format!("--root={}", root.display());
        let users = part(program, "sysusers.conf").canonicalize().unwrap();
        tools::run("systemd-sysusers", [&in_root, users.to_str().unwrap()]);
        let passwd = std::fs::read_to_string(root.join("etc/passwd")).unwrap();
        assert!(
            passwd.contains(&format!("nephoscope-{program}:")),
            "{passwd}"
        );
        if part(program, "tmpfiles.conf").exists() {
            let folders = part(program, "tmpfiles.conf").canonicalize().unwrap();
            tools::run(
                "systemd-tmpfiles",
                [&in_root, "--create", folders.to_str().unwrap()],
            );
            assert!(root.join("var/lib/nephoscope").is_dir(), "{program}");
        }
    }
}

#[test]
fn the_firewall_opens_the_port_that_the_program_listens_on() {
    for (program, _) in EXPOSURE {
        let help = Shipped::new(&format!("nephoscope-{program}"))
            .arg("--help")
            .run(Duration::from_secs(60));
        let listens = help.stdout.split("--web.listen-address").nth(1).unwrap();
        let default = listens.split("[default: ").nth(1).unwrap();
        let port = default
            .split(']')
            .next()
            .unwrap()
            .rsplit(':')
            .next()
            .unwrap();
        let service = read(program, "firewalld.xml");
        assert!(
            service.contains(&format!("<port protocol=\"tcp\" port=\"{port}\"/>")),
            "{service}"
        );
    }
}

#[test]
fn a_program_accepts_the_configuration_that_is_shipped_with_it() {
    for (program, _) in EXPOSURE {
        let files = std::fs::read_dir(part(program, "")).unwrap();
        let files = files.map(|it| it.unwrap().path());
        let files = files.filter(|it| it.extension().is_some_and(|it| it == "yml"));
        let mut files: Vec<_> = files.map(|it| it.display().to_string()).collect();
        files.sort();
        // The SNMP agent has its modules beside its targets.
        let expected = if program == "agent-snmp" { 2 } else { 1 };
        assert_eq!(files.len(), expected, "{program}: {files:?}");
        let options = read(program, "environment");
        let options = options.lines().find_map(|it| it.strip_prefix("OPTIONS="));
        let options = options.unwrap().trim_matches('"').split_whitespace();
        let checked = Shipped::new(&format!("nephoscope-{program}"))
            .args(options)
            .args(["check-config"])
            .args(&files)
            .run(Duration::from_secs(60));
        assert!(checked.status.success(), "{program}: {}", checked.stderr);
        let told = files.iter().map(|file| format!("{file}: ok\n"));
        assert_eq!(checked.stdout, told.collect::<String>());
    }
}

#[test]
fn the_commented_keys_of_the_libvirt_exporters_file_are_its_keys() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("all.yml");
    let text = read("exporter-libvirt", "exporter-libvirt.yml");
    // "#key" is a setting, "# words" are words.
    let is_setting =
        |line: &str| line.trim_start().starts_with('#') && !line.trim_start().starts_with("# ");
    let settings = text
        .lines()
        .filter(|it| is_setting(it))
        .map(|it| it.replacen('#', "", 1));
    std::fs::write(&file, settings.collect::<Vec<_>>().join("\n")).unwrap();
    let checked = Shipped::new("nephoscope-exporter-libvirt")
        .args(["check-config", file.to_str().unwrap()])
        .run(Duration::from_secs(60));
    assert!(checked.status.success(), "{}", checked.stderr);
}
