//! The API behind a real Keystone: projects see their own, admins all, tokens that do not hold let nobody in, and
//! neither does a Keystone that is gone.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test fails by panicking; the client is run with an environment of its own"
)]

mod support;

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{ACCEPT_JSON, Collector, JSON};
use testkit::Keystone;
use testkit::http::{Response, request};
use testkit::tools::{find_program, try_run_command};

/// How long what must come to be may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct Cloud {
    keystone: Keystone,
    collector: Collector,
    /// Ids of the projects of alice and bob.
    projects: [String; 2],
}

impl Cloud {
    /// One whose collector believes a token for so long.
    fn start(token_cache_time: &str) -> Self {
        let keystone = Keystone::start();
        let projects = ["p1", "p2"].map(|name| keystone.project(name));
        for (user, project) in ["alice", "bob"].into_iter().zip(&projects) {
            keystone.user(user, project, "member");
        }
        let collector = Collector::configured(&format!(
            "api: {{auth_mode: keystone}}\nauth: {{keystone: {{auth_url: '{}', token_cache_time: {token_cache_time}}}}}\n",
            keystone.auth_url()
        ));
        Self {
            keystone,
            collector,
            projects,
        }
    }

    fn ask(&self, token: &str, method: &str, path: &str, body: Option<&Value>) -> Response {
        let headers = [("x-auth-token", token), ACCEPT_JSON, JSON];
        let body = body.map(Value::to_string).unwrap_or_default();
        request(
            method,
            &self.collector.running.url(path),
            &headers,
            body.as_bytes(),
        )
    }

    fn get(&self, token: &str, path: &str) -> Response {
        self.ask(token, "GET", path, None)
    }

    /// Names of the resources in a list.
    fn names(&self, token: &str, path: &str) -> Vec<String> {
        let list = self.get(token, path).expect_status(200).json();
        let name = |resource: &Value| {
            resource["original_resource_id"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        list.as_array().unwrap().iter().map(name).collect()
    }
}

#[test]
fn projects_see_their_own_and_an_admin_sees_all() {
    let cloud = Cloud::start("5m");
    let [admin, alice, bob] = [("admin", "admin"), ("alice", "p1"), ("bob", "p2")]
        .map(|(user, project)| cloud.keystone.token(user, project));
    let ids = [
        "6f2c5b04-0000-4000-8000-000000000001",
        "6f2c5b04-0000-4000-8000-000000000002",
    ];
    for (id, project) in ids.iter().zip(&cloud.projects) {
        let body = json!({"id": id, "project_id": project, "metrics": {"cpu": {"archive_policy_name": "low"}}});
        let made = cloud.ask(&admin, "POST", "/v1/resource/generic", Some(&body));
        let made = made.expect_status(201).json();
        let creator = made["creator"].as_str().unwrap();
        assert!(creator.contains(':'), "{creator}");
        let path = format!("/v1/resource/generic/{id}/metric/cpu/measures");
        let measures = json!([{"timestamp": "2026-01-01T00:00:00", "value": 1}]);
        cloud
            .ask(&admin, "POST", &path, Some(&measures))
            .expect_status(202);
    }

    assert_eq!(cloud.names(&admin, "/v1/resource/generic"), ids);
    assert_eq!(cloud.names(&alice, "/v1/resource/generic"), ids[..1]);
    assert_eq!(cloud.names(&bob, "/v1/resource/generic"), ids[1..]);
    let resource = format!("/v1/resource/generic/{}", ids[0]);
    let measures = format!("{resource}/metric/cpu/measures");
    for (path, method, body) in [(resource.as_str(), "GET", None), (&measures, "GET", None)] {
        cloud.ask(&alice, method, path, body).expect_status(200);
        cloud.ask(&bob, method, path, body).expect_status(403);
    }
    let points = cloud.get(&alice, &measures).json();
    assert!(points[0][2] == 1.0, "{points}");

    // Who owns it reads it; who made it changes it.
    cloud
        .ask(&alice, "DELETE", &resource, None)
        .expect_status(403);
    let measure = json!([{"timestamp": "2026-01-01T00:01:00", "value": 1}]);
    cloud
        .ask(&alice, "POST", &measures, Some(&measure))
        .expect_status(403);
    let policy = json!({"name": "own", "definition": [{"granularity": 1, "points": 1}]});
    cloud
        .ask(&alice, "POST", "/v1/archive_policy", Some(&policy))
        .expect_status(403);
    cloud.get(&alice, "/v1/status").expect_status(403);
    let metrics = |token| {
        cloud
            .get(token, "/v1/metric")
            .expect_status(200)
            .json()
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!([metrics(&admin), metrics(&alice), metrics(&bob)], [2, 1, 1]);

    let sum = json!({"resource_type": "generic", "search": {"=": {"ended_at": null}}, "operations": "(aggregate sum (metric cpu mean))"});
    let of = |token| {
        let sums = cloud
            .ask(token, "POST", "/v1/aggregates", Some(&sum))
            .expect_status(200)
            .json();
        sums["measures"]["aggregated"][0][2].as_f64()
    };
    assert_eq!(
        [of(&admin), of(&alice), of(&bob)],
        [Some(2.0), Some(1.0), Some(1.0)]
    );

    // What a member makes is his project's.
    let own = json!({"id": "6f2c5b04-0000-4000-8000-000000000003"});
    cloud
        .ask(&alice, "POST", "/v1/resource/generic", Some(&own))
        .expect_status(201);
    assert_eq!(cloud.names(&alice, "/v1/resource/generic").len(), 2);
    let path = format!("/v1/resource/generic/{}", own["id"].as_str().unwrap());
    cloud.ask(&bob, "DELETE", &path, None).expect_status(403);
    cloud.ask(&alice, "DELETE", &path, None).expect_status(204);

    // Gnocchi's client logs in as it does everywhere.
    let mut client = Command::new(find_program("gnocchi"));
    let endpoint = cloud.collector.running.url("");
    client.envs(cloud.keystone.environment("alice", "p1"));
    client.args(["--endpoint", &endpoint, "resource", "list", "-f", "json"]);
    let printed = try_run_command(&mut client).unwrap();
    let listed: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(listed[0]["id"], ids[0], "{printed}");
    assert_eq!(listed.as_array().unwrap().len(), 1, "{printed}");
}

#[test]
fn tokens_that_do_not_hold_let_nobody_in_and_floods_of_them_are_held_up() {
    let cloud = Cloud::start("1s");
    let path = "/v1/resource/generic";
    let refused = cloud.get("bogus", path).expect_status(401);
    let challenge = refused.header("www-authenticate").unwrap().to_owned();
    assert_eq!(
        challenge,
        format!("Keystone uri=\"{}\"", cloud.keystone.auth_url())
    );
    request(
        "GET",
        &cloud.collector.running.url(path),
        &[ACCEPT_JSON],
        b"",
    )
    .expect_status(401);
    let basic = [support::ADMIN, ACCEPT_JSON];
    request("GET", &cloud.collector.running.url(path), &basic, b"").expect_status(401);

    let alice = cloud.keystone.token("alice", "p1");
    cloud.get(&alice, path).expect_status(200);
    cloud.keystone.revoke(&alice);
    let start = Instant::now();
    while cloud.get(&alice, path).status == 200 {
        assert!(
            start.elapsed() < PATIENCE,
            "a revoked token still lets alice in"
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    cloud.get(&alice, path).expect_status(401);

    let flood = (0..100).map(|number| cloud.get(&format!("bogus-{number}"), path));
    let held_up = flood
        .into_iter()
        .find(|answer| answer.status == 429)
        .unwrap();
    assert!(
        held_up
            .header("retry-after")
            .unwrap()
            .parse::<u64>()
            .unwrap()
            <= 61
    );
}

#[test]
fn without_keystone_nobody_comes_in_whatever_his_token() {
    let mut cloud = Cloud::start("5m");
    let path = "/v1/resource/generic";
    let [alice, bob] =
        [("alice", "p1"), ("bob", "p2")].map(|(user, project)| cloud.keystone.token(user, project));
    cloud.keystone.kill();
    let refused = cloud.get(&bob, path).expect_status(503);
    assert!(refused.header("retry-after").is_some());
    cloud.get(&alice, path).expect_status(503);
    cloud.get("bogus", path).expect_status(503);
}
