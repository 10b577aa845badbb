//! The state of systemd and of its units. Source: `org.freedesktop.systemd1` on the system bus, or systemd's own socket.
//! Which units are shown is decided by their whole names.

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::pattern::Pattern;
use crate::sources::dbus::{Bus, Call, Value};

mod questions;

use questions::{Answer, QUESTIONS, Question};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "systemd",
    default_on: false,
    help: "systemd and its units",
    build,
};

const SERVICE: &str = "org.freedesktop.systemd1";
const PATH: &str = "/org/freedesktop/systemd1";
const MANAGER: &str = "org.freedesktop.systemd1.Manager";

/// States that have a series even if no unit is in them.
const STATES: [&str; 5] = ["active", "activating", "deactivating", "inactive", "failed"];

/// The release that has the property `SystemState` and tells when timers last ran.
const TELLS_STATE: f64 = 212.0;

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    let options = &config.options;
    let whole = |name: &str| {
        let pattern = format!("^(?:{})$", options.value(name));
        Pattern::new(&pattern).map_err(|error| ConfigError::value(format!("--{name}"), error))
    };
    let is_asked = |question: &Question| question.flag.is_none_or(|flag| options.is_on(flag));
    Ok(Box::new(Systemd {
        system_bus: config.system_bus.clone(),
        is_private: options.is_on("collector.systemd.private"),
        include: whole("collector.systemd.unit-include")?,
        exclude: whole("collector.systemd.unit-exclude")?,
        questions: QUESTIONS
            .iter()
            .filter(|question| is_asked(question))
            .collect(),
    }))
}

struct Systemd {
    system_bus: Option<String>,
    /// Whether systemd's own socket is asked.
    is_private: bool,
    include: Pattern,
    exclude: Pattern,
    questions: Vec<&'static Question>,
}

/// A unit as `ListUnits` tells of it.
#[derive(Debug, PartialEq)]
struct Unit<'a> {
    name: &'a str,
    load_state: &'a str,
    active_state: &'a str,
    path: &'a str,
}

impl Collector for Systemd {
    fn update(&mut self, scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let failed = |what| CollectError::Other(format!("cannot ask systemd: {what}"));
        let io = |error: std::io::Error| failed(error.to_string());
        let deadline = scrape.deadline - scrape.remaining() / 10;
        let mut bus = match self.is_private {
            true => Bus::systemd(deadline),
            // Without a bus, root can still ask systemd itself.
            false => Bus::system(self.system_bus.as_deref(), deadline)
                .or_else(|error| Bus::systemd(deadline).map_err(|_| error)),
        }
        .map_err(io)?;
        let list = Call {
            destination: SERVICE,
            path: PATH,
            interface: MANAGER,
            member: "ListUnits",
            arguments: &[],
        };
        let version = manager(&mut bus, "Version")
            .map_err(io)?
            .unwrap_or_default();
        let virtualization = manager(&mut bus, "Virtualization").map_err(io)?;
        let release = release(&version);
        emit_manager(release, &version, virtualization.as_deref(), out);
        let answer = bus.call(&list).map_err(io)?.map_err(failed)?;
        let all: Vec<Unit<'_>> = units(&answer).collect();
        summarise(&all, out);
        let is_shown = |unit: &&Unit<'_>| {
            unit.load_state == "loaded"
                && self.include.is_match(unit.name)
                && !self.exclude.is_match(unit.name)
        };
        let shown: Vec<&Unit<'_>> = all.iter().filter(is_shown).collect();
        let asked: Vec<(&Unit<'_>, &Question)> = shown
            .iter()
            .flat_map(|unit| self.questions.iter().map(|question| (*unit, *question)))
            .filter(|(unit, question)| question.is_for(unit.name, unit.active_state, release))
            .collect();
        let calls: Vec<Call<'_>> = asked
            .iter()
            .map(|(unit, question)| Call::get(SERVICE, unit.path, &question.property))
            .collect();
        let outcomes = bus.calls(&calls).map_err(io)?;
        let answers: Vec<Answer<'_>> = asked
            .iter()
            .zip(&outcomes)
            .filter_map(|((unit, question), outcome)| {
                // A unit may go away while it is asked, and older releases have fewer properties.
                let value = outcome.as_ref().ok()?.first()?;
                Some(Answer {
                    unit: unit.name,
                    question,
                    value,
                })
            })
            .collect();
        emit_states(&shown, &answers, out);
        questions::emit(&shown, &answers, &self.questions, out);
        if release >= TELLS_STATE {
            let state = manager(&mut bus, "SystemState")
                .map_err(io)?
                .map_err(failed)?;
            out.family(
                "node_systemd_system_running",
                "Whether the system is operational (see 'systemctl is-system-running')",
                MetricType::Gauge,
            )
            .sample(&[], f64::from(state == "running"));
        }
        Ok(())
    }
}

/// A property of systemd itself.
fn manager(bus: &mut Bus, property: &str) -> std::io::Result<Result<String, String>> {
    let outcome = bus.call(&Call::get(SERVICE, PATH, &[MANAGER, property]))?;
    Ok(outcome.and_then(|values| {
        let text = values.first().and_then(Value::text);
        text.map(str::to_owned)
            .ok_or_else(|| format!("{property} is no text"))
    }))
}

fn emit_manager(
    release: f64,
    version: &str,
    virtualization: Result<&str, &String>,
    out: &mut Families,
) {
    let label = if release > 0.0 { version } else { "" };
    out.family(
        "node_systemd_version",
        "Detected systemd version",
        MetricType::Gauge,
    )
    .sample(&[("version", label)], release);
    let kind = match virtualization {
        Ok("") => "none",
        Ok(kind) => kind,
        Err(_) => "unknown",
    };
    out.family(
        "node_systemd_virtualization_info",
        "Detected virtualization technology",
        MetricType::Gauge,
    )
    .sample(&[("virtualization_type", kind)], 1.0);
}

/// The number in a version such as `252.39-1~deb12u2` or `v249`: the first three digits or more, with what follows
/// their point; 0 if there is none.
fn release(version: &str) -> f64 {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let mut rest = version;
    while let Some(start) = rest.find(|char: char| char.is_ascii_digit()) {
        rest = rest.get(start..).unwrap_or_default();
        let whole = digits(rest);
        if whole >= 3 {
            let fraction = rest.get(whole..).and_then(|rest| rest.strip_prefix('.'));
            let end = match fraction.map(digits) {
                Some(count) if count > 0 => whole + 1 + count,
                _ => whole,
            };
            let number = rest.get(..end).and_then(|number| number.parse().ok());
            return number.unwrap_or_default();
        }
        rest = rest.get(whole..).unwrap_or_default();
    }
    0.0
}

/// The answer of `ListUnits`: `(name, description, load, active, sub, following, path, job, …)` for each.
fn units(answer: &[Value]) -> impl Iterator<Item = Unit<'_>> {
    let all = answer.first().map(Value::list).unwrap_or_default();
    all.iter().filter_map(|unit| match unit.list() {
        [name, _, load, active, _, _, path, ..] => Some(Unit {
            name: name.text()?,
            load_state: load.text()?,
            active_state: active.text()?,
            path: path.text()?,
        }),
        _ => None,
    })
}

fn summarise(units: &[Unit<'_>], out: &mut Families) {
    let mut counts: Vec<(&str, u32)> = STATES.map(|state| (state, 0)).to_vec();
    for unit in units {
        match counts
            .iter_mut()
            .find(|(state, _)| *state == unit.active_state)
        {
            Some((_, count)) => *count += 1,
            None => counts.push((unit.active_state, 1)),
        }
    }
    let help = "Summary of systemd unit states";
    let mut family = out.family("node_systemd_units", help, MetricType::Gauge);
    for (state, count) in counts {
        family.sample(&[("state", state)], count.into());
    }
}

/// A series for each state that each unit may be in, with the type of services and mounts.
fn emit_states(units: &[&Unit<'_>], answers: &[Answer<'_>], out: &mut Families) {
    let mut family = out.family("node_systemd_unit_state", "Systemd unit", MetricType::Gauge);
    let mut types = answers
        .iter()
        .filter(|answer| answer.question.is_type())
        .peekable();
    for unit in units {
        // Answers are in the order of the units.
        let kind = types
            .next_if(|answer| answer.unit == unit.name)
            .and_then(|answer| answer.value.text())
            .unwrap_or_default();
        for state in STATES {
            let labels = [("name", unit.name), ("state", state), ("type", kind)];
            family.sample(&labels, f64::from(state == unit.active_state));
        }
    }
}

#[cfg(test)]
#[path = "systemd/tests.rs"]
mod tests;
