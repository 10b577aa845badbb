//! The life of the packages on a machine with systemd: installed, started, upgraded, removed.

use std::path::Path;

use testkit::machine::{FILES, Machine};
use testkit::tools;

use crate::built::{META, PROGRAMS, files, folder, newer, package, query};

const NODE: [&str; 2] = ["nephoscope-exporter-host", "nephoscope-exporter-libvirt"];

/// Where each program answers by its shipped configuration.
const PORTS: [(&str, u16); 4] = [
    ("nephoscope-agent-snmp", 9116),
    ("nephoscope-collector", 8041),
    ("nephoscope-exporter-host", 9100),
    ("nephoscope-exporter-libvirt", 9177),
];

/// Collectors that need what this machine has not; of all others the sandbox must not take anything away.
const REFUSED: &str = "permission denied|operation not permitted|read-only file system";

fn rpm(machine: &Machine, arguments: &str) -> String {
    // Debian's rpm warns of itself; its database is where rpm's is elsewhere.
    machine.sh(&format!(
        "cd {FILES} && rpm --force-debian --dbpath /var/lib/rpm {arguments} 2>&1"
    ))
}

/// A package that provides what the distribution's own packages do elsewhere: this machine's are Debian's, of which rpm
/// knows nothing. The requirements themselves are checked in `contents`.
fn stub(dir: &Path) {
    let requires = PROGRAMS
        .map(|name| query(&package(name), &["--requires"]))
        .concat();
    let foreign = requires
        .lines()
        .map(|line| line.split_whitespace().next().unwrap());
    let foreign = foreign.filter(|it| !it.starts_with("rpmlib(") && !it.starts_with("config("));
    let provides: String = foreign.map(|it| format!("Provides: {it}\n")).collect();
    let spec = format!(
        "Name: distribution\nVersion: 1\nRelease: 1\nSummary: what the system has\nLicense: none\nAutoReqProv: no\n\
         {provides}\n%description\nNothing.\n%files\n"
    );
    let path = dir.join("distribution.spec");
    std::fs::write(&path, spec).unwrap();
    let define = |name: &str, value: &str| ["--define".to_owned(), format!("{name} {value}")];
    let at = dir.to_str().unwrap();
    let arguments = [
        define("_topdir", &format!("{at}/stub")),
        define("_rpmdir", at),
        define("_rpmfilename", "distribution.rpm"),
    ];
    let arguments = arguments.iter().flatten().cloned();
    let last = [
        "-bb".to_owned(),
        "--quiet".to_owned(),
        path.to_str().unwrap().to_owned(),
    ];
    tools::run("rpmbuild", arguments.chain(last));
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for file in files(from)
        .iter()
        .filter(|it| !it.to_str().unwrap().contains("aarch64"))
    {
        std::fs::copy(file, to.join(file.file_name().unwrap())).unwrap();
    }
}

fn is_active(machine: &Machine, name: &str) -> bool {
    machine.property(name, "ActiveState") == "active"
}

fn is_enabled(machine: &Machine, name: &str) -> bool {
    machine.property(name, "UnitFileState") == "enabled"
}

/// Waits until each program answers at its port, as the unit and the shipped configuration have it.
fn assert_all_answer(machine: &Machine) {
    for (name, port) in PORTS {
        machine.eventually(name, || {
            machine.get(&format!("http://127.0.0.1:{port}/-/ready"))
        });
        let metrics = machine
            .get(&format!("http://127.0.0.1:{port}/metrics"))
            .unwrap();
        let build = format!("{}_build_info", name.replace('-', "_"));
        assert!(metrics.contains(&build), "{name}: {metrics}");
    }
}

/// Each program runs as its own user, without any capability and under its system call filter.
fn assert_sandboxed(machine: &Machine) {
    for name in PROGRAMS {
        let pid = machine.property(name, "MainPID");
        let status = machine.sh(&format!("cat /proc/{pid}/status"));
        let of = |key: &str| {
            let line = status.lines().find_map(|it| it.strip_prefix(key));
            line.unwrap().trim_start_matches(':').trim().to_owned()
        };
        assert_eq!(of("CapEff").trim_start_matches('0'), "", "{name}");
        assert_eq!(of("CapBnd").trim_start_matches('0'), "", "{name}");
        assert_eq!(
            (of("NoNewPrivs").as_str(), of("Seccomp").as_str()),
            ("1", "2"),
            "{name}"
        );
        let user = machine.sh(&format!("stat -c %U /proc/{pid}"));
        assert_eq!(user, name);
    }
}

/// The sandbox hides nothing of the host from the host exporter: a file system, even under /home and mounted after the
/// start, has its true size and is as writable as it is.
fn assert_host_is_seen(machine: &Machine) {
    machine.sh("mkdir -p /home/people && mount -t tmpfs -o size=8m tmpfs /home/people");
    let metrics = machine.get("http://127.0.0.1:9100/metrics").unwrap();
    let value = |name: &str, label: &str| {
        let mut lines = metrics.lines();
        let line = lines.find(|it| it.starts_with(name) && it.contains(label));
        let line = line.unwrap_or_else(|| panic!("no {name} of {label}"));
        line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()
    };
    let people = "mountpoint=\"/home/people\"";
    assert_eq!(
        value("node_filesystem_size_bytes{", people),
        f64::from(8 << 20)
    );
    assert_eq!(value("node_filesystem_readonly{", people), 0.0);
    assert_eq!(value("node_textfile_scrape_error", ""), 0.0);
    let journal = machine.sh("journalctl -u nephoscope-exporter-host --no-pager | tail -n 200");
    let refused = journal.lines().find(|line| {
        let line = line.to_lowercase();
        REFUSED.split('|').any(|it| line.contains(it))
    });
    assert!(refused.is_none(), "{refused:?}");
}

#[test]
#[ignore = "needs make rpm"]
fn a_machine_installs_starts_upgrades_and_removes_the_rpms() {
    let dir = tempfile::tempdir().unwrap();
    copy(&folder("rpm"), dir.path());
    copy(&newer().join("rpm"), &dir.path().join("newer"));
    stub(dir.path());
    let machine = Machine::boot(dir.path());

    // First installation: users are there, what needs no settings is enabled and runs, the rest waits.
    rpm(&machine, "-i distribution.rpm");
    let said = rpm(&machine, "-i nephoscope-*.rpm");
    assert_eq!(said, "", "scriptlets are to be silent");
    for name in PROGRAMS {
        let on = NODE.contains(&name);
        assert_eq!(is_enabled(&machine, name), on, "{name}");
        machine.eventually(name, || {
            if is_active(&machine, name) == on {
                Ok(())
            } else {
                Err(format!("active: {}", !on))
            }
        });
    }
    for name in PROGRAMS.into_iter().filter(|it| !NODE.contains(it)) {
        machine.run(&["systemctl", "enable", "--now", name]);
    }
    assert_all_answer(&machine);
    assert_sandboxed(&machine);
    assert_host_is_seen(&machine);
    // The node reaches the collector's store by the shipped configurations alone.
    let resources = "http://admin@127.0.0.1:8041/v1/resource/host";
    let stored = machine.eventually("a host in the collector", || {
        let list = machine.get(resources)?;
        if list.contains("\"id\"") {
            Ok(list)
        } else {
            Err(list)
        }
    });
    let id = stored
        .split("\"id\":")
        .nth(1)
        .unwrap()
        .split('"')
        .nth(1)
        .unwrap()
        .to_owned();

    // An upgrade restarts what runs, and keeps configuration and data.
    machine.sh("echo '# mine' >> /etc/nephoscope/collector.yml");
    machine.sh("systemctl stop nephoscope-agent-snmp");
    let before = NODE.map(|name| machine.property(name, "MainPID"));
    let said = rpm(&machine, "-U newer/nephoscope-*.rpm");
    assert!(
        !said.contains("error") && !said.contains("failed"),
        "{said}"
    );
    assert_eq!(
        rpm(&machine, "-q nephoscope-collector --qf '%{RELEASE}'"),
        "2"
    );
    for (name, pid) in NODE.iter().zip(&before) {
        machine.eventually("restart", || {
            let now = machine.property(name, "MainPID");
            if is_active(&machine, name) && now != *pid {
                Ok(())
            } else {
                Err(format!("{name}: {now}"))
            }
        });
    }
    assert!(
        !is_active(&machine, "nephoscope-agent-snmp"),
        "an upgrade starts nothing"
    );
    machine.run(&["systemctl", "start", "nephoscope-agent-snmp"]);
    assert_all_answer(&machine);
    assert!(
        machine
            .sh("cat /etc/nephoscope/collector.yml")
            .ends_with("# mine")
    );
    assert!(machine.get(resources).unwrap().contains(&id));
    for name in PROGRAMS {
        machine.run(&["systemctl", "reload", name]);
        assert!(is_active(&machine, name), "{name}");
        // Nothing of it is broken by the shipped files: rpm itself checks owners, modes and digests.
        let changed = machine.try_run(&[
            "rpm",
            "--force-debian",
            "--dbpath",
            "/var/lib/rpm",
            "-V",
            name,
        ]);
        let changed = changed.unwrap_or_else(|said| said);
        let others = changed
            .lines()
            .filter(|it| it.contains("  /") && !it.contains("collector.yml"));
        assert_eq!(others.collect::<Vec<_>>(), Vec::<&str>::new(), "{name}");
    }

    // Removal stops and disables, and leaves data and what was changed.
    let said = rpm(
        &machine,
        &format!("-e {} {}", PROGRAMS.join(" "), META.join(" ")),
    );
    assert!(
        !said.contains("error") && !said.contains("failed"),
        "{said}"
    );
    for name in PROGRAMS {
        assert!(
            !is_active(&machine, name) && !is_enabled(&machine, name),
            "{name}"
        );
        let link = format!("/etc/systemd/system/multi-user.target.wants/{name}.service");
        assert!(machine.try_run(&["test", "-L", &link]).is_err(), "{link}");
    }
    machine.sh("tail -n 1 /etc/nephoscope/collector.yml.rpmsave | grep -qx '# mine'");
    machine.sh("test -n \"$(ls -A /var/lib/nephoscope/collector)\"");
}

#[test]
#[ignore = "needs make rpm"]
fn a_debian_machine_installs_upgrades_and_removes_the_debs() {
    let dir = tempfile::tempdir().unwrap();
    copy(&folder("deb"), dir.path());
    copy(&newer().join("deb"), &dir.path().join("newer"));
    let machine = Machine::boot(dir.path());
    let dpkg = |arguments: &str| {
        machine.sh(&format!(
            "cd {FILES} && DEBIAN_FRONTEND=noninteractive dpkg {arguments} 2>&1"
        ))
    };

    dpkg("-i nephoscope-*_amd64.deb nephoscope-*_all.deb");
    for name in PROGRAMS {
        machine.run(&["systemctl", "enable", "--now", name]);
    }
    assert_all_answer(&machine);
    assert_sandboxed(&machine);
    let owner = machine.sh("stat -c '%U %G %a' /etc/nephoscope/collector.yml");
    assert_eq!(owner, "root nephoscope-collector 640");

    machine.sh("echo '# mine' >> /etc/nephoscope/collector.yml");
    let before = machine.property("nephoscope-collector", "MainPID");
    dpkg("-i newer/nephoscope-*.deb");
    machine.eventually("restart", || {
        let now = machine.property("nephoscope-collector", "MainPID");
        if now != before && now != "0" {
            Ok(())
        } else {
            Err(now)
        }
    });
    assert_all_answer(&machine);
    assert!(
        machine
            .sh("cat /etc/nephoscope/collector.yml")
            .ends_with("# mine")
    );

    let all = [&PROGRAMS[..], &META[..]].concat().join(" ");
    dpkg(&format!("-r {all}"));
    for name in PROGRAMS {
        assert!(!is_active(&machine, name), "{name}");
    }
    machine.sh("test -n \"$(ls -A /var/lib/nephoscope/collector)\"");
    machine.sh("grep -qx '# mine' /etc/nephoscope/collector.yml");
    dpkg(&format!("-P {all}"));
    machine
        .sh("test ! -e /var/lib/nephoscope/collector && test ! -e /etc/nephoscope/collector.yml");
}
