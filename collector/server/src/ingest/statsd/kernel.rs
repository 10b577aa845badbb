//! Datagrams that the kernel dropped because the socket's buffer was full: the last column of `/proc/self/net/udp` and
//! `udp6`, in the line of the socket's local port.

use std::net::SocketAddr;

/// Drops of the socket that is bound to that address, where the kernel tells.
pub(super) fn drops(address: SocketAddr) -> Option<u64> {
    let path = match address {
        SocketAddr::V4(_) => "/proc/self/net/udp",
        SocketAddr::V6(_) => "/proc/self/net/udp6",
    };
    // A file of the kernel's memory, of one line for each UDP socket: read at each flush.
    drops_in(&std::fs::read_to_string(path).ok()?, address.port())
}

fn drops_in(table: &str, port: u16) -> Option<u64> {
    let port = format!(":{port:04X}");
    let lines = table.lines().skip(1).filter_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        let local = fields.nth(1)?;
        local
            .ends_with(&port)
            .then(|| fields.next_back()?.parse().ok())?
    });
    lines.reduce(|one: u64, other| one.saturating_add(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  315: 0100007F:1FBD 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 12345 2 0000000000000000 17
  316: 0100007F:1FBE 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 12346 2 0000000000000000 0
";

    #[test]
    fn drops_are_those_of_the_local_port() {
        assert_eq!(drops_in(TABLE, 8125), Some(17));
        assert_eq!(drops_in(TABLE, 8126), Some(0));
        assert_eq!(drops_in(TABLE, 8127), None);
    }
}
