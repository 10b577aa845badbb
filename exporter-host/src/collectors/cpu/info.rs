//! What the CPUs are: models, frequencies, features and bugs. Source: `/proc/cpuinfo`, in the forms of x86 and of ARM.

use std::collections::BTreeMap;

use exposition::{Families, MetricType};
use runtime::CollectError;

use crate::config::HostConfig;
use crate::pattern::Pattern;
use crate::roots::KernelFile;
use crate::text::ParseError;

/// The labels of `node_cpu_info` beside `cpu`, and the keys that they are read from: x86's, then ARM's.
const LABELS: [(&str, [&str; 2]); 9] = [
    ("cachesize", ["cache size", ""]),
    ("core", ["core id", ""]),
    ("family", ["cpu family", "CPU architecture"]),
    ("microcode", ["microcode", ""]),
    ("model", ["model", "CPU part"]),
    ("model_name", ["model name", ""]),
    ("package", ["physical id", ""]),
    ("stepping", ["stepping", "CPU revision"]),
    ("vendor", ["vendor_id", "CPU implementer"]),
];

/// The reader, and which features and bugs are shown.
pub(super) struct CpuInfo {
    file: KernelFile,
    features: Pattern,
    bugs: Pattern,
}

impl CpuInfo {
    /// `None` unless it was asked for.
    pub(super) fn of(config: &HostConfig) -> Option<Self> {
        let options = &config.options;
        let features = options.pattern("collector.cpu.info.flags-include");
        let bugs = options.pattern("collector.cpu.info.bugs-include");
        let is_on = options.is_on("collector.cpu.info") || !features.is_empty() || !bugs.is_empty();
        is_on.then(|| Self {
            file: config.roots.proc("cpuinfo"),
            features,
            bugs,
        })
    }

    /// Writes all families.
    pub(super) fn emit(&mut self, out: &mut Families) -> Result<(), CollectError> {
        let cpus = self.file.parse(parse)?;
        let mut family = out.family(
            "node_cpu_info",
            "CPU information from /proc/cpuinfo.",
            MetricType::Gauge,
        );
        for cpu in &cpus {
            let mut labels = vec![("cpu", cpu.value(["processor", ""]))];
            labels.extend(LABELS.map(|(label, keys)| (label, cpu.value(keys))));
            labels.sort_unstable();
            family.sample(&labels, 1.0);
        }
        let clock = |cpu: &Cpu<'_>| cpu.value(["cpu MHz", ""]).parse::<f64>().ok();
        for (cpu, megahertz) in cpus.iter().filter_map(|cpu| Some((cpu, clock(cpu)?))) {
            let labels = [
                ("core", cpu.value(["core id", ""])),
                ("cpu", cpu.value(["processor", ""])),
                ("package", cpu.value(["physical id", ""])),
            ];
            out.family(
                "node_cpu_frequency_hertz",
                "CPU frequency in hertz from /proc/cpuinfo.",
                MetricType::Gauge,
            )
            .sample(&labels, megahertz * 1e6);
        }
        let Some(first) = cpus.first() else {
            return Ok(());
        };
        let words = |pattern: &Pattern, keys| {
            let words = first.value(keys).split_ascii_whitespace();
            let shown = words.filter(|word| !pattern.is_empty() && pattern.is_match(word));
            shown.collect::<Vec<_>>()
        };
        for feature in words(&self.features, ["flags", "Features"]) {
            out.family(
                "node_cpu_flag_info",
                "The `flags` field of CPU information from /proc/cpuinfo taken from the first core.",
                MetricType::Gauge,
            )
            .sample(&[("flag", feature)], 1.0);
        }
        for bug in words(&self.bugs, ["bugs", ""]) {
            out.family(
                "node_cpu_bug_info",
                "The `bugs` field of CPU information from /proc/cpuinfo taken from the first core.",
                MetricType::Gauge,
            )
            .sample(&[("bug", bug)], 1.0);
        }
        Ok(())
    }
}

/// One paragraph of the file.
#[derive(Debug, Default, PartialEq)]
struct Cpu<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Cpu<'a> {
    /// The value of the first of these keys that the CPU has, else nothing.
    fn value(&self, keys: [&str; 2]) -> &'a str {
        let found = keys.into_iter().find_map(|key| self.0.get(key));
        found.copied().unwrap_or_default()
    }
}

/// The paragraphs that begin with `processor : N`; others, such as ARM's `Hardware` at the end, are no CPUs.
fn parse(text: &str) -> Result<Vec<Cpu<'_>>, ParseError> {
    let mut cpus: Vec<Cpu<'_>> = Vec::new();
    let mut is_open = false;
    for line in text.lines() {
        let Some((key, value)) = line.split_once(':') else {
            is_open = false;
            continue;
        };
        let (key, value) = (key.trim(), value.trim());
        if key == "processor" {
            cpus.push(Cpu::default());
            is_open = true;
        }
        if let Some(cpu) = cpus.last_mut().filter(|_| is_open) {
            cpu.0.insert(key, value);
        }
    }
    if cpus.is_empty() {
        Err(ParseError::Missing(
            "a paragraph that begins with `processor`",
        ))
    } else {
        Ok(cpus)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_processor_is_a_paragraph_in_the_form_of_its_architecture() {
        let x86 = "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: A: B\nflags\t\t: fpu aes\n\nprocessor\t: 1\n";
        let cpus = parse(x86).unwrap();
        assert_eq!(cpus.len(), 2);
        assert_eq!(
            cpus[0].value(["vendor_id", "CPU implementer"]),
            "GenuineIntel"
        );
        assert_eq!(cpus[0].value(["model name", ""]), "A: B");
        assert_eq!(cpus[1].value(["flags", "Features"]), "");
        let arm = "processor\t: 0\nFeatures\t: fp sha1\nCPU implementer\t: 0x48\nCPU part\t: 0xd01\n\nHardware\t: x\n";
        let cpus = parse(arm).unwrap();
        assert_eq!(cpus.len(), 1);
        assert_eq!(cpus[0].value(["vendor_id", "CPU implementer"]), "0x48");
        assert!(parse("Hardware: x\n").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "(?s).*") {
            let _ = parse(&text);
        }
    }
}
