//! How many sockets of each protocol there are and how much memory they take. Sources: `/proc/net/sockstat` and
//! `/proc/net/sockstat6`; memory is in pages there.

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::KernelFile;
use crate::text::{MetricName, NameCache, ParseError, number};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "sockstat",
    default_on: true,
    help: "sockets in use from /proc/net/sockstat and sockstat6",
    build,
};

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    let file = |name| (config.roots.proc(name), NameCache::default());
    Ok(Box::new(SockStat([
        file("net/sockstat"),
        file("net/sockstat6"),
    ])))
}

struct SockStat([(KernelFile, NameCache); 2]);

impl Collector for SockStat {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let page = rustix::param::page_size() as f64;
        for (file, names) in &mut self.0 {
            // Without IPv6 there is no second file.
            if !file.exists() {
                continue;
            }
            let mut position = 0;
            file.parse(|text| {
                parse(text, page, |protocol, field, value| {
                    let name = names.get(position, field, |field| Some(name(protocol, field)));
                    if let Some(MetricName { name, help }) = name {
                        out.family(name, help, MetricType::Gauge).sample(&[], value);
                    }
                    position += 1;
                })
            })?;
        }
        Ok(())
    }
}

fn name(protocol: &str, field: &str) -> MetricName {
    let help = if protocol == "sockets" {
        "Number of IPv4 sockets in use.".to_owned()
    } else {
        format!("Number of {protocol} sockets in state {field}.")
    };
    MetricName {
        name: format!("node_sockstat_{protocol}_{field}"),
        help,
    }
}

/// `TCP: inuse 4 orphan 0 mem 1`: a protocol and pairs. `mem` is shown in bytes as well.
fn parse<'a>(
    text: &'a str,
    page: f64,
    mut each: impl FnMut(&'a str, &'a str, f64),
) -> Result<(), ParseError> {
    const EXPECTED: &str = "`protocol: name number ...`";
    for (index, line) in text.lines().enumerate() {
        let malformed = || ParseError::at(index, EXPECTED, line);
        let (protocol, rest) = line.split_once(':').ok_or_else(malformed)?;
        let mut fields = rest.split_ascii_whitespace();
        while let Some(field) = fields.next() {
            let value = fields.next().and_then(number).ok_or_else(malformed)?;
            each(protocol, field, value);
            if field == "mem" {
                each(protocol, "mem_bytes", value * page);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_shown_in_pages_and_bytes() {
        let mut found = Vec::new();
        parse(
            "sockets: used 229\nTCP: inuse 4 mem 2\n",
            4096.0,
            |protocol, field, value| {
                found.push((name(protocol, field).name, value));
            },
        )
        .unwrap();
        let expected = [
            ("node_sockstat_sockets_used", 229.0),
            ("node_sockstat_TCP_inuse", 4.0),
            ("node_sockstat_TCP_mem", 2.0),
            ("node_sockstat_TCP_mem_bytes", 8192.0),
        ];
        assert_eq!(
            found,
            expected.map(|(name, value)| (name.to_owned(), value))
        );
    }

    #[test]
    fn a_name_without_a_number_is_refused() {
        for text in ["TCP inuse 4", "TCP: inuse", "TCP: inuse many"] {
            assert!(parse(text, 1.0, |_, _, _| ()).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "(?s).*") {
            let _ = parse(&text, 1.0, |_, _, _| ());
        }
    }
}
