//! How fast the CPUs may run, run, and by which governor. Source: the `cpufreq` directory of each CPU in
//! `/sys/devices/system/cpu`, in kHz.

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::{KernelFile, Roots};
use crate::sources::board::{Board, Metric, Unit};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "cpufreq",
    default_on: true,
    help: "CPU frequencies from /sys/devices/system/cpu",
    build,
};

const DIR: &str = "devices/system/cpu";

/// The file, the metric and its HELP.
const FREQUENCIES: [(&str, &str, &str); 6] = [
    (
        "cpuinfo_cur_freq",
        "node_cpu_frequency_hertz",
        "Current cpu thread frequency in hertz.",
    ),
    (
        "cpuinfo_min_freq",
        "node_cpu_frequency_min_hertz",
        "Minimum cpu thread frequency in hertz.",
    ),
    (
        "cpuinfo_max_freq",
        "node_cpu_frequency_max_hertz",
        "Maximum cpu thread frequency in hertz.",
    ),
    (
        "scaling_cur_freq",
        "node_cpu_scaling_frequency_hertz",
        "Current scaled CPU thread frequency in hertz.",
    ),
    (
        "scaling_min_freq",
        "node_cpu_scaling_frequency_min_hertz",
        "Minimum scaled CPU thread frequency in hertz.",
    ),
    (
        "scaling_max_freq",
        "node_cpu_scaling_frequency_max_hertz",
        "Maximum scaled CPU thread frequency in hertz.",
    ),
];

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(CpuFreq {
        roots: config.roots.clone(),
        board: Board::default(),
        governors: Vec::new(),
    }))
}

struct CpuFreq {
    roots: Roots,
    board: Board,
    governors: Vec<Governor>,
}

/// The governor of a CPU, and those that it could have.
struct Governor {
    cpu: String,
    current: KernelFile,
    available: KernelFile,
}

impl Collector for CpuFreq {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let names = self.roots.sys_names(DIR)?;
        let Self {
            roots,
            board,
            governors,
        } = self;
        board.emit(names, out, |names, items| {
            governors.clear();
            for (name, cpu) in names
                .iter()
                .filter_map(|name| Some((name, number_of(name)?)))
            {
                let file =
                    |attribute: &str| roots.attribute(&format!("{DIR}/{name}/cpufreq/{attribute}"));
                for (attribute, metric, help) in FREQUENCIES {
                    let metric = Metric::gauge(metric, help).unit(Unit::Times(1000.0));
                    items.number(file(attribute), metric, &[("cpu", cpu)]);
                }
                let mut current = file("scaling_governor");
                if current.exists() {
                    governors.push(Governor {
                        cpu: cpu.to_owned(),
                        current,
                        available: file("scaling_available_governors"),
                    });
                }
            }
        });
        for Governor {
            cpu,
            current,
            available,
        } in governors
        {
            let current = current.value().unwrap_or_default();
            for governor in available
                .value()
                .unwrap_or_default()
                .split_ascii_whitespace()
            {
                out.family(
                    "node_cpu_scaling_governor",
                    "Current enabled CPU frequency governor.",
                    MetricType::Gauge,
                )
                .sample(
                    &[("cpu", cpu), ("governor", governor)],
                    f64::from(u8::from(governor == current)),
                );
            }
        }
        Ok(())
    }
}

/// `0` of `cpu0`, but nothing of `cpufreq`.
fn number_of(name: &str) -> Option<&str> {
    let rest = name.strip_prefix("cpu")?;
    (!rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit())).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_of_cpus_are_told_from_their_neighbours() {
        assert_eq!(number_of("cpu12"), Some("12"));
        assert_eq!(number_of("cpufreq"), None);
        assert_eq!(number_of("cpu"), None);
    }
}
