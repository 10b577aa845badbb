//! Messages that alone make the catalogue fail are set aside after a while; where it fails at all of them, for however
//! long, none is. Triggers of the catalogue's SQLite are what fails.

use serde_json::Value;
use testkit::Rabbitmq;
use testkit::tools::run;

use crate::PYTHON;
use crate::broker::{image_size, listening_to, read, send, sum, value, wait_connected, wait_for};
use crate::cloud::IMAGE;
use crate::support::Collector;

/// Runs statements in the catalogue of a running collector.
fn in_catalogue(collector: &Collector, sql: &str) {
    let script = "import sqlite3, sys\n\
                  with sqlite3.connect(sys.argv[1], timeout=60) as c: c.executescript(sys.argv[2])";
    let file = collector.dir().join("data/catalogue.db");
    run(PYTHON, ["-c", script, &file.display().to_string(), sql]);
}

/// Has the catalogue fail at new resources of which this is so.
fn fail_where(collector: &Collector, condition: &str) {
    let sql = format!(
        "CREATE TRIGGER strange BEFORE INSERT ON resource WHEN {condition} \
         BEGIN SELECT raise(ABORT, 'something strange'); END;"
    );
    in_catalogue(collector, &sql);
}

fn size_of(image: &str, second: u64) -> Value {
    let mut message = image_size(second);
    message["payload"][0]["resource_id"] = image.into();
    message
}

fn rejected(collector: &Collector, reason: &str) -> Option<f64> {
    let labels = [("queue", "metering.sample"), ("reason", reason)];
    value(collector, "amqp_messages_rejected_total", &labels)
}

#[test]
fn a_message_at_which_the_catalogue_alone_fails_is_set_aside_and_the_others_are_stored() {
    let broker = Rabbitmq::start();
    let collector = Collector::configured(&listening_to(&broker, ""));
    wait_connected(&collector);
    fail_where(&collector, "NEW.original_resource_id = 'strange'");
    let messages = [
        size_of(IMAGE, 0),
        size_of("strange", 0),
        size_of(IMAGE, 300),
        size_of("other", 600),
    ];
    send(&broker.url(), false, &messages);
    wait_for("all messages", || {
        sum(&collector, "amqp_messages_total") == 4.0
    });
    assert_eq!(rejected(&collector, "failing"), Some(1.0));
    assert_eq!(sum(&collector, "amqp_messages_unacknowledged"), 0.0);
    for (image, measures) in [(IMAGE, 2), ("other", 1)] {
        let path = format!("/v1/resource/image/{image}/metric/image.size/measures");
        assert_eq!(collector.json(&path).as_array().unwrap().len(), measures);
    }
    let aside = read(&broker, "nephoscope.rejected");
    assert_eq!(aside.len(), 1, "{aside:?}");
    let reason = aside[0]["headers"]["x-nephoscope-reason"].as_str().unwrap();
    assert!(
        reason.starts_with("failed 8 times, others did not: ")
            && reason.contains("something strange"),
        "{reason}"
    );
    assert!(aside[0]["body"].as_str().unwrap().contains("strange"));
    // It is sent again once the cause is gone.
    in_catalogue(&collector, "DROP TRIGGER strange;");
    send(&broker.url(), false, &[size_of("strange", 0)]);
    wait_for("the message", || {
        sum(&collector, "amqp_messages_total") == 5.0
    });
    assert_eq!(rejected(&collector, "failing"), Some(1.0));
}

#[test]
fn where_the_catalogue_fails_at_everything_no_message_is_set_aside() {
    let broker = Rabbitmq::start();
    let collector = Collector::configured(&listening_to(&broker, ""));
    wait_connected(&collector);
    send(&broker.url(), false, &[size_of(IMAGE, 0)]);
    wait_for("the first", || {
        sum(&collector, "amqp_messages_total") == 1.0
    });
    fail_where(&collector, "1");
    let new = ["a", "b", "c"];
    let messages: Vec<Value> = new.iter().map(|image| size_of(image, 0)).collect();
    send(&broker.url(), false, &messages);
    // More often than one of them may fail alone.
    wait_for("many retries", || {
        sum(&collector, "amqp_retries_total") >= 9.0
    });
    assert_eq!(sum(&collector, "amqp_messages_total"), 1.0);
    // What came while the first ones are tried again has not been looked at.
    assert!(sum(&collector, "amqp_messages_unacknowledged") >= 1.0);
    assert_eq!(rejected(&collector, "failing"), None);
    in_catalogue(&collector, "DROP TRIGGER strange;");
    wait_for("all messages", || {
        sum(&collector, "amqp_messages_total") == 4.0
    });
    for image in new {
        let path = format!("/v1/resource/image/{image}/metric/image.size/measures");
        assert_eq!(collector.json(&path).as_array().unwrap().len(), 1);
    }
    assert_eq!(rejected(&collector, "failing"), None);
}
