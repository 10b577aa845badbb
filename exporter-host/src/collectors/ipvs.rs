//! What the virtual servers of the kernel (IPVS) forward and to whom. Sources: `/proc/net/ip_vs_stats` and
//! `/proc/net/ip_vs`; numbers of the first and addresses are hexadecimal.

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::KernelFile;
use crate::text::{ParseError, hex, number};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "ipvs",
    default_on: true,
    help: "virtual servers from /proc/net/ip_vs and ip_vs_stats",
    build,
};

/// The metrics in the order of the fields: name and HELP.
const TOTALS: [(&str, &str); 5] = [
    (
        "node_ipvs_connections_total",
        "The total number of connections made.",
    ),
    (
        "node_ipvs_incoming_packets_total",
        "The total number of incoming packets.",
    ),
    (
        "node_ipvs_outgoing_packets_total",
        "The total number of outgoing packets.",
    ),
    (
        "node_ipvs_incoming_bytes_total",
        "The total amount of incoming data.",
    ),
    (
        "node_ipvs_outgoing_bytes_total",
        "The total amount of outgoing data.",
    ),
];

/// The metrics of a backend in the order of [`Backend::values`].
const BACKEND: [(&str, &str); 3] = [
    (
        "node_ipvs_backend_weight",
        "The current backend weight by local and remote address.",
    ),
    (
        "node_ipvs_backend_connections_active",
        "The current active connections by local and remote address.",
    ),
    (
        "node_ipvs_backend_connections_inactive",
        "The current inactive connections by local and remote address.",
    ),
];

/// All labels of a backend in the order of [`Backend::labels`].
const LABELS: [&str; 6] = [
    "local_address",
    "local_mark",
    "local_port",
    "proto",
    "remote_address",
    "remote_port",
];

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    let flag = "collector.ipvs.backend-labels";
    let values = config.options.values(flag);
    let wanted: Vec<&str> = values
        .iter()
        .flat_map(|value| value.split(','))
        .filter(|label| !label.is_empty())
        .collect();
    if let Some(unknown) = wanted.iter().find(|label| !LABELS.contains(label)) {
        return Err(ConfigError::value(
            format!("--{flag}"),
            format!("unknown label {unknown:?}"),
        ));
    }
    Ok(Box::new(Ipvs {
        stats: config.roots.proc("net/ip_vs_stats"),
        table: config.roots.proc("net/ip_vs"),
        shown: LABELS.map(|label| wanted.contains(&label)),
    }))
}

struct Ipvs {
    stats: KernelFile,
    table: KernelFile,
    shown: [bool; LABELS.len()],
}

impl Collector for Ipvs {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        if !self.stats.exists() {
            return Err(CollectError::NoData(
                "there are no virtual servers".to_owned(),
            ));
        }
        let totals = self.stats.parse(parse_stats)?;
        for ((name, help), value) in TOTALS.into_iter().zip(totals) {
            out.counter(name, help, value as f64);
        }
        // Backends that differ in labels that are not shown are added up.
        let mut sums: BTreeMap<[String; LABELS.len()], [f64; 3]> = BTreeMap::new();
        for mut backend in self.table.parse(parse)? {
            for (label, _) in backend
                .labels
                .iter_mut()
                .zip(self.shown)
                .filter(|(_, shown)| !shown)
            {
                label.clear();
            }
            let sum = sums.entry(backend.labels).or_default();
            for (sum, value) in sum.iter_mut().zip(backend.values) {
                *sum += value;
            }
        }
        for (place, (name, help)) in BACKEND.into_iter().enumerate() {
            let mut family = out.family(name, help, MetricType::Gauge);
            for (labels, values) in &sums {
                let mut pairs = LABELS.map(|label| (label, ""));
                for (pair, value) in pairs.iter_mut().zip(labels) {
                    pair.1 = value;
                }
                family.sample(&pairs, values.get(place).copied().unwrap_or_default());
            }
        }
        Ok(())
    }
}

/// A backend of a virtual server.
#[derive(Debug, PartialEq)]
struct Backend {
    labels: [String; LABELS.len()],
    /// Weight, active and inactive connections.
    values: [f64; 3],
}

/// The third line has the totals.
fn parse_stats(text: &str) -> Result<[u64; TOTALS.len()], ParseError> {
    const EXPECTED: &str = "five hexadecimal totals in the third line";
    let line = text.lines().nth(2).ok_or(ParseError::Missing(EXPECTED))?;
    let mut totals = [0; TOTALS.len()];
    let mut fields = line.split_ascii_whitespace();
    for total in &mut totals {
        *total = fields
            .next()
            .and_then(hex)
            .ok_or_else(|| ParseError::at(2, EXPECTED, line))?;
    }
    Ok(totals)
}

/// `TCP  C0A80016:0CEA wlc` is a server, `  -> C0A85216:0CEA  Tunnel  100  248  2` a backend of it, `FWM  10001000 wlc`
/// a server known by a mark.
fn parse(text: &str) -> Result<Vec<Backend>, ParseError> {
    let mut backends = Vec::new();
    let mut server = [(); 4].map(|()| String::new());
    for (index, line) in text.lines().enumerate() {
        let malformed = || ParseError::at(index, "a virtual server or `->` and a backend", line);
        let mut fields = line.split_ascii_whitespace();
        match fields.next() {
            Some(proto @ ("TCP" | "UDP" | "SCTP")) => {
                let (address, port) = fields.next().and_then(endpoint).ok_or_else(malformed)?;
                server = [address, String::new(), port, proto.to_owned()];
            }
            Some("FWM") => {
                let mark = fields.next().ok_or_else(malformed)?;
                server = [
                    String::new(),
                    mark.to_owned(),
                    "0".to_owned(),
                    "FWM".to_owned(),
                ];
            }
            Some("->") => {
                let first = fields.next().ok_or_else(malformed)?;
                // The heading of the columns.
                if first == "RemoteAddress:Port" {
                    continue;
                }
                let (address, port) = endpoint(first).ok_or_else(malformed)?;
                let mut values = [0.0; 3];
                let mut fields = fields.skip(1);
                for value in &mut values {
                    *value = fields.next().and_then(number).ok_or_else(malformed)?;
                }
                let [local, mark, local_port, proto] = server.clone();
                backends.push(Backend {
                    labels: [local, mark, local_port, proto, address, port],
                    values,
                });
            }
            _ => {}
        }
    }
    Ok(backends)
}

/// `C0A80016:0CEA` or `[2620:0000::0001]:0050`.
fn endpoint(text: &str) -> Option<(String, String)> {
    let (address, port) = text.rsplit_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let address = match address.strip_prefix('[') {
        Some(six) => six.strip_suffix(']')?.parse::<Ipv6Addr>().ok()?.to_string(),
        None => Ipv4Addr::from(u32::from_str_radix(address, 16).ok()?).to_string(),
    };
    Some((address, port.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backends_belong_to_the_server_above_them() {
        let text = "IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n  \
            -> RemoteAddress:Port Forward Weight ActiveConn InActConn\nTCP  C0A80016:0CEA wlc\n  \
            -> C0A85216:0CEA      Tunnel  100    248        2\nFWM  10001000 wlc\n  \
            -> [2620:0000:0000:0000:0000:0000:0000:0001]:0050 Route 20 0 1\n";
        let backends = parse(text).unwrap();
        assert_eq!(
            backends[0].labels,
            ["192.168.0.22", "", "3306", "TCP", "192.168.82.22", "3306"]
        );
        assert_eq!(backends[0].values, [100.0, 248.0, 2.0]);
        assert_eq!(
            backends[1].labels,
            ["", "10001000", "0", "FWM", "2620::1", "80"]
        );
    }

    #[test]
    fn lines_of_another_form_are_refused() {
        assert!(
            parse("TCP nowhere wlc\n").is_err() && parse("-> C0A85216:0CEA Tunnel x\n").is_err()
        );
        assert!(parse_stats("a\nb\n").is_err());
        assert_eq!(parse_stats("a\nb\n 1 2 3 4 ff\n"), Ok([1, 2, 3, 4, 255]));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "(?s).*") {
            let _ = parse(&text);
        }
    }
}
