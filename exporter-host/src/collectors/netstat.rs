//! What the network protocols of the kernel count. Sources: `/proc/net/netstat`, `/proc/net/snmp` and
//! `/proc/net/snmp6`, of which the fields that `--collector.netstat.fields` picks are shown.

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::pattern::Pattern;
use crate::roots::KernelFile;
use crate::text::{MetricName, NameCache, ParseError, number};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "netstat",
    default_on: true,
    help: "network protocol statistics from /proc/net/netstat, snmp and snmp6",
    build,
};

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    let file = |name| (config.roots.proc(name), NameCache::default());
    Ok(Box::new(Netstat {
        pairs: [file("net/netstat"), file("net/snmp")],
        snmp6: file("net/snmp6"),
        fields: config.options.pattern("collector.netstat.fields"),
    }))
}

struct Netstat {
    pairs: [(KernelFile, NameCache); 2],
    snmp6: (KernelFile, NameCache),
    fields: Pattern,
}

impl Collector for Netstat {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let fields = &self.fields;
        for (file, names) in &mut self.pairs {
            let mut position = 0;
            file.parse(|text| {
                parse(text, |protocol, field, value| {
                    // Fields are told apart by their own name and place alone: a protocol's are all in one line.
                    let name = names.get(position, field, |field| name(fields, protocol, field));
                    emit(name, value, out);
                    position += 1;
                })
            })?;
        }
        let (file, names) = &mut self.snmp6;
        if !file.exists() {
            return Ok(());
        }
        let mut position = 0;
        file.parse(|text| {
            parse_six(text, |key, value| {
                let name = names.get(position, key, |key| {
                    let (protocol, field) = key.split_at(key.find('6')? + 1);
                    name(fields, protocol, field)
                });
                emit(name, value, out);
                position += 1;
            })
        })
    }
}

fn emit(name: Option<&MetricName>, value: f64, out: &mut Families) {
    if let Some(MetricName { name, help }) = name {
        out.family(name, help, MetricType::Untyped)
            .sample(&[], value);
    }
}

fn name(fields: &Pattern, protocol: &str, field: &str) -> Option<MetricName> {
    let key = format!("{protocol}_{field}");
    (fields.is_empty() || fields.is_match(&key)).then(|| MetricName {
        name: format!("node_netstat_{key}"),
        help: format!("Statistic {protocol}{field}."),
    })
}

/// Pairs of lines: `Tcp: ActiveOpens PassiveOpens` and `Tcp: 3556 230`.
fn parse<'a>(text: &'a str, mut each: impl FnMut(&'a str, &'a str, f64)) -> Result<(), ParseError> {
    const EXPECTED: &str = "a line of names and one of as many numbers";
    let mut lines = text.lines().enumerate();
    let mut any = false;
    while let Some((_, names)) = lines.next() {
        let (index, values) = lines.next().ok_or(ParseError::Missing(EXPECTED))?;
        let malformed = || ParseError::at(index, EXPECTED, values);
        let (protocol, names) = names.split_once(':').ok_or_else(malformed)?;
        let (same, values) = values.split_once(':').ok_or_else(malformed)?;
        let mut values = values.split_ascii_whitespace();
        if same != protocol {
            return Err(malformed());
        }
        for field in names.split_ascii_whitespace() {
            let value = values.next().and_then(number).ok_or_else(malformed)?;
            each(protocol, field, value);
            any = true;
        }
    }
    any.then_some(()).ok_or(ParseError::Missing(EXPECTED))
}

/// Lines of a name, which has the protocol in front, and a number: `Ip6InReceives 7`.
fn parse_six<'a>(text: &'a str, mut each: impl FnMut(&'a str, f64)) -> Result<(), ParseError> {
    for (index, line) in text.lines().enumerate() {
        let mut fields = line.split_ascii_whitespace();
        let (Some(key), Some(value)) = (fields.next(), fields.next().and_then(number)) else {
            return Err(ParseError::at(index, "`name number`", line));
        };
        each(key, value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Vec<(&str, &str, f64)>, ParseError> {
        let mut found = Vec::new();
        parse(text, |protocol, field, value| {
            found.push((protocol, field, value));
        })
        .map(|()| found)
    }

    #[test]
    fn names_and_numbers_are_paired() {
        assert_eq!(
            parsed("Tcp: MaxConn InSegs\nTcp: -1 7\nUdp: NoPorts\nUdp: 3\n").unwrap(),
            [
                ("Tcp", "MaxConn", -1.0),
                ("Tcp", "InSegs", 7.0),
                ("Udp", "NoPorts", 3.0)
            ]
        );
    }

    #[test]
    fn lines_that_are_no_pairs_are_refused() {
        for text in [
            "",
            "Tcp: A\n",
            "Tcp: A\nUdp: 1\n",
            "Tcp: A B\nTcp: 1\n",
            "Tcp: A\nTcp: x\n",
        ] {
            assert!(parsed(text).is_err(), "{text:?}");
        }
        assert!(parse_six("Ip6InReceives\n", |_, _| ()).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "(?s).*") {
            let _ = parse(&text, |_, _, _| ());
            let _ = parse_six(&text, |_, _| ());
        }
    }
}
