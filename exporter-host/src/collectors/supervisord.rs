//! The processes that supervisord looks after. Source: one call of XML-RPC, `supervisor.getAllProcessInfo`, over HTTP or
//! over supervisord's own socket.

use std::time::Duration;

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;

mod rpc;

use rpc::Endpoint;

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "supervisord",
    default_on: false,
    help: "processes of supervisord",
    build,
};

/// How long supervisord may take if the scrape has no earlier end.
const PATIENCE: Duration = Duration::from_secs(10);

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    const FLAG: &str = "collector.supervisord.url";
    let url = config.options.value(FLAG);
    let endpoint = Endpoint::parse(url).ok_or_else(|| {
        let reason = format!("expected http://HOST:PORT/PATH or unix:///SOCKET, found {url:?}");
        ConfigError::value(format!("--{FLAG}"), reason)
    })?;
    Ok(Box::new(Supervisord(endpoint)))
}

struct Supervisord(Endpoint);

/// A process; numbers as supervisord gives them.
#[derive(Debug, Clone, Default, PartialEq)]
struct Process {
    name: String,
    group: String,
    state: f64,
    exit_status: f64,
    /// Seconds since the Unix epoch.
    start: f64,
}

impl Process {
    /// Whether it is starting, running or stopping.
    fn is_up(&self) -> bool {
        [10.0, 20.0, 40.0].contains(&self.state)
    }
}

impl Collector for Supervisord {
    fn update(&mut self, scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let failed = |what: String| CollectError::Other(format!("cannot ask supervisord: {what}"));
        let patience = (scrape.remaining() * 9 / 10).min(PATIENCE);
        let body = rpc::call("supervisor.getAllProcessInfo");
        let answer = self
            .0
            .post(&body, patience)
            .map_err(|error| failed(error.to_string()))?;
        for process in parse(&answer).map_err(failed)? {
            emit(&process, out);
        }
        Ok(())
    }
}

fn emit(process: &Process, out: &mut Families) {
    let labels = [
        ("group", process.group.as_str()),
        ("name", process.name.as_str()),
    ];
    let mut sample = |name, help, kind, value| {
        out.family(name, help, kind).sample(&labels, value);
    };
    let gauge = MetricType::Gauge;
    sample(
        "node_supervisord_state",
        "Process State",
        gauge,
        process.state,
    );
    sample(
        "node_supervisord_exit_status",
        "Process Exit Status",
        gauge,
        process.exit_status,
    );
    sample(
        "node_supervisord_up",
        "Process Up",
        gauge,
        f64::from(process.is_up()),
    );
    if process.is_up() {
        // A moment by its name, a counter for node_exporter.
        let counter = MetricType::Counter;
        sample(
            "node_supervisord_start_time_seconds",
            "Process start time",
            counter,
            process.start,
        );
    }
}

/// The answer: an array of structures.
fn parse(xml: &str) -> Result<Vec<Process>, String> {
    let processes = rpc::structures(xml)?;
    let processes = processes.into_iter().map(|members| {
        let text = |name: &str| members.get(name).cloned().unwrap_or_default();
        let number = |name: &str| members.get(name).and_then(|text| crate::text::number(text));
        Process {
            name: text("name"),
            group: text("group"),
            state: number("state").unwrap_or_default(),
            exit_status: number("exitstatus").unwrap_or_default(),
            start: number("start").unwrap_or_default(),
        }
    });
    Ok(processes.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "<?xml version='1.0'?><methodResponse><params><param><value><array><data>\
        <value><struct><member><name>name</name><value><string>a &amp; b</string></value></member>\
        <member><name>group</name><value>g</value></member>\
        <member><name>state</name><value><int>20</int></value></member>\
        <member><name>exitstatus</name><value><int>-1</int></value></member>\
        <member><name>start</name><value><i4>1700000000</i4></value></member></struct></value>\
        </data></array></value></param></params></methodResponse>";

    #[test]
    fn a_process_is_a_structure_of_the_answer() {
        let expected = Process {
            name: "a & b".to_owned(),
            group: "g".to_owned(),
            state: 20.0,
            exit_status: -1.0,
            start: 1.7e9,
        };
        assert_eq!(parse(ANSWER), Ok(vec![expected]));
    }

    #[test]
    fn a_fault_is_told_by_its_text() {
        let fault = "<methodResponse><fault><value><struct>\
            <member><name>faultCode</name><value><int>1</int></value></member>\
            <member><name>faultString</name><value><string>UNKNOWN_METHOD</string></value></member>\
            </struct></value></fault></methodResponse>";
        assert_eq!(parse(fault), Err("UNKNOWN_METHOD".to_owned()));
        assert!(parse("<html>").is_err());
    }

    #[test]
    fn only_what_is_up_has_a_start() {
        let mut out = Families::new();
        let mut process = parse(ANSWER).unwrap().remove(0);
        process.state = 100.0;
        emit(&process, &mut out);
        assert!(out.get("node_supervisord_start_time_seconds").is_none());
        let up = out
            .get("node_supervisord_up")
            .unwrap()
            .samples()
            .next()
            .unwrap()
            .value;
        assert_eq!(up, 0.0);
    }

    proptest::proptest! {
        #[test]
        fn any_answer_is_processes_or_refused(text in "(<(value|struct|member|name|fault|array|data)>|</[a-z]{1,6}>|[a-z0-9&;])*") {
            let _ = parse(&text);
        }
    }
}
