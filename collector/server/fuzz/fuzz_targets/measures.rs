//! Any bytes as a body of measures, of a batch by metric and of a batch by resource: read or refused, with a moment and a
//! value for each measure.
#![no_main]
#![allow(dead_code, reason = "the module is used in part")]

#[path = "../../src/api/gnocchi/measure_body.rs"]
mod measure_body;

use std::collections::BTreeMap;

use collector_model::Timestamp;
use measure_body::{RawEntry, RawMeasures};

const NOW: Timestamp = Timestamp(1_425_652_440_000_000_000);

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(list) = serde_json::from_slice::<RawMeasures<'_>>(bytes) {
        let _ = list.resolve(NOW);
    }
    if let Ok(metrics) = serde_json::from_slice::<BTreeMap<String, RawMeasures<'_>>>(bytes) {
        for list in metrics.into_values() {
            let _ = list.resolve(NOW);
        }
    }
    type Batch<'b> = BTreeMap<String, BTreeMap<String, RawEntry<'b>>>;
    if let Ok(resources) = serde_json::from_slice::<Batch<'_>>(bytes) {
        for entry in resources.into_values().flat_map(BTreeMap::into_values) {
            let _ = entry.measures.resolve(NOW);
        }
    }
});
