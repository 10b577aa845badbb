//! How many sessions logind knows, by seat, kind and class. Source: `org.freedesktop.login1` on the system bus.

use std::collections::BTreeMap;

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::sources::dbus::{Bus, Call, Outcome, Value};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "logind",
    default_on: false,
    help: "sessions from systemd-logind",
    build,
};

const SERVICE: &str = "org.freedesktop.login1";
const MANAGER: &str = "org.freedesktop.login1.Manager";
const SESSION: &str = "org.freedesktop.login1.Session";

/// What is asked of each session.
const PROPERTIES: [[&str; 2]; 3] = [[SESSION, "Remote"], [SESSION, "Type"], [SESSION, "Class"]];

/// Kinds and classes that have series of their own; everything else is the first.
const TYPES: [&str; 7] = [
    "other",
    "unspecified",
    "tty",
    "x11",
    "wayland",
    "mir",
    "web",
];
const CLASSES: [&str; 5] = ["other", "user", "greeter", "lock-screen", "background"];

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(Logind {
        system_bus: config.system_bus.clone(),
    }))
}

struct Logind {
    system_bus: Option<String>,
}

/// What tells sessions apart: seat, remote, type and class.
type Kind = (String, bool, &'static str, &'static str);

impl Collector for Logind {
    fn update(&mut self, scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let failed = |what| CollectError::Other(format!("cannot ask logind: {what}"));
        let io = |error: std::io::Error| failed(error.to_string());
        let deadline = scrape.deadline - scrape.remaining() / 10;
        let mut bus = Bus::system(self.system_bus.as_deref(), deadline).map_err(io)?;
        let ask = |member| Call {
            destination: SERVICE,
            path: "/org/freedesktop/login1",
            interface: MANAGER,
            member,
            arguments: &[],
        };
        let seats = bus.call(&ask("ListSeats")).map_err(io)?.map_err(failed)?;
        let sessions = bus
            .call(&ask("ListSessions"))
            .map_err(io)?
            .map_err(failed)?;
        let sessions: Vec<(&str, &str)> = entries(&sessions).filter_map(session).collect();
        let calls: Vec<Call<'_>> = sessions
            .iter()
            .flat_map(|(_, path)| PROPERTIES.iter().map(|of| Call::get(SERVICE, path, of)))
            .collect();
        let outcomes = bus.calls(&calls).map_err(io)?;
        let mut counts: BTreeMap<Kind, u32> = BTreeMap::new();
        for ((seat, _), properties) in sessions.iter().zip(outcomes.chunks(PROPERTIES.len())) {
            // A session may end while it is asked.
            if let Some((remote, kind, class)) = properties_of(properties) {
                *counts
                    .entry(((*seat).to_owned(), remote, kind, class))
                    .or_default() += 1;
            }
        }
        let mut seats: Vec<&str> = entries(&seats)
            .filter_map(|seat| seat.list().first()?.text())
            .collect();
        // Sessions from afar have no seat.
        seats.push("");
        emit(&seats, &counts, out);
        Ok(())
    }
}

/// The structures of an answer that is one array of them.
fn entries(answer: &[Value]) -> impl Iterator<Item = &Value> {
    answer.first().map(Value::list).unwrap_or_default().iter()
}

/// `(session, user's number, user's name, seat, object)`: seat and object.
fn session(entry: &Value) -> Option<(&str, &str)> {
    match entry.list() {
        [_, _, _, seat, path, ..] => Some((seat.text()?, path.text()?)),
        _ => None,
    }
}

/// The answers to [`PROPERTIES`]: remote, type and class.
fn properties_of(outcomes: &[Outcome]) -> Option<(bool, &'static str, &'static str)> {
    let [Ok(remote), Ok(kind), Ok(class)] = outcomes else {
        return None;
    };
    Some((
        remote.first()?.flag()?,
        known(&TYPES, kind.first()?.text()?),
        known(&CLASSES, class.first()?.text()?),
    ))
}

fn known(names: &[&'static str], name: &str) -> &'static str {
    let found = names.iter().find(|known| **known == name);
    found.or(names.first()).copied().unwrap_or_default()
}

fn emit(seats: &[&str], counts: &BTreeMap<Kind, u32>, out: &mut Families) {
    let mut family = out.family(
        "node_logind_sessions",
        "Number of sessions registered in logind.",
        MetricType::Gauge,
    );
    for (remote, shown) in [(true, "true"), (false, "false")] {
        for kind in TYPES {
            for class in CLASSES {
                for seat in seats {
                    let count = counts.get(&((*seat).to_owned(), remote, kind, class));
                    let labels = [
                        ("class", class),
                        ("remote", shown),
                        ("seat", seat),
                        ("type", kind),
                    ];
                    family.sample(&labels, count.copied().unwrap_or_default().into());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn a_session_has_a_seat_and_an_object() {
        let entry = [
            text("c1"),
            Value::Number(0),
            text("root"),
            text("seat0"),
            text("/s/c1"),
        ];
        let list = Value::List(entry.to_vec());
        assert_eq!(session(&list), Some(("seat0", "/s/c1")));
        assert_eq!(session(&Value::List(entry[..3].to_vec())), None);
        assert_eq!(session(&text("c1")), None);
    }

    #[test]
    fn classes_that_came_later_are_other_and_a_session_that_ended_is_none() {
        let answers = |class: &str| {
            [
                Ok(vec![Value::Flag(true)]),
                Ok(vec![text("tty")]),
                Ok(vec![text(class)]),
            ]
        };
        assert_eq!(properties_of(&answers("user")), Some((true, "tty", "user")));
        assert_eq!(
            properties_of(&answers("manager-early")),
            Some((true, "tty", "other"))
        );
        let gone = [
            Ok(Vec::new()),
            Err("UnknownObject".to_owned()),
            Ok(Vec::new()),
        ];
        assert_eq!(properties_of(&gone), None);
    }

    #[test]
    fn every_kind_of_session_has_a_series_on_every_seat() {
        let mut out = Families::new();
        let counts = BTreeMap::from([((String::new(), true, "tty", "user"), 2)]);
        emit(&["seat0", ""], &counts, &mut out);
        let family = out.get("node_logind_sessions").unwrap();
        assert_eq!(family.samples().count(), 2 * 7 * 5 * 2);
        assert_eq!(
            family.samples().map(|sample| sample.value).sum::<f64>(),
            2.0
        );
    }
}
