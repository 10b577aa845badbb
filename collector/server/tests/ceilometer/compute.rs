//! Ceilometer's compute agent and our exporter look at the same guest of a real libvirt: what the agent publishes, by
//! way of RabbitMQ and Ceilometer's notification agent, to one collector as Gnocchi, another one has of its scrapes by
//! the shipped mapping, with the same resources, units and archive policies. Of the guest's values, which would change
//! between the two looks, all are compared while it is paused. A third collector takes the agent's messages itself.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use testkit::{Guest, GuestSpec, Libvirtd, Rabbitmq, Shipped};

use crate::agents::{Agents, POLLED};
use crate::broker::{depth, listening_to, sum, wait_connected, wait_for, wait_until};
use crate::content::{content, last_since, moment};
use crate::endpoint;
use crate::policies::keep_seconds;
use crate::release::Release;
use crate::support::Collector;

const BOOT: Duration = Duration::from_secs(300);
const VCPUS: u32 = 2;
/// Types of the resources that a compute agent tells of, with the meters of which both releases tell.
const TYPES: [(&str, &[&str]); 3] = [
    (
        "instance",
        &[
            "cpu",
            "memory.usage",
            "memory.resident",
            "memory.swap.in",
            "memory.swap.out",
        ],
    ),
    (
        "instance_disk",
        &[
            "disk.device.read.bytes",
            "disk.device.read.requests",
            "disk.device.read.latency",
            "disk.device.write.bytes",
            "disk.device.write.requests",
            "disk.device.write.latency",
            "disk.device.capacity",
            "disk.device.allocation",
            "disk.device.usage",
        ],
    ),
    (
        "instance_network_interface",
        &[
            "network.incoming.bytes",
            "network.incoming.packets",
            "network.incoming.packets.drop",
            "network.incoming.packets.error",
            "network.outgoing.bytes",
            "network.outgoing.packets",
            "network.outgoing.packets.drop",
            "network.outgoing.packets.error",
        ],
    ),
];
/// What the newest compute agent tells of beyond Debian's.
const NEWER: [&str; 6] = [
    "memory",
    "memory.available",
    "vcpus",
    "power.state",
    "disk.root.size",
    "disk.ephemeral.size",
];

/// A collector whose Ceilometer policies keep seconds, so that single values can be compared.
fn to_the_second(yaml: &str) -> Collector {
    let collector = Collector::configured(yaml);
    keep_seconds(&endpoint(&collector));
    collector
}

/// A collector that scrapes the exporter of that host by the shipped mapping.
fn scraping(exporter: &str) -> Collector {
    to_the_second(&format!(
        "scrape: {{interval: 1s, timeout: 1s, static_configs: [{{targets: ['{exporter}'], labels: {{host: compute-1}}}}]}}\n"
    ))
}

/// Resources of a compute agent, by the id that it gave them.
fn resources(collector: &Collector) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for (kind, _) in TYPES {
        let list = collector.json(&format!("/v1/resource/{kind}"));
        for resource in list.as_array().unwrap() {
            let id = resource["original_resource_id"].as_str().unwrap();
            found.insert(id.to_owned(), resource.clone());
        }
    }
    found
}

/// What a resource is, without the moments of its writing and the ids of its metrics.
fn described(resource: &Value) -> Value {
    let mut fields = resource.as_object().unwrap().clone();
    for field in ["started_at", "revision_start", "revision_end", "metrics"] {
        fields.remove(field);
    }
    fields.into()
}

fn metric(collector: &Collector, resource: &Value, name: &str) -> Option<Value> {
    let id = resource["metrics"][name].as_str()?;
    Some(collector.json(&format!("/v1/metric/{id}")))
}

/// The newest value of a metric if it is of that moment or later.
fn newest(collector: &Collector, metric: &Value, since: &str) -> Option<f64> {
    let id = metric["id"].as_str()?;
    let measures = collector.json(&format!("/v1/metric/{id}/measures?aggregation=mean"));
    last_since(&measures, since)
}

/// How far two looks at a paused guest may differ.
fn tolerance(meter: &str, value: f64) -> f64 {
    match meter {
        // libvirt counts the ticks of each vCPU in user and in system mode, the exporter nanoseconds.
        "cpu" => f64::from(VCPUS) * 0.02e9,
        // QEMU itself lives on.
        "memory.resident" => 2.0,
        _ => value.abs() * 1e-9,
    }
}

/// What of the agent's the mapping does not have, or has otherwise.
fn differences(agents: &Collector, scraped: &Collector, since: &str) -> Vec<String> {
    let (theirs, ours) = (resources(agents), resources(scraped));
    let mut said = Vec::new();
    for (id, theirs) in &theirs {
        let Some(ours) = ours.get(id) else {
            said.push(format!("no resource {id}"));
            continue;
        };
        if described(theirs) != described(ours) {
            said.push(format!("{}\n{}", described(theirs), described(ours)));
        }
        for meter in theirs["metrics"].as_object().unwrap().keys() {
            let (theirs, ours) = (metric(agents, theirs, meter), metric(scraped, ours, meter));
            let (Some(theirs), Some(ours)) = (theirs, ours) else {
                said.push(format!("{id} has no {meter}"));
                continue;
            };
            // Newer releases call the same by another name.
            let unit = theirs["unit"].as_str().map(|unit| match unit {
                "MiB" => "MB",
                "GiB" => "GB",
                unit => unit,
            });
            if unit != ours["unit"].as_str() {
                said.push(format!("{meter}: {} and {}", theirs["unit"], ours["unit"]));
            }
            let policy = |metric: &Value| metric["archive_policy"]["name"].clone();
            if policy(&theirs) != policy(&ours) {
                said.push(format!(
                    "{meter}: {} and {}",
                    policy(&theirs),
                    policy(&ours)
                ));
            }
            let values = (
                newest(agents, &theirs, since),
                newest(scraped, &ours, since),
            );
            match values {
                (Some(theirs), Some(ours)) if (theirs - ours).abs() <= tolerance(meter, theirs) => {
                }
                values => said.push(format!("{id} {meter}: {values:?}")),
            }
        }
    }
    said
}

/// The newest value of an instance's meter.
fn last(collector: &Collector, instance: &str, meter: &str) -> Option<f64> {
    let resource = resources(collector).get(instance)?.clone();
    newest(collector, &metric(collector, &resource, meter)?, "")
}

/// Names of all meters that the agent publishes.
fn meters(collector: &Collector) -> BTreeSet<String> {
    let resources = resources(collector).into_values();
    let names = resources.flat_map(|resource| resource["metrics"].as_object().unwrap().clone());
    names.map(|(name, _)| name).collect()
}

#[test]
fn the_shipped_mapping_gives_what_ceilometers_compute_agents_give() {
    let libvirtd = Libvirtd::start();
    let spec = GuestSpec {
        vcpus: VCPUS,
        ..GuestSpec::new("instance-00000007").nova("web-1")
    };
    let guest = Guest::boot(&libvirtd, spec);
    assert!(guest.tap().is_some(), "the guest needs a tap");
    let broker = Rabbitmq::start();
    let exporter = Shipped::new("nephoscope-exporter-libvirt")
        .arg(format!("--libvirt.uri={}", libvirtd.read_only_uri()))
        .start();
    let scraped = scraping(exporter.address());
    let uuid = guest.uuid().to_string();
    guest.wait_for_agent(BOOT);
    guest.wait_for_stat_above("balloon.usable", 0.0, BOOT);
    guest.wait_for_stat_above("block.0.wr.bytes", 0.0, BOOT);

    for release in [Release::Debian, Release::Newest] {
        let gnocchi = to_the_second("");
        let own = listening_to(&broker, ", prefetch: 1, pool: nephoscope");
        let own = to_the_second(&release.with_definitions(&own));
        wait_connected(&own);
        let host = format!(
            "host = compute-1\nlibvirt_uri = {}",
            libvirtd.read_only_uri()
        );
        let agents = Agents::new(release, &broker.url(), &endpoint(&gnocchi), &host);
        let notification = agents.notification();
        let compute = agents.compute();
        // It runs, and its CPU is used.
        wait_for("a share of the CPU", || {
            last(&scraped, &uuid, "cpu_util").is_some_and(|share| share > 0.0 && share <= 100.0)
        });
        let expected = TYPES.iter().flat_map(|(_, meters)| *meters);
        let newer = NEWER.iter().filter(|_| release == Release::Newest);
        let expected: BTreeSet<_> = expected.chain(newer).map(|it| (*it).to_owned()).collect();
        wait_until(
            "the agent's meters",
            || meters(&gnocchi),
            |found| found.is_superset(&expected),
        );

        guest.suspend();
        let since = moment(SystemTime::now() + Duration::from_secs(2));
        wait_until(
            "the same of both",
            || differences(&gnocchi, &scraped, &since),
            Vec::is_empty,
        );
        assert_eq!(meters(&gnocchi), expected, "{release:?}");
        for (meter, still) in [
            ("cpu_util", 1.0),
            ("disk.read.bytes.rate", 0.0),
            ("disk.write.requests.rate", 0.0),
        ] {
            let value = last(&scraped, &uuid, meter).unwrap();
            assert!((0.0..=still).contains(&value), "{meter}: {value}");
        }

        // The collector that listens itself has the same as the one that the agent publishes to.
        drop(compute);
        let empty = || depth(&broker, POLLED) == Some(0);
        wait_for("all messages", || {
            empty() && sum(&own, "amqp_messages_unacknowledged") == 0.0
        });
        let names = |of: &Collector| content(&endpoint(of)).into_keys().collect::<Vec<_>>();
        assert_eq!(names(&own), names(&gnocchi));
        wait_until(
            "the same of both ways",
            || {
                let (theirs, own) = (content(&endpoint(&gnocchi)), content(&endpoint(&own)));
                let differ = theirs
                    .into_iter()
                    .filter(|(id, it)| own.get(id) != Some(it));
                differ.collect::<Vec<_>>()
            },
            Vec::is_empty,
        );
        drop(notification);
        guest.resume();
    }
}
