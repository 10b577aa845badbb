//! How many processes of each daemon run that the operator names, such as `nova-compute`. Sources: `/proc/PID/comm`,
//! and `/proc/PID/cmdline` where the name is cut off or is that of an interpreter.

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::{Roots, read_lossy};
use crate::sources::processes;

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "daemons",
    default_on: false,
    help: "processes of the daemons that --collector.daemons.names names",
    build,
};

/// The kernel cuts the names of processes off here.
const COMM: usize = 15;

/// Programs that run what their first argument names.
const INTERPRETERS: [&str; 6] = ["python", "uwsgi", "java", "perl", "ruby", "node"];

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    let values = config.options.values("collector.daemons.names");
    let names = values
        .iter()
        .flat_map(|value| value.split(','))
        .map(str::trim);
    let mut names: Vec<String> = names
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    names.sort_unstable();
    names.dedup();
    Ok(Box::new(Daemons {
        roots: config.roots.clone(),
        names,
    }))
}

struct Daemons {
    roots: Roots,
    names: Vec<String>,
}

impl Collector for Daemons {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        if self.names.is_empty() {
            let reason = "no flag --collector.daemons.names";
            return Err(CollectError::NoData(reason.to_owned()));
        }
        let mut counts = vec![0_u64; self.names.len()];
        for process in processes::numbers(&self.roots, "")? {
            let directory = self.roots.procfs.join(process.to_string());
            let Ok(comm) = read_lossy(&directory.join("comm")) else {
                continue;
            };
            let comm = comm.trim_end_matches('\n');
            let cmdline = || read_lossy(&directory.join("cmdline")).unwrap_or_default();
            let found = which(&self.names, comm, cmdline);
            if let Some(count) = found.and_then(|index| counts.get_mut(index)) {
                *count += 1;
            }
        }
        let mut family = out.family(
            "node_process_total",
            "Processes that run of each daemon that is watched.",
            MetricType::Gauge,
        );
        for (name, count) in self.names.iter().zip(counts) {
            family.sample(&[("name", name)], count as f64);
        }
        Ok(())
    }
}

/// Which of the names a process is. The arguments are read only where its own name does not tell.
fn which(names: &[String], comm: &str, cmdline: impl FnOnce() -> String) -> Option<usize> {
    if let Some(index) = names.iter().position(|name| name == comm) {
        return Some(index);
    }
    let is_cut = comm.len() >= COMM && names.iter().any(|name| name.starts_with(comm));
    if !is_cut && !INTERPRETERS.iter().any(|program| comm.starts_with(program)) {
        return None;
    }
    let cmdline = cmdline();
    let arguments = cmdline
        .split('\0')
        .filter(|argument| !argument.starts_with('-'));
    let mut programs = arguments.take(2).filter_map(|path| {
        // A process that names itself writes all of it into the first argument: `neutron-server: api worker`.
        let name = path.rsplit('/').next()?;
        name.split([':', ' ']).next()
    });
    programs.find_map(|program| names.iter().position(|name| name == program))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(comm: &str, cmdline: &str) -> Option<usize> {
        let names = ["libvirtd", "neutron-openvswitch-agent", "nova-compute"].map(str::to_owned);
        which(&names, comm, || cmdline.to_owned())
    }

    #[test]
    fn a_process_is_known_by_its_name() {
        assert_eq!(found("nova-compute", ""), Some(2));
        assert_eq!(found("bash", "bash\0nova-compute"), None);
    }

    #[test]
    fn a_name_that_is_cut_off_or_an_interpreter_is_known_by_the_arguments() {
        assert_eq!(
            found(
                "neutron-openvsw",
                "/usr/bin/python3\0/usr/bin/neutron-openvswitch-agent\0"
            ),
            Some(1)
        );
        assert_eq!(
            found("python3", "/usr/bin/python3\0-u\0/usr/bin/nova-compute\0"),
            Some(2)
        );
        assert_eq!(found("python3", "python3\0nothing.py\0nova-compute"), None);
    }
}
