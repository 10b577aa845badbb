//! A program that was started: its address, its output, its signals and its end. How it is started
//! and when it counts as ready is in [`crate::process`] and [`crate::peer`].

use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::output::Captured;
use crate::usage::Usage;

/// How long a program may take to stop after SIGTERM: the daemons' own limit is 10 s.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// A started program; dropping it kills it by PID, and shows its output if the test is failing.
pub struct Running {
    name: String,
    child: Child,
    address: String,
    stdout: Captured,
    stderr: Captured,
}

impl Running {
    /// Starts `command`, whose stdout and stderr become pipes.
    pub(crate) fn spawn(name: &str, command: &mut Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| {
            panic!("cannot start {name}: {error} (packaging/dev/install-deps test installs peers)")
        });
        let stdout = Captured::read_from(child.stdout.take().unwrap());
        let stderr = Captured::read_from(child.stderr.take().unwrap());
        Self {
            name: name.to_owned(),
            child,
            address: String::new(),
            stdout,
            stderr,
        }
    }

    pub(crate) fn set_address(&mut self, address: String) {
        self.address = address;
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn log(&self) -> &Captured {
        &self.stderr
    }

    /// `HOST:PORT` of the first listener.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The port of the first listener.
    pub fn port(&self) -> u16 {
        self.address.rsplit(':').next().unwrap().parse().unwrap()
    }

    /// `http://HOST:PORT` followed by `path`, which starts with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its resident memory and CPU time now.
    pub fn usage(&self) -> Usage {
        Usage::of(self.pid()).unwrap()
    }

    /// What it wrote to standard output so far; a daemon of ours writes nothing there.
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// What it wrote to standard error so far: a daemon's log.
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Waits for a line of standard error that has `part` in it and returns it; panics after
    /// `timeout`.
    pub fn wait_for_log(&self, part: &str, timeout: Duration) -> String {
        match self
            .stderr
            .wait_for(timeout, |line| line.contains(part).then(|| line.to_owned()))
        {
            Ok(line) => line,
            Err(missed) => panic!(
                "no line with {part:?} in the log of {}: {missed:?}",
                self.name
            ),
        }
    }

    /// Whether it has not exited yet.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for its exit, at most `timeout`; `None` if it still runs.
    pub fn wait(&mut self, timeout: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + timeout;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                // A grandchild may keep the pipes open: its output is nobody's last word, so do not
                // wait long.
                self.stdout.wait_closed(Duration::from_secs(1));
                self.stderr.wait_closed(Duration::from_secs(1));
                return Some(status);
            }
            if Instant::now() >= deadline {
                return None;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Sends a signal, such as [`Signal::HUP`]; does nothing if the program has exited and was
    /// waited for.
    pub fn signal(&mut self, signal: Signal) {
        if self.is_running() {
            kill_process(Pid::from_child(&self.child), signal).unwrap();
        }
    }

    /// SIGTERM, then waits for the exit; panics if it has not stopped within half a minute.
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        match self.wait(STOP_TIMEOUT) {
            Some(status) => status,
            None => panic!("{} still runs {STOP_TIMEOUT:?} after SIGTERM", self.name),
        }
    }

    /// SIGKILL: what a crash of the machine looks like to the files that it had open.
    pub fn kill(&mut self) -> ExitStatus {
        let _ = self.child.kill();
        self.child.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            self.stderr.wait_closed(Duration::from_secs(1));
            eprintln!(
                "--- {} (pid {}) stdout:\n{}",
                self.name,
                self.pid(),
                self.stdout()
            );
            eprintln!(
                "--- {} (pid {}) stderr:\n{}---",
                self.name,
                self.pid(),
                self.stderr()
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_program_is_gone() {
        let running = Running::spawn("sleep", Command::new("sleep").arg("600"));
        let pid = running.pid();
        assert!(Usage::of(pid).is_some());
        drop(running);
        assert!(Usage::of(pid).is_none());
    }

    #[test]
    fn a_killed_program_needs_no_second_signal() {
        let mut running = Running::spawn("sleep", Command::new("sleep").arg("600"));
        assert!(!running.kill().success());
        running.signal(Signal::TERM);
        assert!(!running.is_running());
    }
}
