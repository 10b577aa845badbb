//! Ceilometer's central agents, Debian's and PyPI's newest, poll a real Glance, Cinder, Neutron and Swift, while these tell
//! the notification agents what happens. The same samples and notifications go to a real Gnocchi and to a collector by
//! Ceilometer's gnocchi publisher, and to a collector that listens itself; all three then hold the same.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use testkit::http::request;
use testkit::{Keystone, Rabbitmq};

use crate::agents::Agents;
use crate::broker::{depths_at, listening_to, wait_connected, wait_until};
use crate::content::{content, last_since, moment};
use crate::openstack::things::{SERVER, Things};
use crate::openstack::{Cloud, SERVICE};
use crate::policies::keep_seconds;
use crate::release::Release;
use crate::support::gnocchi::{self, start_gnocchi};
use crate::support::{ACCEPT_JSON, ADMIN, Collector};
use crate::{endpoint, upgrade_by};

/// Topics of what becomes of the same messages, by whom.
const REAL: &str = "real";
const OURS: &str = "ours";
const OWN: &str = "own";
const TOPICS: [&str; 3] = [REAL, OURS, OWN];

/// Resources by the id that Ceilometer gave them.
type Content = BTreeMap<String, Value>;

fn held(endpoint: &str) -> Content {
    let all = content(endpoint).into_values();
    all.map(|resource| {
        let id = last(&resource)["original_resource_id"].as_str().unwrap();
        (id.to_owned(), resource)
    })
    .collect()
}

/// The newest revision.
fn last(resource: &Value) -> &Value {
    let history = resource["history"].as_array().unwrap();
    history.last().unwrap()
}

/// The newest value of a resource's meter if it is of that moment or later.
fn newest(endpoint: &str, id: &str, meter: &str, since: &str) -> Option<f64> {
    let path = format!("/v1/resource/generic/{id}/metric/{meter}/measures");
    let url = format!("{endpoint}{path}?aggregation=mean&refresh=true");
    let answer = request("GET", &url, &[ADMIN, ACCEPT_JSON], b"");
    (answer.status == 200).then(|| last_since(&answer.json(), since))?
}

/// What one holds otherwise than another one.
fn differences(theirs: &Content, ours: &Content) -> Vec<String> {
    let ids: BTreeSet<&String> = theirs.keys().chain(ours.keys()).collect();
    let differ = ids
        .into_iter()
        .filter(|id| theirs.get(*id) != ours.get(*id));
    differ
        .map(|id| format!("{id}: {:?}\n{:?}", theirs.get(id), ours.get(id)))
        .collect()
}

/// Those that are told the same.
struct Listeners {
    broker: Rabbitmq,
    /// A real Gnocchi.
    real: String,
    /// A collector that Ceilometer publishes to as to a Gnocchi.
    ours: String,
    /// A collector that listens itself.
    own: String,
    /// The project whose resources Ceilometer does not publish.
    service: String,
}

impl Listeners {
    /// Waits until all messages are taken and all hold the same, and gives what that is.
    fn settle(&self) -> Content {
        let queues = TOPICS.map(|topic| [format!("{topic}.info"), format!("{topic}.sample")]);
        let queues: Vec<&str> = queues.iter().flatten().map(String::as_str).collect();
        wait_until(
            "all messages to be taken",
            || depths_at(&self.broker.url(), &queues),
            |depths| {
                depths
                    .iter()
                    .all(|depth| depth.is_none_or(|depth| depth == 0))
            },
        );
        wait_until(
            "the same in all",
            || {
                let [real, ours, mut own] = [&self.real, &self.ours, &self.own].map(|it| held(it));
                own.retain(|_, resource| last(resource)["project_id"] != *self.service);
                [differences(&real, &ours), differences(&real, &own)]
            },
            |differ| differ.iter().all(Vec::is_empty),
        );
        held(&self.ours)
    }

    /// Has the agent poll until all expected values have come, and gives what is held then.
    fn poll(&self, central: &Agents, expected: &[(&str, &str, f64)]) -> Content {
        let since = moment(SystemTime::now() + Duration::from_secs(1));
        let polling = central.central();
        for endpoint in [&self.own, &self.ours, &self.real] {
            for (id, meter, value) in expected {
                wait_until(
                    meter,
                    || newest(endpoint, id, meter, &since),
                    |found| *found == Some(*value),
                );
            }
        }
        drop(polling);
        self.settle()
    }
}

#[test]
fn what_ceilometers_central_agent_polls_of_real_services_is_held_as_by_a_real_gnocchi() {
    poll_a_cloud(Release::Debian, gnocchi::Release::V4_4);
}

#[test]
fn what_the_newest_central_agent_polls_of_real_services_is_held_as_by_a_real_gnocchi() {
    poll_a_cloud(Release::Newest, gnocchi::Release::V4_7);
}

fn poll_a_cloud(release: Release, real: gnocchi::Release) {
    let dir = tempfile::tempdir().unwrap();
    let (gnocchi, keystone, broker) = std::thread::scope(|scope| {
        let gnocchi = scope.spawn(|| start_gnocchi(dir.path(), real));
        let keystone = scope.spawn(Keystone::start);
        let broker = Rabbitmq::start();
        (gnocchi.join().unwrap(), keystone.join().unwrap(), broker)
    });
    let cloud = Cloud::start(keystone, &broker, &TOPICS.join(","));
    let alice = cloud.user("alice", "weather");
    let compatibility = format!("api: {{compatibility: '{}'}}\n", real.compatibility());
    let collector = Collector::configured(&compatibility);
    let listening = listening_to(&broker, &format!(", prefetch: 1, topics: [{OWN}]"));
    let listening = release.with_definitions(&listening) + &compatibility;
    let listening = Collector::configured(&listening);
    wait_connected(&listening);
    let all = Listeners {
        real: gnocchi.url("").trim_end_matches('/').to_owned(),
        ours: endpoint(&collector),
        own: endpoint(&listening),
        service: cloud.user("ceilometer", SERVICE).project,
        broker,
    };
    for endpoint in [&all.real, &all.ours] {
        upgrade_by(release, endpoint);
    }
    for endpoint in [&all.real, &all.ours, &all.own] {
        keep_seconds(endpoint);
    }
    let agents = |endpoint: &str, topics: &[&str]| {
        let (broker, login) = (all.broker.url(), cloud.ceilometer());
        Agents::of_cloud(release, &broker, endpoint, topics, &login)
    };
    let central = agents(&all.real, &TOPICS);
    let second = agents(&all.ours, &[OURS]);
    let _notification = std::thread::scope(|scope| {
        let first = scope.spawn(|| central.notification());
        (second.notification(), first.join().unwrap())
    });

    let things = Things::make(&cloud, &alice);
    all.settle();
    let container = format!("{}_photos", alice.project);
    let mut expected = vec![
        (things.image.as_str(), "image.size", 4096.0),
        (&things.old, "image.size", 512.0),
        (&things.data, "volume.size", 3.0),
        (&things.scratch, "volume.size", 1.0),
        (&things.doomed, "volume.size", 2.0),
        (&things.snapshot, "volume.snapshot.size", 3.0),
        (&things.backup, "volume.backup.size", 3.0),
        // Down, for it is not in use.
        (&things.address, "ip.floating", 3.0),
        (&alice.project, "storage.objects", 1.0),
        (&alice.project, "storage.objects.size", 1234.0),
        (&alice.project, "storage.objects.containers", 1.0),
        (&container, "storage.containers.objects", 1.0),
        (&container, "storage.containers.objects.size", 1234.0),
    ];
    // The newest asks openstacksdk for Cinder under a type that this does not know: volumes are only notified.
    let polls_volumes = release == Release::Debian;
    if !polls_volumes {
        expected.retain(|(_, meter, _)| !meter.starts_with("volume."));
    }
    let first = all.poll(&central, &expected);
    assert_eq!(last(&first[&things.image])["name"], "cirros");
    assert_eq!(last(&first[&things.image])["disk_format"], "raw");
    let gigabytes = match release {
        Release::Debian => "GB",
        Release::Newest => "GiB",
    };
    for (id, meter, unit) in [
        (&things.image, "image.size", "B"),
        (&things.data, "volume.size", gigabytes),
        (&things.address, "ip.floating", "ip"),
        (&container, "storage.containers.objects", "object"),
    ] {
        let metric = &first[id]["metrics"][meter];
        assert_eq!(metric["unit"], unit, "{meter}");
        assert_eq!(metric["policy"], "ceilometer-low", "{meter}");
    }
    // Only Ceilometer leaves out what is the services' own.
    assert!(!first.contains_key(&things.left_out));
    assert!(held(&all.own).contains_key(&things.left_out));
    // Gnocchi's type of images asks for a name.
    assert!(!first.contains_key(&things.nameless));
    if polls_volumes {
        assert_eq!(last(&first[&things.data])["volume_type"], "ssd");
        assert_eq!(last(&first[&things.scratch])["instance_id"], SERVER);
    }
    assert_eq!(last(&first[&things.data])["project_id"], alice.project);
    assert_eq!(last(&first[&things.snapshot])["type"], "volume");
    assert_eq!(last(&first[&things.address])["type"], "network");
    assert_eq!(last(&first[&container])["type"], "swift_account");

    things.change(&cloud, &alice);
    all.settle();
    let gone = [&things.old, &things.doomed, &things.address];
    expected.retain(|(id, ..)| !gone.iter().any(|gone| gone == id));
    for (id, meter, value) in &mut expected {
        *value = match (*meter, *id) {
            ("volume.size", id) if id == things.data => 5.0,
            ("storage.objects" | "storage.containers.objects", _) => 2.0,
            ("storage.objects.size" | "storage.containers.objects.size", _) => 1300.0,
            _ => *value,
        };
    }
    expected.push((&things.nameless, "image.size", 77.0));
    let then = all.poll(&central, &expected);
    assert_eq!(last(&then[&things.image])["name"], "cirros-2");
    assert_eq!(last(&then[&things.scratch])["display_name"], "scratch-2");
    for id in gone {
        assert_eq!(last(&then[id])["ended_at"], true, "{id}");
    }
    assert_eq!(last(&then[&things.image])["ended_at"], false);
}
