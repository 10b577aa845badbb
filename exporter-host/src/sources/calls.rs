//! System calls for which no library has a safe wrapper. This is the only place of the program with `unsafe`; each
//! call is wrapped so that its caller needs none.
#![allow(unsafe_code, reason = "adjtimex(2) is in no safe library")]

use std::io;

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

#[cfg(test)]
mod tests {
    #[test]
    fn a_clock_ticks_about_a_hundred_times_a_second() {
        let tick = super::clock().unwrap().tick;
        assert!((9_000.0..=11_000.0).contains(&tick), "{tick}");
    }
}
