//! How targets and service discoveries are asked over HTTP: passwords, tokens, certificates and proxies by the keys of
//! Prometheus' HTTP client.

use std::fmt;
use std::path::{Path, PathBuf};

use reqwest::{Certificate, Client, Identity, Proxy, RequestBuilder, header, redirect};
use serde::Deserialize;

use crate::cause::root_cause;

/// Writes a section of the configuration that has the keys of Prometheus' HTTP client beside its own, which are written
/// with what they are where nothing is said; serde cannot join two structs and refuse unknown keys.
macro_rules! with_client_keys {
    ($(#[$of_struct:meta])* struct $name:ident {
        $($(#[$of_field:meta])* $field:ident: $kind:ty = $default:expr,)*
    }) => {
        $(#[$of_struct])*
        #[derive(Debug, Clone, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub(crate) struct $name {
            $($(#[$of_field])* pub(crate) $field: $kind,)*
            /// A name and a password.
            pub(crate) basic_auth: Option<$crate::ingest::client::BasicAuth>,
            /// An `Authorization` header of another scheme.
            pub(crate) authorization: Option<$crate::ingest::client::Authorization>,
            /// A token, as older configurations write it.
            pub(crate) bearer_token: Option<$crate::ingest::client::Secret>,
            /// A file with a token.
            pub(crate) bearer_token_file: Option<std::path::PathBuf>,
            /// Certificates.
            pub(crate) tls_config: $crate::ingest::client::TlsConfig,
            /// Whether a redirect is followed; yes, unless told otherwise.
            pub(crate) follow_redirects: Option<bool>,
            /// A proxy for every request.
            pub(crate) proxy_url: Option<String>,
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    $($field: $default,)*
                    basic_auth: None,
                    authorization: None,
                    bearer_token: None,
                    bearer_token_file: None,
                    tls_config: $crate::ingest::client::TlsConfig::default(),
                    follow_redirects: None,
                    proxy_url: None,
                }
            }
        }

        impl $name {
            /// The client that these keys ask for. The error names the key.
            pub(crate) fn client(&self) -> Result<$crate::ingest::client::Access, String> {
                let credentials = $crate::ingest::client::Credentials::new(
                    self.basic_auth.as_ref(),
                    self.authorization.as_ref(),
                    self.bearer_token.as_ref(),
                    self.bearer_token_file.as_deref(),
                )?;
                $crate::ingest::client::Access::new(
                    credentials,
                    &self.tls_config,
                    self.follow_redirects.unwrap_or(true),
                    self.proxy_url.as_deref(),
                )
            }
        }
    };
}
pub(super) use with_client_keys;

/// Whether a scheme is one that can be asked. The error names the key.
pub(super) fn check_scheme(scheme: &str) -> Result<(), String> {
    match scheme {
        "http" | "https" => Ok(()),
        _ => Err(format!("scheme: expected http or https, found {scheme:?}")),
    }
}

/// A password or token, which is never shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Secret(String);

impl Secret {
    /// What it is, for a header.
    pub(crate) fn value(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

/// `basic_auth`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct BasicAuth {
    username: String,
    password: Option<Secret>,
    password_file: Option<PathBuf>,
}

/// `authorization`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Authorization {
    /// The scheme; Bearer where none is given.
    r#type: Option<String>,
    credentials: Option<Secret>,
    credentials_file: Option<PathBuf>,
}

/// `tls_config`. Files are read at the start and at a reload.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TlsConfig {
    /// Certificates, PEM, that are trusted in place of the system's.
    ca_file: Option<PathBuf>,
    /// The certificate that is shown to the server, PEM.
    cert_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
    insecure_skip_verify: bool,
}

/// Where a secret is.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    Here(Secret),
    /// Read at each request, so that it may be changed.
    File(PathBuf),
}

impl Place {
    fn of(key: &str, here: Option<&Secret>, file: Option<&Path>) -> Result<Option<Self>, String> {
        match (here, file) {
            (Some(_), Some(_)) => Err(format!("expected one of {key} and {key}_file, found both")),
            (Some(secret), None) => Ok(Some(Self::Here(secret.clone()))),
            (None, file) => Ok(file.map(|file| Self::File(file.to_owned()))),
        }
    }

    fn read(&self) -> Result<String, String> {
        match self {
            Self::Here(Secret(secret)) => Ok(secret.clone()),
            Self::File(path) => {
                // A line in a local file: no reason to change threads.
                let text = std::fs::read_to_string(path);
                let text =
                    text.map_err(|error| format!("cannot read {}: {error}", path.display()))?;
                Ok(text.trim().to_owned())
            }
        }
    }
}

/// What is shown to a server.
#[derive(Debug, Clone)]
pub(crate) enum Credentials {
    /// Nothing.
    None,
    /// HTTP's basic authentication.
    Basic(String, Option<Place>),
    /// A scheme and what follows it.
    Scheme(String, Option<Place>),
}

impl Credentials {
    /// What the keys say; the error names the key.
    pub(super) fn new(
        basic: Option<&BasicAuth>,
        authorization: Option<&Authorization>,
        token: Option<&Secret>,
        token_file: Option<&Path>,
    ) -> Result<Self, String> {
        let token = Place::of("bearer_token", token, token_file)?;
        match (basic, authorization, token) {
            (None, None, None) => Ok(Self::None),
            (Some(basic), None, None) => {
                let password = Place::of(
                    "password",
                    basic.password.as_ref(),
                    basic.password_file.as_deref(),
                )
                .map_err(|reason| format!("basic_auth: {reason}"))?;
                Ok(Self::Basic(basic.username.clone(), password))
            }
            (None, Some(given), None) => {
                let value = Place::of(
                    "credentials",
                    given.credentials.as_ref(),
                    given.credentials_file.as_deref(),
                );
                let value = value.map_err(|reason| format!("authorization: {reason}"))?;
                let scheme = given.r#type.as_deref().unwrap_or("Bearer").trim();
                if scheme.eq_ignore_ascii_case("basic") {
                    return Err(
                        "authorization: type: expected basic_auth in place of Basic".to_owned()
                    );
                }
                Ok(Self::Scheme(scheme.to_owned(), value))
            }
            (None, None, Some(token)) => Ok(Self::Scheme("Bearer".to_owned(), Some(token))),
            _ => Err(
                "expected one of basic_auth, authorization and bearer_token, found several"
                    .to_owned(),
            ),
        }
    }
}

/// A client with what it shows to servers.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    client: Client,
    credentials: Credentials,
}

impl Access {
    /// A client that keeps connections open between requests. The error names the key.
    pub(super) fn new(
        credentials: Credentials,
        tls: &TlsConfig,
        follow_redirects: bool,
        proxy: Option<&str>,
    ) -> Result<Self, String> {
        // Fails only where one is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let redirects = match follow_redirects {
            true => redirect::Policy::limited(10),
            false => redirect::Policy::none(),
        };
        let mut builder = Client::builder()
            .user_agent(concat!("nephoscope-collector/", env!("CARGO_PKG_VERSION")))
            .redirect(redirects)
            .tls_danger_accept_invalid_certs(tls.insecure_skip_verify);
        builder = match proxy {
            Some(url) => builder.proxy(
                Proxy::all(url).map_err(|error| format!("proxy_url: {}", root_cause(&error)))?,
            ),
            None => builder.no_proxy(),
        };
        if let Some(path) = &tls.ca_file {
            let pem = read("ca_file", path)?;
            let wrong = |why: &str| format!("tls_config: ca_file: {}: {why}", path.display());
            let certificates = Certificate::from_pem_bundle(&pem);
            let certificates = certificates.map_err(|error| wrong(&root_cause(&error)))?;
            if certificates.is_empty() {
                return Err(wrong("expected certificates in PEM, found none"));
            }
            builder = builder.tls_certs_only(certificates);
        }
        match (&tls.cert_file, &tls.key_file) {
            (None, None) => {}
            (Some(certificate), Some(key)) => {
                let mut pem = read("cert_file", certificate)?;
                pem.push(b'\n');
                pem.extend(read("key_file", key)?);
                let identity = Identity::from_pem(&pem).map_err(|error| {
                    let (certificate, reason) = (certificate.display(), root_cause(&error));
                    format!("tls_config: cert_file {certificate}, key_file: {reason}")
                })?;
                builder = builder.identity(identity);
            }
            _ => return Err("tls_config: expected both cert_file and key_file".to_owned()),
        }
        let client = builder.build();
        let client = client.map_err(|error| format!("HTTP client: {}", root_cause(&error)))?;
        Ok(Self {
            client,
            credentials,
        })
    }

    /// A GET that shows what has to be shown. The error says which secret cannot be read.
    pub(crate) fn get(&self, url: &str) -> Result<RequestBuilder, String> {
        let request = self.client.get(url);
        Ok(match &self.credentials {
            Credentials::None => request,
            Credentials::Basic(name, password) => {
                let password = password.as_ref().map(Place::read).transpose()?;
                request.basic_auth(name, password)
            }
            Credentials::Scheme(scheme, value) => {
                let value = value.as_ref().map(Place::read).transpose()?;
                let value = format!("{scheme} {}", value.unwrap_or_default());
                let mut value = header::HeaderValue::from_str(&value).map_err(|_| {
                    "credentials have a character that no header may have".to_owned()
                })?;
                value.set_sensitive(true);
                request.header(header::AUTHORIZATION, value)
            }
        })
    }
}

fn read(key: &str, path: &Path) -> Result<Vec<u8>, String> {
    let bytes = std::fs::read(path);
    bytes.map_err(|error| format!("tls_config: {key}: {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    with_client_keys! {
        /// A section as others are.
        struct Section {
            /// A key of its own.
            url: String = String::new(),
        }
    }

    fn shown(yaml: &str) -> Result<Option<String>, String> {
        let section: Section = serde_saphyr::from_str(yaml).unwrap();
        assert!(section.url.is_empty() && !format!("{section:?}").contains("geheim"));
        let request = section.client()?.get("http://h/")?.build().unwrap();
        let value = request.headers().get(header::AUTHORIZATION);
        Ok(value.map(|value| value.to_str().unwrap().to_owned()))
    }

    #[test]
    fn what_is_asked_for_is_shown_to_the_server() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("token");
        std::fs::write(&file, "geheim\n").unwrap();
        let file = file.display();
        for (yaml, header) in [
            ("{}".to_owned(), None),
            (
                "basic_auth: {username: me, password: geheim}".to_owned(),
                Some("Basic bWU6Z2VoZWlt"),
            ),
            ("bearer_token: geheim".to_owned(), Some("Bearer geheim")),
            (format!("bearer_token_file: {file}"), Some("Bearer geheim")),
            (
                format!("authorization: {{type: Token, credentials_file: {file}}}"),
                Some("Token geheim"),
            ),
        ] {
            assert_eq!(shown(&yaml), Ok(header.map(str::to_owned)), "{yaml}");
        }
    }

    #[test]
    fn what_contradicts_itself_or_is_not_there_is_named() {
        for (yaml, words) in [
            (
                "{bearer_token: a, basic_auth: {username: me}}",
                "found several",
            ),
            (
                "{basic_auth: {username: me, password: a, password_file: b}}",
                "basic_auth: expected one of password",
            ),
            ("{authorization: {type: basic}}", "authorization: type"),
            ("{bearer_token_file: /no/such}", "cannot read /no/such"),
            (
                "{tls_config: {ca_file: /no/such}}",
                "tls_config: ca_file: /no/such",
            ),
            (
                "{tls_config: {cert_file: /no/such}}",
                "both cert_file and key_file",
            ),
            ("{proxy_url: 'http://'}", "proxy_url: "),
        ] {
            let error = shown(yaml).unwrap_err();
            assert!(error.contains(words), "{yaml}: {error}");
        }
    }
}
