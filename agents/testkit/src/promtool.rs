//! The judgement of Debian's `/usr/bin/promtool` on a scrape. Our own naming lint is in
//! `exposition`; this one is the reference that it is compared with.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::tools::find_program;

/// What `promtool check metrics` says of `text` (text format 0.0.4), a line per complaint; empty if
/// it is clean.
pub fn check_metrics(text: &str) -> Vec<String> {
    let mut child = Command::new(find_program("promtool"))
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // promtool reads everything before it writes anything, so this cannot block on its output.
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said: Vec<String> = String::from_utf8_lossy(&said)
        .lines()
        .map(str::to_owned)
        .collect();
    assert!(
        output.status.success() || !said.is_empty(),
        "promtool failed without a word: {}",
        output.status
    );
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clean_scrape_has_no_complaint() {
        let text = "# HELP node_load1 1m load average.\n# TYPE node_load1 gauge\nnode_load1 0.5\n";
        assert_eq!(check_metrics(text), Vec::<String>::new());
    }

    #[test]
    fn a_bad_name_and_a_broken_line_are_complained_of() {
        let misnamed = "# HELP requests Requests.\n# TYPE requests counter\nrequests 1\n";
        let said = check_metrics(misnamed).join("\n");
        assert!(
            said.contains("counter metrics should have \"_total\" suffix"),
            "{said}"
        );
        let said = check_metrics("up{a=\"b} 1\n").join("\n");
        assert!(said.contains("error while linting"), "{said}");
    }
}
