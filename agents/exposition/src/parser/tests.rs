//! The parser on literals: what it takes and what it makes of it. What it refuses is in
//! `mistakes.rs`.

use super::{Event, Parser, parse, parse_families};
use crate::Format::{self, OpenMetrics, Text};
use crate::MetricType::{Counter, Gauge, Histogram, Info, Summary, Untyped};
use crate::{Families, Suffix, Timestamp};

/// The only sample of a text, as name, labels, value and time.
fn sample(text: &str, format: Format) -> (String, Vec<(String, String)>, f64, Option<i64>) {
    let mut found = Vec::new();
    parse(text, format, |event| {
        if let Event::Sample(sample) = event {
            let labels = sample
                .labels
                .map(|(name, value)| (name.to_owned(), value.into_owned()));
            let time = sample.timestamp.map(|Timestamp(time)| time);
            found.push((sample.name.to_owned(), labels.collect(), sample.value, time));
        }
    })
    .unwrap();
    assert_eq!(found.len(), 1, "{text:?}");
    found.remove(0)
}

#[test]
fn metadata_comments_and_blank_lines_are_told_apart() {
    let text = "\n  \t\n# just a remark\n#HELP a \\\\ \\n \\\" end\n# TYPE\ta\tgauge \n# EOF\n# UNIT a b\n\ta 1\r\n";
    let events: Vec<_> = Parser::new(text, Text).map(Result::unwrap).collect();
    assert_eq!(events.len(), 3);
    assert_eq!(
        events[0],
        Event::Help {
            name: "a",
            text: "\\ \n \\\" end".into()
        }
    );
    assert_eq!(
        events[1],
        Event::Type {
            name: "a",
            kind: Gauge
        }
    );
    assert!(matches!(events[2], Event::Sample(sample) if sample.value == 1.0));
}

#[test]
fn openmetrics_has_units_and_an_end() {
    let text = "# TYPE a_s unknown\n# UNIT a_s s\n# HELP a_s \\\"q\\\"\n# EOF\n";
    let events: Vec<_> = Parser::new(text, OpenMetrics).map(Result::unwrap).collect();
    assert_eq!(
        events[0],
        Event::Type {
            name: "a_s",
            kind: Untyped
        }
    );
    assert_eq!(
        events[1],
        Event::Unit {
            name: "a_s",
            unit: "s"
        }
    );
    assert_eq!(
        events[2],
        Event::Help {
            name: "a_s",
            text: "\"q\"".into()
        }
    );
    assert_eq!(events[3..], [Event::Eof]);
}

#[test]
fn a_sample_may_be_written_loosely() {
    let labels = vec![
        ("b".to_owned(), "x,y}\"\n\\".to_owned()),
        ("c".to_owned(), String::new()),
    ];
    let tight = "a{b=\"x,y}\\\"\\n\\\\\",c=\"\"} -1.5e3 7";
    let loose = "\t a { b = \"x,y}\\\"\\n\\\\\" ,\tc=\"\" , }  -1.5e3\t7 \r\n";
    for text in [tight, loose] {
        assert_eq!(
            sample(text, Text),
            ("a".to_owned(), labels.clone(), -1500.0, Some(7))
        );
    }
    assert_eq!(sample("a{} 1", Text).1, []);
    assert_eq!(sample("a{}1", Text).2, 1.0);
}

#[test]
fn values_are_read_as_go_writes_them() {
    for (text, expected) in [
        ("0", 0.0),
        ("-0", -0.0),
        ("1e+06", 1e6),
        ("1.7976931348623157e+308", f64::MAX),
        ("+Inf", f64::INFINITY),
        ("-Inf", f64::NEG_INFINITY),
        ("Inf", f64::INFINITY),
        ("NaN", f64::NAN),
    ] {
        let value = sample(&format!("a {text}\n"), Text).2;
        assert!(
            value.to_bits() == expected.to_bits() || (value.is_nan() && expected.is_nan()),
            "{text}"
        );
    }
}

#[test]
fn exemplars_are_passed_over() {
    for (line, time) in [
        ("a_total 1 # {trace_id=\"x # y\"} 0.5 123.4", None),
        (
            "a_total{b=\"#\"} 1 1520879607.789 # {} 0.5",
            Some(1_520_879_607_789),
        ),
        ("a_total 1 -0.0014", Some(-1)),
        ("a_total 1 1.5e3", Some(1_500_000)),
    ] {
        let text = format!("{line}\n# EOF\n");
        assert_eq!(sample(&text, OpenMetrics).3, time, "{line}");
    }
}

/// Name, type and the suffixes of the samples of each family.
fn shape(families: &Families) -> Vec<(&str, crate::MetricType, Vec<Suffix>)> {
    let suffixes =
        |family: &crate::FamilyRef<'_>| family.samples().map(|sample| sample.suffix).collect();
    families
        .iter()
        .map(|family| (family.name(), family.kind(), suffixes(&family)))
        .collect()
}

#[test]
fn samples_find_their_families() {
    let text = "# HELP h Help.\n# TYPE h histogram\n# TYPE s summary\n\
                h_bucket{le=\"1\"} 1\nh_sum 1\ns{quantile=\"1\"} 1\ns_count 1\nh_count 1\n\
                # TYPE c_total counter\nc_total 1\nx_count 1\nx_sum 1\n# TYPE g_sum gauge\ng_sum 1\n";
    let families = parse_families(text, Text).unwrap();
    assert_eq!(families.problems(), []);
    assert_eq!(
        shape(&families),
        [
            ("c_total", Counter, vec![Suffix::None]),
            ("g_sum", Gauge, vec![Suffix::None]),
            (
                "h",
                Histogram,
                vec![Suffix::Bucket, Suffix::Sum, Suffix::Count]
            ),
            ("s", Summary, vec![Suffix::None, Suffix::Count]),
            ("x_count", Untyped, vec![Suffix::None]),
            ("x_sum", Untyped, vec![Suffix::None]),
        ]
    );
    assert_eq!(families.get("h").unwrap().help(), "Help.");
}

#[test]
fn openmetrics_families_get_the_names_of_text() {
    let text = "# TYPE c counter\nc_total 1\nc_created 5\n# TYPE i info\ni_info{a=\"b\"} 1\n\
                # TYPE g gaugehistogram\ng_gcount 1\n# TYPE d counter\nd 1\n# EOF\n";
    let families = parse_families(text, OpenMetrics).unwrap();
    assert_eq!(
        shape(&families),
        [
            ("c_total", Counter, vec![Suffix::None, Suffix::Created]),
            ("d", Counter, vec![Suffix::None]),
            ("g_gcount", Untyped, vec![Suffix::None]),
            ("i_info", Info, vec![Suffix::None]),
        ]
    );
}

#[test]
fn what_the_model_refuses_is_told_with_the_families() {
    let families = parse_families("a 1\na 2\nb{c=\"1\",c=\"2\"} 1\n", Text).unwrap();
    let problems: Vec<_> = families
        .problems()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        problems,
        [
            "refused duplicate series a",
            "refused sample of b: label c given twice"
        ]
    );
    assert_eq!(families.sample_count(), 1);
}
