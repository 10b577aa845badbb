//! From the configuration files to checked modules, credentials and targets to poll. Their own shape is in `file`; what
//! they lack is in the one that is shipped in `snmp.yml` beside the sources.

mod auth;
mod file;
mod kind;
mod load;
mod module;
mod poll;
mod scalar;

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use runtime::ConfigError;

pub(crate) use auth::{Credentials, Usm};
pub(crate) use file::{ExtractFile, FilterFile, LookupFile, MetricFile};
pub(crate) use kind::Kind;
pub(crate) use module::{Module, WalkParams};
pub(crate) use poll::Poll;
pub(crate) use scalar::EnumValues;

use auth::Variables;
use load::{Loaded, files};

use crate::target::Target;

/// Everything that requests can ask for, and whom to poll without a request.
#[derive(Debug)]
pub(crate) struct Config {
    modules: BTreeMap<String, Arc<Module>>,
    auths: Auths,
    polls: Vec<Poll>,
    named: HashSet<Target>,
    shown: String,
}

#[derive(Debug)]
enum Auths {
    /// By their own names.
    Split(BTreeMap<String, Arc<Credentials>>),
    /// By the names of the modules that carry them.
    Flat(BTreeMap<String, Arc<Credentials>>),
}

impl Config {
    /// Loads the files, which may be patterns of several, or what is shipped. Without `auths` or `modules` in any of them
    /// the shipped ones are there. `variable` reads the environment if secrets may name it.
    ///
    /// # Errors
    /// Names the file, the line where there is one, and the key.
    pub(crate) fn load(
        patterns: &[PathBuf],
        variable: Option<Variables<'_>>,
    ) -> Result<Self, ConfigError> {
        let mut loaded = Loaded::default();
        for path in files(patterns)? {
            loaded.add(&path)?;
        }
        loaded.ship()?;
        loaded.check(variable)
    }

    /// The module of that name.
    pub(crate) fn module(&self, name: &str) -> Option<&Arc<Module>> {
        self.modules.get(name)
    }

    /// The credentials for a module: those that the request names in the form from 0.23 on, the module's own in the form
    /// up to 0.22. `Err` says what is wrong with the request.
    pub(crate) fn credentials(
        &self,
        auth: Option<&str>,
        module: &str,
    ) -> Result<&Arc<Credentials>, String> {
        match &self.auths {
            Auths::Split(auths) => {
                let name = auth.unwrap_or("public_v2");
                auths
                    .get(name)
                    .ok_or_else(|| format!("Unknown auth '{name}'"))
            }
            Auths::Flat(_) if auth.is_some() => Err(
                "'auth' cannot be chosen: the modules of this snmp.yml carry their own".to_owned(),
            ),
            Auths::Flat(auths) => {
                let unknown = || format!("Unknown module '{module}'");
                auths.get(module).ok_or_else(unknown)
            }
        }
    }

    /// The file as YAML without its secrets.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// Whom to poll.
    pub(crate) fn polls(&self) -> &[Poll] {
        &self.polls
    }

    /// Whether `target` is one of those.
    pub(crate) fn names(&self, target: &Target) -> bool {
        self.named.contains(target)
    }

    /// How many modules there are.
    pub(crate) fn module_count(&self) -> usize {
        self.modules.len()
    }

    /// Their names, sorted.
    pub(crate) fn module_names(&self) -> Vec<String> {
        self.modules.keys().cloned().collect()
    }
}

impl Config {
    /// Whether there are such modules and credentials.
    fn check_names(&self, polls: &[Poll]) -> Result<(), String> {
        for query in polls.iter().map(|poll| &poll.query) {
            for module in &query.modules {
                self.module(module)
                    .ok_or_else(|| format!("Unknown module '{module}'"))?;
                self.credentials(query.auth.as_deref(), module)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
