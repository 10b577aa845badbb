//! The collector `domains`, which is all that runs in a scrape: it gathers within the scrape's time, and lets every
//! group that is switched on write its families. It tells whether libvirt is there, and logs when that changes.

use std::time::{Duration, Instant};

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, Scrape};
use tracing::{info, warn};

use crate::collectors::Group;
use crate::compat::Peer;
use crate::config::LibvirtConfig;
use crate::domain::Snapshot;
use crate::footprint_ffi;
use crate::gather::Gatherer;
use crate::guests;
use crate::listing::Versions;

/// Scrapes after which the memory is given back that only coming up needed: what opens its connection late has done so by
/// then.
const COMING_UP: u32 = 3;

/// Kept back from the scrape's time for writing the families.
const TO_WRITE: Duration = Duration::from_millis(100);

/// One round of questions per scrape, and all groups.
pub(crate) struct Domains {
    timeout: Duration,
    uri: String,
    groups: Vec<&'static Group>,
    gatherer: Gatherer,
    compat: Option<Peer>,
    with_nova: bool,
    /// All families before they are narrowed to a peer's.
    all: Families,
    /// Whether libvirt answered last time; `None` before the first time.
    was_up: Option<bool>,
    /// Scrapes that libvirt has answered, as far as they matter.
    answered: u32,
}

impl Domains {
    /// Nothing is asked yet: a libvirt that is not there is seen by the scrapes.
    pub(crate) fn new(config: &LibvirtConfig) -> Domains {
        Domains {
            timeout: config.timeout,
            uri: config.uri.clone(),
            groups: config.groups.clone(),
            gatherer: Gatherer::new(config),
            compat: config.compat,
            with_nova: config.with_nova,
            all: Families::new(),
            was_up: None,
            answered: 0,
        }
    }

    fn ask(&mut self, scrape: &Scrape) -> Result<Snapshot, String> {
        let spare = scrape
            .deadline
            .checked_sub(TO_WRITE)
            .unwrap_or(scrape.deadline);
        self.gatherer
            .gather(spare.min(Instant::now() + self.timeout))
    }

    /// One line when libvirt goes, one when it is back, none in between, however often it is scraped.
    fn log_change<T>(&mut self, answer: &Result<T, String>) {
        if self.was_up != Some(answer.is_ok()) {
            match answer {
                Ok(_) => info!(uri = %self.uri, "libvirt answers"),
                Err(error) => warn!(%error, "libvirt does not answer, libvirt_up is 0"),
            }
        }
        self.was_up = Some(answer.is_ok());
    }
}

impl Collector for Domains {
    fn update(&mut self, scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let answer = self.ask(scrape);
        self.log_change(&answer);
        self.own(out);
        if answer.is_ok() && self.answered < COMING_UP {
            self.answered += 1;
            footprint_ffi::give_back();
        }
        let (up, help) = (
            f64::from(u8::from(answer.is_ok())),
            "Whether scraping libvirt's metrics was successful.",
        );
        match answer {
            Ok(snapshot) => {
                let Some(peer) = self.compat else {
                    out.gauge("libvirt_up", help, up);
                    write(&self.groups, &snapshot, out);
                    return Ok(());
                };
                self.all.clear();
                self.all.gauge("libvirt_up", help, up);
                write(&self.groups, &snapshot, &mut self.all);
                peer.narrow(&self.all, self.with_nova, out);
                Ok(())
            }
            // Logged above, once; the runner needs to know only that there is nothing.
            Err(error) => {
                out.gauge("libvirt_up", help, up);
                Err(CollectError::NoData(error))
            }
        }
    }
}

impl Domains {
    /// What the exporter says of itself.
    fn own(&self, out: &mut Families) {
        let stuck = self.gatherer.stuck();
        #[expect(clippy::cast_precision_loss, reason = "there are few")]
        let (stuck, abandoned) = (stuck.now as f64, stuck.ever as f64);
        out.gauge(
            "libvirt_exporter_stuck_connections",
            "Connections to libvirt that were given up and still wait for an answer.",
            stuck,
        );
        out.counter(
            "libvirt_exporter_abandoned_connections_total",
            "Connections to libvirt that were given up because an answer did not come in time.",
            abandoned,
        );
        let mut capabilities = out.family(
            "libvirt_exporter_capability",
            "Whether the libvirt library that was loaded can do what came after libvirt 4.5.",
            MetricType::Gauge,
        );
        let has_guest_info = f64::from(u8::from(guests::can_ask_agents()));
        capabilities.sample(&[("capability", "guest_info")], has_guest_info);
    }
}

/// Everything that a snapshot says.
fn write(groups: &[&'static Group], snapshot: &Snapshot, out: &mut Families) {
    versions(snapshot.versions, out);
    for group in groups {
        (group.emit)(snapshot, out);
    }
}

fn versions(versions: Versions, out: &mut Families) {
    let text = |version: Option<u32>| {
        version.map_or_else(String::new, |version| {
            let (major, minor, release) = (
                version / 1_000_000,
                version / 1_000 % 1_000,
                version % 1_000,
            );
            format!("{major}.{minor}.{release}")
        })
    };
    let [hypervisor, daemon, library] =
        [versions.hypervisor, versions.daemon, versions.library].map(text);
    out.family(
        "libvirt_versions_info",
        "Versions of virtualization components",
        MetricType::Gauge,
    )
    .sample(
        &[
            ("hypervisor_running", &hypervisor),
            ("libvirtd_running", &daemon),
            ("libvirt_library", &library),
        ],
        1.0,
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collectors::GROUPS;
    use crate::config::GuestsConfig;

    fn updated(uri: &str) -> (Families, Result<(), CollectError>) {
        let mut domains = Domains::new(&LibvirtConfig {
            uri: uri.to_owned(),
            timeout: Duration::from_secs(60),
            domain_timeout: Duration::from_secs(60),
            connections: 2,
            procfs: "/proc".into(),
            sysfs: "/sys".into(),
            compat: None,
            with_nova: false,
            guests: GuestsConfig {
                interval: Duration::from_secs(60),
                timeout: Duration::from_secs(10),
                concurrency: 1,
                sets_period: false,
            },
            groups: GROUPS.iter().collect(),
        });
        let mut out = Families::new();
        let scrape = Scrape::new(Instant::now() + Duration::from_secs(60));
        let result = domains.update(&scrape, &mut out);
        (out, result)
    }

    fn value(families: &Families, name: &str) -> Option<f64> {
        Some(families.get(name)?.samples().next()?.value)
    }

    #[test]
    fn a_libvirt_that_answers_is_up_with_its_versions_and_domains() {
        let (families, result) = updated("test:///default");
        assert!(result.is_ok());
        assert_eq!(value(&families, "libvirt_up"), Some(1.0));
        assert_eq!(value(&families, "libvirt_domains"), Some(1.0));
        let versions = families.get("libvirt_versions_info").unwrap();
        let library = versions
            .samples()
            .next()
            .unwrap()
            .label("libvirt_library")
            .unwrap();
        assert_eq!(library.split('.').count(), 3, "{library}");
    }

    #[test]
    fn a_libvirt_that_is_not_there_is_down_and_no_fault_of_the_collector() {
        let (families, result) = updated("qemu:///system?socket=/nonexistent/libvirt-sock");
        assert!(matches!(result, Err(CollectError::NoData(_))), "{result:?}");
        assert_eq!(value(&families, "libvirt_up"), Some(0.0));
        assert_eq!(value(&families, "libvirt_domains"), None);
        assert_eq!(
            value(&families, "libvirt_exporter_stuck_connections"),
            Some(0.0)
        );
    }
}
