//! What each CPU did with packets from the network before the protocols saw them. Source: `/proc/net/softnet_stat`, one
//! line of hexadecimal fields per CPU.

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::KernelFile;
use crate::text::{ParseError, hex};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "softnet",
    default_on: true,
    help: "packet processing by CPU from /proc/net/softnet_stat",
    build,
};

/// The place of a field, its metric, HELP and type.
const FIELDS: [(usize, &str, &str, MetricType); 7] = [
    (
        0,
        "node_softnet_processed_total",
        "Number of processed packets",
        MetricType::Counter,
    ),
    (
        1,
        "node_softnet_dropped_total",
        "Number of dropped packets",
        MetricType::Counter,
    ),
    (
        2,
        "node_softnet_times_squeezed_total",
        "Number of times processing packets ran out of quota",
        MetricType::Counter,
    ),
    (
        8,
        "node_softnet_cpu_collision_total",
        "Number of collision occur while obtaining device lock while transmitting",
        MetricType::Counter,
    ),
    (
        9,
        "node_softnet_received_rps_total",
        "Number of times cpu woken up received_rps",
        MetricType::Counter,
    ),
    (
        10,
        "node_softnet_flow_limit_count_total",
        "Number of times flow limit has been reached",
        MetricType::Counter,
    ),
    (
        11,
        "node_softnet_backlog_len",
        "Softnet backlog status",
        MetricType::Gauge,
    ),
];

/// The field with the number of the CPU, since Linux 5.14.
const CPU: usize = 12;

/// Fields that are looked at.
const WIDTH: usize = 13;

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(Softnet {
        file: config.roots.proc("net/softnet_stat"),
        labels: Vec::new(),
    }))
}

struct Softnet {
    file: KernelFile,
    /// The CPUs' numbers as text, by place.
    labels: Vec<(u64, String)>,
}

impl Collector for Softnet {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let cpus = self.file.parse(parse)?;
        let numbers = cpus
            .iter()
            .map(|fields| fields.get(CPU).copied().unwrap_or_default());
        if !numbers
            .clone()
            .eq(self.labels.iter().map(|(number, _)| *number))
        {
            self.labels = numbers.map(|number| (number, number.to_string())).collect();
        }
        for (place, name, help, kind) in FIELDS {
            let mut family = out.family(name, help, kind);
            for (fields, (_, cpu)) in cpus.iter().zip(&self.labels) {
                let value = fields.get(place).copied().unwrap_or_default();
                family.sample(&[("cpu", cpu)], value as f64);
            }
        }
        Ok(())
    }
}

/// Of each CPU its fields; those that an old kernel lacks are 0, and its CPUs are numbered by their lines.
fn parse(text: &str) -> Result<Vec<[u64; WIDTH]>, ParseError> {
    const FEWEST: usize = 9;
    let mut cpus = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let malformed = || ParseError::at(index, "nine or more hexadecimal counts", line);
        let mut fields = [0; WIDTH];
        let mut count = 0;
        for (field, digits) in fields.iter_mut().zip(line.split_ascii_whitespace()) {
            *field = hex(digits).ok_or_else(malformed)?;
            count += 1;
        }
        if count < FEWEST {
            return Err(malformed());
        }
        if let Some(cpu) = fields.get_mut(CPU).filter(|_| count <= CPU) {
            *cpu = index as u64;
        }
        cpus.push(fields);
    }
    Ok(cpus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpus_have_their_number_or_that_of_their_line() {
        let old = "00015c73 00020e76 f0000769 0 0 0 0 0 0\n01663fb2 0 10a 0 0 0 0 0 1\n";
        let cpus = parse(old).unwrap();
        assert_eq!(cpus[0][..3], [0x15c73, 0x20e76, 0xf000_0769]);
        assert_eq!((cpus[1][8], cpus[1][CPU]), (1, 1));
        let new = parse("1 0 0 0 0 0 0 0 0 0 0 5 0000000c\n").unwrap();
        assert_eq!((new[0][11], new[0][CPU]), (5, 12));
    }

    #[test]
    fn short_lines_and_words_are_refused() {
        assert!(parse("1 2 3\n").is_err() && parse("packets\n").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "(?s).*") {
            let _ = parse(&text);
        }
    }
}
