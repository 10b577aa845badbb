//! Conditional requests on one resource: `ETag` and `Last-Modified` of its revision, and the preconditions that a
//! client may set on them (RFC 9110 section 13).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use collector_model::Timestamp;
use uuid::Uuid;

use super::error::{ApiError, ApiResult};

/// What tells one revision of a resource from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Revision {
    etag: String,
    /// To the second, as the header has it.
    modified: SystemTime,
}

impl Revision {
    /// That of a resource since its last change.
    pub(super) fn of(id: Uuid, revision_start: Timestamp) -> Self {
        let seconds = u64::try_from(revision_start.nanos() / 1_000_000_000).unwrap_or(0);
        Self {
            etag: Uuid::new_v5(&id, revision_start.to_string().as_bytes())
                .simple()
                .to_string(),
            modified: UNIX_EPOCH + Duration::from_secs(seconds),
        }
    }

    /// 412 or 304 where a precondition of the request does not hold.
    pub(super) fn check(&self, method: &Method, headers: &HeaderMap) -> ApiResult<()> {
        let failed = || Err(ApiError::bare(StatusCode::PRECONDITION_FAILED));
        let reads = matches!(*method, Method::GET | Method::HEAD);
        let unchanged = || match reads {
            true => Err(ApiError::bare(StatusCode::NOT_MODIFIED)),
            false => failed(),
        };
        match text(headers, header::IF_MATCH) {
            Some(tags) if !self.is_among(tags) => return failed(),
            Some(_) => {}
            None if date(headers, header::IF_UNMODIFIED_SINCE)
                .is_some_and(|since| since < self.modified) =>
            {
                return failed();
            }
            None => {}
        }
        match text(headers, header::IF_NONE_MATCH) {
            Some(tags) if self.is_among(tags) => unchanged(),
            Some(_) => Ok(()),
            None if reads
                && date(headers, header::IF_MODIFIED_SINCE)
                    .is_some_and(|since| since >= self.modified) =>
            {
                unchanged()
            }
            None => Ok(()),
        }
    }

    /// Tells it in an answer's headers.
    pub(super) fn set(&self, response: &mut Response) {
        let values = [
            (header::ETAG, format!("\"{}\"", self.etag)),
            (
                header::LAST_MODIFIED,
                httpdate::fmt_http_date(self.modified),
            ),
        ];
        for (name, value) in values {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(name, value);
            }
        }
    }

    fn is_among(&self, tags: &str) -> bool {
        let mut tags = tags.split(',').map(str::trim);
        tags.any(|tag| tag == "*" || tag.trim_matches('"') == self.etag)
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

fn date(headers: &HeaderMap, name: HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(text(headers, name)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "Tue, 14 Nov 2023 22:13:19 GMT";
    const EXACT: &str = "Tue, 14 Nov 2023 22:13:20 GMT";

    fn revision() -> Revision {
        Revision::of(Uuid::nil(), Timestamp(1_700_000_000_500_000_000))
    }

    fn check(method: Method, pairs: &[(HeaderName, &str)]) -> u16 {
        let headers = pairs
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().unwrap()))
            .collect();
        revision()
            .check(&method, &headers)
            .map_or_else(|error| error.status.as_u16(), |()| 200)
    }

    #[test]
    fn the_headers_tell_the_revision() {
        let mut response = Response::default();
        revision().set(&mut response);
        assert_eq!(response.headers()[header::LAST_MODIFIED], EXACT);
        let other = Revision::of(Uuid::nil(), Timestamp(1_700_000_000_600_000_000));
        assert_ne!(other.etag, revision().etag);
    }

    #[test]
    fn another_etag_than_the_expected_one_is_a_failed_precondition() {
        let own = format!("\"other\", \"{}\"", revision().etag);
        assert_eq!(check(Method::PATCH, &[(header::IF_MATCH, &own)]), 200);
        assert_eq!(check(Method::PATCH, &[(header::IF_MATCH, "*")]), 200);
        assert_eq!(
            check(Method::PATCH, &[(header::IF_MATCH, "\"other\"")]),
            412
        );
        assert_eq!(
            check(Method::DELETE, &[(header::IF_UNMODIFIED_SINCE, BEFORE)]),
            412
        );
        assert_eq!(
            check(Method::DELETE, &[(header::IF_UNMODIFIED_SINCE, EXACT)]),
            200
        );
        // The date counts only where there is no etag.
        assert_eq!(
            check(
                Method::DELETE,
                &[
                    (header::IF_MATCH, &own),
                    (header::IF_UNMODIFIED_SINCE, BEFORE)
                ]
            ),
            200
        );
    }

    #[test]
    fn what_the_client_has_already_is_not_sent_again() {
        let own = format!("\"{}\"", revision().etag);
        assert_eq!(check(Method::GET, &[(header::IF_NONE_MATCH, &own)]), 304);
        assert_eq!(check(Method::PATCH, &[(header::IF_NONE_MATCH, "*")]), 412);
        assert_eq!(
            check(
                Method::GET,
                &[
                    (header::IF_NONE_MATCH, "\"other\""),
                    (header::IF_MODIFIED_SINCE, EXACT)
                ]
            ),
            200
        );
        assert_eq!(
            check(Method::GET, &[(header::IF_MODIFIED_SINCE, EXACT)]),
            304
        );
        assert_eq!(
            check(Method::GET, &[(header::IF_MODIFIED_SINCE, BEFORE)]),
            200
        );
        assert_eq!(
            check(Method::GET, &[(header::IF_MODIFIED_SINCE, "yesterday")]),
            200
        );
    }
}
