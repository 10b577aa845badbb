//! Frames: the envelope of every record in the log and in snapshots. A frame has a sequence number and a CRC32C over
//! all of itself; a reader finds the next whole frame after any damage. What is inside is the callers' business.

use std::io::{self, Read};
use std::ops::Range;

/// First bytes of every frame; what a reader looks for after damage.
const MAGIC: [u8; 4] = *b"NsF1";
/// Bytes before the payload: magic, length (u32), sequence number (u64), CRC32C (u32), all little-endian.
pub(crate) const HEADER: usize = 20;
/// Largest payload; a length beyond it is damage.
pub(crate) const MAX_PAYLOAD: usize = 64 << 20;
/// How much is read at once.
const CHUNK: usize = 1 << 20;

fn checksum(length: u32, seq: u64, payload: &[u8]) -> u32 {
    let crc = crc32c::crc32c(&length.to_le_bytes());
    let crc = crc32c::crc32c_append(crc, &seq.to_le_bytes());
    crc32c::crc32c_append(crc, payload)
}

/// Appends a frame. A payload over [`MAX_PAYLOAD`] is the caller's mistake and is not written.
#[must_use]
pub(crate) fn write(out: &mut Vec<u8>, seq: u64, payload: &[u8]) -> bool {
    let Some(length) = u32::try_from(payload.len())
        .ok()
        .filter(|_| payload.len() <= MAX_PAYLOAD)
    else {
        return false;
    };
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&seq.to_le_bytes());
    out.extend_from_slice(&checksum(length, seq, payload).to_le_bytes());
    out.extend_from_slice(payload);
    true
}

/// Checks the frame that begins with the first of these bytes; returns its sequence number and where it ends.
pub(crate) fn check(bytes: &[u8]) -> Result<(u64, usize), &'static str> {
    let (magic, length, seq, crc) = header(bytes).ok_or("frame header is cut off")?;
    if magic != MAGIC {
        return Err("no frame begins here");
    }
    let size = length as usize;
    if size > MAX_PAYLOAD {
        return Err("frame is longer than allowed");
    }
    let payload = bytes.get(HEADER..HEADER + size).ok_or("frame is cut off")?;
    match checksum(length, seq, payload) == crc {
        true => Ok((seq, HEADER + size)),
        false => Err("checksum does not match"),
    }
}

fn header(bytes: &[u8]) -> Option<([u8; 4], u32, u64, u32)> {
    let (magic, rest) = bytes.split_first_chunk::<4>()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (seq, rest) = rest.split_first_chunk::<8>()?;
    let (crc, _) = rest.split_first_chunk::<4>()?;
    Some((
        *magic,
        u32::from_le_bytes(*length),
        u64::from_le_bytes(*seq),
        u32::from_le_bytes(*crc),
    ))
}

/// What a reader finds next.
#[derive(Debug, PartialEq)]
pub(crate) enum Item<'a> {
    /// A whole frame.
    Frame {
        /// Its sequence number.
        seq: u64,
        /// Where it begins in the file.
        offset: u64,
        /// Its content.
        payload: &'a [u8],
    },
    /// Bytes that are no frame, with a whole frame after them.
    Damage {
        /// The bytes' place in the file.
        range: Range<u64>,
        /// What was wrong with the first of them.
        reason: &'static str,
    },
    /// Bytes up to the end of the file that are no frame.
    Tail {
        /// The bytes' place in the file.
        range: Range<u64>,
        /// What was wrong with the first of them.
        reason: &'static str,
    },
}

/// Reads frames one after the other from any source of bytes.
pub(crate) struct FrameReader<R> {
    source: R,
    buffer: Vec<u8>,
    /// Where in the buffer the next item begins.
    at: usize,
    /// Where in the file the buffer begins.
    base: u64,
}

/// The header of a frame whose checksum holds.
struct Sound {
    seq: u64,
    end: usize,
}

impl<R: Read> FrameReader<R> {
    /// A reader of a source that begins with a frame.
    pub(crate) fn new(source: R) -> Self {
        Self {
            source,
            buffer: Vec::new(),
            at: 0,
            base: 0,
        }
    }

    /// The next item, `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Item<'_>>> {
        self.discard();
        if self.fill(1)? == 0 {
            return Ok(None);
        }
        let begin = self.position();
        let reason = match self.sound()? {
            Ok(sound) => {
                let payload = self.at + HEADER..sound.end;
                self.at = sound.end;
                let payload = self.buffer.get(payload).unwrap_or_default();
                return Ok(Some(Item::Frame {
                    seq: sound.seq,
                    offset: begin,
                    payload,
                }));
            }
            Err(reason) => reason,
        };
        loop {
            self.at += 1;
            if !self.seek_magic()? {
                let range = begin..self.position();
                return Ok(Some(Item::Tail { range, reason }));
            }
            if self.sound()?.is_ok() {
                let range = begin..self.position();
                return Ok(Some(Item::Damage { range, reason }));
            }
        }
    }

    /// Where in the file the next item begins.
    pub(crate) fn position(&self) -> u64 {
        self.base + self.at as u64
    }

    /// Forgets what has been passed once it is worth the move.
    fn discard(&mut self) {
        if self.at >= CHUNK || self.at == self.buffer.len() {
            self.buffer.drain(..self.at);
            self.base += self.at as u64;
            self.at = 0;
        }
    }

    /// Tries to have `wanted` bytes from the current place on; says how many there are.
    fn fill(&mut self, wanted: usize) -> io::Result<usize> {
        let have = self.buffer.len() - self.at;
        if have < wanted {
            let missing = (wanted - have).max(CHUNK) as u64;
            self.source
                .by_ref()
                .take(missing)
                .read_to_end(&mut self.buffer)?;
        }
        Ok(self.buffer.len() - self.at)
    }

    /// Whether a whole frame begins at the current place.
    fn sound(&mut self) -> io::Result<Result<Sound, &'static str>> {
        if self.fill(HEADER)? < HEADER {
            return Ok(Err("frame header is cut off"));
        }
        let announced = match header(self.rest()) {
            Some((MAGIC, length, ..)) => length as usize,
            _ => 0,
        };
        self.fill(HEADER + announced.min(MAX_PAYLOAD))?;
        Ok(check(self.rest()).map(|(seq, end)| Sound {
            seq,
            end: self.at + end,
        }))
    }

    fn rest(&self) -> &[u8] {
        self.buffer.get(self.at..).unwrap_or_default()
    }

    /// Goes to the next place where a frame might begin; false, and at the end, if there is none.
    fn seek_magic(&mut self) -> io::Result<bool> {
        loop {
            self.discard();
            if self.fill(MAGIC.len())? < MAGIC.len() {
                self.at = self.buffer.len();
                return Ok(false);
            }
            let rest = self.buffer.get(self.at..).unwrap_or_default();
            match rest.windows(MAGIC.len()).position(|window| window == MAGIC) {
                Some(found) => {
                    self.at += found;
                    return Ok(true);
                }
                // The magic may begin in the last three bytes.
                None => self.at = self.buffer.len() - (MAGIC.len() - 1),
            }
        }
    }
}

#[cfg(test)]
mod tests;
