//! From snmp.yml to checked modules and credentials. The file's own shape is in `file`; without a file the one that is
//! shipped in `snmp.yml` beside the sources is used.

mod auth;
mod file;
mod kind;
mod module;
mod scalar;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use runtime::ConfigError;
use serde::Deserialize;
use serde::de::IgnoredAny;

pub(crate) use auth::{Credentials, Usm};
pub(crate) use file::{ExtractFile, FilterFile, LookupFile, MetricFile};
pub(crate) use kind::Kind;
pub(crate) use module::{Module, WalkParams};
pub(crate) use scalar::{DottedOid, EnumValues};

use auth::Variables;
use file::{FlatFile, SplitFile};

/// What is used when no `--config.file` is given.
const SHIPPED: &str = include_str!("../../snmp.yml");

/// Everything that requests can ask for.
#[derive(Debug)]
pub(crate) struct Config {
    modules: BTreeMap<String, Arc<Module>>,
    auths: Auths,
    shown: String,
}

#[derive(Debug)]
enum Auths {
    /// By their own names.
    Split(BTreeMap<String, Arc<Credentials>>),
    /// By the names of the modules that carry them.
    Flat(BTreeMap<String, Arc<Credentials>>),
}

/// Only the keys by which the forms are told apart.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Form {
    auths: Option<IgnoredAny>,
    modules: Option<IgnoredAny>,
}

impl Config {
    /// Loads the file, or what is shipped. `variable` reads the environment if secrets may name it.
    ///
    /// # Errors
    /// Names the file, the line where there is one, and the key.
    pub(crate) fn load(
        path: Option<&Path>,
        variable: Option<Variables<'_>>,
    ) -> Result<Self, ConfigError> {
        let Some(path) = path else {
            let file: SplitFile = serde_saphyr::from_str(SHIPPED)
                .map_err(|error| ConfigError::value("shipped snmp.yml", error.to_string()))?;
            return Self::split(file, "shipped snmp.yml", variable);
        };
        let name = path.display().to_string();
        let form: Form = runtime::load(Some(path))?;
        if form.auths.is_some() || form.modules.is_some() {
            Self::split(runtime::load(Some(path))?, &name, variable)
        } else {
            Self::flat(runtime::load(Some(path))?, &name, variable)
        }
    }

    fn split(
        mut file: SplitFile,
        name: &str,
        variable: Option<Variables<'_>>,
    ) -> Result<Self, ConfigError> {
        let mut auths = BTreeMap::new();
        for (key, auth) in &mut file.auths {
            let checked = auth.complete(variable).and_then(|()| auth.check());
            let checked = checked.map_err(|why| misuse(name, &format!("auths.{key}"), &why))?;
            auths.insert(key.clone(), Arc::new(checked));
        }
        let shown = show(&file)?;
        let mut modules = BTreeMap::new();
        for (key, module) in file.modules {
            let module = Module::new(key.clone(), module, true);
            let module = module.map_err(|why| misuse(name, &format!("modules.{key}"), &why))?;
            modules.insert(key, Arc::new(module));
        }
        let auths = Auths::Split(auths);
        Ok(Self {
            modules,
            auths,
            shown,
        })
    }

    fn flat(
        file: FlatFile,
        name: &str,
        variable: Option<Variables<'_>>,
    ) -> Result<Self, ConfigError> {
        let shown = show(&file)?;
        let (mut modules, mut auths) = (BTreeMap::new(), BTreeMap::new());
        for (key, module) in file {
            let (module, mut auth) = module.split();
            let checked = auth.complete(variable).and_then(|()| auth.check());
            let checked = checked.map_err(|why| misuse(name, &format!("{key}.auth"), &why))?;
            auths.insert(key.clone(), Arc::new(checked));
            let module = Module::new(key.clone(), module, false);
            let module = module.map_err(|why| misuse(name, &key, &why))?;
            modules.insert(key, Arc::new(module));
        }
        let auths = Auths::Flat(auths);
        Ok(Self {
            modules,
            auths,
            shown,
        })
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

    /// How many modules there are.
    pub(crate) fn module_count(&self) -> usize {
        self.modules.len()
    }
}

fn show<T: serde::Serialize>(file: &T) -> Result<String, ConfigError> {
    serde_saphyr::to_string(file)
        .map_err(|error| ConfigError::value("/config", format!("cannot show it: {error}")))
}

fn misuse(file: &str, key: &str, reason: &str) -> ConfigError {
    ConfigError::value(format!("{file}: {key}"), reason)
}

#[cfg(test)]
mod tests;
