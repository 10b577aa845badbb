//! Ways into the readers for the fuzz targets in `fuzz/`; compiled for them alone. A checksum keeps a fuzzer out of
//! what is behind it, so that the content is also read as if the checksum were right.

use crate::file::frame;
use crate::segment::chunk;
use crate::segment::index::survey_bytes;
use crate::wal::entry;
use crate::wal::reader::{Found, SegmentReader};

/// Any bytes as a segment of the log, as one entry, and as one entry in a sound frame between others.
pub fn log(bytes: &[u8]) {
    let _ = entry::decode(bytes);
    let mut framed = bytes.to_vec();
    for seq in 1..3 {
        if !frame::write(&mut framed, seq, bytes) {
            return;
        }
    }
    for content in [bytes, &framed] {
        let mut reader = SegmentReader::new(content);
        let mut last = 0;
        while let Ok(Some(found)) = reader.next() {
            if let Found::Damage { range, .. } | Found::Tail { range, .. } = found {
                assert!(range.start <= range.end && range.end <= content.len() as u64);
            }
            assert!(reader.position() > last, "the reader stands still");
            last = reader.position();
        }
        assert_eq!(last, content.len() as u64, "bytes are left over");
    }
}

/// Any bytes as a segment's footer, index and block; what is read as a chunk must read the same after it is written.
pub fn segment(bytes: &[u8]) {
    survey_bytes(bytes);
    let Some((granularity, content)) = bytes.split_first_chunk::<8>() else {
        return;
    };
    let granularity = i64::from_le_bytes(*granularity)
        .checked_abs()
        .unwrap_or(1)
        .max(1);
    let mut scratch = chunk::Scratch::default();
    for chunk in chunk::chunks(content).filter_map(Result::ok) {
        for column in 0..4 {
            let select = chunk::Select {
                column,
                range: (granularity, granularity.saturating_mul(600)),
                most: 500,
            };
            let _ = chunk.column(granularity, &select, &mut scratch, &mut Vec::new());
        }
        let _ = chunk.shape(granularity);
        let _ = chunk.rows(granularity);
    }
}
