//! Reads one segment of the log: its entries, and the stretches that are none. What is done about the latter is
//! recovery's decision.

use std::io::{self, Read};
use std::ops::Range;

use super::entry::{self, Entry};
use crate::file::frame::{FrameReader, HEADER, Item};

/// What a segment holds at one place.
#[derive(Debug, PartialEq)]
pub(crate) enum Found {
    /// An entry.
    Entry {
        /// Its number.
        seq: u64,
        /// What happened.
        entry: Entry,
    },
    /// Bytes that are no entry, with entries after them; or a whole frame that cannot be understood.
    Damage {
        /// Their place in the file.
        range: Range<u64>,
        /// What is wrong.
        reason: &'static str,
    },
    /// Bytes up to the end of the segment that are no entry.
    Tail {
        /// Their place in the file.
        range: Range<u64>,
        /// What is wrong.
        reason: &'static str,
    },
}

/// Reads entries one after the other.
pub(crate) struct SegmentReader<R> {
    frames: FrameReader<R>,
}

impl<R: Read> SegmentReader<R> {
    pub(crate) fn new(source: R) -> Self {
        Self {
            frames: FrameReader::new(source),
        }
    }

    /// Bytes read as items so far.
    pub(crate) fn position(&self) -> u64 {
        self.frames.position()
    }

    /// The next entry or stretch, `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Found>> {
        let found = match self.frames.next()? {
            None => return Ok(None),
            Some(Item::Damage { range, reason }) => Found::Damage { range, reason },
            Some(Item::Tail { range, reason }) => Found::Tail { range, reason },
            Some(Item::Frame {
                seq,
                offset,
                payload,
            }) => match entry::decode(payload) {
                Ok(entry) => Found::Entry { seq, entry },
                Err(error) => {
                    let end = offset + (HEADER + payload.len()) as u64;
                    Found::Damage {
                        range: offset..end,
                        reason: error.0,
                    }
                }
            },
        };
        Ok(Some(found))
    }
}

#[cfg(test)]
mod tests {
    use collector_model::MetricId;
    use proptest::prelude::{any, prop, proptest};

    use super::*;
    use crate::file::frame;
    use crate::wal::entry::encode_delete;

    fn read_all(bytes: &[u8]) -> Vec<Found> {
        let mut reader = SegmentReader::new(bytes);
        std::iter::from_fn(|| reader.next().unwrap()).collect()
    }

    #[test]
    fn a_whole_frame_that_cannot_be_understood_is_damage_and_the_next_is_read() {
        let mut bytes = Vec::new();
        assert!(frame::write(&mut bytes, 1, b"\xffunknown"));
        assert!(frame::write(
            &mut bytes,
            2,
            &encode_delete(&[MetricId::nil()])
        ));
        let damage = Found::Damage {
            range: 0..28,
            reason: "kind of entry is unknown",
        };
        assert_eq!(
            read_all(&bytes),
            [
                damage,
                Found::Entry {
                    seq: 2,
                    entry: Entry::Delete(vec![MetricId::nil()])
                }
            ]
        );
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..4000)) {
            read_all(&bytes);
        }

        #[test]
        fn arbitrary_payloads_in_sound_frames_never_panic(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..100), 0..20),
        ) {
            let mut bytes = Vec::new();
            for (seq, payload) in (1..).zip(&payloads) {
                assert!(frame::write(&mut bytes, seq, payload));
            }
            assert_eq!(read_all(&bytes).len(), payloads.len());
        }
    }
}
