//! Who may come in: passwords and TLS by a web configuration file, its changes while the daemon runs, and clients that
//! are slow on purpose.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use common::{LONG, Tiny, gauge, until};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use testkit::http::{self, Response};

fn start(config: &Path) -> Tiny {
    let flag = format!("--web.config.file={}", config.display());
    Tiny::start(&[&flag], vec![gauge("one")], |daemon| daemon)
}

fn users(users: &[(&str, &str)]) -> String {
    let lines = users
        .iter()
        .map(|(user, password)| format!("  {user}: {}\n", bcrypt::hash(password, 4).unwrap()));
    format!("basic_auth_users:\n{}", lines.collect::<String>())
}

fn get_as(tiny: &Tiny, credentials: &str) -> Response {
    let header = format!(
        "Basic {}",
        base64::engine::general_purpose::STANDARD.encode(credentials)
    );
    http::get_with(&tiny.url("/metrics"), &[("authorization", &header)])
}

#[test]
fn passwords_are_asked_for_on_every_page() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("web.yml");
    fs::write(&config, users(&[("alice", "right"), ("bob", "other")])).unwrap();
    let tiny = start(&config);
    for path in ["/metrics", "/", "/-/healthy", "/-/ready", "/nothing"] {
        let refused = tiny.get(path).expect_status(401);
        assert_eq!(refused.header("www-authenticate"), Some("Basic"));
        assert!(!refused.text().contains("one"));
    }
    assert_eq!(
        http::request("POST", &tiny.url("/-/reload"), &[], b"").status,
        401
    );
    for (credentials, status) in [
        ("alice:right", 200),
        ("alice:right", 200),
        ("bob:other", 200),
        ("alice:other", 401),
        ("alice:", 401),
        ("nobody:right", 401),
        (":", 401),
    ] {
        assert_eq!(get_as(&tiny, credentials).status, status, "{credentials}");
    }
}

#[test]
fn headers_are_on_every_answer() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("web.yml");
    fs::write(
        &config,
        "http_server_config:\n  headers:\n    X-Frame-Options: deny\n",
    )
    .unwrap();
    let tiny = start(&config);
    for path in ["/", "/metrics", "/nothing"] {
        assert_eq!(
            tiny.get(path).header("x-frame-options"),
            Some("deny"),
            "{path}"
        );
    }
}

#[test]
fn a_changed_file_is_in_force_and_a_wrong_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("web.yml");
    fs::write(&config, users(&[("alice", "old")])).unwrap();
    let tiny = start(&config);
    assert_eq!(get_as(&tiny, "alice:old").status, 200);
    fs::write(&config, users(&[("alice", "new")])).unwrap();
    until(|| get_as(&tiny, "alice:new").status == 200);
    assert_eq!(get_as(&tiny, "alice:old").status, 401);
    fs::write(&config, "nobody: {}\n").unwrap();
    let header = format!(
        "Basic {}",
        base64::engine::general_purpose::STANDARD.encode("alice:new")
    );
    let answer = http::request(
        "POST",
        &tiny.url("/-/reload"),
        &[("authorization", &header)],
        b"",
    )
    .expect_status(500);
    assert!(
        answer.text().contains("web.yml:1: unknown key \"nobody\""),
        "{}",
        answer.text()
    );
    assert_eq!(get_as(&tiny, "alice:new").status, 200);
    assert_eq!(tiny.get("/metrics").status, 401);
}

/// A certificate for `localhost` with its key, as PEM.
struct Made {
    cert: String,
    key: String,
}

fn made() -> Made {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    Made {
        cert: made.cert.pem(),
        key: made.signing_key.serialize_pem(),
    }
}

fn write_tls(dir: &Path, server: &Made, more: &str) -> std::path::PathBuf {
    fs::write(dir.join("cert.pem"), &server.cert).unwrap();
    fs::write(dir.join("key.pem"), &server.key).unwrap();
    let config = dir.join("web.yml");
    fs::write(
        &config,
        format!("tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n{more}"),
    )
    .unwrap();
    config
}

/// Asks for the metrics over TLS, trusting only this certificate.
fn get_tls(tiny: &Tiny, trusted: &Made, client: Option<&Made>) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(trusted.cert.as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = builder.with_root_certificates(roots);
    let config = match client {
        None => builder.with_no_client_auth(),
        Some(made) => {
            let chain = vec![CertificateDer::from_pem_slice(made.cert.as_bytes()).unwrap()];
            let key = PrivateKeyDer::from_pem_slice(made.key.as_bytes()).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    };
    let connection =
        ClientConnection::new(Arc::new(config), ServerName::try_from("localhost").unwrap())
            .unwrap();
    let socket = TcpStream::connect(tiny.addresses[0])?;
    socket.set_read_timeout(Some(LONG))?;
    let mut stream = StreamOwned::new(connection, socket);
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn tls_serves_those_who_trust_it_and_takes_a_renewed_certificate() {
    let dir = tempfile::tempdir().unwrap();
    let first = made();
    let config = write_tls(dir.path(), &first, "");
    let tiny = start(&config);
    let answer = get_tls(&tiny, &first, None).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("\none 1\n"),
        "{answer}"
    );
    assert!(
        http::try_request("GET", &tiny.url("/metrics"), &[], b"").is_err(),
        "plain HTTP is answered"
    );
    let second = made();
    assert!(get_tls(&tiny, &second, None).is_err());
    write_tls(dir.path(), &second, "");
    until(|| get_tls(&tiny, &second, None).is_ok());
    assert!(get_tls(&tiny, &first, None).is_err());
}

#[test]
fn only_clients_with_the_right_certificate_come_in() {
    let dir = tempfile::tempdir().unwrap();
    let (server, client, stranger) = (made(), made(), made());
    fs::write(dir.path().join("ca.pem"), &client.cert).unwrap();
    let more = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n";
    let tiny = start(&write_tls(dir.path(), &server, more));
    assert!(get_tls(&tiny, &server, None).is_err());
    assert!(get_tls(&tiny, &server, Some(&stranger)).is_err());
    assert!(
        get_tls(&tiny, &server, Some(&client))
            .unwrap()
            .starts_with("HTTP/1.1 200 OK\r\n")
    );
    let tiny = start(&write_tls(
        dir.path(),
        &server,
        "  client_auth_type: RequireAnyClientCert\n",
    ));
    assert!(get_tls(&tiny, &server, None).is_err());
    assert!(
        get_tls(&tiny, &server, Some(&stranger))
            .unwrap()
            .starts_with("HTTP/1.1 200 OK\r\n")
    );
}

#[test]
fn a_client_that_never_ends_its_request_is_cut_off() {
    let tiny = Tiny::start(&[], vec![gauge("one")], |daemon| daemon);
    let mut slow = TcpStream::connect(tiny.addresses[0]).unwrap();
    slow.set_read_timeout(Some(LONG)).unwrap();
    slow.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nx-slow: ")
        .unwrap();
    let mut answer = Vec::new();
    // The end of the stream, not a time-out of this client's own.
    slow.read_to_end(&mut answer).unwrap();
    assert!(!String::from_utf8_lossy(&answer).contains(" 200 "));
    tiny.get("/metrics").expect_status(200);
}
