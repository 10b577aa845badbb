//! Who asks and what he may do: identities from Keystone's tokens, and the rules of oslo.policy over them. How a request
//! carries its identity, and which rule an endpoint asks for, is the API's part.

pub(crate) mod config;
mod expiring;
mod keystone;
mod limiter;
pub(crate) mod policy;

use std::sync::Arc;

pub(crate) use config::AuthConfig;
pub(crate) use keystone::{Keystone, Refusal};
use policy::Policy;

use crate::api::AuthMode;

/// What requests are judged by.
#[derive(Debug)]
pub(crate) struct Auth {
    /// How requests carry their sender.
    pub(crate) mode: AuthMode,
    /// There in mode `keystone`.
    pub(crate) keystone: Option<Arc<Keystone>>,
    /// Who may do what.
    pub(crate) policy: Policy,
    /// The header that names the sender in mode `remoteuser`.
    pub(crate) remote_user_header: String,
    /// Another one after each reload: what was allowed before may not be now.
    pub(crate) generation: u64,
    config: AuthConfig,
}

impl Auth {
    /// As configured; a Keystone that is configured as before keeps what it knows of tokens.
    ///
    /// # Errors
    /// One line that names the key and what is wrong.
    pub(crate) fn new(
        mode: AuthMode,
        config: AuthConfig,
        policy: Policy,
        before: Option<&Self>,
    ) -> Result<Self, String> {
        let kept = before.filter(|before| before.config.keystone == config.keystone);
        let keystone = match (mode, kept.and_then(|before| before.keystone.clone())) {
            (AuthMode::Keystone, Some(kept)) => Some(kept),
            (AuthMode::Keystone, None) => Some(Arc::new(Keystone::new(&config.keystone)?)),
            _ => None,
        };
        Ok(Self {
            mode,
            keystone,
            policy,
            remote_user_header: config.remote_user_header.clone(),
            generation: before.map_or(0, |before| before.generation + 1),
            config,
        })
    }
}

/// Somebody who is known, as policy rules see him.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    /// Creator of what he creates: a name, or `user:project` of Keystone.
    pub(crate) name: String,
    /// Keystone's id of the user.
    pub(crate) user_id: Option<String>,
    /// Keystone's id of the project that the token is scoped to.
    pub(crate) project_id: Option<String>,
    /// Keystone's id of the domain that the token is scoped to.
    pub(crate) domain_id: Option<String>,
    /// `all` where the token is scoped to the system.
    pub(crate) system_scope: Option<String>,
    /// Names of his roles.
    pub(crate) roles: Vec<String>,
}

impl Identity {
    /// Somebody known by his name only; `admin` has the role admin, as in Gnocchi's basic and remoteuser modes.
    pub(crate) fn of_name(name: &str) -> Self {
        let is_admin = name == ADMIN;
        Self {
            name: name.to_owned(),
            roles: is_admin.then(|| ADMIN.to_owned()).into_iter().collect(),
            ..Self::default()
        }
    }

    /// A value that a rule names on the left of its colon.
    fn attribute(&self, name: &str) -> Option<&str> {
        match name {
            "user" => Some(&self.name),
            "user_id" => self.user_id.as_deref(),
            "project_id" => self.project_id.as_deref(),
            "domain_id" => self.domain_id.as_deref(),
            "system_scope" => self.system_scope.as_deref(),
            _ => None,
        }
    }
}

/// The user that has the role of the same name where there is no Keystone, and the role that may do everything.
pub(crate) const ADMIN: &str = "admin";
