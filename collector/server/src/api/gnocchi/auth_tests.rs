use axum::http::{HeaderMap, header};
use collector_model::Timestamp;

use super::super::sender::of_headers;
use super::*;
use crate::auth::AuthConfig;
use crate::auth::policy::Policy;

impl Caller {
    /// One of that name who may do everything.
    pub(in crate::api) fn test(name: &str) -> Self {
        let identity = Arc::new(Identity::of_name(name));
        Self::new(identity, auth(AuthMode::Noauth), &ApiConfig::default())
    }
}

fn auth(mode: AuthMode) -> Arc<Auth> {
    Arc::new(Auth::new(mode, AuthConfig::default(), Policy::default(), None).unwrap())
}

fn caller(header: &str, value: &str, mode: AuthMode) -> Result<Caller, StatusCode> {
    let mut headers = HeaderMap::new();
    if !value.is_empty() {
        headers.insert(
            header::HeaderName::from_bytes(header.as_bytes()).unwrap(),
            value.parse().unwrap(),
        );
    }
    let auth = auth(mode);
    let identity = of_headers(&auth, mode, &headers)?;
    Ok(Caller::new(Arc::new(identity), auth, &ApiConfig::default()))
}

fn resource(creator: Option<&str>, project: Option<&str>) -> Resource {
    Resource {
        creator: creator.map(str::to_owned),
        project_id: project.map(str::to_owned),
        id: uuid::Uuid::nil(),
        revision: -1,
        original_resource_id: String::new(),
        resource_type: "generic".to_owned(),
        user_id: None,
        started_at: Timestamp(0),
        ended_at: None,
        revision_start: Timestamp(0),
        revision_end: None,
        attributes: serde_json::Map::new(),
        metrics: std::collections::BTreeMap::new(),
    }
}

/// Alice, a member of the project p1, as Keystone makes her known.
fn alice() -> Caller {
    let identity = Identity {
        name: "alice:p1".to_owned(),
        user_id: Some("alice".to_owned()),
        project_id: Some("p1".to_owned()),
        roles: vec!["member".to_owned()],
        ..Identity::default()
    };
    // Keystone is not asked here: she is known already.
    let mut auth = Auth::new(
        AuthMode::Basic,
        AuthConfig::default(),
        Policy::default(),
        None,
    )
    .unwrap();
    auth.mode = AuthMode::Keystone;
    Caller::new(Arc::new(identity), Arc::new(auth), &ApiConfig::default())
}

#[test]
fn in_basic_mode_a_name_is_needed_and_only_admin_is_admin() {
    let admin = caller("authorization", "basic YWRtaW46", AuthMode::Basic).unwrap();
    assert_eq!(admin.require(Action::CreateArchivePolicy), Ok(()));
    let foobar = caller("authorization", "Basic Zm9vYmFyOg", AuthMode::Basic).unwrap();
    assert_eq!(foobar.name, "foobar");
    assert_eq!(
        foobar
            .require(Action::CreateArchivePolicy)
            .unwrap_err()
            .status,
        StatusCode::FORBIDDEN
    );
    let update =
        |creator| foobar.require_of_resource(Action::UpdateResource, &resource(creator, None));
    assert_eq!(update(Some("foobar")), Ok(()));
    assert!(update(Some("other")).is_err() && update(None).is_err());
    for bad in ["", "Bearer token", "Basic !!!", "Basic", "Basic Zm9vYmFy"] {
        let refused = caller("authorization", bad, AuthMode::Basic);
        assert_eq!(refused.unwrap_err(), StatusCode::UNAUTHORIZED, "{bad}");
    }
}

#[test]
fn without_authentication_the_name_only_makes_the_creator() {
    let nobody = caller("authorization", "", AuthMode::Noauth).unwrap();
    assert_eq!(nobody.name, "admin");
    let foobar = caller("authorization", "basic Zm9vYmFyOg==", AuthMode::Noauth).unwrap();
    assert_eq!(foobar.name, "foobar");
    assert_eq!(foobar.require(Action::GetStatus), Ok(()));
    let theirs = resource(Some("other"), None);
    assert_eq!(
        foobar.require_of_resource(Action::DeleteResource, &theirs),
        Ok(())
    );
}

#[test]
fn in_remoteuser_mode_the_proxys_header_names_the_sender_and_nothing_else_does() {
    let admin = caller("x-remote-user", "admin", AuthMode::Remoteuser).unwrap();
    assert_eq!(admin.require(Action::GetStatus), Ok(()));
    let other = caller("authorization", "basic YWRtaW46", AuthMode::Remoteuser);
    assert_eq!(other.unwrap_err(), StatusCode::UNAUTHORIZED);
}

#[test]
fn with_keystone_a_member_reads_what_is_of_his_project_and_changes_what_it_made() {
    let alice = alice();
    let owned = resource(Some("ceilometer:service"), Some("p1"));
    let foreign = resource(Some("ceilometer:service"), Some("p2"));
    let made = resource(Some("bob:p1"), None);
    assert_eq!(
        alice.require_of_resource(Action::GetResource, &owned),
        Ok(())
    );
    assert!(
        alice
            .require_of_resource(Action::UpdateResource, &owned)
            .is_err()
    );
    assert!(
        alice
            .require_of_resource(Action::GetResource, &foreign)
            .is_err()
    );
    assert_eq!(
        alice.require_of_resource(Action::DeleteResource, &made),
        Ok(())
    );
}

#[test]
fn with_keystone_lists_are_limited_to_the_project() {
    let alice = alice();
    let limited = alice.limit_resources(Action::ListResource, None).unwrap();
    let own = Filter::Or(vec![
        Filter::eq("project_id", "p1"),
        Filter::eq("created_by_project_id", "p1"),
    ]);
    assert_eq!(limited, Some(Filter::And(vec![own])));
    let deleted = alice
        .limit_to_own(Action::DeleteResources, Filter::eq("id", "x"))
        .unwrap();
    let made = Filter::Or(vec![Filter::eq("created_by_project_id", "p1")]);
    assert_eq!(deleted, Filter::And(vec![Filter::eq("id", "x"), made]));
    let foobar = caller("authorization", "basic Zm9vYmFyOg==", AuthMode::Basic).unwrap();
    assert_eq!(foobar.limit_resources(Action::ListResource, None), Ok(None));
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
