//! What sysfs says of CPUs beyond their time: how often a core or a package was throttled because of its temperature
//! (`devices/system/cpu/cpuN/thermal_throttle`, Intel only), and which CPUs are isolated (`devices/system/cpu/isolated`).
//! The topology is read once per set of online CPUs, the counters on every scrape.

use std::collections::{BTreeMap, BTreeSet};

use exposition::{Families, MetricType};
use runtime::CollectError;

use crate::roots::{KernelFile, Roots};
use crate::text::ParseError;

const CPUS: &str = "devices/system/cpu";

/// More CPUs than any kernel is built for: a longer range is not a list of CPUs.
const MOST_CPUS: u32 = 1 << 16;

/// The counters of all cores and packages, opened.
pub(crate) struct Throttles {
    roots: Roots,
    known: Option<Known>,
}

struct Known {
    isolated: Vec<u32>,
    cores: Vec<Core>,
    packages: Vec<Package>,
}

struct Core {
    package: String,
    core: String,
    count: KernelFile,
}

struct Package {
    package: String,
    count: KernelFile,
}

impl Throttles {
    /// Nothing is read before the first scrape.
    pub(crate) fn new(roots: Roots) -> Self {
        Self { roots, known: None }
    }

    /// CPUs came or went: the topology is read anew.
    pub(crate) fn forget(&mut self) {
        self.known = None;
    }

    /// Writes the families of which this host has something. A counter that cannot be read is left out.
    pub(crate) fn emit(&mut self, out: &mut Families) -> Result<(), CollectError> {
        let known = match self.known {
            Some(ref mut known) => known,
            None => self.known.insert(discover(&self.roots)?),
        };
        for cpu in &known.isolated {
            out.family(
                "node_cpu_isolated",
                "Whether each core is isolated, information from /sys/devices/system/cpu/isolated.",
                MetricType::Gauge,
            )
            .sample(&[("cpu", &cpu.to_string())], 1.0);
        }
        for Core {
            package,
            core,
            count,
        } in &mut known.cores
        {
            if let Ok(count) = count.parse(parse_count) {
                out.family(
                    "node_cpu_core_throttles_total",
                    "Number of times this CPU core has been throttled.",
                    MetricType::Counter,
                )
                .sample(&[("core", core), ("package", package)], count as f64);
            }
        }
        for Package { package, count } in &mut known.packages {
            if let Ok(count) = count.parse(parse_count) {
                out.family(
                    "node_cpu_package_throttles_total",
                    "Number of times this CPU package has been throttled.",
                    MetricType::Counter,
                )
                .sample(&[("package", package)], count as f64);
            }
        }
        Ok(())
    }
}

/// Finds the first CPU of each core and of each package that has a counter. Hyper-threads share those of their core.
fn discover(roots: &Roots) -> Result<Known, CollectError> {
    let mut cores: BTreeMap<(u64, u64), Option<KernelFile>> = BTreeMap::new();
    let mut packages: BTreeMap<u64, KernelFile> = BTreeMap::new();
    let names = roots.sys_names(CPUS).unwrap_or_default();
    for cpu in names.iter().filter(|name| is_cpu(name)) {
        let number = |attribute: &str| -> Option<u64> {
            roots
                .sys_once(&format!("{CPUS}/{cpu}/topology/{attribute}"))
                .ok()?
                .parse()
                .ok()
        };
        let Some((package, core)) = number("physical_package_id").zip(number("core_id")) else {
            continue;
        };
        let counter = |name: &str| {
            let mut file = roots.sys(&format!("{CPUS}/{cpu}/thermal_throttle/{name}"));
            file.exists().then_some(file)
        };
        let of_core = cores.entry((package, core)).or_default();
        if of_core.is_none() {
            *of_core = counter("core_throttle_count");
        }
        if let std::collections::btree_map::Entry::Vacant(entry) = packages.entry(package)
            && let Some(file) = counter("package_throttle_count")
        {
            entry.insert(file);
        }
    }
    Ok(Known {
        isolated: isolated(roots)?,
        cores: cores
            .into_iter()
            .filter_map(|((package, core), count)| {
                Some(Core {
                    package: package.to_string(),
                    core: core.to_string(),
                    count: count?,
                })
            })
            .collect(),
        packages: packages
            .into_iter()
            .map(|(package, count)| Package {
                package: package.to_string(),
                count,
            })
            .collect(),
    })
}

/// `cpu0`, but not `cpufreq`.
fn is_cpu(name: &str) -> bool {
    name.strip_prefix("cpu")
        .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
}

fn isolated(roots: &Roots) -> Result<Vec<u32>, CollectError> {
    let mut file = roots.sys(&format!("{CPUS}/isolated"));
    if file.exists() {
        file.parse(parse_cpu_list)
    } else {
        Ok(Vec::new())
    }
}

fn parse_count(text: &str) -> Result<u64, ParseError> {
    text.trim()
        .parse()
        .map_err(|_| ParseError::at(0, "a number", text.trim()))
}

/// `2-5,8` is 2, 3, 4, 5 and 8; an empty list is none.
fn parse_cpu_list(text: &str) -> Result<Vec<u32>, ParseError> {
    let text = text.trim();
    let mut cpus = BTreeSet::new();
    for part in text.split(',').filter(|_| !text.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let range = first.parse::<u32>().ok().zip(last.parse::<u32>().ok());
        match range {
            Some((first, last)) if first <= last && last < MOST_CPUS => cpus.extend(first..=last),
            _ => return Err(ParseError::at(0, "a list of CPUs such as 2-5,8", text)),
        }
    }
    Ok(cpus.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_cpus_is_spelled_out() {
        assert_eq!(parse_cpu_list("2-5,8\n").unwrap(), [2, 3, 4, 5, 8]);
        assert_eq!(parse_cpu_list("\n").unwrap(), [0; 0]);
        assert_eq!(parse_cpu_list("0").unwrap(), [0]);
    }

    #[test]
    fn what_is_no_list_of_cpus_is_refused() {
        for text in ["a", "1-", "5-2", "1,,2", "0-4294967295", "-1"] {
            assert!(parse_cpu_list(text).is_err(), "{text}");
        }
    }

    #[test]
    fn directories_of_cpus_are_told_from_their_neighbours() {
        assert!(is_cpu("cpu0") && is_cpu("cpu127"));
        assert!(!is_cpu("cpufreq") && !is_cpu("isolated") && !is_cpu("cpu"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "[0-9,-]*|.*") {
            let _ = parse_cpu_list(&text);
            let _ = parse_count(&text);
        }
    }
}
