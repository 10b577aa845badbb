//! Where two releases of Gnocchi contradict each other in a text, a limit or a status code: what each of them says. The
//! configuration chooses, see `api.compatibility`; everything else is the same for both.

use serde_json::json;

use super::error::ApiError;
use super::error_body::python_string;
use crate::api::Compatibility;

impl Compatibility {
    /// The release, as `GET /` tells it.
    pub(super) const fn build(self) -> &'static str {
        match self {
            Self::V4_4 => "4.4.2",
            Self::V4_7 => "4.7.1",
        }
    }

    /// The cause of a refusal to put series together.
    pub(super) const fn cannot_aggregate(self) -> &'static str {
        match self {
            Self::V4_4 => "Metrics can't being aggregated",
            Self::V4_7 => "Metrics cannot be aggregated",
        }
    }

    /// What a `fill` that is none should have been.
    pub(super) const fn fills(self) -> &'static str {
        match self {
            Self::V4_4 => "Must be a float, 'dropna' or 'null'",
            Self::V4_7 => {
                "Must be a float, 'dropna', 'null', 'ffill', 'bfill', 'full_ffill' or 'full_bfill'"
            }
        }
    }

    /// The refusal of `like` on an id.
    pub(super) const fn like_id(self) -> &'static str {
        match self {
            Self::V4_4 => "extra keys not allowed",
            Self::V4_7 => "value must not be one of ['id']",
        }
    }

    /// The refusal of resources that have none of the metrics of these names, sorted.
    pub(super) fn no_metrics(self, names: &[String]) -> ApiError {
        match self {
            Self::V4_4 => {
                ApiError::bad_request(json!({"cause": "Metrics not found", "detail": names}))
            }
            Self::V4_7 => {
                let names = names.iter().map(|name| python_string(name));
                let names = names.collect::<Vec<_>>().join(", ");
                ApiError::not_found(format!("Metric [{names}] does not exist"))
            }
        }
    }

    /// Whether adding an attribute that a resource type has already redefines it; else it is passed over.
    pub(super) const fn redefines_attributes(self) -> bool {
        matches!(self, Self::V4_7)
    }

    /// Whether a change of an archive policy may give it another back window.
    pub(super) const fn changes_back_windows(self) -> bool {
        matches!(self, Self::V4_7)
    }

    /// Whether measures of a resource from its end on take the end back.
    pub(super) const fn brings_back_resources(self) -> bool {
        matches!(self, Self::V4_7)
    }

    /// Longest string attribute of a resource type, in characters; also what is meant where none is said.
    pub(super) const fn longest_string(self) -> u16 {
        match self {
            Self::V4_4 => 255,
            Self::V4_7 => 256,
        }
    }

    /// Longest free-form id of a resource, in characters.
    pub(super) const fn longest_resource_id(self) -> usize {
        match self {
            Self::V4_4 => 255,
            Self::V4_7 => 289,
        }
    }
}
