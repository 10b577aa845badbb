//! Validates tokens with Keystone's `GET /v3/auth/tokens`. The token itself is what authorises the question, as Keystone's
//! own policy allows for the subject of a token, so that no service password has to be kept. Answers are remembered,
//! each token is asked about once at a time, and who sends many that do not hold is held up. When Keystone cannot say,
//! nobody comes in.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use collector_model::Timestamp;
use reqwest::{Certificate, Client, StatusCode};
use serde::Deserialize;
use tokio::sync::Mutex;
use tracing::warn;

use super::Identity;
use super::config::KeystoneConfig;
use super::expiring::Expiring;
use super::limiter::Limiter;
use crate::cause::root_cause;

/// Longest token that is looked at, bytes; Fernet tokens have 200 to 300, signed ones a few thousand.
const TOKEN_BYTES: usize = 16 << 10;
/// Largest answer of Keystone, bytes.
const ANSWER_BYTES: usize = 1 << 20;
/// Tokens that are remembered.
const TOKENS: usize = 20_000;
/// How long a token that did not hold is refused without asking.
const REFUSED: Duration = Duration::from_secs(30);
/// Questions to Keystone at once; equal tokens share one.
const QUESTIONS: usize = 32;

/// SHA-256 of a token; the tokens themselves are not kept.
type Digest = [u8; 32];

/// Why somebody is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No token, or one that does not hold.
    Unauthorized,
    /// Too many tokens that did not hold came from the address.
    TooMany(Duration),
    /// Keystone does not answer, or not as it should.
    Unavailable,
}

/// A Keystone.
#[derive(Debug)]
pub(crate) struct Keystone {
    client: Client,
    tokens_url: String,
    challenge: String,
    cache_time: Duration,
    patience: Duration,
    answers: Expiring<Digest, Option<Arc<Identity>>>,
    limiter: Limiter,
    questions: [Mutex<()>; QUESTIONS],
}

impl Keystone {
    /// A Keystone that has not been asked yet.
    ///
    /// # Errors
    /// One line that names the key and what is wrong.
    pub(crate) fn new(config: &KeystoneConfig) -> Result<Self, String> {
        let mut client = Client::builder()
            .user_agent(concat!("nephoscope-collector/", env!("CARGO_PKG_VERSION")))
            .timeout(config.timeout)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy();
        if let Some(path) = &config.ca_file {
            let wrong = |why: &dyn std::fmt::Display| {
                format!("keystone: ca_file: {}: {why}", path.display())
            };
            let pem = std::fs::read(path).map_err(|error| wrong(&error))?;
            let certificates = Certificate::from_pem_bundle(&pem).map_err(|error| wrong(&error))?;
            if certificates.is_empty() {
                return Err(wrong(&"expected certificates in PEM, found none"));
            }
            client = client.tls_certs_merge(certificates);
        }
        let url = config.auth_url.trim_end_matches('/');
        let sent_to = config.www_authenticate_uri.as_deref().unwrap_or(url);
        Ok(Self {
            client: client
                .build()
                .map_err(|error| format!("keystone: {error}"))?,
            tokens_url: format!("{url}/auth/tokens?nocatalog"),
            challenge: format!("Keystone uri=\"{sent_to}\""),
            cache_time: config.token_cache_time,
            patience: config.timeout,
            answers: Expiring::new(TOKENS),
            limiter: Limiter::default(),
            questions: std::array::from_fn(|_| Mutex::new(())),
        })
    }

    /// The `WWW-Authenticate` of a 401, by which clients find Keystone.
    pub(crate) fn challenge(&self) -> &str {
        &self.challenge
    }

    /// Whose token it is.
    ///
    /// # Errors
    /// Why nobody's.
    pub(crate) async fn identify(
        &self,
        token: &str,
        address: IpAddr,
    ) -> Result<Arc<Identity>, Refusal> {
        if token.is_empty() || token.len() > TOKEN_BYTES {
            return Err(Refusal::Unauthorized);
        }
        let digest = digest(token);
        if let Some(known) = self.known(&digest) {
            return known;
        }
        if let Some(wait) = self.limiter.wait(address, Instant::now()) {
            return Err(Refusal::TooMany(wait));
        }
        let [first, ..] = digest;
        let Some(turn) = self.questions.get(usize::from(first) % QUESTIONS) else {
            return Err(Refusal::Unavailable);
        };
        let turn = tokio::time::timeout(self.patience, turn.lock()).await;
        let _turn = turn.map_err(|_| Refusal::Unavailable)?;
        // Somebody else may have asked meanwhile.
        if let Some(known) = self.known(&digest) {
            return known;
        }
        let answer = self.ask(token).await.map_err(|error| {
            warn!(%error, url = %self.tokens_url, "keystone cannot validate a token");
            Refusal::Unavailable
        })?;
        let now = Instant::now();
        let identity = answer.map(|(identity, lifetime)| (Arc::new(identity), lifetime));
        let until = now
            + identity
                .as_ref()
                .map_or(REFUSED, |(_, lifetime)| self.cache_time.min(*lifetime));
        let identity = identity.map(|(identity, _)| identity);
        self.answers.put(digest, identity.clone(), until, now);
        identity.ok_or_else(|| {
            self.limiter.failed(address, now);
            Refusal::Unauthorized
        })
    }

    fn known(&self, digest: &Digest) -> Option<Result<Arc<Identity>, Refusal>> {
        let (answer, _) = self.answers.get(digest, Instant::now())?;
        Some(answer.ok_or(Refusal::Unauthorized))
    }

    /// Asks: whose the token is and how long it lives, or that it does not hold.
    async fn ask(&self, token: &str) -> Result<Option<(Identity, Duration)>, String> {
        let request = self.client.get(&self.tokens_url);
        let request = request
            .header("X-Auth-Token", token)
            .header("X-Subject-Token", token);
        let mut answer = match request.send().await {
            Ok(answer) => answer,
            // What cannot be a header cannot be a token.
            Err(error) if error.is_builder() => return Ok(None),
            Err(error) => return Err(root_cause(&error)),
        };
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND => return Ok(None),
            status => return Err(format!("answered {status}")),
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| root_cause(&error))? {
            if body.len() + chunk.len() > ANSWER_BYTES {
                return Err(format!("answered more than {ANSWER_BYTES} bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        let Answer { token } =
            serde_json::from_slice(&body).map_err(|error| format!("answered no token: {error}"))?;
        let now = Timestamp::from(SystemTime::now());
        let expires = Timestamp::parse(&token.expires_at, now)
            .map_err(|_| format!("answered expires_at {:?}", token.expires_at))?;
        // A token that has ended does not hold, whatever Keystone's clock says.
        let lifetime = u64::try_from(expires.nanos().saturating_sub(now.nanos())).ok();
        Ok(lifetime.map(|nanos| (token.identity(), Duration::from_nanos(nanos))))
    }
}

fn digest(token: &str) -> Digest {
    let digest = ring::digest::digest(&ring::digest::SHA256, token.as_bytes());
    digest.as_ref().try_into().unwrap_or_default()
}

/// Keystone's answer, as far as it is used.
#[derive(Debug, Deserialize)]
struct Answer {
    token: Token,
}

#[derive(Debug, Deserialize)]
struct Token {
    expires_at: String,
    user: Named,
    project: Option<Named>,
    domain: Option<Named>,
    #[serde(default)]
    system: Option<System>,
    #[serde(default)]
    roles: Vec<Role>,
}

#[derive(Debug, Deserialize)]
struct Named {
    id: String,
}

#[derive(Debug, Deserialize)]
struct Role {
    name: String,
}

#[derive(Debug, Deserialize)]
struct System {
    #[serde(default)]
    all: bool,
}

impl Token {
    fn identity(self) -> Identity {
        let project_id = self.project.map(|project| project.id);
        Identity {
            // As Gnocchi composes it.
            name: format!(
                "{}:{}",
                self.user.id,
                project_id.as_deref().unwrap_or_default()
            ),
            user_id: Some(self.user.id),
            project_id,
            domain_id: self.domain.map(|domain| domain.id),
            system_scope: self
                .system
                .filter(|system| system.all)
                .map(|_| "all".to_owned()),
            roles: self.roles.into_iter().map(|role| role.name).collect(),
        }
    }
}

#[cfg(test)]
mod tests;
