//! Who asks, and what he may do: that is said by Gnocchi's policy rules over him and the thing. How a request tells who
//! asks is in `sender`.

use std::sync::Arc;

use axum::http::StatusCode;
use collector_index::{Filter, Metric, Resource};
use collector_model::{ResourceIdError, resource_id_within};
use uuid::Uuid;

use super::error::{ApiError, ApiResult};
use crate::api::{ApiConfig, AuthMode, Compatibility};
use crate::app::App;
use crate::auth::policy::{Action, Target};
use crate::auth::{Auth, Identity};

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

    /// 403 unless he may do it to each of these metrics.
    pub(super) async fn require_of_metrics(
        &self,
        app: &App,
        action: Action,
        metrics: &[Arc<Metric>],
    ) -> ApiResult<()> {
        for metric in metrics {
            self.require_of_metric(app, action, metric).await?;
        }
        Ok(())
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

#[cfg(test)]
#[path = "auth_tests.rs"]
mod tests;
