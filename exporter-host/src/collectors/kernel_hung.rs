//! How many tasks the kernel found hung since boot. Source: `/proc/sys/kernel/hung_task_detect_count` (Linux 6.13).

use exposition::Families;
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::KernelFile;
use crate::text::{ParseError, number};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "kernel_hung",
    default_on: true,
    help: "hung tasks from /proc/sys/kernel/hung_task_detect_count",
    build,
};

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(KernelHung(
        config.roots.proc_value("sys/kernel/hung_task_detect_count"),
    )))
}

struct KernelHung(KernelFile);

impl Collector for KernelHung {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        if !self.0.exists() {
            let reason = "this kernel does not count hung tasks";
            return Err(CollectError::NoData(reason.to_owned()));
        }
        let count = self
            .0
            .parse(|text| number(text).ok_or_else(|| ParseError::at(0, "a number", text)))?;
        out.counter(
            "node_kernel_hung_tasks_total",
            "Total number of tasks that have been detected as hung since the system booted.",
            count,
        );
        Ok(())
    }
}
