//! A client of D-Bus for the few questions that collectors ask systemd and logind: method calls with strings for
//! arguments, many of them in flight at once, under the scrape's deadline. Nothing is kept between scrapes, so that a bus
//! that is started anew is no matter. How messages look as bytes is `message.rs`.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

mod message;

pub(crate) use message::{Call, Value};
use message::{FIXED, Reply};

/// Where the system bus is unless `DBUS_SYSTEM_BUS_ADDRESS` says otherwise.
const SYSTEM_BUS: &str = "/run/dbus/system_bus_socket";

/// Where systemd itself listens, for root alone.
const SYSTEMD: &str = "/run/systemd/private";

/// Calls that wait for their answers at once: few enough that neither side's socket fills up.
const IN_FLIGHT: usize = 64;

/// The longest line of the handshake.
const LONGEST_LINE: usize = 256;

/// A connection that has said who it is.
pub(crate) struct Bus {
    stream: UnixStream,
    deadline: Instant,
    serial: u32,
}

/// What a call brought: the values of its answer, or the name of the error.
pub(crate) type Outcome = Result<Vec<Value>, String>;

impl Bus {
    /// Connects to the system bus, which is at `address` if there is one.
    pub(crate) fn system(address: Option<&str>, deadline: Instant) -> io::Result<Self> {
        let path = match address {
            Some(address) => path_of(address).ok_or_else(|| {
                invalid("DBUS_SYSTEM_BUS_ADDRESS: expected unix:path=/SOCKET".to_owned())
            })?,
            None => PathBuf::from(SYSTEM_BUS),
        };
        let mut bus = Self::connect(&path, deadline)?;
        let hello = Call {
            destination: "org.freedesktop.DBus",
            path: "/org/freedesktop/DBus",
            interface: "org.freedesktop.DBus",
            member: "Hello",
            arguments: &[],
        };
        bus.call(&hello)?.map_err(invalid)?;
        Ok(bus)
    }

    /// Connects to systemd without a bus between.
    pub(crate) fn systemd(deadline: Instant) -> io::Result<Self> {
        Self::connect(Path::new(SYSTEMD), deadline)
    }

    fn connect(path: &Path, deadline: Instant) -> io::Result<Self> {
        let stream = UnixStream::connect(path).map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", path.display()))
        })?;
        let mut bus = Self {
            stream,
            deadline,
            serial: 0,
        };
        bus.authenticate()?;
        Ok(bus)
    }

    /// SASL's EXTERNAL: the kernel tells the other side who we are, we only have to say so.
    fn authenticate(&mut self) -> io::Result<()> {
        let user = rustix::process::getuid().as_raw().to_string();
        let digits: String = user.bytes().map(|byte| format!("{byte:02x}")).collect();
        // All at once: systemd's own socket lets a message lie that comes together with BEGIN, and once it has said OK
        // it has read this to its end.
        self.send(format!("\0AUTH EXTERNAL {digits}\r\nBEGIN\r\n").as_bytes())?;
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            let mut byte = [0];
            self.receive(&mut byte)?;
            line.extend(byte);
            if line.len() > LONGEST_LINE {
                return Err(invalid("handshake without an end".to_owned()));
            }
        }
        if line.starts_with(b"OK ") {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&line).trim().to_owned();
        let refused = io::ErrorKind::PermissionDenied;
        Err(io::Error::new(refused, format!("refused: {said}")))
    }

    /// Calls one method.
    pub(crate) fn call(&mut self, call: &Call<'_>) -> io::Result<Outcome> {
        let mut outcomes = self.calls(std::slice::from_ref(call))?;
        outcomes
            .pop()
            .ok_or_else(|| invalid("no answer".to_owned()))
    }

    /// Calls many methods; the outcomes are in the order of the calls.
    pub(crate) fn calls(&mut self, calls: &[Call<'_>]) -> io::Result<Vec<Outcome>> {
        let mut outcomes = Vec::with_capacity(calls.len());
        for some in calls.chunks(IN_FLIGHT) {
            let first = self.serial.wrapping_add(1);
            let mut bytes = Vec::new();
            for call in some {
                self.serial = self.serial.wrapping_add(1);
                bytes.extend(call.encode(self.serial));
            }
            self.send(&bytes)?;
            let mut answers = BTreeMap::new();
            while answers.len() < some.len() {
                let reply = self.reply()?;
                let place = reply.to.wrapping_sub(first) as usize;
                // Signals, and what nobody asked for, are passed over.
                if reply.is_reply && place < some.len() {
                    answers.insert(place, reply.outcome);
                }
            }
            outcomes.extend(answers.into_values());
        }
        Ok(outcomes)
    }

    fn reply(&mut self) -> io::Result<Reply> {
        let cut = || invalid("message of another form".to_owned());
        let mut bytes = vec![0; FIXED];
        self.receive(&mut bytes)?;
        let length = message::length(&bytes).ok_or_else(cut)?;
        bytes.resize(length, 0);
        self.receive(bytes.get_mut(FIXED..).unwrap_or_default())?;
        message::parse(&bytes).ok_or_else(cut)
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        self.stream.write_all(bytes)
    }

    fn receive(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.stream.set_read_timeout(Some(self.left()?))?;
        self.stream.read_exact(bytes)
    }

    fn left(&self) -> io::Result<Duration> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        match left.is_zero() {
            true => Err(io::ErrorKind::TimedOut.into()),
            false => Ok(left),
        }
    }
}

/// `unix:path=/SOCKET,guid=…`, the first of several addresses.
fn path_of(address: &str) -> Option<PathBuf> {
    let first = address.split(';').next()?;
    let mut keys = first.strip_prefix("unix:")?.split(',');
    keys.find_map(|key| key.strip_prefix("path="))
        .map(PathBuf::from)
}

fn invalid(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_is_named_in_the_address() {
        let path = path_of("unix:path=/run/bus,guid=00ff;tcp:host=a");
        assert_eq!(path, Some(PathBuf::from("/run/bus")));
        assert_eq!(path_of("tcp:host=a"), None);
        assert_eq!(path_of(""), None);
    }

    #[test]
    fn a_bus_that_says_nothing_costs_no_more_than_the_deadline() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("bus");
        let _silent = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let deadline = Instant::now() + Duration::from_millis(50);
        let error = Bus::connect(&socket, deadline).err().unwrap();
        let timeouts = [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut];
        assert!(timeouts.contains(&error.kind()), "{error}");
    }

    #[test]
    fn a_socket_that_is_not_there_is_named() {
        let error = Bus::connect(Path::new("/no/bus"), Instant::now())
            .err()
            .unwrap();
        assert!(error.to_string().starts_with("/no/bus: "), "{error}");
    }
}
