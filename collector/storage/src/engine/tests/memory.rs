//! When windows leave memory without being asked to.

use super::segments::{policy_of, read, wait_until};
use super::*;

#[test]
fn few_metrics_make_checkpoints_soon_and_their_long_archives_leave_memory() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    let (long, short) = (0..500_u64, 500..1_000_u64);
    let all: Vec<MetricId> = (0..1_000).map(id).collect();
    engine.set_policy(&all, &policy_of(None)).unwrap();
    let minutes = |range: std::ops::Range<i64>| -> Vec<Measure> {
        range
            .map(|minute| Measure::new(Timestamp(minute * 60 * SECOND), minute as f64))
            .collect()
    };
    let write = |ids: std::ops::Range<u64>, measures: Vec<Measure>| {
        let batch = ids.map(|number| (id(number), measures.clone()));
        engine.write(batch.collect()).unwrap();
    };
    write(short, minutes(0..200));
    let mut written = 0;
    while engine.stats().checkpoints == 0 {
        assert!(
            written < 20_000,
            "{} bytes of log",
            engine.stats().wal_bytes
        );
        write(long.clone(), minutes(written..written + 300));
        written += 300;
    }
    wait_until(|| engine.stats().segment_windows > 0);
    // The last windows of each are open, and one checkpoint may have begun before the last write.
    let in_segments = engine.stats().segment_windows;
    let most = 500 * written as u64;
    assert!(
        in_segments >= most / 2 && in_segments < most,
        "{in_segments} of {most}"
    );
    for (number, count) in [(0, written), (499, written), (500, 200), (999, 200)] {
        let read = read(&engine, number, "max").into_iter();
        assert!(read.eq((0..count).map(|minute| (minute, minute as f64))));
    }
}
