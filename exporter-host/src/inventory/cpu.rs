//! The processors: what they are and how they are made up of sockets, cores and threads. Sources: `/proc/cpuinfo` in the
//! forms of x86 and of ARM, `/sys/devices/system/cpu`, and what the firmware says is printed on them, which on ARM is the
//! only place that has the name of the product.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::arm;
use super::host::said;
use super::smbios::Processor;
use crate::roots::Roots;

const CPUS: &str = "devices/system/cpu";

/// The processors of the host. All of them are taken to be alike, as they are in servers.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Cpu {
    /// What users call it: `model name` on x86, on ARM what is printed on it or the name of its core.
    pub(crate) model: Option<String>,
    /// `GenuineIntel`, `AuthenticAMD`, or the maker of an ARM core.
    pub(crate) vendor: Option<String>,
    /// The core's own name, on ARM only, such as `TaiShan-v110 (Kunpeng-920)`.
    pub(crate) core: Option<String>,
    /// Numbers in the words of `/proc/cpuinfo`: family, model, stepping; implementer, part, variant, revision.
    pub(crate) identifiers: BTreeMap<&'static str, String>,
    /// What the kernel runs, what it knows of, in its own notation such as `0-95`.
    pub(crate) online: Option<String>,
    pub(crate) present: Option<String>,
    /// Counted among the CPUs that are online.
    pub(crate) sockets: usize,
    pub(crate) cores: usize,
    pub(crate) threads: usize,
    /// `cpufreq/cpuinfo_max_freq` of the first CPU, else what the firmware says.
    pub(crate) max_hertz: Option<u64>,
    /// Whether it can run guests in hardware (`vmx` or `svm`); not to be told on ARM.
    pub(crate) virtualization: Option<&'static str>,
    /// Whether this host is itself a guest; not to be told on ARM.
    pub(crate) is_guest: Option<bool>,
    /// What the firmware says of each socket, for root only.
    pub(crate) processors: Vec<Processor>,
}

/// The names of the fields in `/proc/cpuinfo` and ours.
const IDENTIFIERS: [(&str, &str); 7] = [
    ("cpu family", "family"),
    ("model", "model"),
    ("stepping", "stepping"),
    ("CPU implementer", "implementer"),
    ("CPU part", "part"),
    ("CPU variant", "variant"),
    ("CPU revision", "revision"),
];

/// Reads all of it; `processors` are those of the firmware.
pub(crate) fn read(roots: &Roots, processors: Vec<Processor>) -> Cpu {
    let text = roots.proc_once("cpuinfo").unwrap_or_default();
    let fields = first_processor(&text);
    let field = |key: &str| fields.get(key).copied().and_then(said);
    let identifiers = IDENTIFIERS
        .iter()
        .filter_map(|(key, name)| Some((*name, field(key)?)));
    let implementer = field("CPU implementer").unwrap_or_default();
    let core = arm::part(&implementer, &field("CPU part").unwrap_or_default());
    let printed = processors
        .iter()
        .find_map(|processor| processor.model.clone());
    let flags = field("flags");
    let has = |flag: &str| {
        let flags = flags.as_deref()?;
        Some(flags.split(' ').any(|known| known == flag))
    };
    let list = |name: &str| said(&roots.sys_once(&format!("{CPUS}/{name}")).ok()?);
    let [sockets, cores, threads] = topology(roots).unwrap_or_else(|| counted(&text));
    let frequency = roots.sys_once(&format!("{CPUS}/cpu0/cpufreq/cpuinfo_max_freq"));
    let kilohertz: Option<u64> = frequency.ok().and_then(|text| text.trim().parse().ok());
    Cpu {
        model: field("model name")
            .or(printed)
            .or_else(|| core.map(str::to_owned)),
        vendor: field("vendor_id").or_else(|| arm::implementer(&implementer).map(str::to_owned)),
        core: core.map(str::to_owned),
        identifiers: identifiers.collect(),
        online: list("online"),
        present: list("present"),
        sockets,
        cores,
        threads,
        max_hertz: kilohertz
            .and_then(|kilohertz| kilohertz.checked_mul(1000))
            .or_else(|| processors.iter().find_map(|processor| processor.max_hertz)),
        virtualization: ["vmx", "svm"]
            .into_iter()
            .find(|flag| has(flag) == Some(true)),
        is_guest: has("hypervisor"),
        processors,
    }
}

/// The fields of the first CPU. Old kernels for ARM write the model above it.
fn first_processor(text: &str) -> BTreeMap<&str, &str> {
    let mut fields = BTreeMap::new();
    let mut numbers = 0;
    for (key, value) in text.lines().filter_map(|line| line.split_once(':')) {
        let key = key.trim();
        numbers += usize::from(key == "processor");
        if numbers > 1 {
            break;
        }
        fields.entry(key).or_insert(value.trim());
    }
    fields
}

/// Sockets, cores and threads; `None` where sysfs does not know. A socket's number may be anything: Kunpeng's old firmware
/// numbers them 36 and 3002.
fn topology(roots: &Roots) -> Option<[usize; 3]> {
    let mut sockets = BTreeSet::new();
    let mut cores = BTreeSet::new();
    let mut threads = 0;
    for name in roots.sys_names(CPUS).ok()? {
        let is_cpu = name
            .strip_prefix("cpu")
            .is_some_and(|rest| rest.parse::<u32>().is_ok());
        let text = |file: &str| {
            roots
                .sys_once(&format!("{CPUS}/{name}/topology/{file}"))
                .ok()
        };
        // CPUs that are off have no topology.
        let Some(socket) = text("physical_package_id").filter(|_| is_cpu) else {
            continue;
        };
        // The number of a core is only its own within a die; its list of threads is everywhere.
        let core = text("thread_siblings_list").or_else(|| text("core_id"));
        cores.insert((socket.clone(), core.unwrap_or_else(|| name.clone())));
        sockets.insert(socket);
        threads += 1;
    }
    (threads > 0).then_some([sockets.len(), cores.len(), threads])
}

/// Where there is no topology each CPU of `/proc/cpuinfo` is a core, and all are one socket.
fn counted(text: &str) -> [usize; 3] {
    let is_processor = |line: &&str| {
        line.split(':')
            .next()
            .is_some_and(|key| key.trim() == "processor")
    };
    let threads = text.lines().filter(is_processor).count();
    [threads.min(1), threads, threads]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_processor_is_that_of_all_fields() {
        let text = "Processor\t: AArch64\nprocessor\t: 0\nCPU part\t: 0xd01\n\nprocessor\t: 1\nCPU part\t: 0xd02\n";
        let fields = first_processor(text);
        assert_eq!(
            (fields["Processor"], fields["CPU part"]),
            ("AArch64", "0xd01")
        );
        assert_eq!(counted(text), [1, 2, 2]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_fields(text in "(?s).*") {
            let _ = (first_processor(&text), counted(&text));
        }
    }
}
