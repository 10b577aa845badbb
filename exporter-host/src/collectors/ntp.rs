//! Whether this host's NTP server can be relied on. Source: one question to it (RFC 5905, client mode), whose answer is
//! judged by that RFC's rules and by the flags' limits.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::time::{Duration, Instant, SystemTime};

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};
use rustix::net::sockopt::set_ipv6_unicast_hops;

use crate::config::{HostConfig, Options};
use crate::flags;

mod packet;

use packet::{Answer, LENGTH, Timestamp};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "ntp",
    default_on: false,
    help: "the NTP server of this host",
    build,
};

/// How long the server may take.
const PATIENCE: Duration = Duration::from_secs(1);

const DAY: u64 = 24 * 60 * 60;

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    let options = &config.options;
    let server = options.value("collector.ntp.server").to_owned();
    let is_own = options.is_on("collector.ntp.server-is-local");
    if !is_own
        && !server
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
    {
        let reason = "expected a loopback address, or --collector.ntp.server-is-local";
        return Err(ConfigError::value("--collector.ntp.server", reason));
    }
    Ok(Box::new(Ntp {
        server,
        port: number(options, "server-port", 1..=u16::MAX)?,
        version: number(options, "protocol-version", 2..=4)?,
        hops: number(options, "ip-ttl", 1..=u8::MAX)?,
        max_distance: duration(options, "max-distance")?,
        tolerance: duration(options, "local-offset-tolerance")?,
        leap_midnight: None,
    }))
}

fn number<T>(
    options: &Options,
    name: &str,
    range: std::ops::RangeInclusive<T>,
) -> Result<T, ConfigError>
where
    T: std::str::FromStr + PartialOrd + std::fmt::Display,
{
    let flag = format!("collector.ntp.{name}");
    let number = options.value(&flag).parse().ok();
    number
        .filter(|number| range.contains(number))
        .ok_or_else(|| {
            let (low, high) = (range.start(), range.end());
            ConfigError::value(format!("--{flag}"), format!("expected {low} to {high}"))
        })
}

fn duration(options: &Options, name: &str) -> Result<f64, ConfigError> {
    let flag = format!("collector.ntp.{name}");
    let duration = flags::duration(options.value(&flag));
    duration
        .map(|duration| duration.as_secs_f64())
        .map_err(|reason| ConfigError::value(format!("--{flag}"), reason))
}

struct Ntp {
    server: String,
    port: u16,
    version: u8,
    hops: u8,
    /// Seconds.
    max_distance: f64,
    /// Seconds.
    tolerance: f64,
    /// The midnight after which a leap second was last announced, in seconds since the Unix epoch.
    leap_midnight: Option<u64>,
}

impl Collector for Ntp {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let answer = self.ask().map_err(|error| {
            let server = &self.server;
            CollectError::Other(format!("no answer of the NTP server {server}: {error}"))
        })?;
        let tolerance = self.tolerance + self.smear(&answer);
        let is_sane = answer.is_valid()
            && answer.root_distance() <= self.max_distance
            && answer.least_error() <= tolerance;
        for (name, help, value) in [
            ("stratum", "NTPD stratum.", answer.stratum.into()),
            (
                "leap",
                "NTPD leap second indicator, 2 bits.",
                answer.leap.into(),
            ),
            ("rtt_seconds", "RTT to NTPD.", answer.round_trip()),
            (
                "offset_seconds",
                "ClockOffset between NTP and local clock.",
                answer.offset(),
            ),
            (
                "reference_timestamp_seconds",
                "NTPD ReferenceTime, UNIX timestamp.",
                answer.reference.unix().max(0.0),
            ),
            ("root_delay_seconds", "NTPD RootDelay.", answer.root_delay),
            (
                "root_dispersion_seconds",
                "NTPD RootDispersion.",
                answer.root_dispersion,
            ),
            (
                "sanity",
                "NTPD sanity according to RFC5905 heuristics and configured limits.",
                f64::from(is_sane),
            ),
        ] {
            out.family(&format!("node_ntp_{name}"), help, MetricType::Gauge)
                .sample(&[], value);
        }
        Ok(())
    }
}

impl Ntp {
    fn ask(&self) -> io::Result<Answer> {
        let address = (self.server.as_str(), self.port)
            .to_socket_addrs()?
            .next()
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        let socket = match address {
            SocketAddr::V4(_) => {
                let socket = UdpSocket::bind("0.0.0.0:0")?;
                socket.set_ttl(self.hops.into())?;
                socket
            }
            SocketAddr::V6(_) => {
                let socket = UdpSocket::bind("[::]:0")?;
                set_ipv6_unicast_hops(&socket, Some(self.hops))?;
                socket
            }
        };
        socket.connect(address)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let sent = Timestamp::of(SystemTime::now());
        let start = Instant::now();
        socket.send(&packet::question(self.version, sent))?;
        let mut bytes = [0; LENGTH];
        let length = socket.recv(&mut bytes)?;
        let received = sent.after(start.elapsed());
        let answer = bytes.get(..length).unwrap_or_default();
        packet::parse(answer, sent, received)
            .map_err(|reason| io::Error::new(io::ErrorKind::InvalidData, reason))
    }

    /// A leap second may be spread over the day before and after it, in which a second's difference is nothing bad. The
    /// announcement is gone right after midnight, so that the midnight has to be remembered.
    fn smear(&mut self, answer: &Answer) -> f64 {
        let now = answer.transmitted.unix().max(0.0) as u64;
        if answer.announces_leap() {
            self.leap_midnight = Some((now / DAY + 1) * DAY);
        }
        let is_near = self
            .leap_midnight
            .is_some_and(|midnight| now.abs_diff(midnight) < DAY);
        f64::from(is_near)
    }
}
