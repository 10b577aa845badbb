//! How many connections the process may have open: each takes a file descriptor, and the program needs some for itself.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that are left for what is no connection.
const OWN: u64 = 512;
/// Connections that are accepted however low the limit of open files is.
const LEAST: u32 = 32;

/// As many connections as are wanted, or as the limit of open files allows. It is raised where it is too low, as far as
/// the system lets it.
pub(crate) fn connections(wanted: u32) -> u32 {
    let needed = u64::from(wanted) + OWN;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let mut allowed = current.unwrap_or(u64::MAX);
    let more = maximum.map_or(needed, |maximum| needed.min(maximum));
    if allowed < more {
        let raised = Rlimit {
            current: Some(more),
            maximum,
        };
        match setrlimit(Resource::Nofile, raised) {
            Ok(()) => allowed = more,
            Err(error) => tracing::debug!(%error, "cannot raise the limit of open files"),
        }
    }
    let room = u32::try_from(allowed.saturating_sub(OWN)).unwrap_or(u32::MAX);
    room.clamp(LEAST, wanted.max(LEAST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_connections_are_accepted_than_files_may_be_open() {
        assert_eq!(connections(1), LEAST);
        assert_eq!(connections(200), 200);
        let limit = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
        assert!(u64::from(connections(u32::MAX)) <= limit);
    }
}
