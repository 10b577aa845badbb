//! The checked configuration: what flags, the configuration file and the environment say, in the form in which the
//! exporter uses it. A flag goes before the file, the file before the environment. A configuration that exists is one
//! that works.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::ArgMatches;
use runtime::ConfigError;
use serde::Deserialize;

use crate::collectors::{GROUPS, Group};
use crate::compat::Peer;
use crate::flags;

/// Where libvirt is when nothing says otherwise.
const DEFAULT_URI: &str = "qemu:///system";
/// What `virsh` and every other client of libvirt reads.
pub(crate) const URI_VARIABLE: &str = "LIBVIRT_DEFAULT_URI";
/// How long libvirt may take to answer: well below Prometheus' usual 10 s.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one domain's hypervisor may take: some hundred times of what it usually does.
const DEFAULT_DOMAIN_TIMEOUT: Duration = Duration::from_secs(1);
/// Connections over which hypervisors are asked at the same time; more cost memory and help little.
const DEFAULT_CONNECTIONS: usize = 4;
/// Often enough for disks that fill, seldom enough not to be noticed in the guest.
const DEFAULT_AGENT_INTERVAL: Duration = Duration::from_secs(60);
/// libvirt itself gives an agent five seconds for its first sign of life.
const DEFAULT_AGENT_TIMEOUT: Duration = Duration::from_secs(10);
/// Agents that are asked at the same time.
const DEFAULT_AGENT_CONCURRENCY: usize = 2;
/// More would take all workers that libvirtd has.
pub(crate) const MAX_CONNECTIONS: usize = 16;

/// Everything that the exporter may ask for.
#[derive(Clone)]
pub(crate) struct LibvirtConfig {
    /// The libvirt to ask.
    pub(crate) uri: String,
    /// How long it may take to answer.
    pub(crate) timeout: Duration,
    /// How long one domain's hypervisor may take.
    pub(crate) domain_timeout: Duration,
    /// How many connections ask hypervisors at the same time.
    pub(crate) connections: usize,
    /// Where procfs is.
    pub(crate) procfs: PathBuf,
    /// Where sysfs is.
    pub(crate) sysfs: PathBuf,
    /// The peer whose exact series are exported instead of all.
    pub(crate) compat: Option<Peer>,
    /// Whether that peer's series carry Nova's words, which is a flag of Debian's exporter.
    pub(crate) with_nova: bool,
    /// How the guests are asked.
    pub(crate) guests: GuestsConfig,
    /// The groups of families that are exported, sorted.
    pub(crate) groups: Vec<&'static Group>,
}

/// What is asked of guests, for which libvirt needs a connection that may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GuestsConfig {
    /// How often a guest's agent is asked.
    pub(crate) interval: Duration,
    /// How long an agent may take for all its answers.
    pub(crate) timeout: Duration,
    /// How many agents are asked at the same time.
    pub(crate) concurrency: usize,
    /// Whether balloons that never report are told to.
    pub(crate) sets_period: bool,
}

/// The configuration file. Every key may be missing.
#[derive(Debug, Default, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct FileConfig {
    /// The connection.
    libvirt: FileLibvirt,
    /// Guests.
    guests: FileGuests,
    /// As `--compat`.
    compat: Option<String>,
    /// Group name to whether it is exported.
    collectors: BTreeMap<String, bool>,
}

#[derive(Debug, Default, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FileLibvirt {
    /// As `--libvirt.uri`.
    uri: Option<String>,
    /// As `--libvirt.timeout`.
    timeout: Option<String>,
    /// As `--libvirt.domain-timeout`.
    domain_timeout: Option<String>,
    /// As `--libvirt.connections`.
    connections: Option<usize>,
}

#[derive(Debug, Default, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FileGuests {
    /// As `--guest-agent.interval`.
    agent_interval: Option<String>,
    /// As `--guest-agent.timeout`.
    agent_timeout: Option<String>,
    /// As `--guest-agent.concurrency`.
    agent_concurrency: Option<usize>,
    /// As `--[no-]memory.set-stats-period`.
    set_stats_period: Option<bool>,
}

impl LibvirtConfig {
    /// Checks everything. `environment` is the value of [`URI_VARIABLE`].
    ///
    /// # Errors
    /// Names the key or variable and what was expected. Flags were checked when they were parsed.
    pub(crate) fn new(
        matches: &ArgMatches,
        file: &FileConfig,
        environment: Option<String>,
    ) -> Result<LibvirtConfig, ConfigError> {
        let at = |name: &str, text: &str, reason: String| {
            ConfigError::value(name, format!("{reason}, found {text:?}"))
        };
        let uri = match (matches.get_one(flags::URI), &file.libvirt.uri, environment) {
            (Some(uri), _, _) => String::clone(uri),
            (None, Some(text), _) => uri(text).map_err(|reason| at("libvirt.uri", text, reason))?,
            (None, None, Some(text)) if !text.is_empty() => {
                uri(&text).map_err(|reason| at(URI_VARIABLE, &text, reason))?
            }
            (None, None, _) => DEFAULT_URI.to_owned(),
        };
        let time = |flag: &str, in_file: &Option<String>, name: &str, default| match (
            matches.get_one(flag),
            in_file,
        ) {
            (Some(time), _) => Ok(*time),
            (None, Some(text)) => duration(text).map_err(|reason| at(name, text, reason)),
            (None, None) => Ok(default),
        };
        let timeout = time(
            flags::TIMEOUT,
            &file.libvirt.timeout,
            "libvirt.timeout",
            DEFAULT_TIMEOUT,
        )?;
        let domain_timeout = time(
            flags::DOMAIN_TIMEOUT,
            &file.libvirt.domain_timeout,
            "libvirt.domain_timeout",
            DEFAULT_DOMAIN_TIMEOUT,
        )?;
        let number = |flag: &str, in_file: Option<usize>, name: &str, default| match (
            matches.get_one::<u64>(flag),
            in_file,
        ) {
            (Some(number), _) => Ok(usize::try_from(*number).unwrap_or(MAX_CONNECTIONS)),
            (None, Some(number)) if (1..=MAX_CONNECTIONS).contains(&number) => Ok(number),
            (None, Some(number)) => {
                let reason =
                    format!("expected a number from 1 to {MAX_CONNECTIONS}, found {number}");
                Err(ConfigError::value(name, reason))
            }
            (None, None) => Ok(default),
        };
        let connections = number(
            flags::CONNECTIONS,
            file.libvirt.connections,
            "libvirt.connections",
            DEFAULT_CONNECTIONS,
        )?;
        let guests = GuestsConfig {
            interval: time(
                flags::AGENT_INTERVAL,
                &file.guests.agent_interval,
                "guests.agent_interval",
                DEFAULT_AGENT_INTERVAL,
            )?,
            timeout: time(
                flags::AGENT_TIMEOUT,
                &file.guests.agent_timeout,
                "guests.agent_timeout",
                DEFAULT_AGENT_TIMEOUT,
            )?,
            concurrency: number(
                flags::AGENT_CONCURRENCY,
                file.guests.agent_concurrency,
                "guests.agent_concurrency",
                DEFAULT_AGENT_CONCURRENCY,
            )?,
            sets_period: flags::sets_period(matches, file.guests.set_stats_period),
        };
        let compat = match (matches.get_one::<Peer>(flags::COMPAT), &file.compat) {
            (Some(peer), _) => Some(*peer),
            (None, Some(text)) => {
                Some(Peer::parse(text).map_err(|reason| at("compat", text, reason))?)
            }
            (None, None) => None,
        };
        let path = |flag, default: &str| {
            matches
                .get_one(flag)
                .cloned()
                .unwrap_or_else(|| PathBuf::from(default))
        };
        if let Some(name) = file.collectors.keys().find(|name| !is_group(name)) {
            let known: Vec<_> = GROUPS.iter().map(|group| group.name).collect();
            let reason = format!("expected one of {}, found {name:?}", known.join(", "));
            return Err(ConfigError::value("collectors", reason));
        }
        let is_on = |group: &&Group| {
            let in_file = file.collectors.get(group.name).copied();
            flags::is_on(matches, group, in_file)
        };
        Ok(LibvirtConfig {
            uri,
            timeout,
            domain_timeout,
            connections,
            procfs: path(flags::PROCFS, "/proc"),
            sysfs: path(flags::SYSFS, "/sys"),
            compat,
            with_nova: matches.get_flag(flags::NOVA_LABELS),
            guests,
            groups: GROUPS.iter().filter(is_on).collect(),
        })
    }
}

fn is_group(name: &str) -> bool {
    GROUPS.iter().any(|group| group.name == name)
}

/// A libvirt URI; the path of a libvirt socket, which inovex's exporter takes here, becomes one.
///
/// # Errors
/// What was expected.
pub(crate) fn uri(text: &str) -> Result<String, String> {
    let has_control = text.chars().any(char::is_control);
    if let Some(path) = text.strip_prefix('/')
        && !has_control
    {
        return Ok(format!("{DEFAULT_URI}?socket=/{}", escaped(path)));
    }
    let has_scheme = text
        .split_once(':')
        .is_some_and(|(scheme, _)| !scheme.is_empty());
    if has_scheme && !has_control {
        Ok(text.to_owned())
    } else {
        Err("expected a libvirt URI such as qemu:///system, or the path of its socket".to_owned())
    }
}

/// A path as part of a URI's query.
fn escaped(path: &str) -> String {
    let mut escaped = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                escaped.push(char::from(byte));
            }
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

/// A time such as `5s`, `1.5s`, `300ms` or `1m`; more than nothing and at most an hour.
///
/// # Errors
/// What was expected.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let expected = || "expected a time such as 5s or 300ms, at most 1h".to_owned();
    let unit_at = text.find(|char: char| char.is_ascii_alphabetic());
    let (number, unit) = text.split_at(unit_at.unwrap_or(text.len()));
    let seconds = match unit {
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(expected()),
    };
    let number: f64 = number.parse().map_err(|_| expected())?;
    let duration = Duration::try_from_secs_f64(number * seconds).map_err(|_| expected())?;
    let sensible = Duration::from_millis(1)..=Duration::from_secs(3600);
    sensible
        .contains(&duration)
        .then_some(duration)
        .ok_or_else(expected)
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
