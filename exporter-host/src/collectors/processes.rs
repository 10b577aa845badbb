//! How many processes and threads there are and in which states. Sources: the directories of processes in `/proc`,
//! and the limits in `/proc/sys/kernel`. It reads a file per thread, which is much on a busy host.

use std::collections::BTreeMap;
use std::path::PathBuf;

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::{KernelFile, Roots};
use crate::sources::processes::{self, Stat};
use crate::text::{ParseError, number};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "processes",
    default_on: false,
    help: "processes and threads by state from /proc",
    build,
};

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(Processes {
        roots: config.roots.clone(),
        threads_max: config.roots.proc_value("sys/kernel/threads-max"),
        pid_max: config.roots.proc_value("sys/kernel/pid_max"),
    }))
}

struct Processes {
    roots: Roots,
    threads_max: KernelFile,
    pid_max: KernelFile,
}

/// What was counted; states are by their letter.
#[derive(Default)]
struct Counts {
    processes: u64,
    threads: u64,
    states: BTreeMap<char, u64>,
    thread_states: BTreeMap<char, u64>,
}

impl Collector for Processes {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let limit = |text: &str| number(text).ok_or_else(|| ParseError::at(0, "a number", text));
        let counts = self.count()?;
        out.gauge(
            "node_processes_threads",
            "Allocated threads in system",
            counts.threads as f64,
        );
        out.gauge(
            "node_processes_max_threads",
            "Limit of threads in the system",
            self.threads_max.parse(limit)?,
        );
        out.gauge(
            "node_processes_pids",
            "Number of PIDs",
            counts.processes as f64,
        );
        out.gauge(
            "node_processes_max_processes",
            "Number of max PIDs limit",
            self.pid_max.parse(limit)?,
        );
        for (name, help, label, states) in [
            (
                "node_processes_state",
                "Number of processes in each state.",
                "state",
                &counts.states,
            ),
            (
                "node_processes_threads_state",
                "Number of threads in each state.",
                "thread_state",
                &counts.thread_states,
            ),
        ] {
            for (state, count) in states {
                let state = state.encode_utf8(&mut [0; 4]).to_owned();
                out.family(name, help, MetricType::Gauge)
                    .sample(&[(label, &state)], *count as f64);
            }
        }
        Ok(())
    }
}

impl Processes {
    fn count(&self) -> Result<Counts, CollectError> {
        let mut counts = Counts::default();
        for process in processes::numbers(&self.roots, "")? {
            let path = PathBuf::from(process.to_string());
            let Some(Stat { state, threads }) = processes::stat(&self.roots, &path) else {
                continue;
            };
            counts.processes += 1;
            counts.threads = counts.threads.saturating_add(threads);
            *counts.states.entry(state).or_default() += 1;
            let tasks = processes::numbers(&self.roots, &format!("{process}/task"));
            for thread in tasks.unwrap_or_default() {
                let state = if thread == process {
                    Some(state)
                } else {
                    let path = path.join("task").join(thread.to_string());
                    processes::stat(&self.roots, &path).map(|stat| stat.state)
                };
                if let Some(state) = state {
                    *counts.thread_states.entry(state).or_default() += 1;
                }
            }
        }
        Ok(counts)
    }
}
