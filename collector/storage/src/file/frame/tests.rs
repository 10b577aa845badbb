//! Frames under damage: what is whole is always found, what is not is always reported.

use proptest::prelude::{any, prop, proptest};

use super::*;

/// What a reader finds, in owned form: `Ok((seq, payload))` or `Err((range, is_tail))`.
type Found = Vec<Result<(u64, Vec<u8>), (Range<u64>, bool)>>;

fn read_all(bytes: &[u8]) -> Found {
    let mut reader = FrameReader::new(bytes);
    let mut found = Vec::new();
    while let Some(item) = reader.next().unwrap() {
        found.push(match item {
            Item::Frame { seq, payload, .. } => Ok((seq, payload.to_vec())),
            Item::Damage { range, .. } => Err((range, false)),
            Item::Tail { range, .. } => Err((range, true)),
        });
    }
    found
}

fn three_frames() -> (Vec<u8>, Found) {
    let payloads = [&b"first"[..], b"", b"the third"];
    let mut bytes = Vec::new();
    for (seq, payload) in (7..).zip(payloads) {
        assert!(write(&mut bytes, seq, payload));
    }
    (
        bytes,
        (7..)
            .zip(payloads)
            .map(|(seq, payload)| Ok((seq, payload.to_vec())))
            .collect(),
    )
}

#[test]
fn frames_read_back_as_written() {
    let (bytes, frames) = three_frames();
    assert_eq!(read_all(&bytes), frames);
    assert_eq!(read_all(b""), []);
}

#[test]
fn a_cut_at_any_byte_leaves_all_frames_before_it() {
    let (bytes, frames) = three_frames();
    let ends = [25, 45, 74];
    for cut in 0..bytes.len() {
        let whole = ends.iter().filter(|end| **end <= cut).count();
        let mut expected = frames[..whole].to_vec();
        let end = ends[..whole].last().copied().unwrap_or(0);
        if end < cut {
            expected.push(Err((end as u64..cut as u64, true)));
        }
        assert_eq!(read_all(&bytes[..cut]), expected, "cut at {cut}");
    }
}

#[test]
fn a_flipped_bit_costs_its_frame_and_no_other() {
    let (bytes, frames) = three_frames();
    let ranges = [0..25_u64, 25..45, 45..74];
    for (bit, _) in (0..bytes.len() * 8).zip(std::iter::repeat(())) {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let hit = ranges
            .iter()
            .position(|range| range.contains(&(bit as u64 / 8)))
            .unwrap();
        let mut expected = frames.clone();
        expected[hit] = Err((ranges[hit].clone(), hit == 2));
        assert_eq!(read_all(&damaged), expected, "bit {bit}");
    }
}

#[test]
fn frames_larger_than_a_read_are_found_behind_large_damage() {
    let payload = vec![b'x'; 3 * CHUNK];
    let mut bytes = vec![b'N'; 2 * CHUNK + 1];
    assert!(write(&mut bytes, 1, &payload));
    assert!(write(&mut bytes, 2, &payload));
    let damage = Err((0..2 * CHUNK as u64 + 1, false));
    assert_eq!(
        read_all(&bytes),
        [damage, Ok((1, payload.clone())), Ok((2, payload))]
    );
}

#[test]
fn a_payload_over_the_limit_is_not_written() {
    let mut out = Vec::new();
    assert!(!write(&mut out, 1, &vec![0; MAX_PAYLOAD + 1]));
    assert!(out.is_empty());
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_read_to_their_end(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let mut end = 0;
        for item in read_all(&bytes) {
            end = match item {
                Ok((_, payload)) => end + (HEADER + payload.len()) as u64,
                Err((range, _)) => {
                    assert_eq!(range.start, end);
                    range.end
                }
            };
        }
        assert_eq!(end, bytes.len() as u64);
    }
}
