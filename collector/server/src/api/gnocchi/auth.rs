//! Who asks, and what he may do. As in Gnocchi's basic mode the name of HTTP basic authentication is the user and the
//! user `admin` has the role admin; passwords are the listener's matter (`--web.config.file`), before a request gets
//! here. Without authentication everybody may do everything.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use collector_index::Filter;
use collector_model::{ResourceIdError, resource_id_within};
use uuid::Uuid;

use super::error::{ApiError, ApiResult};
use crate::api::{ApiConfig, AuthMode, Compatibility};
use crate::app::App;

/// The user that has the role admin, and that stands for everybody where nobody has to say who he is.
const ADMIN: &str = "admin";

/// The sender of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caller {
    /// The creator of what he creates.
    pub(super) name: String,
    /// Whose words he is answered in.
    pub(super) dialect: Compatibility,
    admin: bool,
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        Self::of(&parts.headers, &app.api())
    }
}

impl Caller {
    fn of(headers: &HeaderMap, config: &ApiConfig) -> ApiResult<Self> {
        let dialect = config.compatibility;
        let name = headers.get(header::AUTHORIZATION);
        let name = name.and_then(|value| basic_user(value.to_str().ok()?));
        match (config.auth_mode, name) {
            (AuthMode::Noauth, name) => Ok(Self {
                dialect,
                name: name.unwrap_or_else(|| ADMIN.to_owned()),
                admin: true,
            }),
            (AuthMode::Basic, Some(name)) => Ok(Self {
                dialect,
                admin: name == ADMIN,
                name,
            }),
            (AuthMode::Basic, None) => Err(ApiError::bare(StatusCode::UNAUTHORIZED)),
        }
    }

    /// The resource that he means by an id.
    pub(super) fn resource_id(&self, text: &str) -> Result<Uuid, ResourceIdError> {
        resource_id_within(text, Some(&self.name), self.dialect.longest_resource_id())
    }

    /// Whether he may do everything.
    pub(super) fn is_admin(&self) -> bool {
        self.admin
    }

    /// 403 for all but an admin.
    pub(super) fn require_admin(&self) -> ApiResult<()> {
        self.allow(self.admin)
    }

    /// 403 for all but an admin and the creator of the thing.
    pub(super) fn require_creator(&self, creator: Option<&str>) -> ApiResult<()> {
        self.allow(self.admin || creator == Some(self.name.as_str()))
    }

    /// The filter, for all but an admin limited to what the caller created.
    pub(super) fn limit_to_own(&self, filter: Filter) -> Filter {
        if self.admin {
            return filter;
        }
        Filter::And(vec![filter, Filter::eq("creator", self.name.as_str())])
    }

    fn allow(&self, allowed: bool) -> ApiResult<()> {
        if allowed {
            Ok(())
        } else {
            Err(ApiError::bare(StatusCode::FORBIDDEN))
        }
    }
}

/// The halves of a creator, as answers show them: user and project.
pub(super) fn creator_halves(creator: Option<&str>) -> (Option<&str>, Option<&str>) {
    match creator {
        Some(creator) => {
            let (user, project) = creator.split_once(':').unwrap_or((creator, ""));
            (Some(user), Some(project))
        }
        None => (None, None),
    }
}

/// The user of `Basic base64(user:password)`.
fn basic_user(authorization: &str) -> Option<String> {
    let (scheme, credentials) = authorization.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(base64(credentials.trim())?).ok()?;
    text.split_once(':').map(|(user, _)| user.to_owned())
}

/// Decodes standard base64; padding may be missing.
fn base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=').as_bytes();
    let mut out = Vec::with_capacity(digits.len() * 3 / 4);
    for chunk in digits.chunks(4) {
        let mut bits = 0_u32;
        for digit in chunk {
            let value = match digit {
                b'A'..=b'Z' => digit - b'A',
                b'a'..=b'z' => digit - b'a' + 26,
                b'0'..=b'9' => digit - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => return None,
            };
            bits = bits << 6 | u32::from(value);
        }
        let missing = 4 - chunk.len();
        if missing == 3 {
            return None;
        }
        let [_, bytes @ ..] = (bits << (6 * missing)).to_be_bytes();
        out.extend(bytes.iter().take(3 - missing));
    }
    Some(out)
}

#[cfg(test)]
impl Caller {
    /// An admin of that name.
    pub(super) fn test(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            dialect: Compatibility::V4_4,
            admin: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(authorization: &str, mode: AuthMode) -> ApiResult<Caller> {
        let mut headers = HeaderMap::new();
        if !authorization.is_empty() {
            headers.insert(header::AUTHORIZATION, authorization.parse().unwrap());
        }
        let config = ApiConfig {
            auth_mode: mode,
            ..ApiConfig::default()
        };
        Caller::of(&headers, &config)
    }

    #[test]
    fn base64_is_decoded_at_every_length() {
        for (text, expected) in [
            ("", ""),
            ("YQ==", "a"),
            ("YWI", "ab"),
            ("YWJj", "abc"),
            ("YWRtaW46", "admin:"),
        ] {
            assert_eq!(base64(text), Some(expected.as_bytes().to_vec()), "{text}");
        }
        assert_eq!(base64("YWJjZ"), None);
        assert_eq!(base64("Y*=="), None);
    }

    #[test]
    fn in_basic_mode_a_name_is_needed_and_only_admin_is_admin() {
        let admin = caller("basic YWRtaW46", AuthMode::Basic).unwrap();
        assert_eq!(admin.require_admin(), Ok(()));
        let foobar = caller("Basic Zm9vYmFyOg==", AuthMode::Basic).unwrap();
        assert_eq!(foobar.name, "foobar");
        assert_eq!(
            foobar.require_admin().unwrap_err().status,
            StatusCode::FORBIDDEN
        );
        assert_eq!(foobar.require_creator(Some("foobar")), Ok(()));
        assert!(
            foobar.require_creator(Some("other")).is_err() && foobar.require_creator(None).is_err()
        );
        for bad in ["", "Bearer token", "Basic !!!", "Basic", "Basic Zm9vYmFy"] {
            assert_eq!(
                caller(bad, AuthMode::Basic).unwrap_err().status,
                StatusCode::UNAUTHORIZED,
                "{bad}"
            );
        }
    }

    #[test]
    fn without_authentication_the_name_only_makes_the_creator() {
        let nobody = caller("", AuthMode::Noauth).unwrap();
        assert_eq!(
            (nobody.name.as_str(), nobody.require_admin()),
            ("admin", Ok(()))
        );
        let foobar = caller("basic Zm9vYmFyOg==", AuthMode::Noauth).unwrap();
        assert_eq!(
            (foobar.name.as_str(), foobar.require_creator(None)),
            ("foobar", Ok(()))
        );
    }

    #[test]
    fn a_creator_of_keystone_has_two_halves() {
        assert_eq!(
            creator_halves(Some("user:project")),
            (Some("user"), Some("project"))
        );
        assert_eq!(creator_halves(Some("admin")), (Some("admin"), Some("")));
        assert_eq!(creator_halves(None), (None, None));
    }
}
