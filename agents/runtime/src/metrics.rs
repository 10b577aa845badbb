//! What a program tells about itself: its build, its process, its scrapes. Names and HELP are those that client_golang
//! gives, where it has them, for dashboards ask for those.

use std::sync::OnceLock;

use exposition::{Families, MetricType};
use procfs::process::{LimitValue, Process};

use crate::program::Program;
use crate::registry::RegistryStats;

/// Numbers that a program has about itself, added to each scrape.
pub trait SelfMetrics: Send + Sync + 'static {
    /// Writes the numbers as they are now. Runs where requests are answered, so it must not wait for anything.
    fn collect(&self, out: &mut Families);
}

impl<F: Fn(&mut Families) + Send + Sync + 'static> SelfMetrics for F {
    fn collect(&self, out: &mut Families) {
        self(out);
    }
}

/// `{name}_build_info` for each name of the program.
pub(crate) fn build_info(program: &Program, out: &mut Families) {
    for name in program.build_info {
        let help = format!(
            "A metric with a constant '1' value labeled by version and arch from which {name} was built."
        );
        let labels = [
            ("version", program.version),
            ("arch", std::env::consts::ARCH),
        ];
        out.family(&format!("{name}_build_info"), &help, MetricType::Gauge)
            .sample(&labels, 1.0);
    }
}

/// `process_*` of this process, from `/proc/self/{stat,limits,fd,net}`. What the kernel does not tell is left out.
pub(crate) fn process(out: &mut Families) {
    let Ok(process) = Process::myself() else {
        return;
    };
    let ticks = procfs::ticks_per_second() as f64;
    if let Ok(stat) = process.stat() {
        let cpu = (stat.utime + stat.stime) as f64 / ticks;
        out.counter(
            "process_cpu_seconds_total",
            "Total user and system CPU time spent in seconds.",
            cpu,
        );
        out.gauge(
            "process_virtual_memory_bytes",
            "Virtual memory size in bytes.",
            stat.vsize as f64,
        );
        let resident = stat.rss.saturating_mul(procfs::page_size()) as f64;
        out.gauge(
            "process_resident_memory_bytes",
            "Resident memory size in bytes.",
            resident,
        );
        out.gauge(
            "process_threads",
            "Number of OS threads in the process.",
            stat.num_threads as f64,
        );
        if let Some(start) = start_time(stat.starttime as f64 / ticks) {
            let help = "Start time of the process since unix epoch in seconds.";
            out.gauge("process_start_time_seconds", help, start);
        }
    }
    if let Ok(count) = process.fd_count() {
        out.gauge(
            "process_open_fds",
            "Number of open file descriptors.",
            count as f64,
        );
    }
    if let Ok(limits) = process.limits() {
        let fds = limit(limits.max_open_files.soft_limit);
        out.gauge(
            "process_max_fds",
            "Maximum number of open file descriptors.",
            fds,
        );
        let help = "Maximum amount of virtual memory available in bytes.";
        out.gauge(
            "process_virtual_memory_max_bytes",
            help,
            limit(limits.max_address_space.soft_limit),
        );
    }
}

/// The start of the process, `after_boot` seconds after the machine's. It is computed once, for the kernel's boot time
/// follows each correction of the clock, and the start would seem to change.
fn start_time(after_boot: f64) -> Option<f64> {
    static START: OnceLock<Option<f64>> = OnceLock::new();
    *START.get_or_init(|| {
        procfs::boot_time_secs()
            .ok()
            .map(|boot| boot as f64 + after_boot)
    })
}

fn limit(value: LimitValue) -> f64 {
    match value {
        LimitValue::Unlimited => u64::MAX as f64,
        LimitValue::Value(value) => value as f64,
    }
}

/// How the collectors fare.
pub(crate) fn registry(stats: RegistryStats, problems: u64, out: &mut Families) {
    let RegistryStats {
        stuck,
        runners,
        panics,
        timeouts,
    } = stats;
    let count = |value: u64| value as f64;
    let help =
        "Series and families that were left out of scrapes for being invalid or given twice.";
    out.counter("nephoscope_scrape_problems_total", help, count(problems));
    let help = "Collections that were not finished when their scrape was answered.";
    out.counter("nephoscope_scrape_timeouts_total", help, count(timeouts));
    let help = "Collections that ended in a panic.";
    out.counter("nephoscope_scrape_panics_total", help, count(panics));
    let help = "Collectors that have not come back since the end of their scrape, and are not started again until then.";
    out.gauge("nephoscope_scrape_stuck_collectors", help, stuck as f64);
    out.gauge(
        "nephoscope_scrape_runner_threads",
        "Threads that run collectors.",
        runners as f64,
    );
}

/// `promhttp_*`: scrapes in flight, answered with 200, 500 and 503, and answered with something left out.
pub(crate) fn handler(
    in_flight: f64,
    [ok, failed, refused]: [f64; 3],
    with_problems: f64,
    out: &mut Families,
) {
    let help = "Total number of internal errors encountered by the promhttp metric handler.";
    let mut family = out.family(
        "promhttp_metric_handler_errors_total",
        help,
        MetricType::Counter,
    );
    family
        .sample(&[("cause", "encoding")], failed)
        .sample(&[("cause", "gathering")], with_problems);
    let help = "Current number of scrapes being served.";
    out.gauge(
        "promhttp_metric_handler_requests_in_flight",
        help,
        in_flight,
    );
    let help = "Total number of scrapes by HTTP status code.";
    let mut family = out.family(
        "promhttp_metric_handler_requests_total",
        help,
        MetricType::Counter,
    );
    family
        .sample(&[("code", "200")], ok)
        .sample(&[("code", "500")], failed)
        .sample(&[("code", "503")], refused);
}
