//! Each complaint of the lint, in promtool's words, and names that it must leave alone.

use super::check_text;
use crate::Format;

/// Complaints about one sample of a type, less the family's name in front.
fn complaints(kind: &str, sample: &str) -> Vec<String> {
    let name = sample.split(['{', ' ']).next().unwrap();
    let text = format!("# HELP {name} Help.\n# TYPE {name} {kind}\n{sample} 1\n");
    let found = check_text(&text, Format::Text).unwrap();
    let own = format!("{name} ");
    found
        .iter()
        .map(|line| line.strip_prefix(&own).unwrap_or(line).to_owned())
        .collect()
}

#[test]
fn good_names_are_left_alone() {
    for (kind, sample) in [
        ("counter", "node_cpu_seconds_total{cpu=\"0\",mode=\"idle\"}"),
        ("gauge", "node_filesystem_avail_bytes"),
        ("gauge", "node_uname_info{machine=\"x86_64\"}"),
        ("gauge", "thermometers"),
        ("gauge", "Gauge_of_temperature_celsius"),
        ("untyped", "node_vmstat_pgfault_total{le=\"1\"}"),
        ("gauge", "node_memory_used_ratio"),
    ] {
        assert_eq!(complaints(kind, sample), Vec::<String>::new(), "{sample}");
    }
}

#[test]
fn every_bad_name_is_told_in_promtools_words() {
    for (kind, sample, expected) in [
        (
            "counter",
            "a_requests",
            "counter metrics should have \"_total\" suffix",
        ),
        (
            "gauge",
            "a_total",
            "non-counter metrics should not have \"_total\" suffix",
        ),
        (
            "gauge",
            "a_bucket",
            "non-histogram metrics should not have \"_bucket\" suffix",
        ),
        (
            "gauge",
            "a_count",
            "non-histogram and non-summary metrics should not have \"_count\" suffix",
        ),
        (
            "gauge",
            "a_sum",
            "non-histogram and non-summary metrics should not have \"_sum\" suffix",
        ),
        (
            "gauge",
            "a{le=\"1\"}",
            "non-histogram metrics should not have \"le\" label",
        ),
        (
            "gauge",
            "a{quantile=\"1\"}",
            "non-summary metrics should not have \"quantile\" label",
        ),
        ("gauge", "a:b", "metric names should not contain ':'"),
        (
            "gauge",
            "a_gauge_of",
            "metric name should not include type 'gauge'",
        ),
        (
            "gauge",
            "a_MemTotal",
            "metric names should be written in 'snake_case' not 'camelCase'",
        ),
        (
            "gauge",
            "a{someLabel=\"\"}",
            "label names should be written in 'snake_case' not 'camelCase'",
        ),
        (
            "gauge",
            "a_milliseconds",
            "use base unit \"seconds\" instead of \"milliseconds\"",
        ),
        (
            "gauge",
            "a_kilobytes_free",
            "use base unit \"bytes\" instead of \"kilobytes\"",
        ),
        (
            "gauge",
            "a_weeks",
            "use base unit \"seconds\" instead of \"weeks\"",
        ),
        (
            "gauge",
            "a_fahrenheit",
            "use base unit \"celsius\" instead of \"fahrenheit\"",
        ),
        (
            "gauge",
            "a_ms",
            "metric names should not contain abbreviated units",
        ),
        (
            "gauge",
            "a_kb_free",
            "metric names should not contain abbreviated units",
        ),
    ] {
        assert_eq!(complaints(kind, sample), [expected], "{sample}");
    }
}

#[test]
fn a_family_without_help_is_told() {
    let found = check_text("# TYPE a gauge\na 1\n", Format::Text);
    assert_eq!(found.unwrap(), ["a no help text"]);
}

#[test]
fn a_complaint_about_many_samples_is_told_once() {
    let text = "# HELP a b\n# TYPE a gauge\na{aB=\"1\"} 1\na{aB=\"2\"} 1\n";
    assert_eq!(check_text(text, Format::Text).unwrap().len(), 1);
}

#[test]
fn a_duplicate_series_is_told_too() {
    let found = check_text("# HELP a b\n# TYPE a gauge\na 1\na 2\n", Format::Text);
    assert_eq!(found.unwrap(), ["refused duplicate series a"]);
}

#[test]
fn text_that_cannot_be_read_is_an_error() {
    assert!(check_text("a b c\n", Format::Text).is_err());
}
