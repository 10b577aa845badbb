//! The API's errors: a status and a detail in Gnocchi's words. A handler returns one; how it looks on the wire depends
//! on the request's `Accept` and is written by `error_body`.

use std::borrow::Cow;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use collector_index::IndexError;
use collector_storage::StoreError;
use serde_json::{Value, json};

use crate::measures::MeasureError;

/// Seconds after which a client may repeat what was refused for want of room.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// An error of the API, not yet in any format.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiError {
    /// The answer's status.
    pub(crate) status: StatusCode,
    /// What was wrong: a text, an object of cause, reason and detail, or null where the status says it all.
    pub(crate) detail: Value,
}

/// What handlers return.
pub(crate) type ApiResult<T = Response> = Result<T, ApiError>;

impl ApiError {
    /// An error of that status and detail.
    pub(crate) fn new(status: StatusCode, detail: impl Into<Value>) -> Self {
        Self {
            status,
            detail: detail.into(),
        }
    }

    /// An error whose status says it all.
    pub(crate) fn bare(status: StatusCode) -> Self {
        Self::new(status, "")
    }

    /// 400 with a text.
    pub(crate) fn bad_request(detail: impl Into<Value>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// 404 with a text.
    pub(crate) fn not_found(detail: impl Into<Value>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// 400 for a parameter of the query string.
    pub(crate) fn argument(name: &str, reason: impl Into<Value>) -> Self {
        let reason: Value = reason.into();
        Self::bad_request(
            json!({"cause": "Argument value error", "detail": name, "reason": reason}),
        )
    }

    /// 404 for a path that is none.
    pub(crate) fn unknown_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, Value::Null)
    }

    /// 500 for what is no fault of the request; the cause is logged here, once, and not told.
    pub(crate) fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(%error, "request failed");
        Self::bare(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The refusal of a search that is part of something larger: 400 where the search is wrong.
    pub(crate) fn of_search(error: IndexError) -> Self {
        let error = Self::from(error);
        match error.status.is_server_error() {
            true => error,
            false => error.with_status(StatusCode::BAD_REQUEST),
        }
    }

    /// 400 for a request's body that cannot be read as JSON.
    pub(crate) fn undecodable(reason: impl Into<Cow<'static, str>>) -> Self {
        let reason: Cow<'static, str> = reason.into();
        Self::bad_request(json!({"cause": "Unable to decode body", "reason": reason, "detail": []}))
    }

    /// 503 for what may be repeated in a moment.
    pub(crate) fn busy(detail: impl Into<Value>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    }

    /// The refusal of measures whose sender names metrics without knowing ids: one that was deleted on the way is there
    /// again when they come again.
    pub(crate) fn of_named(error: MeasureError) -> Self {
        match error {
            MeasureError::Store(StoreError::UnknownMetric(id)) => {
                Self::busy(format!("Metric {id} was deleted meanwhile"))
            }
            other => other.into(),
        }
    }

    /// The same detail under another status.
    pub(crate) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }
}

impl From<IndexError> for ApiError {
    /// The status that most endpoints give; where one gives another it says so itself.
    fn from(error: IndexError) -> Self {
        let text = error.to_string();
        let status = match error {
            IndexError::NoSuchArchivePolicy(_)
            | IndexError::NoSuchArchivePolicyRule(_)
            | IndexError::NoSuchResourceType(_)
            | IndexError::NoSuchResource(_)
            | IndexError::NoSuchMetric(_) => StatusCode::NOT_FOUND,
            IndexError::ArchivePolicyAlreadyExists(_)
            | IndexError::ArchivePolicyRuleAlreadyExists(_)
            | IndexError::ResourceTypeAlreadyExists(_)
            | IndexError::ResourceAlreadyExists(_)
            | IndexError::NamedMetricAlreadyExists(_) => StatusCode::CONFLICT,
            IndexError::NoArchivePolicyRuleMatch(name) => {
                return Self::bad_request(format!(
                    "No archive policy name specified and no archive policy rule found matching the metric name {name}"
                ));
            }
            IndexError::ArchivePolicyInUse(_)
            | IndexError::Policy(_)
            | IndexError::UnsupportedArchivePolicyRuleChange { .. }
            | IndexError::ResourceTypeInUse(_)
            | IndexError::Attribute(_)
            | IndexError::ResourceAttribute { .. }
            | IndexError::ResourceValue { .. }
            | IndexError::StartAfterEnd
            | IndexError::InvalidFilter
            | IndexError::FilterValue { .. }
            | IndexError::FilterOperator(_)
            | IndexError::FilterTooLarge { .. }
            | IndexError::InvalidPagination(_)
            | IndexError::NulCharacter => StatusCode::BAD_REQUEST,
            IndexError::RevisionChanged(_) => return Self::bare(StatusCode::PRECONDITION_FAILED),
            IndexError::Busy => StatusCode::SERVICE_UNAVAILABLE,
            IndexError::TimedOut => {
                let text = "the search took longer than query_timeout; ask for less";
                return Self::new(StatusCode::SERVICE_UNAVAILABLE, text);
            }
            IndexError::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
            IndexError::Unavailable { .. } => {
                // Where the database is, is the operator's to know.
                tracing::warn!("{error}");
                let text = "catalogue's database is not available";
                return Self::new(StatusCode::SERVICE_UNAVAILABLE, text);
            }
            _ => return Self::internal(&error),
        };
        Self::new(status, text)
    }
}

impl From<MeasureError> for ApiError {
    fn from(error: MeasureError) -> Self {
        match error {
            MeasureError::Index(error) => error.into(),
            MeasureError::Store(error) => error.into(),
            MeasureError::Slow => Self::busy(error.to_string()),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let status = match &error {
            // Deleted between the look-up and the write.
            StoreError::UnknownMetric(id) => {
                return Self::not_found(format!("Metric {id} does not exist"));
            }
            StoreError::BeforeEpoch(_) => {
                return Self::bad_request("Timestamp must be after Epoch");
            }
            StoreError::BatchTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            StoreError::Busy | StoreError::Poisoned(_) | StoreError::Closed => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            StoreError::DiskFull(_) => StatusCode::INSUFFICIENT_STORAGE,
            _ => return Self::internal(&error),
        };
        Self::new(status, error.to_string())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        let later = [
            StatusCode::SERVICE_UNAVAILABLE,
            StatusCode::INSUFFICIENT_STORAGE,
        ];
        if later.contains(&self.status) {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        // `error_body` takes it out again and writes it as the client accepts it.
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_asks_the_client_to_come_again() {
        let response = ApiError::from(StoreError::Busy).into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(
            response.headers().get(header::RETRY_AFTER),
            Some(&RETRY_AFTER)
        );
    }

    #[test]
    fn a_metric_that_vanishes_is_asked_for_again_only_of_those_who_know_it_by_name() {
        let gone = || MeasureError::Store(StoreError::UnknownMetric(uuid::Uuid::nil()));
        let status = |error: ApiError| error.into_response().status();
        assert_eq!(status(gone().into()), StatusCode::NOT_FOUND);
        let again = ApiError::of_named(gone()).into_response();
        assert_eq!(again.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(again.headers().contains_key(header::RETRY_AFTER));
        let full = MeasureError::Store(StoreError::DiskFull("/data".into()));
        assert_eq!(
            status(ApiError::of_named(full)),
            StatusCode::INSUFFICIENT_STORAGE
        );
    }

    #[test]
    fn a_full_disk_is_told_from_a_broken_one() {
        let full = ApiError::from(StoreError::DiskFull("/data".into()));
        assert_eq!(full.status, StatusCode::INSUFFICIENT_STORAGE);
        let catalogue = ApiError::from(IndexError::DiskFull);
        assert_eq!(catalogue.status, StatusCode::INSUFFICIENT_STORAGE);
        let response = catalogue.into_response();
        assert!(response.headers().contains_key(header::RETRY_AFTER));
        let broken = ApiError::from(StoreError::Poisoned("fsync failed".to_owned()));
        assert_eq!(broken.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(
            broken.detail,
            "store refuses writes until it is restarted: fsync failed"
        );
    }
}
