//! The parts of a validation that need no Keystone; a real one is asked in the program's own tests.

use super::*;

fn identity(token: &str) -> Identity {
    let Answer { token } = serde_json::from_str(token).unwrap();
    token.identity()
}

#[test]
fn a_token_of_a_project_makes_the_creator_of_user_and_project() {
    let identity = identity(
        r#"{"token": {"expires_at": "2026-01-01T00:00:00.000000Z", "user": {"id": "u1", "name": "alice",
            "domain": {"id": "default"}}, "project": {"id": "p1"}, "roles": [{"id": "r", "name": "member"}]}}"#,
    );
    assert_eq!(identity.name, "u1:p1");
    assert_eq!(identity.project_id.as_deref(), Some("p1"));
    assert_eq!(identity.roles, ["member"]);
    assert_eq!(identity.system_scope, None);
}

#[test]
fn a_token_without_a_project_has_none() {
    let identity = identity(
        r#"{"token": {"expires_at": "x", "user": {"id": "u1"}, "system": {"all": true}, "roles": []}}"#,
    );
    assert_eq!((identity.name.as_str(), identity.project_id), ("u1:", None));
    assert_eq!(identity.system_scope.as_deref(), Some("all"));
}

#[tokio::test]
async fn a_keystone_that_is_not_there_lets_nobody_in() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = KeystoneConfig {
        auth_url: "http://127.0.0.1:1/v3/".to_owned(),
        ..KeystoneConfig::default()
    };
    let keystone = Keystone::new(&config).unwrap();
    let address = IpAddr::from([127, 0, 0, 1]);
    for _ in 0..2 {
        assert_eq!(
            keystone.identify("abc", address).await,
            Err(Refusal::Unavailable)
        );
    }
    // Not asked about at all.
    let long = "a".repeat(TOKEN_BYTES + 1);
    for token in ["", "a\nb", long.as_str()] {
        assert_eq!(
            keystone.identify(token, address).await,
            Err(Refusal::Unauthorized)
        );
    }
    assert_eq!(
        keystone.challenge(),
        "Keystone uri=\"http://127.0.0.1:1/v3\""
    );
}

#[test]
fn a_file_without_certificates_is_refused_by_its_name() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let file = tempfile::NamedTempFile::new().unwrap();
    let config = KeystoneConfig {
        ca_file: Some(file.path().to_owned()),
        ..KeystoneConfig::default()
    };
    let error = Keystone::new(&config).unwrap_err();
    assert!(
        error.starts_with("keystone: ca_file: ") && error.contains("found none"),
        "{error}"
    );
}
