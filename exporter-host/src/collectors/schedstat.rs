//! How long each CPU ran tasks, how long tasks waited for it, and how many slices of time it gave. Source:
//! `/proc/schedstat`, which is there if the kernel has CONFIG_SCHEDSTATS.

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::KernelFile;
use crate::text::ParseError;

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "schedstat",
    default_on: true,
    help: "scheduler statistics by CPU from /proc/schedstat",
    build,
};

/// Nanoseconds of a second.
const NANOS: f64 = 1e9;

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(SchedStat {
        file: config.roots.proc("schedstat"),
    }))
}

struct SchedStat {
    file: KernelFile,
}

impl Collector for SchedStat {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        if !self.file.exists() {
            return Err(CollectError::NoData(
                "the kernel has no scheduler statistics".to_owned(),
            ));
        }
        let cpus = self.file.parse(parse)?;
        let columns = [
            (
                "node_schedstat_running_seconds_total",
                "Number of seconds CPU spent running a process.",
                NANOS,
            ),
            (
                "node_schedstat_waiting_seconds_total",
                "Number of seconds spent by processing waiting for this CPU.",
                NANOS,
            ),
            (
                "node_schedstat_timeslices_total",
                "Number of timeslices executed by CPU.",
                1.0,
            ),
        ];
        for (place, (name, help, unit)) in columns.into_iter().enumerate() {
            let mut family = out.family(name, help, MetricType::Counter);
            for (cpu, values) in &cpus {
                let value = values.get(place).copied().unwrap_or_default();
                family.sample(&[("cpu", cpu)], value as f64 / unit);
            }
        }
        Ok(())
    }
}

/// Of each CPU its number, the nanoseconds run and waited, and the slices: the 7th to 9th field.
fn parse(text: &str) -> Result<Vec<(&str, [u64; 3])>, ParseError> {
    let mut cpus = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let mut fields = line.split_ascii_whitespace();
        let Some(cpu) = fields.next().and_then(|name| name.strip_prefix("cpu")) else {
            continue;
        };
        let mut values = [0; 3];
        let mut fields = fields.skip(6);
        for value in &mut values {
            *value = fields
                .next()
                .and_then(|field| field.parse().ok())
                .ok_or_else(|| ParseError::at(index, "nine numbers of a CPU", line))?;
        }
        cpus.push((cpu, values));
    }
    Ok(cpus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpus_are_read_and_domains_passed_over() {
        let text = "version 15\ntimestamp 1\ncpu0 1 2 3 4 5 6 7 8 9\ndomain0 00 1 2\ncpu12 0 0 0 0 0 0 1 1 1\n";
        assert_eq!(parse(text).unwrap(), [("0", [7, 8, 9]), ("12", [1, 1, 1])]);
    }

    #[test]
    fn a_cpu_with_fewer_numbers_is_refused() {
        assert!(parse("cpu0 1 2 3\n").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "(?s).*") {
            let _ = parse(&text);
        }
    }
}
