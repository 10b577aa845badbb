//! Every panel of the shipped dashboards has data from a Prometheus that scraped the real programs, but for those of
//! which the list says why not.

use std::collections::BTreeSet;

use testkit::{dashboards, http};

use crate::system::{System, eventually, query};

/// Parts of queries that have no answer here, by the reason.
const EMPTY: [(&str, &[&str]); 4] = [
    ("no Ceph is scraped here", &["ceph_"]),
    (
        "no openstack-exporter is scraped here",
        &["openstack_cinder_"],
    ),
    (
        "the test machine has no sensors, memory controller, bonds or NICs that tell their speed",
        &[
            "node_hwmon_",
            "node_edac_",
            "node_bonding_",
            "node_network_speed_bytes",
        ],
    ),
    (
        "a list of what is wrong, and nothing is",
        &["ALERTS{", "== 0", "== 2"],
    ),
];

/// Asks until all have data or patience ends, and fails with those that have none.
pub(crate) fn assert_panels_have_data(system: &System) {
    let excused: Vec<&str> = EMPTY
        .iter()
        .flat_map(|(_, parts)| *parts)
        .copied()
        .collect();
    let mut used: BTreeSet<&str> = BTreeSet::new();
    let mut waiting = Vec::new();
    for dashboard in dashboards::all("en") {
        for it in dashboard.queries("20s", "1m") {
            let found = excused.iter().filter(|part| it.expr.contains(**part));
            let found: Vec<_> = found.copied().collect();
            if found.is_empty() {
                waiting.push((format!("{}: {}", dashboard.name(), it.title), it.expr));
            }
            used.extend(found);
        }
    }
    assert!(waiting.len() > 150, "only {} queries", waiting.len());
    let unused: Vec<_> = excused.iter().filter(|it| !used.contains(**it)).collect();
    assert!(unused.is_empty(), "excused but not asked: {unused:?}");
    eventually("panels without data", || {
        // The collector counts the requests that it gets.
        http::get(&system.collector.url("/v1/status"));
        waiting.retain(|(_, expr)| query(&system.prometheus, expr).is_empty());
        if waiting.is_empty() {
            return Ok(());
        }
        let targets = http::get(&system.prometheus.url("/api/v1/targets")).json();
        let targets = targets["data"]["activeTargets"].as_array().unwrap();
        let said: Vec<_> = targets
            .iter()
            .map(|it| it["lastError"].to_string())
            .collect();
        Err(format!("{waiting:#?}; targets say {said:?}"))
    });
}
