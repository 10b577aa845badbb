//! Messages over a real broker: none is lost, whoever dies; what cannot be read stops nobody; a full disk is waited for.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::Rabbitmq;
use testkit::tools::run;

use crate::broker::{
    depth, image_size, listening_to, read, send, sum, value, wait_connected, wait_for,
};
use crate::cloud::{self, IMAGE};
use crate::content::content;
use crate::support::Collector;
use crate::{endpoint, publish};

/// Definitions by which every second of an image's size can be told.
const EACH_SECOND: &str = "
archive_policies:
  - {name: each-second, back_window: 0, aggregation_methods: [mean, count], definition: [{granularity: 1s, timespan: 1d}]}
resources:
  - {resource_type: generic, metrics: {image.size: {archive_policy_name: each-second}}}
";

/// Values of the image's seconds.
fn seconds(collector: &Collector) -> Vec<f64> {
    let path = format!("/v1/resource/generic/{IMAGE}/metric/image.size/measures?aggregation=mean");
    let answer = collector.get(&path);
    if answer.status != 200 {
        return Vec::new();
    }
    let points = answer.json();
    let points = points.as_array().unwrap().iter();
    points.map(|point| point[2].as_f64().unwrap()).collect()
}

#[test]
fn the_notifier_publisher_gives_what_the_gnocchi_publisher_gives() {
    let broker = Rabbitmq::start();
    let gnocchi = Collector::start();
    // One message at a time, as that publisher has one list at a time.
    let amqp = Collector::configured(&listening_to(&broker, ", prefetch: 1"));
    wait_connected(&amqp);
    let url = format!(
        "{}?driver=rabbit",
        broker.url().replace("rabbit://", "notifier://")
    );
    let mut sent = 0;
    for rounds in [cloud::samples(), cloud::events()] {
        publish(&endpoint(&gnocchi), "gnocchi://", &rounds);
        publish(&endpoint(&gnocchi), &url, &rounds);
        sent += rounds.len();
        wait_for("all messages", || {
            sum(&amqp, "amqp_messages_total") >= sent as f64
        });
        let (expected, found) = (content(&endpoint(&gnocchi)), content(&endpoint(&amqp)));
        for (id, expected) in &expected {
            assert_eq!(found.get(id), Some(expected), "{id}");
        }
        assert_eq!(found.len(), expected.len());
    }
    let input = ("input", "amqp");
    let operation = |operation| {
        let labels = [input, ("operation", operation)];
        value(&amqp, "ceilometer_events_total", &labels)
    };
    assert_eq!(operation("create"), Some(1.0));
    assert_eq!(operation("delete"), Some(2.0));
    assert_eq!(sum(&amqp, "amqp_messages_unacknowledged"), 0.0);
    assert_eq!(depth(&broker, "metering.sample"), Some(0));
}

#[test]
fn nothing_is_lost_when_collector_and_broker_are_killed_in_the_midst_of_it() {
    const COUNT: u64 = 600;
    let mut broker = Rabbitmq::start();
    let dir = tempfile::tempdir().unwrap();
    let definitions = dir.path().join("gnocchi_resources.yaml");
    std::fs::write(&definitions, EACH_SECOND).unwrap();
    let yaml = format!(
        "ceilometer: {{resources_definition_file: {}, amqp: {{url: '{}', durable: true}}}}\n",
        definitions.display(),
        broker.url()
    );
    let mut collector = Collector::configured(&yaml);
    wait_connected(&collector);
    let messages: Vec<Value> = (0..COUNT)
        .map(|second| {
            let mut message = image_size(second);
            message["pause"] = json!(0.01);
            message
        })
        .collect();
    let url = broker.url();
    let sender = std::thread::spawn(move || send(&url, true, &messages));
    for round in 0..6 {
        let before = seconds(&collector).len();
        wait_for("more of them", || {
            sender.is_finished() || seconds(&collector).len() > before + 20
        });
        if round == 3 {
            broker.kill();
            broker.resume();
        }
        collector = collector.restart(false);
    }
    sender.join().unwrap();
    wait_for("all of them", || seconds(&collector).len() as u64 >= COUNT);
    let expected: Vec<f64> = (0..COUNT).map(|second| second as f64).collect();
    assert_eq!(seconds(&collector), expected);
    wait_for("empty hands", || {
        sum(&collector, "amqp_messages_unacknowledged") == 0.0
    });
    assert_eq!(depth(&broker, "metering.sample"), Some(0));
}

#[test]
fn what_cannot_be_read_is_set_aside_and_the_rest_is_stored() {
    let broker = Rabbitmq::start();
    let collector = Collector::configured(&listening_to(&broker, ", max_message_size: 65536"));
    wait_connected(&collector);
    let raw = |body: String| json!({"queue": "metering.sample", "raw": body});
    let future = json!({"oslo.version": "9.0", "oslo.message": "{}"}).to_string();
    let messages = [
        raw("no JSON".to_owned()),
        image_size(0),
        raw(future),
        raw("{}".to_owned()),
        raw(" ".repeat(70_000)),
        image_size(300),
    ];
    send(&broker.url(), false, &messages);
    wait_for("all messages", || {
        sum(&collector, "amqp_messages_total") == 6.0
    });
    let rejected = |reason| {
        let labels = [("queue", "metering.sample"), ("reason", reason)];
        value(&collector, "amqp_messages_rejected_total", &labels)
    };
    assert_eq!(rejected("malformed"), Some(3.0));
    assert_eq!(rejected("too_large"), Some(1.0));
    let path = format!("/v1/resource/image/{IMAGE}/metric/image.size/measures");
    assert_eq!(collector.json(&path).as_array().unwrap().len(), 2);
    let aside = read(&broker, "nephoscope.rejected");
    let reasons: Vec<&str> = aside
        .iter()
        .map(|message| message["headers"]["x-nephoscope-reason"].as_str().unwrap())
        .collect();
    assert_eq!(aside.len(), 4, "{reasons:?}");
    assert!(reasons[0].starts_with("message: no JSON"), "{reasons:?}");
    assert_eq!(reasons[1], "oslo.version: expected 2.0, found \"9.0\"");
    assert_eq!(aside[0]["body"], "no JSON");
    assert_eq!(
        aside[0]["headers"]["x-nephoscope-routing-key"],
        "metering.sample"
    );
}

/// A small disk of its own below a directory; it is gone when this is dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(path: PathBuf) -> Self {
        std::fs::create_dir(&path).unwrap();
        let place = path.display().to_string();
        run(
            "mount",
            ["-t", "tmpfs", "-o", "size=64m", "nephoscope-test", &place],
        );
        Self(path)
    }

    /// Takes all of its room.
    fn fill(&self) {
        let mut file = File::create(self.0.join("filler")).unwrap();
        let block = vec![0; 64 << 10];
        while file.write_all(&block).is_ok() {}
        let block = [0; 512];
        while file.write_all(&block).is_ok() {}
    }

    fn empty(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        run("umount", ["-l", &self.0.display().to_string()]);
    }
}

#[test]
fn a_full_disk_is_waited_for_with_the_messages_in_hand() {
    const COUNT: u64 = 40;
    let broker = Rabbitmq::start();
    let dir = tempfile::tempdir().unwrap();
    let disk = SmallDisk::mount(dir.path().join("data"));
    let collector = Collector::configured_in(dir, &listening_to(&broker, ", prefetch: 10"));
    wait_connected(&collector);
    send(&broker.url(), false, &[image_size(0)]);
    wait_for("the first", || {
        sum(&collector, "amqp_messages_total") == 1.0
    });
    disk.fill();
    // As much as finds room in what the log has taken already is acknowledged, and no more.
    let large: Vec<Value> = (1..=COUNT)
        .map(|at| {
            let mut message = image_size(at * 60);
            let sample = message["payload"][0].clone();
            let samples: Vec<Value> = (0..500u64)
                .map(|other| {
                    let mut sample = sample.clone();
                    sample["resource_id"] = format!("image-{at}-{other}").into();
                    sample
                })
                .collect();
            message["payload"] = samples.into();
            message
        })
        .collect();
    send(&broker.url(), false, &large);
    wait_for("a retry", || sum(&collector, "amqp_retries_total") > 1.0);
    std::thread::sleep(Duration::from_secs(1));
    let in_hand = sum(&collector, "amqp_messages_unacknowledged");
    assert!((1.0..=10.0).contains(&in_hand), "{in_hand}");
    let acknowledged = sum(&collector, "amqp_messages_total");
    assert!(acknowledged < COUNT as f64, "{acknowledged}");
    // The broker has given away `prefetch` of them and keeps the rest.
    let waiting = depth(&broker, "metering.sample").unwrap() as f64;
    assert_eq!(acknowledged + 10.0 + waiting, COUNT as f64 + 1.0);
    disk.empty();
    wait_for("all messages", || {
        sum(&collector, "amqp_messages_total") == COUNT as f64 + 1.0
    });
    let all = collector.json("/v1/resource/image?limit=1000&attrs=id");
    assert_eq!(all.as_array().unwrap().len(), 1000);
    for at in [1, COUNT / 2, COUNT] {
        let path = format!("/v1/resource/image/image-{at}-499/metric/image.size/measures");
        assert_eq!(collector.json(&path).as_array().unwrap().len(), 1);
    }
    drop(collector);
}
