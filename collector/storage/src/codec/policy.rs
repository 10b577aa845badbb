//! Archive policies in bytes, as log entries and snapshots carry them: self-contained, methods by name, so that a
//! later version reads them whatever it calls them inside.

use std::collections::BTreeSet;

use collector_model::{ArchivePolicy, Definition, Granularity};

use super::{CodecError, Cursor, put_str, put_varint};

/// Writes a policy.
pub(crate) fn put(out: &mut Vec<u8>, policy: &ArchivePolicy) {
    put_str(out, &policy.name);
    put_varint(out, u64::from(policy.back_window));
    put_varint(out, policy.definition.len() as u64);
    for archive in &policy.definition {
        put_varint(out, archive.granularity.nanos().unsigned_abs());
        // An archive without end is written as none at all: zero points are refused everywhere.
        put_varint(out, archive.points.unwrap_or(0));
    }
    put_varint(out, policy.aggregation_methods.len() as u64);
    for method in &policy.aggregation_methods {
        put_str(out, &method.to_string());
    }
}

/// Reads and checks a policy.
pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<ArchivePolicy, CodecError> {
    let name = cursor.str()?.to_owned();
    let back_window =
        u32::try_from(cursor.varint()?).map_err(|_| CodecError("back window is too large"))?;
    let mut definition = Vec::new();
    for _ in 0..cursor.count(2)? {
        let nanos = i64::try_from(cursor.varint()?).ok();
        let granularity = nanos.and_then(Granularity::from_nanos);
        let points = Some(cursor.varint()?).filter(|points| *points > 0);
        definition.push(
            Definition::new(granularity, points, None)
                .map_err(|_| CodecError("definition is invalid"))?,
        );
    }
    let mut methods = BTreeSet::new();
    for _ in 0..cursor.count(1)? {
        methods.insert(
            cursor
                .str()?
                .parse()
                .map_err(|_| CodecError("aggregation method is unknown"))?,
        );
    }
    ArchivePolicy::new(name, back_window, definition, methods)
        .map_err(|_| CodecError("archive policy is invalid"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_read_back_as_written() {
        let mut policies = ArchivePolicy::defaults();
        let endless = Definition::new(Granularity::from_nanos(7), None, None).unwrap();
        policies.push(
            ArchivePolicy::new(
                "无尽",
                3,
                vec![endless],
                collector_model::Aggregation::all().collect(),
            )
            .unwrap(),
        );
        for policy in policies {
            let mut out = Vec::new();
            put(&mut out, &policy);
            let mut cursor = Cursor::new(&out);
            assert_eq!(read(&mut cursor), Ok(policy));
            assert!(cursor.is_empty());
            for cut in 0..out.len() {
                assert!(read(&mut Cursor::new(&out[..cut])).is_err());
            }
        }
    }
}
