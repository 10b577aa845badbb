//! System calls for which no library has a safe wrapper. This is the only place of the program with `unsafe`; each
//! call is wrapped so that its caller needs none.
#![allow(
    unsafe_code,
    reason = "adjtimex(2), SIOCETHTOOL, perf_event_open(2) and IPMI's ioctl(2) are in no safe library that does no more"
)]

mod ipmi;

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

pub(crate) use ipmi::{IpmiAnswer, ipmi_receive, ipmi_send, is_readable};

/// What adjtimex(2) says, in the units of `struct timex`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[allow(missing_docs, reason = "the fields are those of the manual page")]
pub(crate) struct Clock {
    pub(crate) is_synchronised: bool,
    pub(crate) offset: f64,
    pub(crate) freq: f64,
    pub(crate) maxerror: f64,
    pub(crate) esterror: f64,
    pub(crate) status: f64,
    pub(crate) constant: f64,
    pub(crate) tick: f64,
    pub(crate) ppsfreq: f64,
    pub(crate) jitter: f64,
    pub(crate) shift: f64,
    pub(crate) stabil: f64,
    pub(crate) jitcnt: f64,
    pub(crate) calcnt: f64,
    pub(crate) errcnt: f64,
    pub(crate) stbcnt: f64,
    pub(crate) tai: f64,
}

/// Reads the state of the kernel's clock and changes nothing.
pub(crate) fn clock() -> io::Result<Clock> {
    // SAFETY: `timex` consists of integers and padding, for which zeros are values.
    let mut timex: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a `timex` of our own that lives through the call; `modes` is 0, so the kernel only
    // writes to it.
    let state = unsafe { libc::adjtimex(&raw mut timex) };
    if state < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(Clock {
        is_synchronised: state != libc::TIME_ERROR,
        offset: timex.offset as f64,
        freq: timex.freq as f64,
        maxerror: timex.maxerror as f64,
        esterror: timex.esterror as f64,
        status: f64::from(timex.status),
        constant: timex.constant as f64,
        tick: timex.tick as f64,
        ppsfreq: timex.ppsfreq as f64,
        jitter: timex.jitter as f64,
        shift: f64::from(timex.shift),
        stabil: timex.stabil as f64,
        jitcnt: timex.jitcnt as f64,
        calcnt: timex.calcnt as f64,
        errcnt: timex.errcnt as f64,
        stbcnt: timex.stbcnt as f64,
        tai: f64::from(timex.tai),
    })
}

/// What one kind of question to a network driver is about: its number in `linux/ethtool.h`, and what the kernel may
/// write at most.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs, reason = "the names are those of the header")]
pub(crate) enum Ethtool {
    Gset,
    Gdrvinfo,
    Gstrings,
    Gstats,
}

impl Ethtool {
    fn command(self) -> u32 {
        match self {
            Self::Gset => 0x01,
            Self::Gdrvinfo => 0x03,
            Self::Gstrings => 0x1b,
            Self::Gstats => 0x1d,
        }
    }

    /// The structure of the question, or more than the strings and statistics of any driver: the kernel writes as many
    /// as the driver has now, whatever it said before.
    fn size(self) -> usize {
        match self {
            Self::Gset => 44,
            Self::Gdrvinfo => 196,
            Self::Gstrings => 12 + 32 * MOST_STATISTICS,
            Self::Gstats => 8 + 8 * MOST_STATISTICS,
        }
    }
}

/// Far more statistics than a driver has; those of a card with hundreds of queues are some ten thousand.
const MOST_STATISTICS: usize = 1 << 16;

/// Asks the driver of a network device; `argument` is the second field of the question's structure, and the answer is
/// the whole structure.
pub(crate) fn ethtool(
    socket: BorrowedFd<'_>,
    device: &str,
    question: Ethtool,
    argument: u32,
) -> io::Result<Vec<u8>> {
    let mut answer = vec![0_u8; question.size()];
    let start = [question.command().to_ne_bytes(), argument.to_ne_bytes()].concat();
    for (place, byte) in answer.iter_mut().zip(start) {
        *place = byte;
    }
    // SAFETY: `ifreq` consists of integers and pointers, for which zeros are values.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    let room = request.ifr_name.len() - 1;
    if device.len() > room {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    for (place, byte) in request.ifr_name.iter_mut().zip(device.bytes()) {
        *place = byte.cast_signed() as libc::c_char;
    }
    request.ifr_ifru.ifru_data = answer.as_mut_ptr().cast();
    // SAFETY: the descriptor is open, and both the request and the answer that it points to live through the call. The
    // kernel reads the command from the answer's start, and writes the structure of that command, for which there is
    // room.
    let result =
        unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCETHTOOL as _, &raw mut request) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(answer)
}

/// Counts an event of all processes on one CPU: `kind` and `config` as in `struct perf_event_attr`. Each read of the
/// descriptor gives the count, and for how many nanoseconds it was to count and did count.
pub(crate) fn count_event(kind: u32, config: u64, cpu: i32) -> io::Result<OwnedFd> {
    const TIME_ENABLED_AND_RUNNING: u64 = 3;
    const EXCLUDE_HYPERVISOR: u64 = 1 << 6;
    const CLOSE_ON_EXEC: libc::c_ulong = 8;
    /// The first form of the structure, `PERF_ATTR_SIZE_VER0`: eight words.
    #[repr(C)]
    #[derive(Default)]
    struct Attributes {
        kind: u32,
        size: u32,
        config: u64,
        sample_period: u64,
        sample_type: u64,
        read_format: u64,
        flags: u64,
        wakeup_and_breakpoint: u64,
        config1: u64,
    }
    let mut attributes = Attributes {
        kind,
        size: size_of::<Attributes>() as u32,
        config,
        read_format: TIME_ENABLED_AND_RUNNING,
        flags: EXCLUDE_HYPERVISOR,
        ..Attributes::default()
    };
    let (every_process, no_group): (libc::pid_t, libc::c_int) = (-1, -1);
    // SAFETY: the kernel reads as many bytes as the structure says it has, and it lives through the call.
    let descriptor = unsafe {
        libc::syscall(
            libc::SYS_perf_event_open,
            &raw mut attributes,
            every_process,
            cpu,
            no_group,
            CLOSE_ON_EXEC,
        )
    };
    let descriptor = i32::try_from(descriptor).unwrap_or(-1);
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just given this descriptor to us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_clock_ticks_about_a_hundred_times_a_second() {
        let tick = super::clock().unwrap().tick;
        assert!((9_000.0..=11_000.0).contains(&tick), "{tick}");
    }
}
