//! What is written is read back the same, whatever the labels hold.

mod common;

use common::{carried, families, text};
use exposition::{Event, Families, Format, MetricType, Parser, encode, parse_families};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

fn written(families: &Families, format: Format) -> String {
    let mut out = String::new();
    encode(families, format, &mut out);
    out
}

proptest! {
    #[test]
    fn text_reads_back_as_it_was_written(families in families()) {
        let text = written(&families, Format::Text);
        let read = parse_families(&text, Format::Text).unwrap();
        prop_assert_eq!(read.problems(), []);
        prop_assert_eq!(carried(&read, Format::Text), carried(&families, Format::Text));
        prop_assert_eq!(written(&read, Format::Text), text);
    }

    #[test]
    fn openmetrics_reads_back_as_it_was_written(families in families()) {
        let text = written(&families, Format::OpenMetrics);
        let read = parse_families(&text, Format::OpenMetrics).unwrap();
        prop_assert_eq!(read.problems(), []);
        prop_assert_eq!(carried(&read, Format::OpenMetrics), carried(&families, Format::OpenMetrics));
        prop_assert_eq!(written(&read, Format::OpenMetrics), text);
    }

    #[test]
    fn any_label_value_comes_back(value in text(), number in any::<f64>()) {
        let mut families = Families::new();
        families.family("a", "", MetricType::Gauge).sample(&[("b", &value), ("c", "")], number);
        for format in [Format::Text, Format::OpenMetrics] {
            let text = written(&families, format);
            let samples: Vec<_> = Parser::new(&text, format)
                .filter_map(|event| match event.unwrap() {
                    Event::Sample(sample) => Some(sample),
                    _ => None,
                })
                .collect();
            prop_assert_eq!(samples.len(), 1);
            let labels: Vec<_> = samples[0].labels.collect();
            prop_assert_eq!(labels, [("b", value.as_str().into()), ("c", "".into())]);
            let same = samples[0].value.to_bits() == number.to_bits();
            prop_assert!(same || (samples[0].value.is_nan() && number.is_nan()));
        }
    }

    #[test]
    fn a_copy_by_append_is_the_same(families in families()) {
        let mut copy = Families::new();
        copy.append(&families);
        prop_assert_eq!(copy.problem_count(), families.problem_count());
        prop_assert_eq!(written(&copy, Format::OpenMetrics), written(&families, Format::OpenMetrics));
    }
}
