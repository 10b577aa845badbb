//! Starts programs that are not ours on a free port and waits until they answer: the exporters,
//! Prometheus and services that we are compared with. Our own programs say themselves when they
//! listen, see [`crate::process`].

use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::running::Running;
use crate::tools::find_program;

/// How long a peer may take to answer.
const READY_TIMEOUT: Duration = Duration::from_secs(60);
/// A free port may be taken by someone else before the peer binds it; then another one is tried.
const ATTEMPTS: usize = 3;

enum Ready {
    Tcp,
    Http(String),
    Udp(Vec<u8>),
    When(Box<dyn Fn() -> bool>),
}

/// A foreign program that is about to be started.
pub struct Peer {
    program: String,
    args: Vec<String>,
    envs: Vec<(String, String)>,
    current_dir: Option<PathBuf>,
    ready: Ready,
    timeout: Duration,
    has_children: bool,
}

impl Peer {
    /// `program` is a name on PATH or in `/usr/sbin`, or a path.
    pub fn new(program: &str) -> Self {
        Self {
            program: program.to_owned(),
            args: Vec::new(),
            envs: Vec::new(),
            current_dir: None,
            ready: Ready::Tcp,
            timeout: READY_TIMEOUT,
            has_children: false,
        }
    }

    /// It starts others, which end with it: it gets a PID namespace of its own. Needs root. Signals do not reach it
    /// then, but to end it.
    #[must_use]
    pub fn with_children(mut self) -> Self {
        self.has_children = true;
        self
    }

    /// Adds arguments; every `{port}` in them becomes the free port chosen at the start.
    #[must_use]
    pub fn args<A: Into<String>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets one environment variable; `{port}` in the value becomes the free port.
    #[must_use]
    pub fn env(mut self, key: &str, value: impl Into<String>) -> Self {
        self.envs.push((key.to_owned(), value.into()));
        self
    }

    /// The folder that the program starts in.
    #[must_use]
    pub fn current_dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.current_dir = Some(dir.as_ref().to_path_buf());
        self
    }

    /// Ready when a GET of `path` gives any answer below 500, instead of when the port accepts a
    /// connection.
    #[must_use]
    pub fn wait_http(mut self, path: &str) -> Self {
        self.ready = Ready::Http(path.to_owned());
        self
    }

    /// Ready when it answers `question`, a datagram, with anything.
    #[must_use]
    pub fn wait_udp(mut self, question: &[u8]) -> Self {
        self.ready = Ready::Udp(question.to_vec());
        self
    }

    /// Ready when this is so, for a program that has no port.
    #[must_use]
    pub fn ready_when(mut self, is_ready: impl Fn() -> bool + 'static) -> Self {
        self.ready = Ready::When(Box::new(is_ready));
        self
    }

    /// How long to wait instead of a minute.
    #[must_use]
    pub fn ready_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Starts it on a free port of 127.0.0.1 and waits until it answers; panics with its output if
    /// it does not.
    pub fn start(self) -> Running {
        for _ in 1..ATTEMPTS {
            if let Ok(running) = self.attempt() {
                return running;
            }
        }
        match self.attempt() {
            Ok(running) => running,
            Err(report) => panic!(
                "{} exited before it answered, {ATTEMPTS} times: {report}",
                self.program
            ),
        }
    }

    /// `Err` with the output if the program exits, as one does whose port is taken.
    fn attempt(&self) -> Result<Running, String> {
        let port = free_port();
        let with_port = |text: &String| text.replace("{port}", &port.to_string());
        let program = find_program(&self.program);
        let mut command = if self.has_children {
            let mut command = Command::new(find_program("unshare"));
            command.args(["--pid", "--mount-proc", "--fork", "--kill-child"]);
            command.arg(program);
            command
        } else {
            Command::new(program)
        };
        command
            .args(self.args.iter().map(with_port))
            .stdin(Stdio::null());
        command.envs(self.envs.iter().map(|(key, value)| (key, with_port(value))));
        if let Some(dir) = &self.current_dir {
            command.current_dir(dir);
        }
        let mut running = Running::spawn(&self.program, &mut command);
        running.set_address(format!("127.0.0.1:{port}"));
        let deadline = Instant::now() + self.timeout;
        while !self.answers(port) {
            if let Some(status) = running.wait(Duration::from_millis(50)) {
                return Err(format!(
                    "{status}\n{}{}",
                    running.stdout(),
                    running.stderr()
                ));
            }
            assert!(
                Instant::now() < deadline,
                "{} does not answer on port {port}",
                self.program
            );
        }
        Ok(running)
    }

    fn answers(&self, port: u16) -> bool {
        match &self.ready {
            Ready::Tcp => accepts(port),
            Ready::Http(path) => http_answers(port, path),
            Ready::When(is_ready) => is_ready(),
            Ready::Udp(question) => udp_answers(port, question),
        }
    }
}

/// A TCP port of 127.0.0.1 that nobody listens on at this moment. Prefer port 0 where the program
/// can tell its port.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

fn accepts(port: u16) -> bool {
    TcpStream::connect_timeout(
        &SocketAddr::from(([127, 0, 0, 1], port)),
        Duration::from_secs(1),
    )
    .is_ok()
}

fn udp_answers(port: u16, question: &[u8]) -> bool {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket
        .set_read_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    let mut answer = [0; 1500];
    socket.connect(("127.0.0.1", port)).is_ok()
        && socket.send(question).is_ok()
        && socket.recv(&mut answer).is_ok()
}

fn http_answers(port: u16, path: &str) -> bool {
    use std::io::{Read, Write};
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else {
        return false;
    };
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n");
    let mut status = [0; 12];
    stream.write_all(request.as_bytes()).is_ok()
        && stream.read_exact(&mut status).is_ok()
        && status.starts_with(b"HTTP/1.")
        && (b'1'..b'5').contains(&status[9])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_ready_when_it_answers() {
        let page = tempfile::tempdir().unwrap();
        std::fs::write(page.path().join("index.html"), "hello").unwrap();
        let httpd = ["httpd", "-f", "-p", "127.0.0.1:{port}", "-h", "."];
        let first = Peer::new("busybox")
            .args(httpd)
            .current_dir(page.path())
            .start();
        assert!(accepts(first.port()));
        let mut peer = Peer::new("busybox")
            .args(httpd)
            .current_dir(page.path())
            .wait_http("/")
            .start();
        assert!(peer.is_running());
        assert!(http_answers(peer.port(), "/index.html"));
    }

    #[test]
    fn what_a_peer_has_started_ends_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let alive = dir.path().join("alive");
        let script = format!(
            "(while :; do echo >>{}; sleep 0.05; done) & wait",
            alive.display()
        );
        let peer = Peer::new("sh").args(["-c", &script]).with_children();
        let started = alive.clone();
        drop(peer.ready_when(move || started.exists()).start());
        let size = || std::fs::metadata(&alive).unwrap().len();
        // What has been sent its end may still write once.
        std::thread::sleep(Duration::from_millis(200));
        let before = size();
        std::thread::sleep(Duration::from_millis(500));
        assert_eq!(size(), before);
    }

    #[test]
    #[should_panic(expected = "exited before it answered, 3 times")]
    fn a_peer_that_exits_fails_the_test() {
        let _ = Peer::new("false").start();
    }
}
