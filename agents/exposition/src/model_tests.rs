//! The arena: that it keeps its memory, bounds its problems and joins with another. What it refuses is in
//! `refusal_tests.rs`.

use super::{Families, PROBLEMS_KEPT};
use crate::MetricType::{Counter, Gauge, Info};
use crate::{Format, Timestamp, encode};

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
fn a_unit_must_be_the_end_of_the_name() {
    let mut families = Families::new();
    families
        .family("a_seconds_total", "", Counter)
        .unit("seconds")
        .sample(&[], 1.0);
    families
        .family("b_seconds", "", Gauge)
        .unit("bytes")
        .unit("")
        .unit("onds")
        .sample(&[], 1.0);
    assert_eq!(
        families.get("a_seconds_total").unwrap().unit(),
        Some("seconds")
    );
    assert_eq!(families.get("b_seconds").unwrap().unit(), None);
    assert_eq!(
        lines(&families)[0],
        "refused unit \"bytes\" of b_seconds: expected the name to end in it"
    );
    assert_eq!(families.problem_count(), 3);
}

#[test]
fn problems_are_bounded_and_counted() {
    let mut families = Families::new();
    for at in 0..300 {
        families.gauge(&format!("bad-{at}"), "", 1.0);
    }
    families.gauge("bad-0", "", 1.0);
    assert_eq!(
        (families.problems().len(), families.problem_count()),
        (PROBLEMS_KEPT, 301)
    );
    let mut other = Families::new();
    other.append(&families);
    assert_eq!(
        (other.problems().len(), other.problem_count()),
        (PROBLEMS_KEPT, 301)
    );
    families.clear();
    assert_eq!(
        (families.problems().len(), families.problem_count()),
        (0, 0)
    );
}

#[test]
fn what_was_written_can_be_looked_at() {
    let mut families = Families::new();
    families.family("a_info", "  Help. ", Info).sample_at(
        &[("b", "x\ny"), ("c", "z")],
        1.0,
        Timestamp(5),
    );
    families.family("b", "", Gauge);
    let family = families.get("a_info").unwrap();
    assert_eq!(
        (family.name(), family.help(), family.kind()),
        ("a_info", "Help.", Info)
    );
    let sample = family.samples().next().unwrap();
    assert_eq!(sample.label_text, "b=\"x\\ny\",c=\"z\"");
    assert_eq!(sample.label("b").as_deref(), Some("x\ny"));
    assert_eq!(sample.label("d"), None);
    assert_eq!((sample.value, sample.timestamp), (1.0, Some(Timestamp(5))));
    assert!(families.get("b").is_none(), "it has no samples");
}

#[test]
fn appending_joins_families_and_refuses_what_is_there() {
    let (mut families, mut other) = (Families::new(), Families::new());
    families
        .family("a", "Help.", Gauge)
        .sample(&[("b", "1")], 1.0);
    other.gauge("_first", "", 0.0);
    other
        .family("a", "", Gauge)
        .sample(&[("b", "1")], 2.0)
        .sample(&[("b", "2")], 3.0);
    other
        .family("z_bytes", "", Gauge)
        .unit("bytes")
        .sample(&[("b", "2")], 4.0);
    other.gauge("bad name", "", 1.0);
    families.append(&other);
    assert_eq!(
        text(&families),
        "# TYPE _first gauge\n_first 0\n# HELP a Help.\n# TYPE a gauge\na{b=\"1\"} 1\na{b=\"2\"} 3\n\
         # TYPE z_bytes gauge\nz_bytes{b=\"2\"} 4\n"
    );
    assert_eq!(families.get("z_bytes").unwrap().unit(), Some("bytes"));
    assert_eq!(lines(&families)[0], "refused duplicate series a{b=\"1\"}");
    assert_eq!(families.problem_count(), 2);
}

#[test]
fn label_text_is_stored_once_and_a_warm_arena_does_not_grow() {
    let fill = |families: &mut Families| {
        for family in 0..20 {
            let mut writer = families.family(&format!("family_{family}"), "Help.", Gauge);
            for domain in 0..50 {
                writer.sample(
                    &[("domain", &format!("instance-{domain:08}"))],
                    f64::from(domain),
                );
            }
        }
    };
    let mut families = Families::new();
    fill(&mut families);
    assert_eq!((families.sample_count(), families.sets.len()), (1000, 50));
    let memory = |families: &Families| {
        let maps = (families.known_sets.capacity(), families.series.capacity());
        (
            families.text.capacity(),
            families.samples.capacity(),
            families.sets.capacity(),
            maps,
        )
    };
    let before = memory(&families);
    families.clear();
    assert!(families.is_empty() && families.iter().next().is_none());
    fill(&mut families);
    assert_eq!(memory(&families), before);
    assert_eq!(families.sample_count(), 1000);
}

#[test]
fn labels_in_another_order_are_kept_as_given() {
    let mut families = Families::new();
    families
        .family("a", "", Gauge)
        .sample(&[("b", "1"), ("c", "2")], 1.0);
    families
        .family("d", "", Gauge)
        .sample(&[("c", "2"), ("b", "1")], 1.0);
    let sample = families.get("d").unwrap().samples().next().unwrap();
    assert_eq!(sample.label_text, "c=\"2\",b=\"1\"");
}
