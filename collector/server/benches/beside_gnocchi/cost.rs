//! What a server costs: CPU time and memory of a process and all that it started, from `/proc`.

use std::collections::HashMap;

/// Clock ticks of a second in `/proc`, the same on all of Linux that we run on.
const TICKS: f64 = 100.0;

/// Cost at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cost {
    /// CPU seconds since the start, those of children that have ended included: `/proc/PID/stat` fields 14 to 17.
    pub(crate) cpu: f64,
    /// MiB in memory, where processes share a page each with its part: `Pss` of `/proc/PID/smaps_rollup`.
    pub(crate) memory: f64,
}

/// The cost of a process with its children and theirs.
pub(crate) fn of_tree(root: u32) -> Cost {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    let mut cpus: HashMap<u32, f64> = HashMap::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else {
            continue;
        };
        // The name may hold spaces: fields count from behind it, the third first.
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        children
            .entry(fields[1].parse().unwrap())
            .or_default()
            .push(pid);
        let times = fields[11..15]
            .iter()
            .map(|field| field.parse::<f64>().unwrap());
        cpus.insert(pid, times.sum::<f64>() / TICKS);
    }
    let (mut cost, mut open) = (Cost::default(), vec![root]);
    while let Some(pid) = open.pop() {
        cost.cpu += cpus.get(&pid).copied().unwrap_or_default();
        cost.memory += proportional(pid);
        open.extend(children.remove(&pid).unwrap_or_default());
    }
    cost
}

fn proportional(pid: u32) -> f64 {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kibibytes = line.and_then(|text| text.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    kibibytes.unwrap_or_default() / 1024.0
}
