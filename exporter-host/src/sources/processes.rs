//! The processes of the host, from their directories in `/proc`. A process may end between two reads: what is gone is
//! passed over.

use std::path::Path;

use runtime::CollectError;

use crate::roots::{Roots, read_lossy};

/// What `/proc/PID/stat` says, as far as it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    /// The letter of the state, such as `S`.
    pub(crate) state: char,
    /// How many threads the process has.
    pub(crate) threads: u64,
}

/// The numbers of all processes, or of the threads of one when `under` is `PID/task`.
pub(crate) fn numbers(roots: &Roots, under: &str) -> Result<Vec<u32>, CollectError> {
    let names = roots.proc_names(under)?;
    Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
}

/// What a process or a thread is doing; `None` if it has ended.
pub(crate) fn stat(roots: &Roots, under: &Path) -> Option<Stat> {
    parse(&read_lossy(&roots.procfs.join(under).join("stat")).ok()?)
}

/// `PID (NAME) STATE …`: the name may have blanks and brackets in it.
fn parse(text: &str) -> Option<Stat> {
    let (_, rest) = text.rsplit_once(") ")?;
    let mut fields = rest.split_ascii_whitespace();
    Some(Stat {
        state: fields.next()?.chars().next()?,
        // Field 20 of proc_pid_stat(5); the state is field 3.
        threads: fields.nth(16)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_brackets_do_not_move_the_fields() {
        let text = "7 (a) S (b) R 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 12 0 5";
        let expected = Stat {
            state: 'R',
            threads: 12,
        };
        assert_eq!(parse(text), Some(expected));
        assert_eq!(parse("7 (a) S 1"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in ".*") {
            let _ = parse(&text);
        }
    }
}
