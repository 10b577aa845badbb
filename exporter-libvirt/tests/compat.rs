//! In the place of each peer: the series of Debian's exporter beside it, and what the others' published dashboards and
//! documents ask for, asked of a Prometheus that scrapes the exporter.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed assumption fails the test loudly"
)]

mod support;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use exposition::{Families, Format, parse_families};
use support::domains::{Irregular, firmware, make};
use support::{Scraped, exporter};
use testkit::{Guest, GuestSpec, Libvirtd, Peer, Running, TinySpec, http};

/// Every series of libvirt's, without its value. The exporters' own (`libvirt_exporter_…`, `libvirt_scrape_…`) are not
/// about libvirt.
fn series(text: &str) -> BTreeSet<String> {
    let families: Families = parse_families(text, Format::Text).unwrap();
    let mut series = BTreeSet::new();
    for family in families
        .iter()
        .filter(|family| family.name().starts_with("libvirt_"))
    {
        if family.name().starts_with("libvirt_exporter_")
            || family.name().starts_with("libvirt_scrape_")
        {
            continue;
        }
        for sample in family.samples() {
            let mut labels: Vec<_> = sample
                .labels()
                .filter(|(_, value)| !value.is_empty())
                .collect();
            labels.sort();
            series.insert(format!("{} {labels:?}", family.name()));
        }
    }
    series
}

#[test]
fn in_kuminas_place_the_series_are_those_of_debians_exporter() {
    let libvirtd = Libvirtd::start();
    let spec = TinySpec {
        tap: true,
        disk: true,
        nova: true,
    };
    let _domains = testkit::tiny::boot_many(&libvirtd, 2, spec);
    for nova in [None, Some("--libvirt.export-nova-metadata")] {
        let peer = Peer::new("prometheus-libvirt-exporter")
            .args([format!("--libvirt.uri={}", libvirtd.read_only_uri())])
            .args(["--web.listen-address=127.0.0.1:{port}"])
            .args(nova)
            .wait_http("/metrics")
            .start();
        let flags: Vec<_> = ["--compat=kumina"].into_iter().chain(nova).collect();
        let ours = exporter(&libvirtd.read_only_uri(), &flags);
        let theirs = http::get(&peer.url("/metrics")).expect_status(200).text();
        let (ours, theirs) = (series(&Scraped::of(&ours).text), series(&theirs));
        assert!(theirs.len() > 20, "{theirs:#?}");
        let missing: Vec<_> = theirs.difference(&ours).collect();
        let added: Vec<_> = ours.difference(&theirs).collect();
        assert_eq!((missing, added), (Vec::new(), Vec::new()), "with {nova:?}");
    }
}

const INOVEX: &str = include_str!("queries/inovex.promql");
const KUMINA: &str = include_str!("queries/kumina.promql");
/// Names and labels instead of queries: all series of the exporter that the dashboards are made for.
const TINKOFF: &str = include_str!("../../dashboards/public/libvirt-12538-13633-15682.txt");

/// The lines of a list that are no comments.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
}

/// `name{label,other}` as a query that gives nothing unless each label has a value.
fn with_labels(line: &str) -> String {
    let (name, labels) = line.split_once('{').unwrap_or((line, ""));
    let labels = labels
        .trim_end_matches('}')
        .split(',')
        .filter(|label| !label.is_empty());
    let selectors: Vec<_> = labels.map(|label| format!("{label}=~\".+\"")).collect();
    format!("{name}{{{}}}", selectors.join(","))
}

/// A Prometheus that scrapes this exporter each second.
fn prometheus(exporter: &Running, dir: &std::path::Path) -> Running {
    let config = dir.join("prometheus.yml");
    let target = exporter.address();
    let text = format!(
        "global: {{scrape_interval: 1s}}\nscrape_configs:\n- job_name: libvirt\n  static_configs: [{{targets: ['{target}']}}]\n"
    );
    std::fs::write(&config, text).unwrap();
    testkit::prometheus::start(&config)
}

/// How many series Prometheus answers with; panics with its complaint if it does not understand the query.
fn count(prometheus: &Running, query: &str) -> usize {
    let mut encoded = String::from("query=");
    for byte in query.bytes() {
        encoded.push_str(&format!("%{byte:02X}"));
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let answer = http::post(&prometheus.url("/api/v1/query"), &form, encoded);
    let answer = answer.json();
    let result = answer["data"]["result"].as_array();
    result.unwrap_or_else(|| panic!("{query}: {answer}")).len()
}

#[test]
fn what_dashboards_ask_of_prometheus_is_there_in_each_peers_place_and_by_default() {
    let libvirtd = Libvirtd::start();
    let guest = Guest::boot(&libvirtd, GuestSpec::new("instance-0000002c").nova("web"));
    let limited = Irregular {
        name: "limited",
        disks: 2,
        then: Some(&["start"]),
        ..Irregular::default()
    };
    make(&libvirtd, &firmware(libvirtd.dir()), &limited);
    for (disk, kinds) in [("vda", &["total"][..]), ("vdb", &["read", "write"])] {
        let mut limits = vec!["blkdeviotune".to_owned(), "limited".into(), disk.into()];
        for kind in kinds {
            for unit in ["bytes", "iops"] {
                for (rest, value) in [("", "1000000"), ("-max", "2000000"), ("-max-length", "3")] {
                    limits.extend([format!("--{kind}-{unit}-sec{rest}"), value.into()]);
                }
            }
        }
        limits.extend(["--size-iops-sec".into(), "4096".into()]);
        libvirtd.virsh().run(limits);
    }
    let boot = Duration::from_secs(300);
    guest.wait_for_stat_above("balloon.usable", 0.0, boot);
    guest.wait_for_stat_above("block.0.wr.times", 0.0, boot);

    let inovex = || lines(INOVEX).map(str::to_owned).collect::<Vec<_>>();
    let tinkoff = || lines(TINKOFF).map(with_labels).collect::<Vec<_>>();
    let kumina = || lines(KUMINA).map(str::to_owned).collect::<Vec<_>>();
    for (flags, queries) in [
        (&["--compat=inovex"][..], inovex()),
        (&["--compat=tinkoff"], tinkoff()),
        (&["--compat=kumina"], kumina()),
        (&[], [inovex(), tinkoff()].concat()),
    ] {
        let exporter = exporter(&libvirtd.read_only_uri(), flags);
        let dir = tempfile::tempdir().unwrap();
        let prometheus = prometheus(&exporter, dir.path());
        let deadline = Instant::now() + boot;
        for query in queries {
            if query.contains("interface") && guest.tap().is_none() {
                continue;
            }
            let query = query
                .replace("$dom_id", guest.name())
                .replace("$__rate_interval", "1m");
            while count(&prometheus, &query) == 0 {
                assert!(
                    Instant::now() < deadline,
                    "nothing for {query} with {flags:?}"
                );
                std::thread::sleep(Duration::from_millis(200));
            }
        }
        // What only one of the others has, or no peer.
        for foreign in [
            ("libvirt_domain_stuck", flags.is_empty()),
            (
                "libvirt_domain_info_meta",
                flags.is_empty() || flags == ["--compat=tinkoff"],
            ),
            (
                "libvirt_domain_openstack_info",
                flags.is_empty() || flags == ["--compat=inovex"],
            ),
            ("libvirt_domains_number", flags == ["--compat=kumina"]),
        ] {
            let is_there = count(&prometheus, foreign.0) > 0;
            assert_eq!(is_there, foreign.1, "{} with {flags:?}", foreign.0);
        }
        let unlike = match flags {
            ["--compat=inovex"] => {
                count(&prometheus, "{__name__=~\"libvirt_domain_.*\",uuid!=\"\"}")
            }
            [_, ..] => count(
                &prometheus,
                "{__name__=~\"libvirt_domain_.*\",project_id!=\"\"}",
            ),
            [] => 0,
        };
        assert_eq!(
            unlike, 0,
            "labels that the peer does not have, with {flags:?}"
        );
    }
}
