//! Pages of a list: `limit`, `marker` and `sort` of the query string, and the `Link` header that leads to the next
//! page. What can be sorted by is the catalogue's knowledge.

use std::collections::BTreeMap;

use axum::http::{HeaderValue, header};
use axum::response::Response;
use serde_json::json;

use super::error::{ApiError, ApiResult};
use super::query::Params;
use super::url::{BaseUrl, encode_query};

/// Order of resources where none is asked for.
pub(super) const RESOURCE_ORDER: &[&str] = &["revision_start:asc", "started_at:asc"];
/// Order of metrics where none is asked for.
pub(super) const METRIC_ORDER: &[&str] = &["id:asc"];

/// What page of a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    /// Most entries of the page.
    pub(super) limit: u32,
    /// The last entry of the page before.
    pub(super) marker: Option<String>,
    /// Sort keys as they came: `name`, `name:desc`, `ended_at:desc-nullslast`.
    pub(super) sort: Vec<String>,
}

impl Page {
    /// The page of a query string; more than `most` entries are not given.
    pub(super) fn of(params: &Params, order: &[&str], most: u32) -> ApiResult<Self> {
        let limit = match params.get("limit") {
            Some(text) => limit(text)?.min(most),
            None => most,
        };
        let asked: Vec<String> = params
            .all("sort")
            .filter(|sort| !sort.is_empty())
            .map(str::to_owned)
            .collect();
        let sort = if asked.is_empty() {
            order.iter().map(|sort| (*sort).to_owned()).collect()
        } else {
            asked
        };
        Ok(Self {
            limit,
            marker: params.get("marker").map(str::to_owned),
            sort,
        })
    }

    /// The page as the catalogue is asked for it.
    pub(super) fn to_index(&self) -> collector_index::Page {
        collector_index::Page {
            limit: Some(self.limit),
            marker: self.marker.clone(),
            sort: self.sort.clone(),
        }
    }

    /// Adds the link to the next page, where this one is full and there may be more.
    pub(super) fn link_next(
        &self,
        response: &mut Response,
        url: &BaseUrl,
        params: &Params,
        length: usize,
        last: Option<String>,
    ) {
        let full = u32::try_from(length).is_ok_and(|length| length >= self.limit);
        let Some(marker) = last.filter(|_| full) else {
            return;
        };
        let mut query: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, value) in params.pairs() {
            query.entry(name).or_default().push(value);
        }
        let limit = self.limit.to_string();
        query.insert("limit", vec![&limit]);
        query.insert("marker", vec![&marker]);
        query.insert("sort", self.sort.iter().map(String::as_str).collect());
        let pairs = query
            .iter()
            .flat_map(|(name, values)| values.iter().map(|value| (*name, *value)));
        let link = format!(
            "<{}?{}>; rel=\"next\"",
            url.of_request(),
            encode_query(pairs)
        );
        // The path came over HTTP and the query is escaped, so this is a valid header.
        if let Ok(value) = HeaderValue::from_str(&link) {
            response.headers_mut().append(header::LINK, value);
        }
    }
}

fn limit(text: &str) -> ApiResult<u32> {
    let reason = match text.trim().parse::<i64>() {
        Ok(limit) if limit >= 1 => return Ok(u32::try_from(limit).unwrap_or(u32::MAX)),
        Ok(_) => "value must be at least 1 for dictionary value @ data['limit']",
        Err(_) => "expected int for dictionary value @ data['limit']",
    };
    Err(ApiError::bad_request(
        json!({"cause": "Argument value error", "reason": reason}),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_defaults_and_a_largest_size() {
        let page = Page::of(&Params::of(""), RESOURCE_ORDER, 1000).unwrap();
        assert_eq!((page.limit, page.marker, page.sort.len()), (1000, None, 2));
        let page = Page::of(
            &Params::of("limit=5000&sort=id&sort=name:desc&marker=m"),
            METRIC_ORDER,
            1000,
        )
        .unwrap();
        assert_eq!((page.limit, page.marker.as_deref()), (1000, Some("m")));
        assert_eq!(page.sort, ["id", "name:desc"]);
    }

    #[test]
    fn a_limit_is_a_positive_number() {
        for (query, reason) in [
            ("limit=-2", "value must be at least 1"),
            ("limit=0", "value must be at least 1"),
            ("limit=all", "expected int"),
        ] {
            let error = Page::of(&Params::of(query), METRIC_ORDER, 1000).unwrap_err();
            assert!(
                error.detail["reason"].as_str().unwrap().starts_with(reason),
                "{query}"
            );
        }
    }

    #[test]
    fn a_full_page_leads_to_the_next() {
        let url = BaseUrl::test("http://h", "/v1/metric");
        let params = Params::of("name=cpu&limit=2&marker=old");
        let page = Page::of(&params, METRIC_ORDER, 1000).unwrap();
        let mut response = Response::default();
        page.link_next(&mut response, &url, &params, 1, Some("new".to_owned()));
        assert_eq!(response.headers().get(header::LINK), None);
        page.link_next(&mut response, &url, &params, 2, Some("id@1".to_owned()));
        let link = response.headers().get(header::LINK).unwrap();
        assert_eq!(
            link,
            "<http://h/v1/metric?limit=2&marker=id%401&name=cpu&sort=id%3Aasc>; rel=\"next\""
        );
    }
}
