//! A netlink socket (netlink(7)) that asks the kernel's routing family for dumps: one request, answered with many
//! messages in few reads. What the messages say is `rtnl.rs`; here is only their framing. Numbers are in the byte
//! order of the host.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recv, sendto,
    socket_with,
};

/// The kernel never fills more than 32 KiB of a dump's buffer.
const BUFFER: usize = 32 << 10;

/// The kernel answers at once; this is for the day on which it does not.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often a dump is begun anew because the set of devices changed in its midst.
const ATTEMPTS: usize = 3;

const HEADER: usize = 16;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLM_F_REQUEST: u16 = 0x1;
const NLM_F_DUMP_INTR: u16 = 0x10;
const NLM_F_DUMP: u16 = 0x300;

/// A socket that stays open between scrapes.
#[derive(Default)]
pub(crate) struct Netlink {
    /// `None` is the routing family, whose number 0 no protocol can have.
    protocol: Option<Protocol>,
    socket: Option<OwnedFd>,
    buffer: Vec<u8>,
    sequence: u32,
}

/// One message: its type and what follows the header.
#[derive(Debug, PartialEq)]
struct Message<'a> {
    kind: u16,
    flags: u16,
    sequence: u32,
    payload: &'a [u8],
}

impl Netlink {
    /// A socket of another family than that of routing.
    pub(crate) fn of(protocol: Protocol) -> Self {
        Self {
            protocol: Some(protocol),
            ..Self::default()
        }
    }

    /// Sends the request `kind` with `body` and gives the payload of each answer to `each`. `begin` is called before
    /// the first answer, and again if the dump has to be begun anew.
    pub(crate) fn dump<T>(
        &mut self,
        kind: u16,
        body: &[u8],
        state: &mut T,
        begin: impl Fn(&mut T),
        each: impl Fn(&mut T, &[u8]),
    ) -> io::Result<()> {
        for _ in 0..ATTEMPTS {
            begin(state);
            let complete = self.attempt(kind, body, &mut |payload| each(state, payload));
            if complete.is_err() {
                // Answers to this request may still come: a new socket will not see them.
                self.socket = None;
            }
            if complete? {
                break;
            }
        }
        // Devices that come and go all the time: the last dump is as good as any.
        Ok(())
    }

    /// `false` if the set of devices changed while it was dumped.
    fn attempt(&mut self, kind: u16, body: &[u8], each: &mut dyn FnMut(&[u8])) -> io::Result<bool> {
        self.sequence = self.sequence.wrapping_add(1);
        let sequence = self.sequence;
        let socket = match self.socket {
            Some(ref socket) => socket,
            None => self.socket.insert(open(self.protocol)?),
        };
        let kernel = SocketAddrNetlink::new(0, 0);
        sendto(
            socket,
            &request(kind, sequence, body),
            SendFlags::empty(),
            &kernel,
        )?;
        self.buffer.resize(BUFFER, 0);
        let mut complete = true;
        loop {
            // TRUNC: the length is that of the whole message even if the buffer is too short for it.
            let (_, length) = match recv(socket, self.buffer.as_mut_slice(), RecvFlags::TRUNC) {
                Err(rustix::io::Errno::INTR) => continue,
                other => other?,
            };
            let answer = self
                .buffer
                .get(..length)
                .ok_or_else(|| invalid("message longer than its buffer"))?;
            for message in messages(answer) {
                let message = message.ok_or_else(|| invalid("message cut short"))?;
                if message.sequence != sequence {
                    continue;
                }
                complete &= message.flags & NLM_F_DUMP_INTR == 0;
                match message.kind {
                    NLMSG_DONE => return Ok(complete),
                    NLMSG_ERROR => return Err(refusal(message.payload)),
                    _ => each(message.payload),
                }
            }
        }
    }
}

/// A socket that hears what the kernel says by itself.
pub(crate) struct Listener {
    socket: OwnedFd,
    buffer: Vec<u8>,
}

/// How a read of a [`Listener`] went.
pub(crate) enum Received {
    /// Nothing is missing.
    All,
    /// The kernel had more to say than the socket could hold.
    Lost,
}

impl Listener {
    /// Listens to groups of the routing family (`RTMGRP_*`).
    pub(crate) fn open(groups: u32) -> io::Result<Self> {
        let socket = open(None)?;
        set_socket_timeout(&socket, Timeout::Recv, None)?;
        bind(&socket, &SocketAddrNetlink::new(0, groups))?;
        Ok(Self {
            socket,
            buffer: vec![0; BUFFER],
        })
    }

    /// Waits for messages and gives type and payload of each to `each`.
    pub(crate) fn receive(&mut self, mut each: impl FnMut(u16, &[u8])) -> io::Result<Received> {
        let received = recv(&self.socket, self.buffer.as_mut_slice(), RecvFlags::TRUNC);
        let length = match received {
            Ok((_, length)) => length,
            Err(rustix::io::Errno::INTR) => return Ok(Received::All),
            Err(rustix::io::Errno::NOBUFS) => return Ok(Received::Lost),
            Err(error) => return Err(error.into()),
        };
        let Some(read) = self.buffer.get(..length) else {
            return Ok(Received::Lost);
        };
        for message in messages(read).flatten() {
            each(message.kind, message.payload);
        }
        Ok(Received::All)
    }
}

fn open(protocol: Option<Protocol>) -> io::Result<OwnedFd> {
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        protocol,
    )?;
    set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE))?;
    Ok(socket)
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("netlink: {what}"))
}

/// The kernel's error number, negated, is the first field of its answer.
fn refusal(payload: &[u8]) -> io::Error {
    match read_u32(payload, 0) {
        Some(code) => io::Error::from_raw_os_error(0_i32.wrapping_sub_unsigned(code)),
        None => invalid("error without a number"),
    }
}

/// A dump request: the header (length, type, flags, sequence, port) and the body.
fn request(kind: u16, sequence: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(HEADER + body.len()).unwrap_or(u32::MAX);
    let mut message = Vec::with_capacity(HEADER + body.len());
    message.extend(length.to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend((NLM_F_REQUEST | NLM_F_DUMP).to_ne_bytes());
    message.extend(sequence.to_ne_bytes());
    message.extend(0_u32.to_ne_bytes());
    message.extend(body);
    message
}

/// The messages of one read; `None` stands for one whose length is wrong, and is the last.
fn messages(mut rest: &[u8]) -> impl Iterator<Item = Option<Message<'_>>> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let message = split_message(rest);
        rest = message.as_ref().map_or(&[], |(_, rest)| rest);
        Some(message.map(|(message, _)| message))
    })
}

fn split_message(bytes: &[u8]) -> Option<(Message<'_>, &[u8])> {
    let length = usize::try_from(read_u32(bytes, 0)?).ok()?;
    let message = Message {
        kind: read_u16(bytes, 4)?,
        flags: read_u16(bytes, 6)?,
        sequence: read_u32(bytes, 8)?,
        payload: bytes.get(HEADER..length)?,
    };
    Some((
        message,
        bytes.get(length.next_multiple_of(4)..).unwrap_or_default(),
    ))
}

/// The attributes after a message's fixed part: type and value. A wrong length ends them.
pub(crate) fn attributes(mut rest: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    const NESTED_AND_BYTE_ORDER: u16 = 0xc000;
    std::iter::from_fn(move || {
        let length = usize::from(read_u16(rest, 0)?);
        let kind = read_u16(rest, 2)? & !NESTED_AND_BYTE_ORDER;
        let value = rest.get(4..length)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

pub(crate) fn read_u16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes
        .get(at..)?
        .first_chunk()
        .copied()
        .map(u16::from_ne_bytes)
}

pub(crate) fn read_u32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes
        .get(at..)?
        .first_chunk()
        .copied()
        .map(u32::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(kind: u16, payload: &[u8]) -> Vec<u8> {
        let mut message = request(kind, 7, payload);
        message.resize(message.len().next_multiple_of(4), 0);
        message
    }

    #[test]
    fn messages_follow_each_other_on_multiples_of_four() {
        let read = [answer(16, b"abcde"), answer(NLMSG_DONE, &[0; 4])].concat();
        let found: Vec<_> = messages(&read).map(Option::unwrap).collect();
        assert_eq!((found[0].kind, found[0].payload), (16, b"abcde".as_slice()));
        assert_eq!((found[1].kind, found[1].sequence), (NLMSG_DONE, 7));
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn a_message_cut_short_is_told() {
        let mut read = answer(16, b"abcdefgh");
        read.truncate(20);
        assert_eq!(messages(&read).collect::<Vec<_>>(), [None]);
    }

    #[test]
    fn an_error_of_the_kernel_is_its_number() {
        assert_eq!(refusal(&(-1_i32).to_ne_bytes()).raw_os_error(), Some(1));
        assert_eq!(refusal(&[]).kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn attributes_end_where_a_length_is_wrong() {
        let mut bytes = [5_u16.to_ne_bytes(), 3_u16.to_ne_bytes()].concat();
        bytes.extend([b'x', 0, 0, 0]);
        bytes.extend([2_u16.to_ne_bytes(), 1_u16.to_ne_bytes()].concat());
        assert_eq!(
            attributes(&bytes).collect::<Vec<_>>(),
            [(3, b"x".as_slice())]
        );
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_end(bytes: Vec<u8>) {
            proptest::prop_assert!(messages(&bytes).count() <= bytes.len());
            proptest::prop_assert!(attributes(&bytes).count() <= bytes.len());
        }
    }
}
