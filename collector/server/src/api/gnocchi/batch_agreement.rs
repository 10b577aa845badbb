//! What the property test and the fuzz target ask of the two readers of measures: that they read the same out of a body,
//! or that the quick one leaves it alone. Compiled for these alone.
#![allow(clippy::expect_used, reason = "it fails by panicking")]

use collector_model::Measure;

use super::batch_body::{Body, Entry, Group, decode_by_metric, decode_by_resource, decode_list};
use super::measure_scan;

/// The two readers have their own way with the last digit of a number.
fn same_list(a: &[Measure], b: &[Measure]) -> bool {
    let same = |(a, b): (&Measure, &Measure)| {
        let near = (a.value - b.value).abs() <= a.value.abs() * 1e-15;
        a.timestamp.nanos().abs_diff(b.timestamp.nanos()) <= 1_024
            && (near || a.value.to_bits() == b.value.to_bits())
    };
    a.len() == b.len() && a.iter().zip(b).all(same)
}

fn measures<'b>(body: &'b Body<'_>, entry: &Entry<'_>) -> &'b [Measure] {
    let measures = body.measures().get(entry.measures.clone());
    measures.unwrap_or_default()
}

/// Whether two batches are the same.
pub(super) fn same(a: &Body<'_>, b: &Body<'_>) -> bool {
    let same_entry = |(x, y): (&Entry<'_>, &Entry<'_>)| {
        (&x.name, &x.archive_policy_name, &x.unit) == (&y.name, &y.archive_policy_name, &y.unit)
            && same_list(measures(a, x), measures(b, y))
    };
    let same_group = |(x, y): (&Group<'_>, &Group<'_>)| {
        let (ours, theirs) = (a.entries(x), b.entries(y));
        x.name == y.name && ours.len() == theirs.len() && ours.iter().zip(theirs).all(same_entry)
    };
    a.groups.len() == b.groups.len() && a.groups.iter().zip(&b.groups).all(same_group)
}

/// What the quick reader takes, the other takes too, and finds the same.
pub(super) fn agree(text: &[u8]) {
    let said = String::from_utf8_lossy(text);
    if let Some(quick) = measure_scan::list(text) {
        let all = decode_list(text).expect("the other reader takes it too");
        assert!(same_list(&quick, &all), "{said}");
    }
    if let Some(quick) = measure_scan::by_resource(text) {
        let all = decode_by_resource(text, |_| Ok(()));
        let all = all.expect("the other reader takes it too");
        assert!(same(&quick, &all), "{said}");
    }
    if let Some(quick) = measure_scan::by_metric(text) {
        // Names are looked at later.
        if let Ok(all) = decode_by_metric(text) {
            let entries = quick.groups.first().map(|group| quick.entries(group));
            let order = entries.is_some_and(|entries| entries.is_sorted_by_key(|one| &one.name));
            assert!(order && same(&quick, &all), "{said}");
        }
    }
}
