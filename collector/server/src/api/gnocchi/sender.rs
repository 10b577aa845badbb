//! How a request tells its sender, as `api.auth_mode` says: the name of HTTP basic authentication (passwords are the
//! listener's matter, before a request gets here), a token of Keystone, or a header that a proxy sets.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::auth::Caller;
use super::error::ApiError;
use crate::api::AuthMode;
use crate::app::App;
use crate::auth::{ADMIN, Auth, Identity, Refusal};

/// Standard base64; padding may be missing.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A request whose sender is not known.
#[derive(Debug)]
pub(super) struct Unknown {
    error: ApiError,
    headers: Vec<(header::HeaderName, HeaderValue)>,
}

impl From<StatusCode> for Unknown {
    fn from(status: StatusCode) -> Self {
        Self {
            error: ApiError::bare(status),
            headers: Vec::new(),
        }
    }
}

impl IntoResponse for Unknown {
    fn into_response(self) -> Response {
        let mut response = self.error.into_response();
        response.headers_mut().extend(self.headers);
        response
    }
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Unknown;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Unknown> {
        let auth = app.auth();
        let identity = match auth.mode {
            AuthMode::Keystone => of_token(&auth, parts, app).await?,
            mode => Arc::new(of_headers(&auth, mode, &parts.headers)?),
        };
        Ok(Self::new(identity, auth, &app.api()))
    }
}

/// The sender by a name that a header says.
pub(super) fn of_headers(
    auth: &Auth,
    mode: AuthMode,
    headers: &HeaderMap,
) -> Result<Identity, StatusCode> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let name = match mode {
        AuthMode::Remoteuser => header(&auth.remote_user_header).map(str::to_owned),
        _ => header(header::AUTHORIZATION.as_str()).and_then(basic_user),
    };
    match (mode, name.filter(|name| !name.is_empty())) {
        (_, Some(name)) => Ok(Identity::of_name(&name)),
        (AuthMode::Noauth, None) => Ok(Identity::of_name(ADMIN)),
        _ => Err(StatusCode::UNAUTHORIZED),
    }
}

/// The sender by his token.
async fn of_token(auth: &Auth, parts: &Parts, app: &App) -> Result<Arc<Identity>, Unknown> {
    let Some(keystone) = &auth.keystone else {
        return Err(StatusCode::SERVICE_UNAVAILABLE.into());
    };
    let token = parts.headers.get("x-auth-token");
    let token = token
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let address = address(parts, app.api().enable_proxy_headers_parsing);
    let refusal = match keystone.identify(token, address).await {
        Ok(identity) => return Ok(identity),
        Err(refusal) => refusal,
    };
    let (status, header) = match refusal {
        Refusal::Unauthorized => {
            let challenge = HeaderValue::from_str(keystone.challenge()).ok();
            let header = challenge.map(|value| (header::WWW_AUTHENTICATE, value));
            (StatusCode::UNAUTHORIZED, header)
        }
        Refusal::TooMany(wait) => {
            let wait = (header::RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1));
            (StatusCode::TOO_MANY_REQUESTS, Some(wait))
        }
        Refusal::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, None),
    };
    Err(Unknown {
        error: ApiError::bare(status),
        headers: header.into_iter().collect(),
    })
}

/// Where a request comes from: the connection's other end, or what the proxy there says of it.
pub(super) fn address(parts: &Parts, behind_proxy: bool) -> IpAddr {
    let forwarded = parts
        .headers
        .get("x-forwarded-for")
        .filter(|_| behind_proxy);
    let forwarded =
        forwarded.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
    let peer = || parts.extensions.get::<ConnectInfo<SocketAddr>>();
    forwarded
        .or_else(|| peer().map(|ConnectInfo(peer)| peer.ip()))
        .unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

/// The user of `Basic base64(user:password)`.
pub(super) fn basic_user(authorization: &str) -> Option<String> {
    let (scheme, credentials) = authorization.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(BASE64.decode(credentials.trim()).ok()?).ok()?;
    text.split_once(':').map(|(user, _)| user.to_owned())
}
