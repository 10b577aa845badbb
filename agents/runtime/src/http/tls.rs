//! TLS from the `tls_server_config` of a web configuration file: certificate, versions, cipher suites and client
//! certificates, on rustls with ring. rustls knows TLS 1.2 and 1.3 and their modern suites only; what Go offers beyond
//! is left out where that makes the server stricter, and refused where nothing would be left.

mod any_client;
mod names;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, SupportedKxGroup, ring};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{
    RootCertStore, ServerConfig, SupportedCipherSuite, SupportedProtocolVersion, version,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde::Deserialize;

use any_client::AnyClient;
use names::{is_old, known_names, names};

/// The section as it stands in the file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TlsSection {
    cert: Option<String>,
    cert_file: Option<PathBuf>,
    key: Option<String>,
    key_file: Option<PathBuf>,
    client_ca: Option<String>,
    client_ca_file: Option<PathBuf>,
    client_auth_type: Option<String>,
    min_version: Option<String>,
    max_version: Option<String>,
    cipher_suites: Vec<String>,
    curve_preferences: Vec<String>,
    prefer_server_cipher_suites: Option<bool>,
}

/// A setting of the section that cannot be used: the key and why.
pub(crate) type Refusal = (&'static str, String);

impl TlsSection {
    /// The files that the section names, as paths to open. Relative ones start at `dir`.
    pub(crate) fn files(&self, dir: &Path) -> Vec<PathBuf> {
        let files = [&self.cert_file, &self.key_file, &self.client_ca_file];
        files
            .into_iter()
            .flatten()
            .map(|file| dir.join(file))
            .collect()
    }

    /// The server's side of TLS as the section wants it.
    ///
    /// # Errors
    /// The key that cannot be used and why.
    pub(crate) fn server_config(&self, dir: &Path) -> Result<ServerConfig, Refusal> {
        let provider = Arc::new(CryptoProvider {
            cipher_suites: self.suites()?,
            kx_groups: self.groups()?,
            ..ring::default_provider()
        });
        let chain = certificates(
            "cert_file",
            &pem(dir, ("cert_file", &self.cert_file), ("cert", &self.cert))?,
        )?;
        let key = pem(dir, ("key_file", &self.key_file), ("key", &self.key))?;
        let key = PrivateKeyDer::from_pem_slice(&key).map_err(|error| {
            (
                "key_file",
                format!("expected a private key in PEM: {error}"),
            )
        })?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&self.versions()?)
            .map_err(|error| ("min_version", error.to_string()))?;
        let builder = match self.client_verifier(dir, &provider)? {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_single_cert(chain, key).map_err(|error| {
            (
                "cert_file",
                format!("certificate and key cannot be used together: {error}"),
            )
        })?;
        config.ignore_client_order = self.prefer_server_cipher_suites.unwrap_or(true);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    fn versions(&self) -> Result<Vec<&'static SupportedProtocolVersion>, Refusal> {
        let number = |key, version: &Option<String>, default| match version.as_deref() {
            None => Ok(default),
            Some("TLS10") => Ok(10),
            Some("TLS11") => Ok(11),
            Some("TLS12") => Ok(12),
            Some("TLS13") => Ok(13),
            Some(other) => Err((
                key,
                format!("unknown version {other:?}, expected TLS12 or TLS13"),
            )),
        };
        let (least, most) = (
            number("min_version", &self.min_version, 12)?,
            number("max_version", &self.max_version, 13)?,
        );
        let known = [(12, &version::TLS12), (13, &version::TLS13)];
        let versions: Vec<_> = known
            .into_iter()
            .filter(|(number, _)| (least..=most).contains(number))
            .collect();
        if versions.is_empty() {
            return Err((
                "max_version",
                "expected TLS12 or TLS13 between min_version and max_version".to_owned(),
            ));
        }
        Ok(versions.into_iter().map(|(_, version)| version).collect())
    }

    /// The named suites of TLS 1.2 in their order, after those of TLS 1.3, which are not for choosing, as in Go.
    fn suites(&self) -> Result<Vec<SupportedCipherSuite>, Refusal> {
        let all = ring::ALL_CIPHER_SUITES;
        if self.cipher_suites.is_empty() {
            return Ok(all.to_vec());
        }
        let mut suites: Vec<_> = all
            .iter()
            .copied()
            .filter(|suite| suite.tls13().is_some())
            .collect();
        let fixed = suites.len();
        for name in &self.cipher_suites {
            let spelled = |suite: &&SupportedCipherSuite| {
                names(suite.suite()).iter().any(|known| known == name)
            };
            match all.iter().find(spelled) {
                Some(suite) if suite.tls13().is_some() => {}
                Some(suite) => suites.push(*suite),
                None if is_old(name) => {
                    tracing::warn!(suite = %name, "cipher suite is not supported and left out");
                }
                None => {
                    return Err((
                        "cipher_suites",
                        format!(
                            "unknown suite {name:?}, expected some of {}",
                            known_names(all)
                        ),
                    ));
                }
            }
        }
        if suites.len() == fixed && self.max_version.as_deref() == Some("TLS12") {
            return Err((
                "cipher_suites",
                format!(
                    "none of the suites is supported, expected some of {}",
                    known_names(all)
                ),
            ));
        }
        Ok(suites)
    }

    fn groups(&self) -> Result<Vec<&'static dyn SupportedKxGroup>, Refusal> {
        if self.curve_preferences.is_empty() {
            return Ok(ring::ALL_KX_GROUPS.to_vec());
        }
        let mut groups: Vec<&'static dyn SupportedKxGroup> = Vec::new();
        for name in &self.curve_preferences {
            match name.as_str() {
                "CurveP256" => groups.push(ring::kx_group::SECP256R1),
                "CurveP384" => groups.push(ring::kx_group::SECP384R1),
                "X25519" => groups.push(ring::kx_group::X25519),
                "CurveP521" | "X25519MLKEM768" => {
                    tracing::warn!(curve = %name, "curve is not supported and left out");
                }
                _ => {
                    return Err((
                        "curve_preferences",
                        format!("unknown curve {name:?}, expected CurveP256, CurveP384 or X25519"),
                    ));
                }
            }
        }
        if groups.is_empty() {
            return Err((
                "curve_preferences",
                "none is supported, expected CurveP256, CurveP384 or X25519".to_owned(),
            ));
        }
        Ok(groups)
    }

    fn client_verifier(
        &self,
        dir: &Path,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Option<Arc<dyn ClientCertVerifier>>, Refusal> {
        let has_ca = self.client_ca.is_some() || self.client_ca_file.is_some();
        let (verifies, must) = match self.client_auth_type.as_deref().unwrap_or_default() {
            "" | "NoClientCert" if has_ca => {
                return Err((
                    "client_auth_type",
                    "expected one that uses the client CA that is given".to_owned(),
                ));
            }
            "" | "NoClientCert" => return Ok(None),
            "RequestClientCert" => (false, false),
            "RequireClientCert" | "RequireAnyClientCert" => (false, true),
            "VerifyClientCertIfGiven" => (true, false),
            "RequireAndVerifyClientCert" => (true, true),
            other => {
                return Err((
                    "client_auth_type",
                    format!("unknown type {other:?}, expected one of {AUTH_TYPES}"),
                ));
            }
        };
        if !verifies {
            return Ok(Some(Arc::new(AnyClient::new(must, Arc::clone(provider)))));
        }
        let file = ("client_ca_file", &self.client_ca_file);
        let mut roots = RootCertStore::empty();
        for certificate in certificates(file.0, &pem(dir, file, ("client_ca", &self.client_ca))?)? {
            roots
                .add(certificate)
                .map_err(|error| (file.0, error.to_string()))?;
        }
        let builder =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
        let builder = if must {
            builder
        } else {
            builder.allow_unauthenticated()
        };
        builder
            .build()
            .map(Some)
            .map_err(|error| (file.0, error.to_string()))
    }
}

const AUTH_TYPES: &str = "NoClientCert, RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven, RequireAndVerifyClientCert";

/// A PEM text that is given as a file or in the configuration itself.
fn pem(
    dir: &Path,
    (file_key, file): (&'static str, &Option<PathBuf>),
    (text_key, text): (&'static str, &Option<String>),
) -> Result<Vec<u8>, Refusal> {
    match (file, text) {
        (Some(_), Some(_)) => Err((
            file_key,
            format!("expected either this or {text_key}, found both"),
        )),
        (None, None) => Err((file_key, "expected a file".to_owned())),
        (None, Some(text)) => Ok(text.clone().into_bytes()),
        (Some(file), None) => {
            let path = dir.join(file);
            std::fs::read(&path)
                .map_err(|error| (file_key, format!("cannot read {}: {error}", path.display())))
        }
    }
}

fn certificates(key: &'static str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Refusal> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let certificates =
        certificates.map_err(|error| (key, format!("expected certificates in PEM: {error}")))?;
    if certificates.is_empty() {
        return Err((
            key,
            "expected at least one certificate in PEM, found none".to_owned(),
        ));
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests;
