//! What is asked of each unit: which property of which kind of unit makes which series, and which flag asks for it.

use exposition::{Families, MetricType};

use super::{TELLS_STATE, Unit};
use crate::sources::dbus::Value;

/// A property of a kind of unit.
#[derive(Debug)]
pub(super) struct Question {
    /// The metric and its HELP; none for the type, which is a label.
    metric: Option<(&'static str, &'static str, MetricType)>,
    /// The end of the names of the units that have it; empty for all.
    suffix: &'static str,
    /// The property's interface and name.
    pub(super) property: [&'static str; 2],
    /// The flag that asks for it; none if it is always asked.
    pub(super) flag: Option<&'static str>,
    /// Whether it is a time in microseconds.
    is_time: bool,
}

impl Question {
    const fn number(
        metric: &'static str,
        help: &'static str,
        kind: MetricType,
        suffix: &'static str,
        property: [&'static str; 2],
    ) -> Self {
        Self {
            metric: Some((metric, help, kind)),
            suffix,
            property,
            flag: None,
            is_time: false,
        }
    }

    const fn kind(suffix: &'static str, interface: &'static str) -> Self {
        Self {
            metric: None,
            suffix,
            property: [interface, "Type"],
            flag: None,
            is_time: false,
        }
    }

    /// Whether the answer is a label of the unit's states.
    pub(super) fn is_type(&self) -> bool {
        self.metric.is_none()
    }

    /// Whether it is asked of this unit by a systemd of this release.
    pub(super) fn is_for(&self, unit: &str, state: &str, release: f64) -> bool {
        let is_known = self.suffix != ".timer" || release >= TELLS_STATE;
        // What is not active has not been started, which needs no question.
        let has_answer = !self.is_start() || state == "active";
        unit.ends_with(self.suffix) && is_known && has_answer
    }

    fn is_start(&self) -> bool {
        self.property == START
    }

    fn value(&self, value: &Value) -> Option<f64> {
        // What has no limit, or is not counted, is the largest number.
        let number = value.number().filter(|number| *number != u64::MAX)? as f64;
        Some(if self.is_time { number / 1e6 } else { number })
    }
}

const UNIT: &str = "org.freedesktop.systemd1.Unit";
const SERVICE: &str = "org.freedesktop.systemd1.Service";
const SOCKET: &str = "org.freedesktop.systemd1.Socket";
const TIMER: &str = "org.freedesktop.systemd1.Timer";
const MOUNT: &str = "org.freedesktop.systemd1.Mount";

const START: [&str; 2] = [UNIT, "ActiveEnterTimestamp"];

const TASKS: Option<&str> = Some("collector.systemd.enable-task-metrics");

use MetricType::{Counter, Gauge};

/// All of them; a unit's type comes before its numbers.
#[rustfmt::skip]
pub(super) const QUESTIONS: &[Question] = &[
    Question::kind(".service", SERVICE),
    Question::kind(".mount", MOUNT),
    Question { flag: Some("collector.systemd.enable-restarts-metrics"), ..Question::number("node_systemd_service_restart_total", "Service unit count of Restart triggers", Counter, ".service", [SERVICE, "NRestarts"]) },
    Question { flag: Some("collector.systemd.enable-start-time-metrics"), is_time: true, ..Question::number("node_systemd_unit_start_time_seconds", "Start time of the unit since unix epoch in seconds.", Gauge, "", START) },
    Question { flag: TASKS, ..Question::number("node_systemd_unit_tasks_current", "Current number of tasks per Systemd unit", Gauge, ".service", [SERVICE, "TasksCurrent"]) },
    Question { flag: TASKS, ..Question::number("node_systemd_unit_tasks_max", "Maximum number of tasks per Systemd unit", Gauge, ".service", [SERVICE, "TasksMax"]) },
    Question { is_time: true, ..Question::number("node_systemd_timer_last_trigger_seconds", "Seconds since epoch of last trigger.", Gauge, ".timer", [TIMER, "LastTriggerUSec"]) },
    Question::number("node_systemd_socket_accepted_connections_total", "Total number of accepted socket connections", Counter, ".socket", [SOCKET, "NAccepted"]),
    Question::number("node_systemd_socket_current_connections", "Current number of socket connections", Gauge, ".socket", [SOCKET, "NConnections"]),
    // A counter by its name, a gauge for node_exporter.
    Question::number("node_systemd_socket_refused_connections_total", "Total number of refused socket connections", Gauge, ".socket", [SOCKET, "NRefused"]),
];

/// What a unit answered.
pub(super) struct Answer<'a> {
    pub(super) unit: &'a str,
    pub(super) question: &'a Question,
    pub(super) value: &'a Value,
}

/// The series of all answers, question by question.
pub(super) fn emit(
    units: &[&Unit<'_>],
    answers: &[Answer<'_>],
    questions: &[&Question],
    out: &mut Families,
) {
    for question in questions {
        let Some((metric, help, kind)) = question.metric else {
            continue;
        };
        let of_question = answers
            .iter()
            .filter(|answer| answer.question.property == question.property)
            .filter_map(|answer| Some((answer.unit, question.value(answer.value)?)));
        let mut series: Vec<(&str, f64)> = of_question.collect();
        if question.is_start() {
            let stopped = units.iter().filter(|unit| unit.active_state != "active");
            series.extend(stopped.map(|unit| (unit.name, 0.0)));
        }
        if !series.is_empty() {
            let mut family = out.family(metric, help, kind);
            for (unit, value) in series {
                family.sample(&[("name", unit)], value);
            }
        }
    }
}
