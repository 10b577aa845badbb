//! Resources that are made while measures come: what was acknowledged of either is there.

use std::io;
use std::time::Duration;

use serde_json::json;
use testkit::http::Connection;

use crate::ROUNDS;
use crate::random::Random;
use crate::support::{ADMIN, Collector, JSON};

#[test]
fn every_acknowledged_resource_survives_with_its_metrics() {
    let mut collector = Collector::start();
    let mut random = Random(10);
    let mut next = 0;
    let mut acknowledged = Vec::new();
    for round in 1..=ROUNDS / 2 {
        let address = collector.running.address().to_owned();
        let alive = Duration::from_millis(50 + random.below(200));
        std::thread::scope(|scope| {
            let (next, acknowledged) = (&mut next, &mut acknowledged);
            // Ends with the connection: the collector was killed.
            scope.spawn(move || -> io::Result<()> {
                let mut connection = Connection::open(&address)?;
                let headers = [ADMIN, JSON];
                loop {
                    *next += 1;
                    let id = format!("vm-{next}");
                    let body =
                        json!({"id": id, "metrics": {"cpu": {"archive_policy_name": "low"}}})
                            .to_string();
                    connection.request(
                        "POST",
                        "/v1/resource/generic",
                        &headers,
                        body.as_bytes(),
                    )?;
                    let measures = json!([{"timestamp": 600, "value": *next}]);
                    let entry = json!({"archive_policy_name": "low", "measures": measures});
                    let body = json!({&id: {"cpu": measures, "disk": entry}}).to_string();
                    let path = "/v1/batch/resources/metrics/measures?create_metrics=true";
                    let answer = connection.request("POST", path, &headers, body.as_bytes())?;
                    assert_eq!(answer.status, 202, "{}", answer.text());
                    acknowledged.push(*next);
                }
            });
            std::thread::sleep(alive);
            collector.running.kill();
        });
        collector = collector.restart(false);
        for number in &acknowledged {
            for metric in ["cpu", "disk"] {
                let path = format!("/v1/resource/generic/vm-{number}/metric/{metric}/measures");
                let expected = json!([["1970-01-01T00:10:00+00:00", 300.0, f64::from(*number)]]);
                assert_eq!(collector.json(&path), expected, "round {round}: {path}");
            }
        }
    }
    assert!(
        acknowledged.len() as u64 > ROUNDS,
        "only {} were acknowledged",
        acknowledged.len()
    );
}
