//! What a scrape's request says: the collectors that it wants, the time that it has and the encodings that it takes.

use std::time::Duration;

use axum::extract::Query;
use axum::http::{HeaderMap, Uri};

/// The header in which Prometheus says, in seconds, how long it will wait.
const TIMEOUT_HEADER: &str = "x-prometheus-scrape-timeout-seconds";

/// How long a scraper waits that does not say so: Prometheus' default.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest time that a header is believed.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(120);

/// What the way to the scraper is given, at most.
const MARGIN: Duration = Duration::from_millis(500);

/// The pairs of the query, decoded.
pub(crate) fn pairs(uri: &Uri) -> Vec<(String, String)> {
    Query::try_from_uri(uri)
        .map(|Query(pairs)| pairs)
        .unwrap_or_default()
}

/// Which collectors a scrape wants.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Filter<'q> {
    /// All that are enabled.
    All,
    /// `collect[]`
    Only(Vec<&'q str>),
    /// `exclude[]`
    AllBut(Vec<&'q str>),
}

impl<'q> Filter<'q> {
    /// The filter of a query's pairs; others than ours are of no consequence.
    ///
    /// # Errors
    /// When both kinds are given, which node_exporter does not allow either.
    pub(crate) fn new(pairs: &'q [(String, String)]) -> Result<Self, String> {
        let values = |wanted: &str| -> Vec<&str> {
            pairs
                .iter()
                .filter(|(key, _)| key == wanted)
                .map(|(_, value)| value.as_str())
                .collect()
        };
        match (values("collect[]"), values("exclude[]")) {
            (collect, exclude) if collect.is_empty() && exclude.is_empty() => Ok(Self::All),
            (collect, exclude) if exclude.is_empty() => Ok(Self::Only(collect)),
            (collect, exclude) if collect.is_empty() => Ok(Self::AllBut(exclude)),
            _ => Err("combined collect[] and exclude[] queries are not allowed".to_owned()),
        }
    }
}

/// How long the scrape may take: what the scraper waits, less a tenth or half a second for the way back.
pub(crate) fn time(headers: &HeaderMap) -> Duration {
    let given = headers
        .get(TIMEOUT_HEADER)
        .and_then(|value| value.to_str().ok()?.trim().parse::<f64>().ok());
    let timeout = given
        .filter(|seconds| *seconds > 0.0)
        .and_then(|seconds| {
            Duration::try_from_secs_f64(seconds.min(LONGEST_TIMEOUT.as_secs_f64())).ok()
        })
        .unwrap_or(DEFAULT_TIMEOUT);
    timeout.saturating_sub(MARGIN.min(timeout / 10))
}

/// Whether `Accept-Encoding` has gzip.
pub(crate) fn takes_gzip(header: Option<&str>) -> bool {
    header.unwrap_or_default().split(',').any(|entry| {
        let mut parts = entry.split(';').map(str::trim);
        let is_gzip = parts
            .next()
            .is_some_and(|coding| coding.eq_ignore_ascii_case("gzip"));
        let q = parts
            .find_map(|part| part.strip_prefix("q="))
            .map_or(Ok(1.0), str::parse::<f32>);
        is_gzip && q.is_ok_and(|q| q > 0.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(query: &str) -> Result<(bool, Vec<String>), String> {
        let pairs = pairs(&format!("http://x/metrics?{query}").parse().unwrap());
        let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
        match Filter::new(&pairs)? {
            Filter::All => Ok((true, Vec::new())),
            Filter::Only(names) => Ok((true, owned(names))),
            Filter::AllBut(names) => Ok((false, owned(names))),
        }
    }

    #[test]
    fn filters_are_read_plain_and_percent_encoded() {
        let names = |names: &[&str]| {
            names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            filter("collect[]=cpu&collect%5B%5D=net%64ev&x=y"),
            Ok((true, names(&["cpu", "netdev"])))
        );
        assert_eq!(filter("exclude[]=cpu"), Ok((false, names(&["cpu"]))));
        assert_eq!(filter("other=1&collect=cpu"), Ok((true, Vec::new())));
    }

    #[test]
    fn both_filters_at_once_are_refused() {
        let error = filter("collect[]=cpu&exclude[]=netdev").unwrap_err();
        assert_eq!(
            error,
            "combined collect[] and exclude[] queries are not allowed"
        );
    }

    #[test]
    fn the_time_is_what_the_scraper_waits_less_a_margin() {
        for (header, millis) in [
            (Some("10"), 9500),
            (Some("1"), 900),
            (Some("0.5"), 450),
            (Some("1e300"), 119_500),
            (Some("inf"), 119_500),
            (None, 9500),
            (Some("soon"), 9500),
            (Some("-1"), 9500),
            (Some("0"), 9500),
            (Some("NaN"), 9500),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(header) = header {
                headers.insert(TIMEOUT_HEADER, header.parse().unwrap());
            }
            assert_eq!(time(&headers), Duration::from_millis(millis), "{header:?}");
        }
    }

    #[test]
    fn gzip_is_used_only_for_those_who_take_it() {
        for (header, expected) in [
            (Some("gzip"), true),
            (Some("deflate, GZIP;q=0.5"), true),
            (Some("gzip;q=0"), false),
            (Some("gzip;q=much"), false),
            (Some("identity"), false),
            (Some("xgzip"), false),
            (None, false),
        ] {
            assert_eq!(takes_gzip(header), expected, "{header:?}");
        }
    }
}
