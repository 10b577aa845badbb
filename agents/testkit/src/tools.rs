//! Runs foreign command-line tools to their end: virsh, qemu-img, apt-get, dpkg. Daemons are
//! started by [`crate::peer`].

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The path of `program`, looked for on PATH and where Debian keeps daemons, which a user's PATH
/// may lack.
pub fn find_program(program: &str) -> PathBuf {
    if program.contains('/') {
        return PathBuf::from(program);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|dir| dir.join(program))
        .find(|candidate| candidate.is_file())
        .unwrap_or_else(|| {
            panic!(
                "cannot find {program}: packaging/dev/install-deps test installs what tests need"
            )
        })
}

/// Runs a tool and returns its standard output; panics with its standard error if it fails.
pub fn run<A: AsRef<OsStr>>(program: &str, args: impl IntoIterator<Item = A>) -> String {
    try_run(program, args).unwrap_or_else(|error| panic!("{error}"))
}

/// As [`run`], with a text on the tool's standard input.
pub fn run_with_input<A: AsRef<OsStr>>(
    program: &str,
    args: impl IntoIterator<Item = A>,
    input: &str,
) -> String {
    let mut command = Command::new(find_program(program));
    command
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // On a thread of its own, for the tool may write before it has read everything.
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{command:?}: {}: {}",
        output.status,
        said.trim()
    );
    writer.join().unwrap().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// As [`run`], with the failure as an `Err` for those who try again.
pub fn try_run<A: AsRef<OsStr>>(
    program: &str,
    args: impl IntoIterator<Item = A>,
) -> Result<String, String> {
    try_run_command(Command::new(find_program(program)).args(args))
}

/// As [`try_run`], for a command that needs a folder or an environment.
pub fn try_run_command(command: &mut Command) -> Result<String, String> {
    command.stdin(Stdio::null());
    let output = command
        .output()
        .map_err(|error| format!("cannot start {command:?}: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("{command:?}: {}: {}", output.status, said.trim()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_reads_what_it_is_given() {
        let input = "line\n".repeat(100_000);
        assert_eq!(run_with_input("cat", ["-"], &input), input);
    }

    #[test]
    fn a_tool_gives_its_output_or_the_reason_of_its_failure() {
        assert_eq!(run("echo", ["a", "b"]), "a b\n");
        let error = try_run("ls", ["/no/such/file"]).unwrap_err();
        assert!(
            error.contains("/no/such/file") && error.contains("exit status: 2"),
            "{error}"
        );
    }
}
