use std::io::Write as _;

use serde_json::json;

use super::*;

fn alice() -> Identity {
    Identity {
        name: "alice-id:p1".to_owned(),
        user_id: Some("alice-id".to_owned()),
        project_id: Some("p1".to_owned()),
        roles: vec!["Member".to_owned()],
        ..Identity::default()
    }
}

fn admin() -> Identity {
    Identity::of_name("admin")
}

/// Whether a rule of this text lets Alice do a thing to this target.
fn holds(text: &str, target: &Target<'_>) -> bool {
    let check = parse::rule(text).unwrap();
    Policy::default().holds(&check, &alice(), target, 0)
}

fn loaded(yaml: &str) -> Result<Policy, String> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(yaml.as_bytes()).unwrap();
    let path = file.path().display().to_string();
    Policy::load(Some(file.path())).map_err(|error| error.replace(&path, "FILE"))
}

#[test]
fn every_default_rule_is_one_and_refers_to_others_that_are_there() {
    assert_eq!(Policy::default().rules.len(), defaults::RULES.len());
    assert_eq!(Policy::default().check_references(), Ok(()));
}

#[test]
fn by_default_an_owner_reads_the_creator_changes_and_an_admin_does_all() {
    let policy = Policy::default();
    let own = [
        ("project_id", Some("p1")),
        ("creator", Some("ceilometer:service")),
        ("created_by_project_id", Some("service")),
    ];
    let other = [
        ("project_id", Some("p2")),
        ("creator", Some("ceilometer:service")),
        ("created_by_project_id", Some("service")),
    ];
    let made = [
        ("project_id", None),
        ("creator", Some("alice-id:p1")),
        ("created_by_project_id", Some("p1")),
    ];
    assert!(policy.allows(Action::GetResource, &alice(), &own));
    assert!(!policy.allows(Action::UpdateResource, &alice(), &own));
    assert!(!policy.allows(Action::GetResource, &alice(), &other));
    assert!(policy.allows(Action::UpdateResource, &alice(), &made));
    assert!(policy.allows(Action::UpdateResource, &admin(), &other));
    assert!(policy.allows(
        Action::GetMeasures,
        &alice(),
        &[("resource.project_id", Some("p1"))]
    ));
    assert!(!policy.allows(Action::CreateArchivePolicy, &alice(), &[]));
    assert!(policy.allows(Action::ListArchivePolicy, &alice(), &[]));
}

#[test]
fn what_the_target_or_the_asker_lacks_never_matches() {
    let policy = Policy::default();
    let nobody = [
        ("project_id", None),
        ("creator", None),
        ("created_by_project_id", Some("")),
    ];
    let without_project = Identity {
        project_id: None,
        ..alice()
    };
    let empty_project = Identity {
        project_id: Some(String::new()),
        ..alice()
    };
    for who in [without_project, empty_project, alice()] {
        assert!(!policy.allows(Action::GetResource, &who, &nobody));
        assert!(!policy.allows(Action::GetResource, &who, &[]));
    }
}

#[test]
fn not_binds_closer_than_and_and_that_closer_than_or() {
    assert!(holds("role:member or role:x and role:y", &[]));
    assert!(!holds("(role:member or role:x) and role:y", &[]));
    assert!(holds("not role:x and role:MEMBER", &[]));
    assert!(!holds("not (role:x or role:member)", &[]));
    assert!(holds("@", &[]) && holds("", &[]) && !holds("!", &[]) && !holds("not @", &[]));
    assert!(holds("'p1':%(project_id)s", &[("project_id", Some("p1"))]));
    assert!(!holds("None:%(project_id)s", &[("project_id", Some("p1"))]));
    assert!(holds("role:%(wanted)s", &[("wanted", Some("member"))]));
}

#[test]
fn rules_of_a_file_take_the_place_of_the_defaults() {
    let policy = loaded("\"get status\": \"role:reader\"\n\"create metric\": [[\"role:a\", \"role:b\"], [\"role:member\"]]\n").unwrap();
    let reader = Identity {
        roles: vec!["reader".to_owned()],
        ..alice()
    };
    assert!(policy.allows(Action::GetStatus, &reader, &[]));
    assert!(!policy.allows(Action::GetStatus, &admin(), &[]));
    assert!(policy.allows(Action::CreateMetric, &alice(), &[]));
    assert!(!policy.allows(Action::CreateMetric, &admin(), &[]));
    assert!(policy.allows(Action::CreateResource, &alice(), &[]));
}

#[test]
fn a_file_that_would_lock_out_without_a_word_is_refused_with_the_rule_named() {
    for (yaml, reason) in [
        ("a: \"rule:b\"", "FILE: rule \"a\": there is no rule \"b\""),
        ("a: \"rule:b\"\nb: \"not rule:a\"", "refers to itself"),
        (
            "a: \"role:x and\"",
            "FILE: rule \"a\": ends where a check was expected",
        ),
        ("a: \"(role:x\"", "lacks a closing parenthesis"),
        ("a: \"role:x role:y\"", "did not expect \"role:y\""),
        (
            "a: admin",
            "expected a check such as role:admin, found \"admin\"",
        ),
        ("a: \"http://elsewhere\"", "http checks are not supported"),
        ("a: \"project_id:%(project_id)\"", "expected %(name)s"),
        ("a: 5", "expected text"),
    ] {
        let error = loaded(yaml).unwrap_err();
        assert!(error.contains(reason), "{yaml}: {error}");
    }
}

#[test]
fn a_rule_nested_too_deep_is_refused() {
    let deep = format!("{}role:x{}", "(".repeat(1000), ")".repeat(1000));
    assert!(parse::rule(&deep).unwrap_err().contains("nested deeper"));
    assert!(parse::rule(&"not ".repeat(1000)).is_err());
    assert!(parse::value(&json!([[]])).is_ok());
}
