//! How often each CPU served each interrupt. Source: `/proc/interrupts`.

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::pattern::Filter;
use crate::roots::KernelFile;
use crate::text::{ParseError, number};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "interrupts",
    default_on: false,
    help: "interrupts by CPU from /proc/interrupts",
    build,
};

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(Interrupts {
        file: config.roots.proc("interrupts"),
        names: config.options.filter("collector.interrupts.name")?,
        with_zeros: config.options.is_on("collector.interrupts.include-zeros"),
    }))
}

struct Interrupts {
    file: KernelFile,
    names: Filter,
    with_zeros: bool,
}

impl Collector for Interrupts {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let Self {
            file,
            names,
            with_zeros,
        } = self;
        let (cpus, lines) = file.parse(parse)?;
        let mut family = out.family(
            "node_interrupts_total",
            "Interrupt details.",
            MetricType::Counter,
        );
        for Line {
            name,
            counts,
            info,
            devices,
        } in lines
        {
            if !names.is_empty() && names.ignores(&format!("{name};{info};{devices}")) {
                continue;
            }
            for (cpu, count) in cpus.iter().zip(counts) {
                if *with_zeros || count != 0.0 {
                    let labels = [
                        ("cpu", *cpu),
                        ("devices", devices),
                        ("info", info),
                        ("type", name),
                    ];
                    family.sample(&labels, count);
                }
            }
        }
        Ok(())
    }
}

#[derive(Debug, PartialEq)]
struct Line<'a> {
    name: &'a str,
    counts: Vec<f64>,
    info: &'a str,
    devices: &'a str,
}

/// A heading of CPUs, then lines: `  8:   0   1   IR-IO-APIC-edge   rtc0`, or `NMI: 47 5031 Non-maskable interrupts`.
fn parse(text: &str) -> Result<(Vec<&str>, Vec<Line<'_>>), ParseError> {
    let mut lines = text.lines().enumerate();
    let (_, heading) = lines
        .next()
        .ok_or(ParseError::Missing("a heading of CPUs"))?;
    let cpus: Vec<&str> = heading
        .split_ascii_whitespace()
        .filter_map(|cpu| cpu.strip_prefix("CPU"))
        .collect();
    let mut found = Vec::new();
    for (index, line) in lines {
        let (name, rest) = line
            .split_once(':')
            .ok_or_else(|| ParseError::at(index, "`name: counts`", line))?;
        let mut rest = rest.trim_start();
        let mut counts = Vec::with_capacity(cpus.len());
        while counts.len() < cpus.len() {
            let (field, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            let Some(count) = number(field).filter(|_| !field.is_empty()) else {
                break;
            };
            counts.push(count);
            rest = after.trim_start();
        }
        // ERR and MIS have one count for all CPUs, and are not shown.
        if counts.len() < cpus.len() {
            continue;
        }
        // A numbered interrupt has a controller and devices, others have a text.
        let (info, devices) = match number(name.trim()) {
            Some(_) => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
            None => (rest, ""),
        };
        found.push(Line {
            name: name.trim(),
            counts,
            info: info.trim(),
            devices: devices.trim(),
        });
    }
    Ok((cpus, found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interrupts_have_counts_and_what_they_belong_to() {
        let text = "     CPU0  CPU1\n  8:  0  1   IR-IO-APIC-edge   rtc0\nNMI:  47  5031   Non-maskable interrupts\nERR:  0\n";
        let (cpus, lines) = parse(text).unwrap();
        assert_eq!(cpus, ["0", "1"]);
        assert_eq!(lines.len(), 2);
        assert_eq!(
            lines[0],
            Line {
                name: "8",
                counts: vec![0.0, 1.0],
                info: "IR-IO-APIC-edge",
                devices: "rtc0"
            }
        );
        assert_eq!(
            (lines[1].info, lines[1].devices),
            ("Non-maskable interrupts", "")
        );
        assert!(parse("CPU0\nno colon\n").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "(?s).*") {
            let _ = parse(&text);
        }
    }
}
