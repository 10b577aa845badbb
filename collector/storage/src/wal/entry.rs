//! The entries of the log: measures, registrations with their policy, deletions. To bytes and back; when they are
//! written and what they change is decided elsewhere.

use collector_model::{ArchivePolicy, Measure, MetricId, Timestamp};

use crate::batch::SortedBatch;
use crate::codec::{self, CodecError, Cursor, put_f64, put_id, put_signed, put_varint};

const WRITE: u8 = 1;
const SET_POLICY: u8 = 2;
const DELETE: u8 = 3;

/// Bytes of the shortest group of measures: id, count, one timestamp and value.
const LEAST_GROUP: usize = 16 + 1 + 1 + 8;
/// Bytes of the shortest measure.
const LEAST_MEASURE: usize = 1 + 8;

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Entry {
    /// Measures came.
    Write(SortedBatch),
    /// Metrics were registered or got a policy with other points.
    SetPolicy(ArchivePolicy, Vec<MetricId>),
    /// Metrics were deleted.
    Delete(Vec<MetricId>),
}

/// Encodes measures. Timestamps are differences to the measure before, also across metrics: the measures of a scrape
/// have one timestamp.
pub(crate) fn encode_write(batch: &SortedBatch) -> Vec<u8> {
    let mut out = Vec::with_capacity(16 + batch.metrics().len() * 18 + batch.len() * 10);
    out.push(WRITE);
    put_varint(&mut out, batch.metrics().len() as u64);
    let mut last = 0;
    for (metric, measures) in batch.iter() {
        put_id(&mut out, metric);
        put_varint(&mut out, measures.len() as u64);
        for measure in measures {
            put_signed(&mut out, measure.timestamp.0.wrapping_sub(last));
            put_f64(&mut out, measure.value);
            last = measure.timestamp.0;
        }
    }
    out
}

/// Encodes a registration.
pub(crate) fn encode_set_policy(policy: &ArchivePolicy, metrics: &[MetricId]) -> Vec<u8> {
    let mut out = vec![SET_POLICY];
    codec::policy::put(&mut out, policy);
    put_ids(&mut out, metrics);
    out
}

/// Encodes a deletion.
pub(crate) fn encode_delete(metrics: &[MetricId]) -> Vec<u8> {
    let mut out = vec![DELETE];
    put_ids(&mut out, metrics);
    out
}

fn put_ids(out: &mut Vec<u8>, metrics: &[MetricId]) {
    put_varint(out, metrics.len() as u64);
    metrics.iter().for_each(|metric| put_id(out, *metric));
}

fn ids(cursor: &mut Cursor<'_>) -> Result<Vec<MetricId>, CodecError> {
    let count = cursor.count(16)?;
    (0..count).map(|_| cursor.id()).collect()
}

/// Decodes an entry, of which every byte must be understood.
pub(crate) fn decode(payload: &[u8]) -> Result<Entry, CodecError> {
    let mut cursor = Cursor::new(payload);
    let entry = match cursor.byte()? {
        WRITE => Entry::Write(measures(&mut cursor)?),
        SET_POLICY => Entry::SetPolicy(codec::policy::read(&mut cursor)?, ids(&mut cursor)?),
        DELETE => Entry::Delete(ids(&mut cursor)?),
        _ => return Err(CodecError("kind of entry is unknown")),
    };
    cursor.finish()?;
    Ok(entry)
}

fn measures(cursor: &mut Cursor<'_>) -> Result<SortedBatch, CodecError> {
    let groups = cursor.count(LEAST_GROUP)?;
    let mut batch = SortedBatch::with_capacity(groups, groups);
    let mut last: i64 = 0;
    let mut previous: Option<MetricId> = None;
    for _ in 0..groups {
        let metric = cursor.id()?;
        if previous.is_some_and(|previous| previous >= metric) {
            return Err(CodecError("metrics are not ascending"));
        }
        previous = Some(metric);
        let mut newest = None;
        for _ in 0..cursor.count(LEAST_MEASURE)? {
            last = last.wrapping_add(cursor.signed()?);
            if last < 0 || newest.is_some_and(|newest| newest >= last) {
                return Err(CodecError("timestamps are not ascending"));
            }
            newest = Some(last);
            batch.push(Measure::new(Timestamp(last), cursor.f64()?));
        }
        batch.end(metric);
    }
    Ok(batch)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    use super::*;

    fn batch(points: &[(u8, i64, u64)]) -> SortedBatch {
        let groups = points.iter().map(|(metric, at, bits)| {
            let measure = Measure::new(Timestamp(*at), f64::from_bits(*bits));
            (
                MetricId::from_u128(u128::from(*metric) << 120),
                vec![measure],
            )
        });
        SortedBatch::new(groups.collect()).unwrap()
    }

    /// Debug text instead of equality, as NaN is unequal to itself.
    fn round_trip(payload: &[u8], entry: &Entry) {
        assert_eq!(
            format!("{:?}", decode(payload).unwrap()),
            format!("{entry:?}")
        );
        for cut in 0..payload.len() {
            assert!(decode(&payload[..cut]).is_err(), "cut at {cut}");
        }
        let longer: Vec<u8> = payload.iter().copied().chain([0]).collect();
        assert!(decode(&longer).is_err());
    }

    proptest! {
        #[test]
        fn measures_read_back_as_written(points in prop::collection::vec((any::<u8>(), 0..=i64::MAX, any::<u64>()), 1..30)) {
            let batch = batch(&points);
            let mut expected = batch.clone();
            let payload = encode_write(&batch);
            // How many the client sent is not logged.
            let Entry::Write(read) = decode(&payload).unwrap() else { panic!("another kind") };
            assert_eq!(read.received(), batch.len());
            expected.clone_from(&read);
            assert_eq!(format!("{:?}", read.iter().collect::<Vec<_>>()), format!("{:?}", batch.iter().collect::<Vec<_>>()));
            round_trip(&payload, &Entry::Write(expected));
        }

        #[test]
        fn arbitrary_bytes_are_decoded_or_refused_without_a_panic(payload in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode(&payload);
        }
    }

    #[test]
    fn registrations_and_deletions_read_back_as_written() {
        let metrics = vec![MetricId::from_u128(5), MetricId::from_u128(3)];
        for policy in ArchivePolicy::defaults() {
            let payload = encode_set_policy(&policy, &metrics);
            round_trip(&payload, &Entry::SetPolicy(policy, metrics.clone()));
        }
        round_trip(&encode_delete(&metrics), &Entry::Delete(metrics));
    }

    #[test]
    fn a_scrape_of_one_moment_costs_26_bytes_per_measure() {
        let points: Vec<(u8, i64, u64)> = (0..200)
            .map(|metric| (metric, 1_767_225_600_000_000_000, 0))
            .collect();
        assert_eq!(encode_write(&batch(&points)).len(), 1 + 2 + 8 + 200 * 26);
    }

    #[test]
    fn entries_out_of_order_are_refused() {
        let mut payload = encode_write(&batch(&[(1, 5, 0), (2, 5, 0)]));
        let second = 2 + LEAST_GROUP;
        payload[second] = 0;
        assert_eq!(
            decode(&payload),
            Err(CodecError("metrics are not ascending"))
        );
        assert_eq!(decode(&[9]), Err(CodecError("kind of entry is unknown")));
    }
}
