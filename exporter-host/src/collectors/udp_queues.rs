//! How many bytes wait in the queues of all UDP sockets. Sources: `/proc/net/udp` and `/proc/net/udp6`.

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::KernelFile;
use crate::text::{ParseError, hex};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "udp_queues",
    default_on: true,
    help: "UDP queue lengths from /proc/net/udp and udp6",
    build,
};

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(UdpQueues {
        files: [
            (config.roots.proc("net/udp"), "v4"),
            (config.roots.proc("net/udp6"), "v6"),
        ],
    }))
}

struct UdpQueues {
    files: [(KernelFile, &'static str); 2],
}

impl Collector for UdpQueues {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let mut any = false;
        for (file, ip) in &mut self.files {
            if !file.exists() {
                continue;
            }
            any = true;
            let (tx, rx) = file.parse(parse)?;
            out.family(
                "node_udp_queues",
                "Number of allocated memory in the kernel for UDP datagrams in bytes.",
                MetricType::Gauge,
            )
            .sample(&[("ip", ip), ("queue", "tx")], tx as f64)
            .sample(&[("ip", ip), ("queue", "rx")], rx as f64);
        }
        if any {
            Ok(())
        } else {
            Err(CollectError::NoData("there are no UDP sockets".to_owned()))
        }
    }
}

/// The bytes in all transmit and receive queues: the fifth field, `tx:rx`. The first line is the heading.
fn parse(text: &str) -> Result<(u64, u64), ParseError> {
    let mut sum = (0_u64, 0_u64);
    for (index, line) in text.lines().enumerate().skip(1) {
        let queues = line.split_ascii_whitespace().nth(4).and_then(|field| {
            let (tx, rx) = field.split_once(':')?;
            Some((hex(tx)?, hex(rx)?))
        });
        let (tx, rx) =
            queues.ok_or_else(|| ParseError::at(index, "`tx:rx` in the fifth field", line))?;
        sum = (sum.0.wrapping_add(tx), sum.1.wrapping_add(rx));
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queues_of_all_sockets_are_added_up() {
        let text = "  sl  local_address rem_address   st tx_queue rx_queue\n\
            0: 00000000:0016 00000000:0000 0A 00000015:00000000 00:0\n\
            1: 00000000:0017 00000000:0000 0A 00000001:0000000a 00:0\n";
        assert_eq!(parse(text), Ok((22, 10)));
    }

    #[test]
    fn a_line_without_queues_is_refused() {
        assert!(parse("heading\n0: 1 2 3 4\n").is_err() && parse("heading\n0:\n").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "(?s).*") {
            let _ = parse(&text);
        }
    }
}
