//! The query string: names with one or several values, and the forms that Gnocchi takes for booleans, moments and
//! timespans in it. Pagination has its own file.

use std::convert::Infallible;
use std::time::SystemTime;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use collector_model::{Granularity, Timestamp};

use super::error::{ApiError, ApiResult};
use super::error_body::python_string;

/// The pairs of a query string, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Params(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // Any text is some list of pairs; what is not well escaped is taken as it stands.
        let pairs = Query::try_from_uri(&parts.uri).map(|Query(pairs)| pairs);
        Ok(Self(pairs.unwrap_or_default()))
    }
}

impl Params {
    /// The pairs of a body that is a form.
    pub(super) fn of_form(body: &[u8]) -> Self {
        let text = std::str::from_utf8(body).unwrap_or_default();
        let uri = format!("/?{text}").parse::<axum::http::Uri>();
        let pairs = uri.ok().and_then(|uri| Query::try_from_uri(&uri).ok());
        Self(pairs.map(|Query(pairs)| pairs).unwrap_or_default())
    }

    /// The last value of a name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().rfind(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// All values of a name.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let found = self.0.iter().filter(move |(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// All pairs in their order.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A boolean; false where the name is absent.
    pub(super) fn flag(&self, name: &str) -> ApiResult<bool> {
        self.get(name).map_or(Ok(false), |text| truth(name, text))
    }

    /// A moment.
    pub(super) fn moment(&self, name: &str) -> ApiResult<Option<Timestamp>> {
        let parse = |text| {
            Timestamp::parse(text, Timestamp::from(SystemTime::now()))
                .map_err(|_| ApiError::argument(name, "Must be a datetime or a timestamp"))
        };
        self.get(name).map(parse).transpose()
    }

    /// A granularity.
    pub(super) fn granularity(&self, name: &str) -> ApiResult<Option<Granularity>> {
        let parse = |text: &str| {
            text.parse()
                .map_err(|error: collector_model::TimespanError| {
                    ApiError::argument(name, error.to_string())
                })
        };
        self.get(name).map(parse).transpose()
    }
}

/// A boolean in one of the words for it.
fn truth(name: &str, text: &str) -> ApiResult<bool> {
    match text.to_ascii_lowercase().as_str() {
        "y" | "yes" | "t" | "true" | "on" | "1" => Ok(true),
        "n" | "no" | "f" | "false" | "off" | "0" => Ok(false),
        word => Err(ApiError::bad_request(format!(
            "Unable to parse `{name}': invalid truth value {}",
            python_string(word)
        ))),
    }
}

#[cfg(test)]
impl Params {
    /// Those of a query string.
    pub(super) fn of(query: &str) -> Self {
        let uri = format!("/?{query}").parse().unwrap();
        Self(Query::try_from_uri(&uri).map(|Query(pairs)| pairs).unwrap())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_have_several_values() {
        let params = Params::of("sort=id%3Aasc&limit=2&sort=name");
        assert_eq!(params.all("sort").collect::<Vec<_>>(), ["id:asc", "name"]);
        assert_eq!(params.get("sort"), Some("name"));
        assert_eq!(params.get("marker"), None);
    }

    #[test]
    fn booleans_come_in_many_words() {
        let params = Params::of("a=True&b=off&c=maybe");
        assert_eq!(params.flag("a"), Ok(true));
        assert_eq!(params.flag("b"), Ok(false));
        assert_eq!(params.flag("absent"), Ok(false));
        let error = params.flag("c").unwrap_err();
        assert_eq!(
            error.detail,
            "Unable to parse `c': invalid truth value 'maybe'"
        );
    }

    #[test]
    fn bad_moments_and_granularities_name_their_parameter() {
        let params = Params::of("start=soon&stop=2015-03-06T14:34&granularity=foobar&resample=60");
        assert_eq!(
            params.moment("start").unwrap_err().detail["detail"],
            "start"
        );
        assert_eq!(
            params.moment("stop").unwrap(),
            Some(Timestamp(1_425_652_440_000_000_000))
        );
        let error = params.granularity("granularity").unwrap_err();
        assert_eq!(error.detail["reason"], "Unable to parse timespan");
        assert_eq!(
            params.granularity("resample").unwrap(),
            Granularity::from_nanos(60_000_000_000)
        );
    }
}
