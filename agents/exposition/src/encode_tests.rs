//! Both formats by the letter: what is expected was written by hand from the formats' descriptions.

use super::encode;
use crate::Format::{self, OpenMetrics, Text};
use crate::MetricType::{Counter, Gauge, Histogram, Info, StateSet, Summary, Untyped};
use crate::{Families, Suffix, Timestamp};

fn written(families: &Families, format: Format) -> String {
    let mut out = "left from the last scrape".to_owned();
    encode(families, format, &mut out);
    assert_eq!(families.problems(), []);
    out
}

/// One family of every type.
fn every_type() -> Families {
    let mut families = Families::new();
    families
        .family(
            "node_cpu_seconds_total",
            "Seconds the CPUs spent in each mode.",
            Counter,
        )
        .unit("seconds")
        .sample(&[("cpu", "0"), ("mode", "idle")], 1_050_000.25)
        .suffixed(
            Suffix::Created,
            &[("cpu", "0"), ("mode", "idle")],
            1_600_000_000.5,
        );
    families
        .family("a_delay_seconds", "Delay.", Histogram)
        .suffixed(Suffix::Bucket, &[("le", "0.5")], 1.0)
        .suffixed(Suffix::Bucket, &[("le", "1")], 2.0)
        .suffixed(Suffix::Bucket, &[("le", "+Inf")], 3.0)
        .suffixed(Suffix::Sum, &[], 4.5)
        .suffixed(Suffix::Count, &[], 3.0);
    families
        .family("a_wait_seconds", "", Summary)
        .sample(&[("quantile", "0.5"), ("host", "1")], f64::NAN)
        .sample(&[("host", "1"), ("quantile", "1")], 2.0)
        .suffixed(Suffix::Sum, &[("host", "1")], 0.0)
        .suffixed(Suffix::Count, &[("host", "1")], 0.0);
    families
        .family("node_uname_info", "Uname.", Info)
        .sample(&[("machine", "x86_64")], 1.0);
    families
        .family("state", "State.", StateSet)
        .sample(&[("state", "on")], 1.0)
        .sample(&[("state", "off")], 0.0);
    families
        .family("node_vmstat_pgfault", "Field pgfault.", Untyped)
        .sample_at(&[], -1.0, Timestamp(-1_500));
    families
}

#[test]
fn text_is_as_prometheus_describes_it() {
    let expected = r#"# HELP a_delay_seconds Delay.
# TYPE a_delay_seconds histogram
a_delay_seconds_bucket{le="0.5"} 1
a_delay_seconds_bucket{le="1"} 2
a_delay_seconds_bucket{le="+Inf"} 3
a_delay_seconds_sum 4.5
a_delay_seconds_count 3
# TYPE a_wait_seconds summary
a_wait_seconds{quantile="0.5",host="1"} NaN
a_wait_seconds{host="1",quantile="1"} 2
a_wait_seconds_sum{host="1"} 0
a_wait_seconds_count{host="1"} 0
# HELP node_cpu_seconds_total Seconds the CPUs spent in each mode.
# TYPE node_cpu_seconds_total counter
node_cpu_seconds_total{cpu="0",mode="idle"} 1.05000025e+06
# HELP node_uname_info Uname.
# TYPE node_uname_info gauge
node_uname_info{machine="x86_64"} 1
# HELP node_vmstat_pgfault Field pgfault.
# TYPE node_vmstat_pgfault untyped
node_vmstat_pgfault -1 -1500
# HELP state State.
# TYPE state gauge
state{state="on"} 1
state{state="off"} 0
"#;
    assert_eq!(written(&every_type(), Text), expected);
}

#[test]
fn openmetrics_is_as_its_specification_describes_it() {
    let expected = r#"# HELP a_delay_seconds Delay.
# TYPE a_delay_seconds histogram
a_delay_seconds_bucket{le="0.5"} 1
a_delay_seconds_bucket{le="1.0"} 2
a_delay_seconds_bucket{le="+Inf"} 3
a_delay_seconds_sum 4.5
a_delay_seconds_count 3
# TYPE a_wait_seconds summary
a_wait_seconds{quantile="0.5",host="1"} NaN
a_wait_seconds{host="1",quantile="1.0"} 2
a_wait_seconds_sum{host="1"} 0
a_wait_seconds_count{host="1"} 0
# HELP node_cpu_seconds Seconds the CPUs spent in each mode.
# TYPE node_cpu_seconds counter
# UNIT node_cpu_seconds seconds
node_cpu_seconds_total{cpu="0",mode="idle"} 1.05000025e+06
node_cpu_seconds_created{cpu="0",mode="idle"} 1.6000000005e+09
# HELP node_uname Uname.
# TYPE node_uname info
node_uname_info{machine="x86_64"} 1
# HELP node_vmstat_pgfault Field pgfault.
# TYPE node_vmstat_pgfault unknown
node_vmstat_pgfault -1 -1.500
# HELP state State.
# TYPE state stateset
state{state="on"} 1
state{state="off"} 0
# EOF
"#;
    assert_eq!(written(&every_type(), OpenMetrics), expected);
}

#[test]
fn nothing_is_still_a_whole_scrape() {
    assert_eq!(written(&Families::new(), Text), "");
    assert_eq!(written(&Families::new(), OpenMetrics), "# EOF\n");
}

#[test]
fn labels_and_help_are_escaped_by_the_rules_of_each_format() {
    let mut families = Families::new();
    families
        .family("a", "back\\slash \"quoted\"\nnext", Gauge)
        .sample(&[("b", "\\ \" \n é")], 1.0);
    assert_eq!(
        written(&families, Text),
        "# HELP a back\\\\slash \"quoted\"\\nnext\n# TYPE a gauge\na{b=\"\\\\ \\\" \\n é\"} 1\n"
    );
    assert_eq!(
        written(&families, OpenMetrics),
        "# HELP a back\\\\slash \\\"quoted\\\"\\nnext\n# TYPE a gauge\na{b=\"\\\\ \\\" \\n é\"} 1\n# EOF\n"
    );
}

#[test]
fn a_counter_without_total_gets_it_in_openmetrics_only() {
    let mut families = Families::new();
    families.counter("libvirt_domain_block_stats_read_bytes", "", 1.0);
    let text = written(&families, Text);
    assert!(
        text.ends_with("\nlibvirt_domain_block_stats_read_bytes 1\n"),
        "{text}"
    );
    let openmetrics = written(&families, OpenMetrics);
    let expected = "# TYPE libvirt_domain_block_stats_read_bytes counter\n\
                    libvirt_domain_block_stats_read_bytes_total 1\n# EOF\n";
    assert_eq!(openmetrics, expected);
}

#[test]
fn a_counter_whose_openmetrics_name_is_taken_becomes_unknown() {
    let mut families = Families::new();
    families.gauge("alloc_bytes", "", 1.0);
    families.counter("alloc_bytes_total", "", 2.0);
    families.counter("b", "", 3.0);
    families.gauge("b_total", "", 4.0);
    families
        .family("c_info", "", Info)
        .sample(&[("d", "e")], 1.0);
    families.counter("c_total", "", 5.0);
    let expected = "# TYPE alloc_bytes gauge\nalloc_bytes 1\n\
                    # TYPE alloc_bytes_total unknown\nalloc_bytes_total 2\n\
                    # TYPE b unknown\nb 3\n# TYPE b_total gauge\nb_total 4\n\
                    # TYPE c_info unknown\nc_info{d=\"e\"} 1\n# TYPE c counter\nc_total 5\n# EOF\n";
    assert_eq!(written(&families, OpenMetrics), expected);
}

#[test]
fn a_family_opened_twice_is_written_once_with_all_its_samples() {
    let mut families = Families::new();
    families.family("a", "", Gauge).sample(&[("b", "1")], 1.0);
    families.gauge("c", "", 2.0);
    families
        .family("a", "Late help.", Gauge)
        .sample(&[("b", "2")], 3.0);
    families.family("empty", "Nobody writes this.", Gauge);
    let expected =
        "# HELP a Late help.\n# TYPE a gauge\na{b=\"1\"} 1\na{b=\"2\"} 3\n# TYPE c gauge\nc 2\n";
    assert_eq!(written(&families, Text), expected);
}

#[test]
fn a_family_with_nothing_to_write_is_not_announced() {
    let mut families = Families::new();
    families
        .family("a_total", "Only created.", Counter)
        .suffixed(Suffix::Created, &[], 1.0);
    assert_eq!(written(&families, Text), "");
    families.gauge("a", "", 1.0);
    assert_eq!(
        written(&families, OpenMetrics),
        "# TYPE a gauge\na 1\n# EOF\n"
    );
}
