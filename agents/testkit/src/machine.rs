//! A machine with systemd, to install packages on and to ask for its units: systemd boots in a container whose files are
//! those of this machine, and what is written goes to memory and is gone with it. Units run there as an operator's do,
//! with their whole sandbox.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::tools;

/// How long the machine may take to boot, and a program on it to do what it is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the files that it was booted with lie on it.
pub const FILES: &str = "/opt/files";

/// Mounts, in a mount namespace of its own, an overlay of this machine's root, and boots it. `$0` is the scratch folder.
const BOOT: &str = r#"
mount -t tmpfs tmpfs "$0" && mkdir "$0/upper" "$0/work" "$0/root" &&
mount -t overlay overlay -o "lowerdir=/,upperdir=$0/upper,workdir=$0/work" "$0/root" &&
rm -f "$0/root/etc/machine-id" "$0/root/usr/sbin/policy-rc.d" && touch "$0/root/etc/machine-id" &&
mkdir -p "$0/root/opt/files" && cp -r "$1/." "$0/root/opt/files" &&
exec systemd-nspawn --register=no --keep-unit --quiet --directory="$0/root" --private-network --console=pipe --boot \
    systemd.unit=basic.target
"#;

/// A booted machine; dropping it turns it off.
pub struct Machine {
    nspawn: Child,
    /// The PID of its systemd as we see it.
    leader: u32,
    _scratch: tempfile::TempDir,
}

impl Machine {
    /// Boots it, with the files of a folder under [`FILES`].
    pub fn boot(files: &Path) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let log = std::fs::File::create(scratch.path().join("log")).unwrap();
        let mut nspawn = Command::new("unshare")
            .args(["--mount", "--propagation=private", "sh", "-ec", BOOT])
            .args([scratch.path(), files])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let start = Instant::now();
        let leader = loop {
            if let Some(leader) = systemd_of(nspawn.id()) {
                break leader;
            }
            let ended = nspawn.try_wait().unwrap();
            let said = || std::fs::read_to_string(scratch.path().join("log")).unwrap();
            assert!(ended.is_none(), "systemd-nspawn ended: {}", said());
            assert!(start.elapsed() < PATIENCE, "no systemd: {}", said());
            std::thread::sleep(Duration::from_millis(100));
        };
        let machine = Self {
            nspawn,
            leader,
            _scratch: scratch,
        };
        machine.eventually("boot", || {
            // Its status is 1 for all that is not `running`.
            let state = machine.try_run(&["sh", "-c", "systemctl is-system-running || :"])?;
            let is_up = ["running", "degraded"].contains(&state.as_str());
            is_up.then_some(()).ok_or(state)
        });
        machine
    }

    /// Runs a program on it and returns what it writes to stdout, or to both when it fails.
    pub fn try_run(&self, arguments: &[&str]) -> Result<String, String> {
        let output = Command::new("nsenter")
            .arg(format!("--target={}", self.leader))
            .args(["--mount", "--uts", "--ipc", "--net", "--pid", "--"])
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            let said = [text(&output.stdout), text(&output.stderr)].join("\n");
            Err(format!("{arguments:?}: {}: {said}", output.status))
        }
    }

    /// As [`Machine::try_run`]; a failure fails the test.
    pub fn run(&self, arguments: &[&str]) -> String {
        self.try_run(arguments)
            .unwrap_or_else(|said| panic!("{said}"))
    }

    /// Runs a line of shell.
    pub fn sh(&self, line: &str) -> String {
        self.run(&["sh", "-ec", line])
    }

    /// One property of a unit, as systemd has it now.
    pub fn property(&self, unit: &str, name: &str) -> String {
        self.run(&["systemctl", "show", "--value", "-p", name, unit])
    }

    /// The answer to a GET of a program on it.
    pub fn get(&self, url: &str) -> Result<String, String> {
        self.try_run(&["busybox", "wget", "-q", "-O", "-", url])
    }

    /// Asks again until there is an answer.
    pub fn eventually<T>(&self, what: &str, mut ask: impl FnMut() -> Result<T, String>) -> T {
        let start = Instant::now();
        loop {
            match ask() {
                Ok(answer) => return answer,
                Err(last) if start.elapsed() > PATIENCE => {
                    let journal = self.try_run(&["journalctl", "-b", "-n", "60", "--no-pager"]);
                    panic!("{what}: {last}\n{}", journal.unwrap_or_else(|said| said))
                }
                Err(_) => std::thread::sleep(Duration::from_millis(300)),
            }
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // The first process of a PID namespace takes all others with it; the mounts go with the last process.
        let _ = tools::try_run("kill", ["-KILL", &self.leader.to_string()]);
        let _ = self.nspawn.wait();
    }
}

/// The systemd that an nspawn has started: its child, or the child of its child.
fn systemd_of(nspawn: u32) -> Option<u32> {
    let path = format!("/proc/{nspawn}/task/{nspawn}/children");
    let children = std::fs::read_to_string(path).ok()?;
    let mut children = children.split_whitespace().map(|it| it.parse().unwrap());
    children.find_map(|child: u32| {
        let name = std::fs::read_to_string(format!("/proc/{child}/comm")).ok()?;
        if name.trim() == "systemd" {
            Some(child)
        } else {
            systemd_of(child)
        }
    })
}
