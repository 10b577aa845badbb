//! How often each CPU ran each kind of soft interrupt. Source: `/proc/softirqs`.

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::KernelFile;
use crate::text::{ParseError, number};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "softirqs",
    default_on: false,
    help: "soft interrupts by CPU from /proc/softirqs",
    build,
};

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(Softirqs {
        file: config.roots.proc("softirqs"),
    }))
}

struct Softirqs {
    file: KernelFile,
}

impl Collector for Softirqs {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let mut family = out.family(
            "node_softirqs_functions_total",
            "Softirq counts per CPU.",
            MetricType::Counter,
        );
        self.file.parse(|text| {
            parse(text, |cpu, kind, count| {
                family.sample(&[("cpu", cpu), ("type", kind)], count);
            })
        })
    }
}

/// A heading of CPUs, and of each kind a line: `TIMER:   2831164   3104162`.
fn parse<'a>(text: &'a str, mut each: impl FnMut(&'a str, &'a str, f64)) -> Result<(), ParseError> {
    let mut lines = text.lines().enumerate();
    let (_, heading) = lines
        .next()
        .ok_or(ParseError::Missing("a heading of CPUs"))?;
    for (index, line) in lines {
        let malformed = || ParseError::at(index, "`KIND: count ...`", line);
        let (kind, counts) = line.split_once(':').ok_or_else(malformed)?;
        for (cpu, count) in heading
            .split_ascii_whitespace()
            .zip(counts.split_ascii_whitespace())
        {
            let cpu = cpu.strip_prefix("CPU").ok_or_else(malformed)?;
            each(cpu, kind.trim(), number(count).ok_or_else(malformed)?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_stand_under_their_cpu() {
        let mut found = Vec::new();
        parse("  CPU0 CPU1\n  HI: 7 1\n", |cpu, kind, count| {
            found.push((cpu, kind, count));
        })
        .unwrap();
        assert_eq!(found, [("0", "HI", 7.0), ("1", "HI", 1.0)]);
        assert!(parse("CPU0\nHI 7\n", |_, _, _| ()).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "(?s).*") {
            let _ = parse(&text, |_, _, _| ());
        }
    }
}
