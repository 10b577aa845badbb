//! The same random requests to real Gnocchis (Debian's 4.4.2 and PyPI's 4.7.1, PostgreSQL, files) and to the shipped binary,
//! and their answers side by side: status, body, and where things are. By hand with more: `GNOCCHI_SEED=7
//! GNOCCHI_STEPS=20000 cargo test -p collector-server --test differential -- --nocapture`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it did"
)]

#[path = "../support/mod.rs"]
mod support;

mod compare;
mod random;
mod steps;

use compare::{Names, difference};
use serde_json::{Value, json};
use steps::{Step, World};
use support::gnocchi::{Release, start_gnocchi};
use support::{ACCEPT_JSON, ADMIN, Collector};
use testkit::http::{Response, request};

/// So many differences end a run; what differs once often differs again.
const MOST_DIFFERENCES: usize = 10;
/// Requests of one run.
const STEPS: usize = 1500;

/// Both servers, the real Gnocchi first.
struct Pair {
    urls: [String; 2],
    names: Names,
    /// The entity tags of the last answers that had one.
    tags: [String; 2],
}

impl Pair {
    fn ask(&self, step: &Step, server: usize) -> Response {
        let url = format!(
            "{}{}",
            self.urls[server],
            self.names.fill(&step.path, server)
        );
        let body = step
            .body
            .as_ref()
            .map(|body| self.names.fill(&body.to_string(), server));
        let patch = step.method == "PATCH" && step.path.starts_with("/v1/resource_type/");
        let kind = if patch {
            "application/json-patch+json"
        } else {
            "application/json"
        };
        let mut headers = vec![ADMIN, ("content-type", kind)];
        // Gnocchi 4.4's DELETE takes no Accept.
        headers.extend((step.method != "DELETE").then_some(ACCEPT_JSON));
        for (name, value) in &step.headers {
            let own = if *value == "{etag}" {
                &self.tags[server]
            } else {
                *value
            };
            headers.push((name, own));
        }
        request(
            step.method,
            &url,
            &headers,
            body.unwrap_or_default().as_bytes(),
        )
    }

    /// What of an answer to `step` is compared. Not the link of a search, into
    /// which Gnocchi puts the search's body.
    fn view(&self, step: &Step, answer: &Response, server: usize) -> Value {
        let local = |name: &str| {
            answer
                .header(name)
                .map(|value| value.replace(&self.urls[server], ""))
        };
        let body = if answer.body.is_empty() {
            Value::Null
        } else {
            compare::read(&answer.text())
        };
        let link = local("link").filter(|_| step.method == "GET");
        let has = |name: &str| answer.header(name).is_some();
        let view = json!({
            "status": answer.status,
            "location": local("location"),
            "link": link,
            "tagged": [has("etag"), has("last-modified")],
            "body": body,
        });
        let mut view = self.names.normal(view, server);
        // With details Gnocchi sorts no more: it puts the resources together type by type.
        if let (true, Some(list)) = (
            step.path.contains("details=true"),
            view["body"].as_array_mut(),
        ) {
            list.sort_by_key(Value::to_string);
        }
        if answer.status >= 400 {
            compare::without_names(view)
        } else {
            view
        }
    }

    /// What Gnocchi does and we do not: it fails with 500, and in a search by value a metric that never had a measure does
    /// not exist.
    fn is_known(real: &Value) -> bool {
        let cause = real["body"]["description"]["cause"]
            .as_str()
            .unwrap_or_default();
        real["status"] == 500.0
            || ["Metric does not exist", "Aggregation does not exist"].contains(&cause)
    }

    /// Asks both; the difference of their answers, if there is one.
    fn compare(&mut self, step: &Step) -> Result<u16, String> {
        let answers = [0, 1].map(|server| self.ask(step, server));
        let views = [0, 1].map(|server| self.view(step, &answers[server], server));
        self.names.learn(&views[0], &views[1]);
        if let [Some(real), Some(ours)] = answers.each_ref().map(|answer| answer.header("etag")) {
            self.tags = [real.to_owned(), ours.to_owned()];
        }
        let [real, ours] = [0, 1].map(|server| self.view(step, &answers[server], server));
        match difference(&real, &ours, "answer") {
            _ if Self::is_known(&real) => Ok(answers[0].status),
            None => Ok(answers[0].status),
            Some(difference) => Err(format!("{difference}\nreal: {real}\nours: {ours}")),
        }
    }

    /// Makes Gnocchi aggregate what waits; ours has.
    fn settle(&self, step: &Step) {
        if !step.path.contains("/measures") || step.method != "POST" {
            return;
        }
        let get = |path: String| self.ask(&steps::get(path), 0);
        if let Some(path) = step.path.strip_prefix("/v1/metric/") {
            get(format!("/v1/metric/{path}?refresh=true"));
            return;
        }
        let status = get("/v1/status?details=true".to_owned()).json();
        let waiting = status["storage"]["measures_to_process"]
            .as_object()
            .unwrap();
        for metric in waiting.keys() {
            get(format!("/v1/metric/{metric}/measures?refresh=true"));
        }
    }
}

fn run(judge: Release, seed: u64, steps: usize) {
    let dir = tempfile::tempdir().unwrap();
    let gnocchi = start_gnocchi(dir.path(), judge);
    let collector = Collector::configured(&format!(
        "storage: {{defaults: bare}}\napi: {{auth_mode: basic, compatibility: \"{}\"}}\n",
        judge.compatibility()
    ));
    let mut pair = Pair {
        urls: [gnocchi.url(""), collector.running.url("")],
        names: Names::default(),
        tags: [String::new(), String::new()],
    };
    for url in &mut pair.urls {
        *url = url.trim_end_matches('/').to_owned();
    }
    let mut world = World::new(seed, judge);
    let mut statuses = std::collections::BTreeMap::<u16, usize>::new();
    let mut queue: std::collections::VecDeque<Step> = world.foundation().into();
    let mut differences = Vec::new();
    for at in 0..steps {
        if differences.len() >= MOST_DIFFERENCES {
            break;
        }
        let step = queue.pop_front().unwrap_or_else(|| world.step());
        let said = format!(
            "{judge:?} seed {seed} step {at}: {} {} {} {:?}",
            step.method,
            step.path,
            step.body.clone().unwrap_or_default(),
            step.headers
        );
        match pair.compare(&step) {
            Ok(status) => *statuses.entry(status).or_default() += 1,
            Err(difference) => differences.push(format!("{said}\n{difference}")),
        }
        pair.settle(&step);
        if step.path.ends_with("create_metrics=true") {
            let resources = step
                .body
                .iter()
                .flat_map(|body| body.as_object().unwrap().keys());
            queue.extend(resources.map(|id| steps::get(format!("/v1/resource/generic/{id}"))));
        }
        world.metrics = pair.names.len();
    }
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
    eprintln!("{judge:?} seed {seed}: {steps} steps, statuses {statuses:?}");
}

/// Runs by hand may say another seed and another number of steps.
fn of_environment(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap())
}

fn compare(judge: Release, seed: u64) {
    let steps = of_environment("GNOCCHI_STEPS").map(|steps| usize::try_from(steps).unwrap());
    let seed = of_environment("GNOCCHI_SEED").unwrap_or(seed);
    run(judge, seed, steps.unwrap_or(STEPS));
}

#[test]
fn gnocchi_4_4_answers_the_same() {
    compare(Release::V4_4, 1);
}

#[test]
fn gnocchi_4_7_answers_the_same() {
    compare(Release::V4_7, 2);
}
