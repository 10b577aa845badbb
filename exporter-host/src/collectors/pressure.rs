//! How long tasks had to wait for CPU time, memory, I/O and interrupts (pressure stall information). Source: the files
//! in `/proc/pressure`, whose totals are in microseconds.

use exposition::Families;
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::KernelFile;
use crate::text::ParseError;

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "pressure",
    default_on: true,
    help: "pressure stall information from /proc/pressure",
    build,
};

/// A resource and the metric of its `some` and its `full` line: name and HELP.
struct Resource {
    file: KernelFile,
    some: Option<(&'static str, &'static str)>,
    full: Option<(&'static str, &'static str)>,
}

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    let resource = |name: &str, some, full| Resource {
        file: config.roots.proc(name),
        some,
        full,
    };
    Ok(Box::new(Pressure([
        resource(
            "pressure/cpu",
            Some((
                "node_pressure_cpu_waiting_seconds_total",
                "Total time in seconds that processes have waited for CPU time",
            )),
            None,
        ),
        resource(
            "pressure/io",
            Some((
                "node_pressure_io_waiting_seconds_total",
                "Total time in seconds that processes have waited due to IO congestion",
            )),
            Some((
                "node_pressure_io_stalled_seconds_total",
                "Total time in seconds no process could make progress due to IO congestion",
            )),
        ),
        resource(
            "pressure/memory",
            Some((
                "node_pressure_memory_waiting_seconds_total",
                "Total time in seconds that processes have waited for memory",
            )),
            Some((
                "node_pressure_memory_stalled_seconds_total",
                "Total time in seconds no process could make progress due to memory congestion",
            )),
        ),
        resource(
            "pressure/irq",
            None,
            Some((
                "node_pressure_irq_stalled_seconds_total",
                "Total time in seconds no process could make progress due to IRQ congestion",
            )),
        ),
    ])))
}

struct Pressure([Resource; 4]);

impl Collector for Pressure {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let mut any = false;
        for Resource { file, some, full } in &mut self.0 {
            if !file.exists() {
                continue;
            }
            any = true;
            let totals = file.parse(parse)?;
            for (metric, micros) in [(some, totals.some), (full, totals.full)] {
                if let (Some((name, help)), Some(micros)) = (metric, micros) {
                    // In two steps, as node_exporter does, so that the last digit is the same.
                    out.counter(name, help, micros as f64 / 1000.0 / 1000.0);
                }
            }
        }
        if any {
            Ok(())
        } else {
            Err(CollectError::NoData(
                "the kernel has no pressure stall information".to_owned(),
            ))
        }
    }
}

/// Microseconds since boot in which some or all tasks waited.
#[derive(Debug, Default, PartialEq)]
struct Totals {
    some: Option<u64>,
    full: Option<u64>,
}

/// `some avg10=0.10 avg60=2.00 avg300=3.85 total=15`, and the same of `full`.
fn parse(text: &str) -> Result<Totals, ParseError> {
    let mut totals = Totals::default();
    for (index, line) in text.lines().enumerate() {
        let total = line
            .rsplit_once("total=")
            .and_then(|(_, total)| total.trim().parse().ok())
            .ok_or_else(|| ParseError::at(index, "`total=` and a number", line))?;
        match line.split_once(' ') {
            Some(("some", _)) => totals.some = Some(total),
            Some(("full", _)) => totals.full = Some(total),
            _ => {}
        }
    }
    Ok(totals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_totals_of_both_lines_are_read() {
        let text = "some avg10=0.10 avg60=2.00 avg300=3.85 total=15\nfull avg10=0.20 avg60=3.00 avg300=4.95 total=25\n";
        assert_eq!(
            parse(text),
            Ok(Totals {
                some: Some(15),
                full: Some(25)
            })
        );
    }

    #[test]
    fn a_line_without_a_total_is_refused() {
        assert!(parse("some avg10=0.10\n").is_err() && parse("some total=x\n").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "(?s).*") {
            let _ = parse(&text);
        }
    }
}
