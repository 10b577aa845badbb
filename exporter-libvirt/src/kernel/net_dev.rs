//! The counters of network devices in `/proc/PID/net/dev`, the file that libvirt itself reads. The process decides
//! whose network namespace it shows, so taps are found wherever the exporter runs. Pure.

use std::collections::HashMap;

use crate::stats::Interface;

/// Every device of the text with its counters as the guest sees them: what the host sent into a tap the guest received.
pub(crate) fn taps(text: &str) -> HashMap<String, Interface> {
    // Two lines of heading.
    text.lines().skip(2).filter_map(tap).collect()
}

fn tap(line: &str) -> Option<(String, Interface)> {
    // A name may hold a colon, the numbers may follow it without a blank.
    let (name, numbers) = line.rsplit_once(':')?;
    let name = name.trim();
    let mut fields = [0_u64; 12];
    let mut numbers = numbers.split_whitespace();
    for field in &mut fields {
        *field = numbers.next()?.parse().ok()?;
    }
    let [
        bytes_in,
        packets_in,
        errors_in,
        drops_in,
        _,
        _,
        _,
        _,
        bytes_out,
        packets_out,
        errors_out,
        drops_out,
    ] = fields;
    let seen_by_the_guest = Interface {
        name: name.to_owned(),
        rx_bytes: Some(bytes_out),
        rx_pkts: Some(packets_out),
        rx_errs: Some(errors_out),
        rx_drop: Some(drops_out),
        tx_bytes: Some(bytes_in),
        tx_pkts: Some(packets_in),
        tx_errs: Some(errors_in),
        tx_drop: Some(drops_in),
    };
    Some((name.to_owned(), seen_by_the_guest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADING: &str = "Inter-|   Receive                                                |  Transmit\n \
        face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n";

    #[test]
    fn what_the_host_received_the_guest_sent() {
        let text = format!(
            "{HEADING}  tap0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\nlo:0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
        );
        let found = taps(&text);
        let tap = &found["tap0"];
        assert_eq!(
            (tap.tx_bytes, tap.tx_pkts, tap.tx_errs, tap.tx_drop),
            (Some(1), Some(2), Some(3), Some(4))
        );
        assert_eq!(
            (tap.rx_bytes, tap.rx_pkts, tap.rx_errs, tap.rx_drop),
            (Some(9), Some(10), Some(11), Some(12))
        );
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn a_line_that_is_cut_short_is_no_device() {
        assert!(taps(&format!("{HEADING}tap0: 1 2 3\n")).is_empty());
        assert!(taps("").is_empty());
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "(.|\n){0,200}") {
            let _ = taps(&text);
        }
    }
}
