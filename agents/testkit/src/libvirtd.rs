//! A real libvirtd in a private folder and in namespaces of its own: it never sees the machine's
//! own libvirtd, its configuration, its network or its guests. Needs root. The guests that run in
//! it are in [`crate::guest`] and [`crate::tiny`].

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::output::Captured;
use crate::tools::find_program;
use crate::usage::Usage;
use crate::virsh::Virsh;

/// How long libvirtd may take until it answers: it asks QEMU for its abilities first.
const READY_TIMEOUT: Duration = Duration::from_secs(60);

/// Any local user may connect, as root; the log is kept in the private folder.
const LIBVIRTD_CONF: &str = r#"auth_unix_ro = "none"
auth_unix_rw = "none"
unix_sock_group = "root"
log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
"#;

/// What a machine without systemd, AppArmor and virtlogd needs.
const QEMU_CONF: &str = r#"security_driver = "none"
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
cgroup_controllers = []
namespaces = []
stdio_handler = "file"
"#;

/// The bridge in the private network namespace that guests' taps are plugged into; it has the
/// address [`GATEWAY`].
pub const BRIDGE: &str = "nephoscope0";
/// The bridge's own address, which guests may ping; theirs are in 198.18.0.0/16 too.
pub const GATEWAY: &str = "198.18.0.1";

/// A running libvirtd. Dropping it ends it and every guest in it; so does the end of the test's
/// process, however that comes about, thus it may be kept in a `static`.
pub struct Libvirtd {
    // Ended by `drop` before the folder goes.
    child: Child,
    pipes: Mutex<Option<(ChildStdin, BufReader<ChildStdout>)>>,
    stderr: Captured,
    guests: AtomicU32,
    dir: tempfile::TempDir,
}

impl Libvirtd {
    /// Starts one and waits until it answers; panics with its log if it does not.
    pub fn start() -> Self {
        // Under /tmp whatever TMPDIR says: a socket's path has at most 107 bytes, and /run is
        // hidden from the daemon.
        let dir = tempfile::Builder::new()
            .prefix("nephoscope-")
            .tempdir_in("/tmp")
            .unwrap();
        for place in [
            "etc/libvirt/qemu",
            "var/lib/libvirt",
            "var/cache/libvirt",
            "var/log/libvirt",
        ] {
            std::fs::create_dir_all(dir.path().join(place)).unwrap();
        }
        std::fs::create_dir(dir.path().join("run")).unwrap();
        // Nor do guests migrate to the same host, as its UUID says.
        let conf = format!("{LIBVIRTD_CONF}host_uuid = \"{}\"\n", host_uuid(dir.path()));
        std::fs::write(dir.path().join("etc/libvirt/libvirtd.conf"), conf).unwrap();
        std::fs::write(dir.path().join("etc/libvirt/qemu.conf"), QEMU_CONF).unwrap();

        let mut child = Command::new(find_program("unshare"))
            .args([
                "--mount",
                "--net",
                "--uts",
                "--pid",
                "--fork",
                "--kill-child",
                "--mount-proc",
            ])
            .args(["bash", "-c", include_str!("libvirtd.sh"), "libvirtd.sh"])
            .arg(dir.path())
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let pipes = (
            child.stdin.take().unwrap(),
            BufReader::new(child.stdout.take().unwrap()),
        );
        let stderr = Captured::read_from(child.stderr.take().unwrap());
        let pipes = Mutex::new(Some(pipes));
        let mut libvirtd = Self {
            child,
            pipes,
            stderr,
            guests: AtomicU32::new(0),
            dir,
        };
        libvirtd.wait_until_it_answers();
        libvirtd
    }

    fn wait_until_it_answers(&mut self) {
        let deadline = Instant::now() + READY_TIMEOUT;
        while let Err(error) = self.virsh().try_run(["list"]) {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("libvirtd did not start ({status}); it needs root and namespaces");
            }
            assert!(
                Instant::now() < deadline,
                "libvirtd does not answer: {error}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The URI for clients that may change things, such as the exporter with the guest agent.
    pub fn uri(&self) -> String {
        format!("qemu:///system?socket={}", self.socket().display())
    }

    /// The URI of the read-only socket, for clients that open read-only.
    pub fn read_only_uri(&self) -> String {
        format!("qemu:///system?socket={}-ro", self.socket().display())
    }

    /// The read-write UNIX socket.
    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("run/libvirt/libvirt-sock")
    }

    /// The private folder, which goes with the daemon: the place for disks and kernels.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// virsh, connected to this daemon.
    pub fn virsh(&self) -> Virsh {
        Virsh::new(self.uri())
    }

    /// The daemon's own PID, on the machine.
    pub fn pid(&self) -> u32 {
        let pid_file = std::fs::read_to_string(self.dir.path().join("run/libvirtd.pid")).unwrap();
        self.find_process(|process| {
            let status = std::fs::read_to_string(process.join("status")).unwrap_or_default();
            let pids = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
            pids.and_then(|pids| pids.split_whitespace().last()) == Some(pid_file.trim())
        })
        .expect("libvirtd runs")
    }

    /// The daemon's memory and CPU time, without its guests.
    pub fn usage(&self) -> Usage {
        Usage::of(self.pid()).unwrap()
    }

    /// Ends the daemon by SIGTERM; its guests run on.
    pub fn stop_daemon(&mut self) {
        self.ask("stop");
    }

    /// Ends the daemon by SIGKILL; its guests run on.
    pub fn kill_daemon(&mut self) {
        self.ask("kill");
    }

    /// Starts the daemon again, which finds its guests, and waits until it answers.
    pub fn start_daemon(&mut self) {
        self.ask("start");
        self.wait_until_it_answers();
    }

    /// Whether guests can have a tap on [`BRIDGE`]; without, they have QEMU's user network, for
    /// which libvirt counts no packets.
    pub fn has_taps(&self) -> bool {
        // Opened, not only seen: a container may show the device and forbid it.
        std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open("/dev/net/tun")
            .is_ok()
    }

    /// What the daemon logged so far: warnings and errors.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("var/log/libvirt/libvirtd.log"))
            .unwrap_or_default()
    }

    /// A number that no other guest of this daemon got, from 1.
    pub(crate) fn next_number(&self) -> u32 {
        self.guests.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The machine's PID of the QEMU of the domain with `uuid`.
    pub fn qemu_pid(&self, uuid: uuid::Uuid) -> u32 {
        let argument = format!("-uuid\0{uuid}\0");
        self.find_process(|process| {
            std::fs::read_to_string(process.join("cmdline"))
                .is_ok_and(|line| line.contains(&argument))
        })
        .unwrap_or_else(|| panic!("no QEMU of the domain {uuid}"))
    }

    /// The machine's PID of the first process in the namespace that is wanted; `wanted` gets its
    /// folder in `/proc`.
    fn find_process(&self, wanted: impl Fn(&Path) -> bool) -> Option<u32> {
        let namespace = format!("/proc/{}/ns/pid_for_children", self.child.id());
        let namespace = std::fs::read_link(namespace).unwrap();
        let processes = std::fs::read_dir("/proc")
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let mut inside = processes
            .filter(|it| std::fs::read_link(it.join("ns/pid")).is_ok_and(|it| it == namespace));
        let found = inside.find(|process| wanted(process))?;
        found.file_name()?.to_str()?.parse().ok()
    }

    /// Sends a request to the namespace's first process and waits until it is done.
    fn ask(&self, request: &str) {
        let mut pipes = self.pipes.lock().unwrap();
        let (stdin, stdout) = pipes.as_mut().unwrap();
        writeln!(stdin, "{request}").unwrap();
        let mut answer = String::new();
        stdout.read_line(&mut answer).unwrap();
        assert_eq!(
            answer.trim(),
            request,
            "the namespace's first process is gone"
        );
    }
}

/// A UUID for the host that this folder is to libvirtd.
fn host_uuid(dir: &Path) -> uuid::Uuid {
    uuid::Uuid::new_v5(
        &uuid::Uuid::NAMESPACE_URL,
        dir.as_os_str().as_encoded_bytes(),
    )
}

impl Drop for Libvirtd {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- libvirtd:\n{}{}---", self.stderr.text(), self.log());
        }
        // The end of its input tells the namespace's first process to end everything.
        drop(self.pipes.lock().map(|mut pipes| pipes.take()));
        let deadline = Instant::now() + Duration::from_secs(15);
        while self.child.try_wait().is_ok_and(|status| status.is_none()) {
            if Instant::now() >= deadline {
                // `unshare --kill-child` takes the namespace's first process with it.
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
