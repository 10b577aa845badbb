//! Tests of the web configuration file: what it may hold, what is refused, and what a change on disk does.

use std::fs;

use super::*;

/// The hash of `right` at the least cost.
fn hash() -> String {
    bcrypt::hash("right", 4).unwrap()
}

fn refused(text: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("web.yml");
    fs::write(&path, text).unwrap();
    let error = WebConfig::load(&path).err().unwrap().to_string();
    assert_eq!(error.lines().count(), 1, "{error}");
    error.replace(path.to_str().unwrap(), "web.yml")
}

/// Lets the next look at the files be a real one.
fn forget(web: &WebConfig) {
    web.state.lock().unwrap().checked -= FRESH;
}

#[test]
fn an_empty_file_means_plain_http_for_everybody() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("web.yml");
    for text in [
        "",
        "# nothing\n",
        "tls_server_config:\nbasic_auth_users:\nhttp_server_config:\n",
    ] {
        fs::write(&path, text).unwrap();
        let loaded = WebConfig::load(&path).unwrap().current();
        assert!(
            loaded.tls.is_none() && loaded.users.is_empty() && loaded.headers.is_empty(),
            "{text}"
        );
    }
}

#[test]
fn users_and_headers_are_taken() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("web.yml");
    let text = format!(
        "http_server_config:\n  http2: false\n  headers:\n    X-Frame-Options: deny\n    X-XSS-Protection: \"\"\n\
         basic_auth_users:\n  alice: {}\n",
        hash()
    );
    fs::write(&path, text).unwrap();
    let loaded = WebConfig::load(&path).unwrap().current();
    assert!(!loaded.users.is_empty());
    assert_eq!(loaded.headers.len(), 1);
    assert_eq!(loaded.headers.get("x-frame-options").unwrap(), "deny");
}

#[test]
fn what_is_not_understood_is_refused_with_its_place() {
    for (text, expected) in [
        (
            "basic_auth_user: {}\n",
            "web.yml:1: unknown key \"basic_auth_user\", expected one of tls_server_config",
        ),
        (
            "\nrate_limit: {burst: 1}\n",
            "web.yml:2: unknown key \"rate_limit\"",
        ),
        (
            "basic_auth_users:\n  alice: secret\n",
            "web.yml: basic_auth_users.alice: expected a bcrypt hash",
        ),
        ("basic_auth_users: [alice]\n", "web.yml:1: "),
        (
            "tls_server_config: {}\n",
            "web.yml: tls_server_config.cert_file: expected a file",
        ),
        (
            "tls_server_config:\n  cert_file: /nonexistent\n",
            "web.yml: tls_server_config.cert_file: cannot read /nonexistent: ",
        ),
        (
            "tls_server_config:\n  cert: nonsense\n",
            "web.yml: tls_server_config.cert_file: expected at least one certificate",
        ),
        (
            "tls_server_config:\n  client_allowed_sans: [x]\n",
            "web.yml:2: unknown key \"client_allowed_sans\"",
        ),
        (
            "http_server_config:\n  headers: {Server: x}\n",
            "web.yml: http_server_config.headers.Server: expected one of Content-",
        ),
        (
            "http_server_config:\n  headers: {X-Frame-Options: x}\n",
            "web.yml: http_server_config.headers.X-Frame-Options: expected deny or",
        ),
    ] {
        let error = refused(text);
        assert!(error.starts_with(expected), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn a_missing_file_is_an_error_and_not_an_open_door() {
    let error = WebConfig::load(Path::new("/nonexistent/web.yml"))
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.starts_with("cannot read /nonexistent/web.yml: "),
        "{error}"
    );
}

#[test]
fn a_change_is_taken_and_a_wrong_change_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("web.yml");
    fs::write(&path, "").unwrap();
    let web = WebConfig::load(&path).unwrap();
    let users = format!("basic_auth_users:\n  alice: {}\n", hash());
    fs::write(&path, &users).unwrap();
    forget(&web);
    assert!(!web.current().users.is_empty());
    for (text, is_refused) in [
        ("basic_auth_users: nonsense\n", true),
        ("nobody: {}\n", true),
        (users.as_str(), false),
    ] {
        fs::write(&path, text).unwrap();
        forget(&web);
        assert!(!web.current().users.is_empty(), "{text}");
        assert_eq!(web.reload().is_err(), is_refused, "{text}");
    }
    fs::remove_file(&path).unwrap();
    forget(&web);
    assert!(!web.current().users.is_empty());
    assert!(web.reload().is_err());
    fs::write(&path, "").unwrap();
    forget(&web);
    assert!(web.current().users.is_empty());
}

#[test]
fn a_renewed_certificate_is_taken_and_half_a_renewal_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let renew = |files: &[&str]| {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        for (name, pem) in [
            ("cert.pem", made.cert.pem()),
            ("key.pem", made.signing_key.serialize_pem()),
        ] {
            if files.contains(&name) {
                fs::write(dir.path().join(name), pem).unwrap();
            }
        }
    };
    renew(&["cert.pem", "key.pem"]);
    let path = dir.path().join("web.yml");
    fs::write(
        &path,
        "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n",
    )
    .unwrap();
    let web = WebConfig::load(&path).unwrap();
    let first = web.current();
    assert!(first.tls.is_some());
    forget(&web);
    assert!(Arc::ptr_eq(&first, &web.current()), "nothing changed");
    renew(&["cert.pem"]);
    forget(&web);
    assert!(
        Arc::ptr_eq(&first, &web.current()),
        "the new certificate has no key yet"
    );
    renew(&["cert.pem", "key.pem"]);
    forget(&web);
    assert!(!Arc::ptr_eq(&first, &web.current()));
}
