//! The actions that endpoints ask about, and the rules that Gnocchi has for them by default.

/// Gnocchi's rules, by name, in the language of oslo.policy. An empty one holds for everybody who is known.
pub(super) const RULES: &[(&str, &str)] = &[
    (
        "admin_or_creator",
        "role:admin or user:%(creator)s or project_id:%(created_by_project_id)s",
    ),
    ("resource_owner", "project_id:%(project_id)s"),
    ("metric_owner", "project_id:%(resource.project_id)s"),
    (Action::GetStatus.name(), "role:admin"),
    (Action::CreateResource.name(), ""),
    (
        Action::GetResource.name(),
        "rule:admin_or_creator or rule:resource_owner",
    ),
    (Action::UpdateResource.name(), "rule:admin_or_creator"),
    (Action::DeleteResource.name(), "rule:admin_or_creator"),
    (Action::DeleteResources.name(), "rule:admin_or_creator"),
    (
        Action::ListResource.name(),
        "rule:admin_or_creator or rule:resource_owner",
    ),
    (
        Action::SearchResource.name(),
        "rule:admin_or_creator or rule:resource_owner",
    ),
    (Action::CreateResourceType.name(), "role:admin"),
    (Action::DeleteResourceType.name(), "role:admin"),
    (Action::UpdateResourceType.name(), "role:admin"),
    (Action::ListResourceType.name(), ""),
    (Action::GetResourceType.name(), ""),
    (Action::GetArchivePolicy.name(), ""),
    (Action::ListArchivePolicy.name(), ""),
    (Action::CreateArchivePolicy.name(), "role:admin"),
    (Action::UpdateArchivePolicy.name(), "role:admin"),
    (Action::DeleteArchivePolicy.name(), "role:admin"),
    (Action::CreateArchivePolicyRule.name(), "role:admin"),
    (Action::GetArchivePolicyRule.name(), ""),
    (Action::ListArchivePolicyRule.name(), ""),
    (Action::UpdateArchivePolicyRule.name(), "role:admin"),
    (Action::DeleteArchivePolicyRule.name(), "role:admin"),
    (Action::CreateMetric.name(), ""),
    (Action::DeleteMetric.name(), "rule:admin_or_creator"),
    (
        Action::GetMetric.name(),
        "rule:admin_or_creator or rule:metric_owner",
    ),
    (
        Action::SearchMetric.name(),
        "rule:admin_or_creator or rule:metric_owner",
    ),
    (
        Action::ListMetric.name(),
        "rule:admin_or_creator or rule:metric_owner",
    ),
    (
        Action::GetMeasures.name(),
        "rule:admin_or_creator or rule:metric_owner",
    ),
    (Action::PostMeasures.name(), "rule:admin_or_creator"),
];

/// What somebody may want to do; the names in policy files are Gnocchi's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is named for what it allows")]
pub(crate) enum Action {
    GetStatus,
    CreateResource,
    GetResource,
    UpdateResource,
    DeleteResource,
    DeleteResources,
    ListResource,
    SearchResource,
    CreateResourceType,
    DeleteResourceType,
    UpdateResourceType,
    ListResourceType,
    GetResourceType,
    GetArchivePolicy,
    ListArchivePolicy,
    CreateArchivePolicy,
    UpdateArchivePolicy,
    DeleteArchivePolicy,
    CreateArchivePolicyRule,
    GetArchivePolicyRule,
    ListArchivePolicyRule,
    UpdateArchivePolicyRule,
    DeleteArchivePolicyRule,
    CreateMetric,
    DeleteMetric,
    GetMetric,
    SearchMetric,
    ListMetric,
    GetMeasures,
    PostMeasures,
}

impl Action {
    /// Its name in policy files.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::GetStatus => "get status",
            Self::CreateResource => "create resource",
            Self::GetResource => "get resource",
            Self::UpdateResource => "update resource",
            Self::DeleteResource => "delete resource",
            Self::DeleteResources => "delete resources",
            Self::ListResource => "list resource",
            Self::SearchResource => "search resource",
            Self::CreateResourceType => "create resource type",
            Self::DeleteResourceType => "delete resource type",
            Self::UpdateResourceType => "update resource type",
            Self::ListResourceType => "list resource type",
            Self::GetResourceType => "get resource type",
            Self::GetArchivePolicy => "get archive policy",
            Self::ListArchivePolicy => "list archive policy",
            Self::CreateArchivePolicy => "create archive policy",
            Self::UpdateArchivePolicy => "update archive policy",
            Self::DeleteArchivePolicy => "delete archive policy",
            Self::CreateArchivePolicyRule => "create archive policy rule",
            Self::GetArchivePolicyRule => "get archive policy rule",
            Self::ListArchivePolicyRule => "list archive policy rule",
            Self::UpdateArchivePolicyRule => "update archive policy rule",
            Self::DeleteArchivePolicyRule => "delete archive policy rule",
            Self::CreateMetric => "create metric",
            Self::DeleteMetric => "delete metric",
            Self::GetMetric => "get metric",
            Self::SearchMetric => "search metric",
            Self::ListMetric => "list metric",
            Self::GetMeasures => "get measures",
            Self::PostMeasures => "post measures",
        }
    }
}
