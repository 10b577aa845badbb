//! Who asks, and what he may do. A request carries its sender as `api.auth_mode` says: the name of HTTP basic
//! authentication (passwords are the listener's matter, before a request gets here), a token of Keystone, or a header
//! that a proxy sets. What he may do is said by Gnocchi's policy rules over him and the thing.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use collector_index::{Filter, Metric, Resource};
use collector_model::{ResourceIdError, resource_id_within};
use uuid::Uuid;

use super::error::{ApiError, ApiResult};
use crate::api::{ApiConfig, AuthMode, Compatibility};
use crate::app::App;
use crate::auth::policy::{Action, Target};
use crate::auth::{ADMIN, Auth, Identity, Refusal};

/// Standard base64; padding may be missing.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The sender of a request.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    /// The creator of what he creates.
    pub(super) name: String,
    /// Whose words he is answered in.
    pub(super) dialect: Compatibility,
    /// How deep his filters may nest.
    pub(super) most_filter_depth: usize,
    identity: Arc<Identity>,
    auth: Arc<Auth>,
}

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
fn of_headers(auth: &Auth, mode: AuthMode, headers: &HeaderMap) -> Result<Identity, StatusCode> {
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
fn address(parts: &Parts, behind_proxy: bool) -> IpAddr {
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

impl Caller {
    /// Of that identity, judged by these rules.
    pub(super) fn new(identity: Arc<Identity>, auth: Arc<Auth>, config: &ApiConfig) -> Self {
        Self {
            name: identity.name.clone(),
            dialect: config.compatibility,
            most_filter_depth: config.max_filter_depth,
            identity,
            auth,
        }
    }

    /// Who he is and by which rules he is judged: what was found to be allowed stays so for the same.
    pub(super) fn judged_as(&self) -> (u64, &Identity) {
        (self.auth.generation, &self.identity)
    }

    /// The resource that he means by an id.
    pub(super) fn resource_id(&self, text: &str) -> Result<Uuid, ResourceIdError> {
        resource_id_within(text, Some(&self.name), self.dialect.longest_resource_id())
    }

    /// 403 unless he may do this at all.
    pub(super) fn require(&self, action: Action) -> ApiResult<()> {
        allow(self.allows(action, &[]))
    }

    /// 403 unless he may do it to this resource.
    pub(super) fn require_of_resource(&self, action: Action, resource: &Resource) -> ApiResult<()> {
        let (user, project) = creator_halves(resource.creator.as_deref());
        allow(self.allows(
            action,
            &[
                ("id", Some(&resource.id.to_string())),
                ("type", Some(&resource.resource_type)),
                ("creator", resource.creator.as_deref()),
                ("created_by_user_id", user),
                ("created_by_project_id", project),
                ("user_id", resource.user_id.as_deref()),
                ("project_id", resource.project_id.as_deref()),
            ],
        ))
    }

    /// 403 unless he may do it to this metric. The owner of its resource is looked up only where it may help.
    pub(super) async fn require_of_metric(
        &self,
        app: &App,
        action: Action,
        metric: &Metric,
    ) -> ApiResult<()> {
        if self.auth.mode == AuthMode::Noauth {
            return Ok(());
        }
        let (user, project) = creator_halves(metric.creator.as_deref());
        let mut target = vec![
            ("creator", metric.creator.as_deref()),
            ("created_by_user_id", user),
            ("created_by_project_id", project),
            ("name", metric.name.as_deref()),
        ];
        if self.allows(action, &target) {
            return Ok(());
        }
        let Some(id) = metric
            .resource_id
            .filter(|_| self.identity.project_id.is_some())
        else {
            return allow(false);
        };
        let resource = app.index.resource("generic", id).await?;
        target.push(("resource.project_id", resource.project_id.as_deref()));
        target.push(("resource.user_id", resource.user_id.as_deref()));
        target.push(("resource.creator", resource.creator.as_deref()));
        allow(self.allows(action, &target))
    }

    /// The filter of a list or a search, limited to the resources that he may see.
    ///
    /// # Errors
    /// 403 where he may see none, whosever they are.
    pub(super) fn limit_resources(
        &self,
        action: Action,
        filter: Option<Filter>,
    ) -> ApiResult<Option<Filter>> {
        self.limit(action, filter, "project_id")
    }

    /// The same for a list of metrics.
    pub(super) fn limit_metrics(
        &self,
        action: Action,
        filter: Option<Filter>,
    ) -> ApiResult<Option<Filter>> {
        self.limit(action, filter, "resource.project_id")
    }

    /// The filter of what is to be deleted, for all but an admin limited to what he created.
    pub(super) fn limit_to_own(&self, action: Action, filter: Filter) -> ApiResult<Filter> {
        if self.auth.mode == AuthMode::Keystone {
            let limited = self.limit_resources(action, Some(filter))?;
            return Ok(limited.unwrap_or(Filter::And(Vec::new())));
        }
        if self.allows(action, &[]) {
            return Ok(filter);
        }
        let own = Filter::eq("creator", self.name.as_str());
        Ok(Filter::And(vec![filter, own]))
    }

    /// Without Keystone there are no projects, and Gnocchi shows everything to everybody who is known.
    fn limit(
        &self,
        action: Action,
        filter: Option<Filter>,
        owner: &str,
    ) -> ApiResult<Option<Filter>> {
        if self.auth.mode != AuthMode::Keystone || self.allows(action, &[]) {
            return Ok(filter);
        }
        let project = self.identity.project_id.as_deref();
        let fields = [owner, "created_by_project_id"].into_iter();
        let allowed = fields.filter(|field| self.allows(action, &[(field, project)]));
        let allowed: Vec<Filter> = allowed.map(|field| Filter::eq(field, project)).collect();
        if allowed.is_empty() {
            return Err(ApiError::new(
                StatusCode::FORBIDDEN,
                "Insufficient privileges",
            ));
        }
        Ok(Some(Filter::And(
            filter.into_iter().chain([Filter::Or(allowed)]).collect(),
        )))
    }

    fn allows(&self, action: Action, target: &Target<'_>) -> bool {
        self.auth.mode == AuthMode::Noauth
            || self.auth.policy.allows(action, &self.identity, target)
    }
}

fn allow(allowed: bool) -> ApiResult<()> {
    if allowed {
        Ok(())
    } else {
        Err(ApiError::bare(StatusCode::FORBIDDEN))
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
    let text = String::from_utf8(BASE64.decode(credentials.trim()).ok()?).ok()?;
    text.split_once(':').map(|(user, _)| user.to_owned())
}

#[cfg(test)]
#[path = "auth_tests.rs"]
mod tests;
