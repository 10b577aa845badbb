//! What the CPUs' counters and the kernel's counted, on each CPU. Source: perf_event_open(2), one descriptor for each event
//! and CPU, which is opened at the first scrape and read at each. A guest has no hardware counters: what cannot be
//! opened has no series.

use std::fs::File;
use std::io::{self, Read};

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::{HostConfig, Options};
use crate::roots::Roots;
use crate::sources::calls::count_event;
use crate::text::number;

mod events;

use events::{CACHE, Event, HARDWARE, SOFTWARE};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "perf",
    default_on: false,
    help: "hardware, software and cache events from perf_event_open(2)",
    build,
};

/// More CPUs than a host has; what is beyond is a slip of the pen.
const MOST_CPUS: usize = 8192;

/// `PERF_TYPE_TRACEPOINT`.
const TRACEPOINT: u32 = 2;

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    let options = &config.options;
    let cpus = match options.value("collector.perf.cpus") {
        "" => None,
        list => Some(cpus(list).ok_or_else(|| {
            let reason = format!("expected CPUs such as 0,2-5 or 0-14:2, found {list:?}");
            ConfigError::value("--collector.perf.cpus", reason)
        })?),
    };
    let mut events = Vec::new();
    for (all, kind) in [
        (HARDWARE, "hardware"),
        (SOFTWARE, "software"),
        (CACHE, "cache"),
    ] {
        events.extend(chosen(options, all, kind)?);
    }
    let tracepoints = options.values("collector.perf.tracepoint");
    let tracepoints = tracepoints
        .iter()
        .filter(|name| !name.is_empty())
        .map(|name| {
            let parts = name
                .split_once(':')
                .filter(|(_, event)| !event.contains(':'));
            let (system, event) = parts.ok_or_else(|| {
                let reason = format!("expected SUBSYSTEM:EVENT, found {name:?}");
                ConfigError::value("--collector.perf.tracepoint", reason)
            })?;
            Ok((system.to_owned(), event.to_owned()))
        });
    Ok(Box::new(Perf {
        roots: config.roots.clone(),
        cpus,
        events,
        tracepoints: tracepoints.collect::<Result<_, ConfigError>>()?,
        counters: Vec::new(),
    }))
}

/// The events of a kind that the flags leave. A list narrows down those of the caches alone, as in node_exporter.
fn chosen(
    options: &Options,
    all: &'static [Event],
    kind: &str,
) -> Result<Vec<&'static Event>, ConfigError> {
    if options.is_on(&format!("collector.perf.disable-{kind}-profilers")) {
        return Ok(Vec::new());
    }
    let flag = format!("collector.perf.{kind}-profilers");
    let names: Vec<String> = options.values(&flag);
    let names: Vec<&String> = names.iter().filter(|name| !name.is_empty()).collect();
    if let Some(name) = names
        .iter()
        .find(|name| !all.iter().any(|event| event.profiler == **name))
    {
        let known: Vec<&str> = all.iter().map(|event| event.profiler).collect();
        let reason = format!("expected one of {}, found {name:?}", known.join(", "));
        return Err(ConfigError::value(format!("--{flag}"), reason));
    }
    let is_chosen = |event: &&Event| {
        kind != "cache" || names.is_empty() || names.iter().any(|name| *name == event.profiler)
    };
    Ok(all.iter().filter(is_chosen).collect())
}

/// The CPUs of a list such as `0,2-5` or `0-14:2`, where the last number is the step.
fn cpus(list: &str) -> Option<Vec<u32>> {
    let mut all = Vec::new();
    for part in list.trim().split(',') {
        let (range, step) = part.split_once(':').unwrap_or((part, "1"));
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        let step: usize = step.parse().ok().filter(|step| *step > 0)?;
        all.extend((first..=last).step_by(step).take(MOST_CPUS + 1));
        if all.len() > MOST_CPUS {
            return None;
        }
    }
    Some(all)
}

struct Perf {
    roots: Roots,
    /// The CPUs of the flag; all that are online if there is none.
    cpus: Option<Vec<u32>>,
    events: Vec<&'static Event>,
    /// Subsystem and event.
    tracepoints: Vec<(String, String)>,
    /// Empty until the first scrape.
    counters: Vec<Counter>,
}

/// An event on a CPU.
struct Counter {
    metric: String,
    help: String,
    cpu: String,
    file: File,
}

impl Collector for Perf {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        if self.counters.is_empty() {
            self.counters = self.open()?;
        }
        for counter in &mut self.counters {
            let failed = |source: io::Error| {
                let (metric, cpu) = (&counter.metric, &counter.cpu);
                CollectError::Other(format!("cannot read {metric} of CPU {cpu}: {source}"))
            };
            let mut bytes = [0; 24];
            let length = counter.file.read(&mut bytes).map_err(failed)?;
            if let Some(value) = bytes.get(..length).and_then(count) {
                out.family(&counter.metric, &counter.help, MetricType::Counter)
                    .sample(&[("cpu", &counter.cpu)], value);
            }
        }
        Ok(())
    }
}

impl Perf {
    /// Opens what can be opened; the error is that of the last event if none can.
    fn open(&self) -> Result<Vec<Counter>, CollectError> {
        let cpus = match &self.cpus {
            Some(cpus) => cpus.clone(),
            None => {
                let online = self.roots.sys_once("devices/system/cpu/online");
                online.ok().and_then(|list| cpus(&list)).unwrap_or_default()
            }
        };
        let mut wanted = Vec::new();
        for event in &self.events {
            let (kind, config) = event.number();
            wanted.push((
                format!("node_perf_{}", event.metric),
                event.help.to_owned(),
                kind,
                config,
            ));
        }
        for (system, event) in &self.tracepoints {
            let metric = format!("node_perf_{system}_{event}");
            let help = format!("Perf tracepoint {system}:{event}");
            wanted.push((metric, help, TRACEPOINT, self.tracepoint(system, event)?));
        }
        let (mut counters, mut last) = (Vec::new(), None);
        for (metric, help, kind, config) in &wanted {
            for cpu in &cpus {
                match count_event(*kind, *config, cpu.cast_signed()) {
                    Ok(descriptor) => counters.push(Counter {
                        metric: metric.clone(),
                        help: help.clone(),
                        cpu: cpu.to_string(),
                        file: descriptor.into(),
                    }),
                    Err(error) => last = Some(error),
                }
            }
        }
        match last {
            Some(error) if counters.is_empty() => {
                let hint = "see /proc/sys/kernel/perf_event_paranoid, or run with CAP_PERFMON";
                Err(CollectError::Other(format!(
                    "no event can be counted: {error} ({hint})"
                )))
            }
            _ => Ok(counters),
        }
    }

    /// The number that the kernel has given to a tracepoint.
    fn tracepoint(&self, system: &str, event: &str) -> Result<u64, CollectError> {
        let mut places = ["kernel/tracing", "kernel/debug/tracing"].iter();
        let id = places.find_map(|place| {
            let path = format!("{place}/events/{system}/{event}/id");
            number(&self.roots.sys_once(&path).ok()?)
        });
        id.map(|id| id as u64).ok_or_else(|| {
            CollectError::Other(format!(
                "no tracepoint {system}:{event} under /sys/kernel/tracing"
            ))
        })
    }
}

/// What a descriptor says: the count, and how long it was to count and did. Events may have to take turns on the
/// counters of a CPU; then the count is what it would have been.
fn count(bytes: &[u8]) -> Option<f64> {
    let word = |at: usize| Some(u64::from_ne_bytes(*bytes.get(at..)?.first_chunk()?) as f64);
    let (count, enabled, running) = (word(0)?, word(8)?, word(16)?);
    let took_turns = running > 0.0 && running < enabled;
    Some(if took_turns {
        (count * enabled / running).trunc()
    } else {
        count
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_cpus_have_ranges_and_steps() {
        assert_eq!(cpus("0"), Some(vec![0]));
        assert_eq!(cpus("0,2-5\n"), Some(vec![0, 2, 3, 4, 5]));
        assert_eq!(cpus("1-10:5,12"), Some(vec![1, 6, 12]));
        for list in ["", "a", "1-", "1-3:0", "1:2:3", "0-4294967295"] {
            assert_eq!(cpus(list), None, "{list}");
        }
    }

    #[test]
    fn a_count_that_took_turns_is_made_whole() {
        let read = |numbers: [u64; 3]| count(numbers.map(u64::to_ne_bytes).as_flattened());
        assert_eq!(read([100, 50, 50]), Some(100.0));
        assert_eq!(read([100, 50, 25]), Some(200.0));
        assert_eq!(read([0, 50, 0]), Some(0.0));
        assert_eq!(count(&[0; 23]), None);
    }

    #[test]
    fn the_kernel_counts_software_events_or_says_why_not() {
        match count_event(1, 3, 0) {
            Ok(descriptor) => {
                let mut bytes = [0; 24];
                assert_eq!(File::from(descriptor).read(&mut bytes).unwrap(), 24);
                assert!(count(&bytes).unwrap() >= 0.0);
            }
            Err(error) => assert!(error.raw_os_error().is_some(), "{error}"),
        }
    }

    proptest::proptest! {
        #[test]
        fn any_list_is_cpus_or_refused(list in "[0-9,:-]{0,20}|.*", bytes: Vec<u8>) {
            proptest::prop_assert!(cpus(&list).is_none_or(|cpus| cpus.len() <= MOST_CPUS));
            let _ = count(&bytes);
        }
    }
}
