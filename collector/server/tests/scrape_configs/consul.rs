//! A Consul as far as service discovery asks it: catalogue, health and agent with tokens, tags and blocking queries, in the
//! shape of a real one's answers.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::server::{Answer, Request, serve};

/// The ACL token that it asks for.
pub(crate) const TOKEN: &str = "5f1d0c3e-token";

struct State {
    index: u64,
    entries: Vec<Value>,
    broken: bool,
}

/// A running one.
pub(crate) struct Consul {
    /// `host:port` of its API.
    pub(crate) address: String,
    state: Arc<(Mutex<State>, Condvar)>,
}

/// An instance of a service, as `/v1/health/service` has it.
pub(crate) fn instance(
    service: &str,
    id: &str,
    address: &str,
    tags: &[&str],
    status: &str,
) -> Value {
    let (host, port) = address.rsplit_once(':').unwrap();
    json!({
        "Node": {
            "ID": "40e4a748-2192-161a-0510-9bf59fe950b5", "Node": "node-a", "Address": "127.0.0.1", "Datacenter": "dc1",
            "TaggedAddresses": {"lan": "127.0.0.1", "wan": "127.0.0.9"},
            "Meta": {"rack-row": "7", "consul-network-segment": ""}, "CreateIndex": 3, "ModifyIndex": 4,
        },
        "Service": {
            "ID": id, "Service": service, "Tags": tags, "Address": if id.ends_with("bare") { "" } else { host },
            "TaggedAddresses": {"lan": {"Address": host, "Port": 1}}, "Meta": {"env": "test", "owner.name": "ops"},
            "Port": port.parse::<u16>().unwrap(), "Weights": {"Passing": 1, "Warning": 1}, "EnableTagOverride": false,
            "Proxy": {"Mode": "", "MeshGateway": {}, "Expose": {}}, "Connect": {}, "CreateIndex": 10, "ModifyIndex": 10,
        },
        "Checks": [
            {"Node": "node-a", "CheckID": "serfHealth", "Name": "Serf", "Status": "passing", "ServiceID": "", "Output": ""},
            {"Node": "node-a", "CheckID": "c1", "Name": "http", "Status": status, "ServiceID": id, "Output": "x"},
        ],
    })
}

impl Consul {
    /// Starts one with these instances.
    pub(crate) fn start(entries: Vec<Value>) -> Self {
        let state = State {
            index: 5,
            entries,
            broken: false,
        };
        let state = Arc::new((Mutex::new(state), Condvar::new()));
        let shared = Arc::clone(&state);
        let address = serve(move |request| answer(&shared, request));
        Self { address, state }
    }

    /// Has these instances from now on.
    pub(crate) fn set(&self, entries: Vec<Value>) {
        self.change(|state| state.entries = entries);
    }

    /// Answers with errors from now on.
    pub(crate) fn break_down(&self) {
        self.change(|state| state.broken = true);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let (state, changed) = &*self.state;
        let mut state = state.lock().unwrap();
        change(&mut state);
        state.index += 1;
        changed.notify_all();
    }
}

fn answer((state, changed): &(Mutex<State>, Condvar), request: &Request) -> Answer {
    // A real one takes the token in either header.
    let bearer = request
        .header("authorization")
        .and_then(|value| value.strip_prefix("Bearer "));
    if request.header("x-consul-token").or(bearer) != Some(TOKEN) {
        return Answer::error(403);
    }
    let wait = request.parameter("wait").unwrap_or("0s");
    let wait = match wait.strip_suffix("ms") {
        Some(millis) => Duration::from_millis(millis.parse().unwrap()),
        None => Duration::from_secs(wait.trim_end_matches('s').parse().unwrap()),
    };
    let known: u64 = request
        .parameter("index")
        .map_or(0, |index| index.parse().unwrap());
    let state = state.lock().unwrap();
    let (state, _) = changed
        .wait_timeout_while(state, wait, |state| known > 0 && state.index == known)
        .unwrap();
    if state.broken {
        return Answer::error(500);
    }
    let body = match request.path.as_str() {
        "/v1/agent/self" => {
            json!({"Config": {"Datacenter": "dc1", "NodeName": "node-a", "Server": true}, "Member": {}})
        }
        "/v1/catalog/services" => {
            let mut services = json!({"consul": []});
            for entry in &state.entries {
                let name = entry["Service"]["Service"].as_str().unwrap();
                services[name] = entry["Service"]["Tags"].clone();
            }
            services
        }
        path => match path.strip_prefix("/v1/health/service/") {
            Some(service) => {
                let tags: Vec<&String> = request
                    .query
                    .iter()
                    .filter(|(name, _)| name == "tag")
                    .map(|(_, tag)| tag)
                    .collect();
                let entries = state.entries.iter().filter(|entry| {
                    let own = entry["Service"]["Tags"].as_array().unwrap();
                    entry["Service"]["Service"] == service
                        && tags
                            .iter()
                            .all(|tag| own.iter().any(|own| own == tag.as_str()))
                });
                Value::Array(entries.cloned().collect())
            }
            None => return Answer::error(404),
        },
    };
    let mut answer = Answer::of("application/json", body.to_string());
    answer.headers = vec![
        ("x-consul-index", state.index.to_string()),
        ("x-consul-knownleader", "true".to_owned()),
        ("x-consul-lastcontact", "0".to_owned()),
    ];
    answer
}
