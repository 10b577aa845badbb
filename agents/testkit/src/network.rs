//! A network of a test's own: the test runs itself again in a new network namespace, where it may make links and use any
//! address of 127.0.0.0/8 and any port.

use std::ffi::OsString;
use std::process::Command;

use crate::tools::{find_program, run, try_run_command};

/// Set in the process that has a network of its own.
const INSIDE: &str = "TESTKIT_OWN_NETWORK";

/// Whether the caller is in a network of its own, with loopback up and `/sys` showing its links. If not, this runs the program again in one, with
/// `args` (the name of the one test, and `--exact --nocapture`), panics if that fails, and the caller has nothing left to
/// do. Needs root.
pub fn is_own_network<A: Into<OsString>>(args: impl IntoIterator<Item = A>) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        run("ip", ["link", "set", "lo", "up"]);
        // The one that was there shows the links of the network before.
        run("mount", ["-t", "sysfs", "sysfs", "/sys"]);
        return true;
    }
    let program = std::env::current_exe().unwrap();
    let said = try_run_command(
        Command::new(find_program("unshare"))
            .args(["--net", "--mount", "--fork", "--kill-child"])
            .arg(program)
            .args(args.into_iter().map(Into::into))
            .env(INSIDE, "yes"),
    );
    match said {
        Ok(said) => eprintln!("{said}"),
        Err(error) => panic!("{error}"),
    }
    false
}

/// Makes pairs of links of type veth, up: `d1` and `d2`, `d3` and `d4` and so on, from the pair `first` to the pair `last`.
pub fn add_link_pairs(first: usize, last: usize) {
    let batch: String = (first..=last)
        .map(|pair| {
            let (one, other) = (pair * 2 - 1, pair * 2);
            format!("link add d{one} type veth peer name d{other}\nlink set d{one} up\nlink set d{other} up\n")
        })
        .collect();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), batch).unwrap();
    run("ip", ["-batch", file.path().to_str().unwrap()]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_has_a_network_of_its_own() {
        let name = "network::tests::a_test_has_a_network_of_its_own";
        if !is_own_network([name, "--exact", "--nocapture"]) {
            return;
        }
        add_link_pairs(1, 3);
        let links = run("ip", ["-oneline", "link"]);
        assert_eq!(links.lines().count(), 7, "{links}");
    }
}
