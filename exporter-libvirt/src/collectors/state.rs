//! Which domains there are, what state each is in and why, and what machine it is. Domains that are shut off are
//! here too. The state's words are inovex's, the reasons' are libvirt's own.

use exposition::{Families, MetricType::Gauge};

use super::Group;
use crate::connect;
use crate::domain::{Domain, Snapshot};
use crate::emit::{Family, info, per_domain, samples};

pub(super) const GROUP: Group = Group {
    name: "state",
    help: "Number, state and reason, machine type of the domains",
    source: "libvirt `state.*` of virConnectGetAllDomainStats, `<os>` of the XML",
    default_on: true,
    stats: connect::STATE,
    emit,
};

const FAMILIES: &[Family<Domain>] = &[
    Family {
        name: "libvirt_domain_info_vstate",
        help: "Virtual domain state. 0: no state, 1: the domain is running, 2: the domain is blocked on resource, \
               3: the domain is paused by user, 4: the domain is being shut down, 5: the domain is shut off,\
               6: the domain is crashed, 7: the domain is suspended by guest power management",
        kind: Gauge,
        value: |domain| domain.stats.state.map(f64::from),
    },
    Family {
        name: "libvirt_domain_timed_out",
        help: "Whether scraping libvirt's domain metrics has timed out.",
        kind: Gauge,
        value: |domain| Some(f64::from(u8::from(domain.is_skipped))),
    },
    Family {
        name: "libvirt_domain_stuck",
        help: "Whether the domain's hypervisor does not answer; what only it knows is then as old as \
               libvirt_domain_stats_age_seconds says.",
        kind: Gauge,
        value: |domain| Some(f64::from(u8::from(domain.is_stuck))),
    },
    Family {
        name: "libvirt_domain_stats_age_seconds",
        help: "Age of the numbers that only the domain's hypervisor knows: disks and the balloon.",
        kind: Gauge,
        value: |domain| Some(domain.age?.as_secs_f64()),
    },
];

fn emit(snapshot: &Snapshot, out: &mut Families) {
    #[expect(clippy::cast_precision_loss, reason = "nobody has 2^53 domains")]
    let domains = snapshot.domains.len() as f64;
    out.gauge("libvirt_domains", "Number of domains", domains);
    per_domain(snapshot, FAMILIES, out);
    samples(
        "libvirt_domain_info_state",
        "Code of the domain state",
        Gauge,
        snapshot.domains.iter().filter_map(|domain| {
            let state = domain.stats.state?;
            let words = ("state_desc", state_words(state));
            Some((domain, Some(words), f64::from(state)))
        }),
        out,
    );
    samples(
        "libvirt_domain_info_state_reason",
        "Code of the reason of the domain state; each state has its own codes",
        Gauge,
        snapshot.domains.iter().filter_map(|domain| {
            let reason = domain.stats.reason?;
            let word = ("reason", reason_word(domain.stats.state?, reason));
            Some((domain, Some(word), f64::from(reason)))
        }),
        out,
    );
    info(
        "libvirt_domain_info",
        "Metadata labels for the domain.",
        snapshot.domains.iter().map(|domain| (domain, ())),
        |domain, (), labels| {
            labels.extend([
                ("os_type", domain.description.os_type.as_str()),
                ("os_type_arch", &domain.description.arch),
                ("os_type_machine", &domain.description.machine),
            ]);
        },
        out,
    );
}

/// The words for a `virDomainState`.
fn state_words(state: i32) -> &'static str {
    match state {
        0 => "no state",
        1 => "the domain is running",
        2 => "the domain is blocked on resource",
        3 => "the domain is paused by user",
        4 => "the domain is being shut down",
        5 => "the domain is shut off",
        6 => "the domain is crashed",
        7 => "the domain is suspended by guest power management",
        _ => "this enum value will increase over time as new events are added to the libvirt API",
    }
}

/// The word for a reason of a state, as in the names of libvirt's constants (`VIR_DOMAIN_PAUSED_IOERROR`).
fn reason_word(state: i32, reason: i32) -> &'static str {
    let words: &[&str] = match state {
        1 => &[
            "unknown",
            "booted",
            "migrated",
            "restored",
            "from_snapshot",
            "unpaused",
            "migration_canceled",
            "save_canceled",
            "wakeup",
            "crashed",
            "postcopy",
            "postcopy_failed",
        ],
        3 => &[
            "unknown",
            "user",
            "migration",
            "save",
            "dump",
            "ioerror",
            "watchdog",
            "from_snapshot",
            "shutting_down",
            "snapshot",
            "crashed",
            "starting_up",
            "postcopy",
            "postcopy_failed",
            "api_error",
        ],
        4 => &["unknown", "user"],
        5 => &[
            "unknown",
            "shutdown",
            "destroyed",
            "crashed",
            "migrated",
            "saved",
            "failed",
            "from_snapshot",
            "daemon",
        ],
        6 => &["unknown", "panicked"],
        _ => &["unknown"],
    };
    let word = usize::try_from(reason).ok().and_then(|at| words.get(at));
    word.copied().unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_read_in_the_table_of_its_state() {
        assert_eq!(reason_word(1, 1), "booted");
        assert_eq!(reason_word(3, 5), "ioerror");
        assert_eq!(reason_word(5, 2), "destroyed");
        assert_eq!(reason_word(6, 1), "panicked");
        assert_eq!(reason_word(2, 0), "unknown");
    }

    #[test]
    fn a_reason_of_a_later_libvirt_is_other_and_not_a_wrong_word() {
        for (state, reason) in [(1, 99), (1, -1), (99, 1), (7, 1)] {
            assert_eq!(reason_word(state, reason), "other");
        }
        assert!(state_words(8).starts_with("this enum value"));
    }
}
