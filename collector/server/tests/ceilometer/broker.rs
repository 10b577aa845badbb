//! A collector that listens to a real RabbitMQ, and what services send to it by oslo.messaging; `broker.py` speaks to it.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::tools::{run, run_with_input};
use testkit::{Rabbitmq, metric, scrape};

use crate::PYTHON;
use crate::support::Collector;

/// How long anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Configuration of a collector that listens to the broker, with further keys of `ceilometer.amqp`.
pub(crate) fn listening_to(broker: &Rabbitmq, more: &str) -> String {
    format!("ceilometer: {{amqp: {{url: '{}'{more}}}}}\n", broker.url())
}

/// Waits until the collector has its queues.
pub(crate) fn wait_connected(collector: &Collector) {
    wait_for("a connection", || {
        value(collector, "amqp_connected", &[]) == Some(1.0)
    });
}

/// One of the collector's own metrics.
pub(crate) fn value(collector: &Collector, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let families = scrape(&collector.running.url("/metrics"));
    metric(&families, &format!("nephoscope_collector_{name}"), labels)
}

/// The sum of one of the collector's own metrics over all queues.
pub(crate) fn sum(collector: &Collector, name: &str) -> f64 {
    let queues = ["audit", "error", "info", "sample"]
        .into_iter()
        .flat_map(|priority| {
            let topics = ["notifications", "metering", "event"].into_iter();
            topics.map(move |topic| format!("{topic}.{priority}"))
        });
    let values = queues.map(|queue| value(collector, name, &[("queue", &queue)]));
    values.map(Option::unwrap_or_default).sum()
}

/// Waits until something is so.
pub(crate) fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    wait_until(what, is_so, |is_so| *is_so);
}

/// Waits until what is looked at is as it should be; says what it was last if that takes too long.
pub(crate) fn wait_until<T: std::fmt::Debug>(
    what: &str,
    look: impl Fn() -> T,
    is_well: impl Fn(&T) -> bool,
) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let seen = look();
        if is_well(&seen) {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "waited too long for {what}: {seen:#?}"
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Sends messages one after the other, each confirmed by the broker.
pub(crate) fn send(url: &str, durable: bool, messages: &[Value]) {
    let durable = if durable { "yes" } else { "no" };
    let args = [&script(), "send", url, durable].map(str::to_owned);
    run_with_input(PYTHON, args, &Value::from(messages.to_vec()).to_string());
}

/// How many messages wait in a queue, none if it is not there.
pub(crate) fn depth(broker: &Rabbitmq, queue: &str) -> Option<u64> {
    depth_at(&broker.url(), queue)
}

/// The same of the broker at that URL.
pub(crate) fn depth_at(url: &str, queue: &str) -> Option<u64> {
    depths_at(url, &[queue])[0]
}

/// The same of several queues.
pub(crate) fn depths_at(url: &str, queues: &[&str]) -> Vec<Option<u64>> {
    let script = script();
    let said = run(PYTHON, [&[&script, "depth", url], queues].concat());
    let depth = |line: &str| line.rsplit(' ').next().unwrap().parse().ok();
    said.lines().map(depth).collect()
}

/// Takes all messages of a queue: their bodies and headers.
pub(crate) fn read(broker: &Rabbitmq, queue: &str) -> Vec<Value> {
    let said = run(PYTHON, [&script(), "read", &broker.url(), queue]);
    serde_json::from_str(&said).unwrap()
}

/// A message of the publisher `notifier://` with one sample of `image.size`, that many seconds after the start of 2026.
pub(crate) fn image_size(second: u64) -> Value {
    let timestamp = format!("2026-01-01T00:{:02}:{:02}", second / 60, second % 60);
    json!({
        "exchange": "ceilometer", "topic": "metering", "priority": "sample", "event_type": "metering",
        "payload": [{
            "counter_name": "image.size", "counter_type": "gauge", "counter_unit": "B", "counter_volume": second,
            "resource_id": crate::cloud::IMAGE, "project_id": "p", "user_id": null, "timestamp": timestamp,
            "resource_metadata": {"name": "i", "container_format": "bare", "disk_format": "raw"},
        }],
    })
}

fn script() -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ceilometer/broker.py");
    script.display().to_string()
}
