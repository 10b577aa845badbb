//! What the arena refuses and how it says so; what was good stays.

use crate::MetricType::{Counter, Gauge, Histogram, StateSet, Summary};
use crate::{Families, Format, Suffix, encode};

fn lines(families: &Families) -> Vec<String> {
    families
        .problems()
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn text(families: &Families) -> String {
    let mut out = String::new();
    encode(families, Format::Text, &mut out);
    out
}

#[test]
fn a_series_given_twice_is_refused_whatever_the_order_of_its_labels() {
    let mut families = Families::new();
    families
        .family("a", "", Gauge)
        .sample(&[("b", "1"), ("c", "2")], 1.0)
        .sample(&[("c", "2"), ("b", "1")], 2.0)
        .sample(&[("b", "1"), ("c", "2"), ("d", "")], 3.0)
        .sample(&[("b", "2"), ("c", "1")], 4.0);
    assert_eq!(
        text(&families),
        "# TYPE a gauge\na{b=\"1\",c=\"2\"} 1\na{b=\"2\",c=\"1\"} 4\n"
    );
    assert_eq!(
        lines(&families),
        [
            "refused duplicate series a{c=\"2\",b=\"1\"}",
            "refused duplicate series a{b=\"1\",c=\"2\",d=\"\"}"
        ]
    );
}

#[test]
fn the_same_labels_in_another_family_or_part_are_another_series() {
    let mut families = Families::new();
    families.gauge("a", "", 1.0);
    families.gauge("b", "", 1.0);
    families
        .family("c", "", Histogram)
        .suffixed(Suffix::Sum, &[], 1.0)
        .suffixed(Suffix::Count, &[], 1.0);
    assert_eq!(families.sample_count(), 4);
    assert_eq!(lines(&families), [""; 0]);
}

#[test]
fn a_family_with_a_bad_name_is_refused_with_its_samples() {
    let mut families = Families::new();
    for name in ["", "9a", "a b", "é"] {
        families.gauge(name, "", 1.0);
    }
    assert!(families.is_empty());
    assert_eq!(
        lines(&families)[1],
        "refused metric family \"9a\": expected a name of the form [a-zA-Z_:][a-zA-Z0-9_:]*"
    );
    assert_eq!(families.problem_count(), 4);
}

#[test]
fn a_sample_with_bad_labels_is_refused_and_leaves_nothing_behind() {
    let mut families = Families::new();
    let mut family = families.family("a", "", Gauge);
    family.sample(&[("good", "1"), ("b-c", "2")], 1.0);
    family.sample(&[("__name__", "a")], 1.0);
    family.sample(&[("b", "1"), ("b", "2")], 1.0);
    family.sample(&[("b", "1")], 1.0);
    assert_eq!(text(&families), "# TYPE a gauge\na{b=\"1\"} 1\n");
    let name = "expected [a-zA-Z_][a-zA-Z0-9_]* without leading __";
    assert_eq!(
        lines(&families),
        [
            format!("refused sample of a: invalid label name \"b-c\", {name}"),
            format!("refused sample of a: invalid label name \"__name__\", {name}"),
            "refused sample of a: label b given twice".to_owned(),
        ]
    );
}

#[test]
fn a_sample_that_its_type_does_not_have_is_refused() {
    let mut families = Families::new();
    families
        .family("a", "", Histogram)
        .sample(&[], 1.0)
        .suffixed(Suffix::Bucket, &[("b", "1")], 1.0);
    families.family("b", "", Summary).sample(&[], 1.0);
    families
        .family("c", "", StateSet)
        .sample(&[("d", "on")], 1.0);
    families
        .family("e", "", Gauge)
        .suffixed(Suffix::Count, &[], 1.0);
    assert!(families.is_empty());
    assert_eq!(
        lines(&families),
        [
            "refused sample of a: a histogram has no plain sample",
            "refused sample of a: expected label le on a histogram_bucket",
            "refused sample of b: expected label quantile on a summary",
            "refused sample of c: expected label c on a stateset",
            "refused sample of e: a gauge has no _count sample",
        ]
    );
}

#[test]
fn a_family_named_like_a_part_of_another_is_refused_in_either_order() {
    let mut families = Families::new();
    families
        .family("a", "", Summary)
        .suffixed(Suffix::Count, &[], 1.0);
    families.gauge("a_count", "", 1.0);
    families.gauge("b_bucket", "", 1.0);
    families
        .family("b", "", Histogram)
        .suffixed(Suffix::Sum, &[], 1.0);
    families.gauge("c", "", 1.0);
    families.gauge("c_count", "", 1.0);
    assert_eq!(
        lines(&families),
        [
            "refused metric family a_count: its samples would be taken for those of a",
            "refused metric family b: its samples would be taken for those of b_bucket",
        ]
    );
    assert_eq!(families.sample_count(), 4);
}

#[test]
fn the_first_type_of_a_family_stays_and_the_other_is_told() {
    let mut families = Families::new();
    families
        .family("a", "First.", Gauge)
        .sample(&[("b", "1")], 1.0);
    families
        .family("a", "Second.", Counter)
        .sample(&[("b", "2")], 2.0);
    assert_eq!(
        text(&families),
        "# HELP a First.\n# TYPE a gauge\na{b=\"1\"} 1\na{b=\"2\"} 2\n"
    );
    assert_eq!(
        lines(&families),
        ["metric family a is already a gauge, cannot make it a counter"]
    );
}
