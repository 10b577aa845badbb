//! A real PostgreSQL for a test: Debian's server on a cluster of its own in a temporary folder, on a unix socket only,
//! without fsync. The server refuses to run as root, so it runs as `postgres`, the user that its package makes.

use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::running::Running;
use crate::tools::{find_program, run, try_run_command};

/// How long the server may take to start or stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server; dropping it kills it and deletes its data.
pub struct Postgresql {
    server: Option<Running>,
    dir: TempDir,
    databases: AtomicU32,
}

impl Postgresql {
    /// Makes a cluster and starts its server.
    pub fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        if rustix::process::geteuid().is_root() {
            let uid = run("id", ["-u", "postgres"]).trim().parse().unwrap();
            chown(dir.path(), Some(uid), None).unwrap();
        }
        let mut initdb = as_postgres("initdb", dir.path());
        initdb.args(["--auth=trust", "--username=postgres", "--encoding=UTF8"]);
        initdb.args(["--no-sync", "--locale=C", "--pgdata"]);
        initdb.arg(dir.path().join("data"));
        try_run_command(&mut initdb).unwrap_or_else(|error| panic!("{error}"));
        let mut postgresql = Self {
            server: None,
            dir,
            databases: AtomicU32::new(0),
        };
        postgresql.resume();
        postgresql
    }

    /// Starts the server again after [`Postgresql::stop`].
    pub fn resume(&mut self) {
        let dir = self.dir.path();
        let mut command = as_postgres("postgres", dir);
        command.arg("-D").arg(dir.join("data")).arg("-k").arg(dir);
        command.args(["-c", "listen_addresses=", "-c", "max_connections=500"]);
        command.args(["-c", "fsync=off", "-c", "shared_buffers=64MB"]);
        let mut server = Running::spawn("postgres", command.stdin(Stdio::null()));
        let deadline = Instant::now() + PATIENCE;
        while self.try_sql("postgres", "SELECT 1").is_err() {
            let ended = server.wait(Duration::from_millis(50));
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "postgres does not answer: {ended:?}\n{}",
                server.stderr()
            );
        }
        self.server = Some(server);
    }

    /// Ends the server at once, with all its connections; its data stays.
    pub fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            // Interrupt asks for the fast way: no waiting for clients.
            server.signal(Signal::INT);
            assert!(server.wait(PATIENCE).is_some(), "postgres does not stop");
        }
    }

    /// Makes an empty database and gives its URL.
    pub fn database(&self) -> String {
        let name = format!("test{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        self.url(&name)
    }

    /// The URL of a database of that name.
    pub fn url(&self, database: &str) -> String {
        format!(
            "postgresql:///{database}?host={}&user=postgres",
            self.dir.path().display()
        )
    }

    /// Runs SQL in a database, by psql, and gives what it prints.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        self.try_sql(database, sql)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    fn try_sql(&self, database: &str, sql: &str) -> Result<String, String> {
        let mut psql = Command::new(program("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d"]);
        psql.arg(self.url(database)).args(["-c", sql]);
        try_run_command(&mut psql)
    }
}

/// A program of the newest server that is installed; Debian keeps them off PATH.
fn program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let programs = versions
        .flatten()
        .map(|version| version.path().join("bin").join(name));
    let installed = programs.filter(|program| program.is_file()).max();
    installed.unwrap_or_else(|| find_program(name))
}

/// A command as the user that the server wants; in the folder, for it may not enter this one.
fn as_postgres(name: &str, dir: &Path) -> Command {
    let mut command = if rustix::process::geteuid().is_root() {
        let mut command = Command::new(find_program("setpriv"));
        command.args([
            "--reuid=postgres",
            "--regid=postgres",
            "--clear-groups",
            "--",
        ]);
        command.arg(program(name));
        command
    } else {
        Command::new(program(name))
    };
    command.current_dir(dir);
    command
}
