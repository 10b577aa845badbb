//! Scrapes a daemon as Prometheus does and finds series in what it answered.

use std::collections::BTreeMap;

use exposition::{Families, Format, parse_families};

use crate::http::get_with;

/// What `url` exposes in the text format; panics, naming the line, if it is no valid exposition.
pub fn scrape(url: &str) -> Families {
    let response = get_with(url, &[("accept", "text/plain;version=0.0.4")]).expect_status(200);
    let format = Format::of_content_type(response.header("content-type"));
    let text = response.text();
    parse_families(&text, format).unwrap_or_else(|error| panic!("{url}: {error} in\n{text}"))
}

/// The value of the one series called `name` (with `_bucket`, `_sum` or `_count` where it has one)
/// that carries all of `labels`, whatever else it carries; `None` if there is none. Panics if there
/// are several: then the test has to say which one it means.
pub fn metric(families: &Families, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let found: Vec<_> = series(families, name)
        .into_iter()
        .filter(|(own, _)| {
            let has = |&(key, value): &(&str, &str)| own.get(key).is_some_and(|it| it == value);
            labels.iter().all(has)
        })
        .collect();
    assert!(
        found.len() < 2,
        "which series of {name} with {labels:?} is meant? {found:#?}"
    );
    found.first().map(|(_, value)| *value)
}

/// Every series called `name`: its labels and value, in the order of the exposition.
pub fn series(families: &Families, name: &str) -> Vec<(BTreeMap<String, String>, f64)> {
    let mut found = Vec::new();
    for family in families.iter() {
        for sample in family.samples() {
            if name.strip_prefix(family.name()) == Some(sample.suffix.as_str()) {
                let labels = sample
                    .labels()
                    .map(|(key, value)| (key.to_owned(), value.into_owned()));
                found.push((labels.collect(), sample.value));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Peer;

    const TEXT: &str = "# TYPE up gauge\nup{job=\"a\",host=\"x\"} 1\nup{job=\"a\",host=\"y\"} 0\n\
        # TYPE wait histogram\nwait_bucket{le=\"+Inf\"} 3\nwait_sum 0.5\nwait_count 3\n";

    #[test]
    fn a_series_is_found_by_some_of_its_labels() {
        let families = parse_families(TEXT, Format::Text).unwrap();
        assert_eq!(metric(&families, "up", &[("host", "y")]), Some(0.0));
        assert_eq!(metric(&families, "up", &[("host", "z")]), None);
        assert_eq!(metric(&families, "down", &[]), None);
        assert_eq!(metric(&families, "wait_sum", &[]), Some(0.5));
        assert_eq!(
            metric(&families, "wait_bucket", &[("le", "+Inf")]),
            Some(3.0)
        );
        assert_eq!(series(&families, "up")[1].0["host"], "y");
    }

    #[test]
    #[should_panic(expected = "which series of up")]
    fn an_ambiguous_series_is_not_guessed() {
        let families = parse_families(TEXT, Format::Text).unwrap();
        let _ = metric(&families, "up", &[("job", "a")]);
    }

    #[test]
    fn a_real_exporter_is_scraped() {
        let exporter = Peer::new("prometheus-node-exporter")
            .args(["--web.listen-address=127.0.0.1:{port}"])
            .wait_http("/metrics")
            .start();
        let families = scrape(&exporter.url("/metrics"));
        assert!(metric(&families, "node_time_seconds", &[]).unwrap() > 1e9);
        assert_eq!(
            metric(
                &families,
                "node_scrape_collector_success",
                &[("collector", "uname")]
            ),
            Some(1.0)
        );
    }
}
