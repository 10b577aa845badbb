//! How many neighbours each network device knows by their hardware address. Source: `/proc/net/arp`.

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::pattern::Filter;
use crate::roots::KernelFile;
use crate::sources::guest_links::GuestLinks;
use crate::text::ParseError;
use std::collections::BTreeMap;

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "arp",
    default_on: true,
    help: "ARP entries by device from /proc/net/arp",
    build,
};

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(Arp {
        file: config.roots.proc("net/arp"),
        devices: config.options.filter("collector.arp.device")?,
        guests: config.guests.clone(),
    }))
}

struct Arp {
    file: KernelFile,
    devices: Filter,
    guests: GuestLinks,
}

impl Collector for Arp {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        for (device, entries) in self.file.parse(parse)? {
            if !self.devices.ignores(device) && !self.guests.hides(device) {
                out.family(
                    "node_arp_entries",
                    "ARP entries by device",
                    MetricType::Gauge,
                )
                .sample(&[("device", device)], f64::from(entries));
            }
        }
        Ok(())
    }
}

/// The number of entries by device, the last of six fields; the first line is the heading.
fn parse(text: &str) -> Result<BTreeMap<&str, u32>, ParseError> {
    let mut entries = BTreeMap::new();
    for (index, line) in text.lines().enumerate().skip(1) {
        let mut fields = line.split_ascii_whitespace();
        let (Some(device), None) = (fields.nth(5), fields.next()) else {
            return Err(ParseError::at(index, "six fields of an ARP entry", line));
        };
        *entries.entry(device).or_default() += 1;
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_counted_by_device() {
        let text = "IP address HW type Flags HW address Mask Device\n\
            192.0.2.1 0x1 0x2 cc:aa:dd:ee:aa:bb * eth0\n\
            192.0.2.2 0x1 0x0 00:00:00:00:00:00 * eth0\n\
            198.51.100.1 0x1 0x2 cc:aa:dd:ee:aa:bc * eth1\n";
        assert_eq!(
            parse(text).unwrap(),
            BTreeMap::from([("eth0", 2), ("eth1", 1)])
        );
    }

    #[test]
    fn an_entry_with_other_fields_is_refused() {
        assert!(parse("heading\n192.0.2.1 0x1 0x2\n").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "(?s).*") {
            let _ = parse(&text);
        }
    }
}
