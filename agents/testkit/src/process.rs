//! Starts the programs that we ship, as an operator would: the built binary, a free port, its real
//! log. A foreign program to compare with is started by [`crate::peer`].

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::output::Missed;
use crate::running::Running;

/// How long a program may take from exec to its "listening" line; generous because CI shares two
/// cores.
const READY_TIMEOUT: Duration = Duration::from_secs(60);

/// A binary of this workspace that is about to be started.
pub struct Shipped {
    program: PathBuf,
    command: Command,
    has_listen_address: bool,
    ready_timeout: Duration,
}

impl Shipped {
    /// `name` is a binary's name, looked up in the profile folder that the running test was built
    /// into, or a path (the value of `CARGO_BIN_EXE_…`), taken as it is. Panics, naming the build
    /// command, if there is no such binary.
    pub fn new(name: &str) -> Self {
        let program = locate(name);
        let mut command = Command::new(&program);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self {
            program,
            command,
            has_listen_address: false,
            ready_timeout: READY_TIMEOUT,
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        for arg in args {
            self = self.arg(arg);
        }
        self
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        let arg = arg.as_ref();
        self.has_listen_address |= arg.to_string_lossy().starts_with("--web.listen-address");
        self.command.arg(arg);
        self
    }

    /// Sets one environment variable.
    #[must_use]
    pub fn env(mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(key, value);
        self
    }

    /// How long to wait for the "listening" line instead of a minute.
    #[must_use]
    pub fn ready_timeout(mut self, timeout: Duration) -> Self {
        self.ready_timeout = timeout;
        self
    }

    /// Starts the daemon on a free port of 127.0.0.1 (unless a listen address was given) and waits
    /// until it logs that it is listening. Panics with its whole log if it exits or stays silent.
    pub fn start(mut self) -> Running {
        if !self.has_listen_address {
            self.command.arg("--web.listen-address=127.0.0.1:0");
        }
        let mut running = Running::spawn(&self.program.display().to_string(), &mut self.command);
        match running
            .log()
            .wait_for(self.ready_timeout, listening_address)
        {
            Ok(address) => running.set_address(address),
            Err(Missed::Closed) => {
                let status = running.wait(Duration::from_secs(5));
                panic!(
                    "{} exited before it was listening: {status:?}",
                    running.name()
                )
            }
            Err(Missed::TimedOut) => panic!(
                "{} is not listening after {:?}",
                running.name(),
                self.ready_timeout
            ),
        }
        running
    }

    /// Runs the program to its end (`--version`, a usage error) with exactly the arguments given;
    /// panics, after killing it, if it is still running after `timeout`.
    pub fn run(mut self, timeout: Duration) -> Finished {
        let mut running = Running::spawn(&self.program.display().to_string(), &mut self.command);
        let Some(status) = running.wait(timeout) else {
            panic!(
                "{} still runs after {timeout:?}, it was expected to exit",
                running.name()
            )
        };
        Finished {
            status,
            stdout: running.stdout(),
            stderr: running.stderr(),
        }
    }
}

/// How a program ended and what it wrote.
#[derive(Debug)]
pub struct Finished {
    /// Its exit status.
    pub status: ExitStatus,
    /// Its whole standard output.
    pub stdout: String,
    /// Its whole standard error.
    pub stderr: String,
}

/// The folder that the running test's profile builds into, `target/debug`: a test is
/// `target/debug/deps/NAME-HASH`.
pub fn profile_dir() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let dir = test.parent().unwrap();
    if dir.ends_with("deps") {
        dir.parent().unwrap().to_path_buf()
    } else {
        dir.to_path_buf()
    }
}

fn locate(name: &str) -> PathBuf {
    let program = if name.contains('/') {
        PathBuf::from(name)
    } else {
        profile_dir().join(name)
    };
    assert!(
        program.is_file(),
        "cannot find {}: build it first, `cargo build --bin {}`{}",
        program.display(),
        program.file_name().unwrap_or_default().to_string_lossy(),
        if program.parent().is_some_and(|dir| dir.ends_with("release")) {
            " --release"
        } else {
            ""
        },
    );
    program
}

/// The `HOST:PORT` of a log line "listening", in logfmt or JSON, coloured or not.
fn listening_address(line: &str) -> Option<String> {
    if !line.contains("listening") {
        return None;
    }
    let plain = without_colours(line);
    let rest = ["address=", "\"address\":"]
        .iter()
        .find_map(|key| plain.split_once(key))?
        .1;
    let address: String = rest
        .trim_start_matches('"')
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '[' | ']' | '-' | '%'))
        .collect();
    let port = address.rsplit(':').next()?.parse::<u16>().ok()?;
    (port != 0).then_some(address)
}

/// `line` without the escape sequences that a terminal shows as colours.
fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
#[path = "process_tests.rs"]
mod tests;
