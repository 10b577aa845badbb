//! From the configuration files to checked modules, credentials and targets to poll. Their own shape is in `file`; what
//! they lack is in the one that is shipped in `snmp.yml` beside the sources.

mod auth;
mod file;
mod kind;
mod module;
mod poll;
mod scalar;

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use runtime::ConfigError;
use serde::Deserialize;
use serde::de::IgnoredAny;

pub(crate) use auth::{Credentials, Usm};
pub(crate) use file::{ExtractFile, FilterFile, LookupFile, MetricFile};
pub(crate) use kind::Kind;
pub(crate) use module::{Module, WalkParams};
pub(crate) use poll::Poll;
pub(crate) use scalar::EnumValues;

use auth::{AuthFile, Variables};
use file::{FlatFile, SplitFile};
use poll::PollFile;

use crate::target::Target;

/// What is used when no `--config.file` is given.
const SHIPPED: &str = include_str!("../../snmp.yml");

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

/// Only the keys by which the forms are told apart.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Form {
    auths: Option<IgnoredAny>,
    modules: Option<IgnoredAny>,
    poll: Option<IgnoredAny>,
}

/// Files on their way to a configuration: of things with the same name the last one counts.
#[derive(Default)]
struct Loaded {
    split: SplitFile,
    flat: FlatFile,
    /// The file that each thing is from.
    auth_files: BTreeMap<String, String>,
    module_files: BTreeMap<String, String>,
    poll_files: Vec<String>,
    has_auths: bool,
    has_modules: bool,
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
}

impl Loaded {
    fn add(&mut self, path: &Path) -> Result<(), ConfigError> {
        let name = path.display().to_string();
        let form: Form = runtime::load(Some(path))?;
        if form.auths.is_some() || form.modules.is_some() || form.poll.is_some() {
            let file: SplitFile = runtime::load(Some(path))?;
            self.has_auths |= form.auths.is_some();
            self.has_modules |= form.modules.is_some();
            let from = |keys: Vec<String>| keys.into_iter().map(|key| (key, name.clone()));
            self.auth_files
                .extend(from(file.auths.keys().cloned().collect()));
            self.module_files
                .extend(from(file.modules.keys().cloned().collect()));
            self.poll_files
                .extend(file.poll.iter().map(|_| name.clone()));
            self.split.auths.extend(file.auths);
            self.split.modules.extend(file.modules);
            self.split.poll.extend(file.poll);
        } else {
            let file: FlatFile = runtime::load(Some(path))?;
            let from = file.keys().map(|key| (key.clone(), name.clone()));
            self.module_files.extend(from);
            self.flat.extend(file);
        }
        if (self.has_auths || self.has_modules) && !self.flat.is_empty() {
            let reason = "expected the form of the files before it, found the other one (with and without auths and modules)";
            return Err(ConfigError::value(name, reason));
        }
        Ok(())
    }

    /// Puts in what is shipped where there is nothing.
    fn ship(&mut self) -> Result<(), ConfigError> {
        if !self.flat.is_empty() {
            return Ok(());
        }
        let shipped: SplitFile = serde_saphyr::from_str(SHIPPED)
            .map_err(|error| ConfigError::value("shipped snmp.yml", error.to_string()))?;
        if !self.has_auths {
            self.split.auths = shipped.auths;
        }
        if !self.has_modules {
            self.split.modules = shipped.modules;
        }
        Ok(())
    }

    fn check(mut self, variable: Option<Variables<'_>>) -> Result<Config, ConfigError> {
        let of = |files: &BTreeMap<String, String>, key: &str| {
            files
                .get(key)
                .cloned()
                .unwrap_or_else(|| "shipped snmp.yml".to_owned())
        };
        let mut auths = BTreeMap::new();
        let mut complete = |auth: &mut AuthFile, key: &str, place: String, file: String| {
            let checked = auth.complete(variable).and_then(|()| auth.check());
            let checked = checked.map_err(|why| misuse(&file, &place, &why))?;
            auths.insert(key.to_owned(), Arc::new(checked));
            Ok::<(), ConfigError>(())
        };
        for (key, auth) in &mut self.split.auths {
            complete(auth, key, format!("auths.{key}"), of(&self.auth_files, key))?;
        }
        for (key, module) in &mut self.flat {
            let mut auth = module.credentials();
            complete(
                &mut auth,
                key,
                format!("{key}.auth"),
                of(&self.module_files, key),
            )?;
        }
        let is_flat = !self.flat.is_empty();
        let shown = if !is_flat {
            show(&self.split)?
        } else if self.split.poll.is_empty() {
            show(&self.flat)?
        } else {
            format!(
                "{}{}",
                show(&self.flat)?,
                show(&PollOnly {
                    poll: &self.split.poll
                })?
            )
        };
        let flat = self
            .flat
            .into_iter()
            .map(|(key, module)| (key, module.module(), false));
        let split = self
            .split
            .modules
            .into_iter()
            .map(|(key, module)| (key, module, true));
        let mut modules = BTreeMap::new();
        for (key, module, is_told) in split.chain(flat) {
            let place = if is_told {
                format!("modules.{key}")
            } else {
                key.clone()
            };
            let module = Module::new(key.clone(), module, is_told)
                .map_err(|why| misuse(&of(&self.module_files, &key), &place, &why))?;
            modules.insert(key, Arc::new(module));
        }
        let mut config = Config {
            modules,
            auths: if is_flat {
                Auths::Flat(auths)
            } else {
                Auths::Split(auths)
            },
            polls: Vec::new(),
            named: HashSet::new(),
            shown,
        };
        let mut known = HashSet::new();
        for (at, (poll, file)) in self
            .split
            .poll
            .into_iter()
            .zip(&self.poll_files)
            .enumerate()
        {
            let wrong = |why: String| misuse(file, &format!("poll[{at}]"), &why);
            let polls = poll.check(&mut known).map_err(wrong)?;
            config.check_names(&polls).map_err(wrong)?;
            config
                .named
                .extend(polls.iter().map(|poll| poll.query.target.clone()));
            config.polls.extend(polls);
        }
        Ok(config)
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

/// What is shown beside modules of the form up to 0.22.
#[derive(serde::Serialize)]
struct PollOnly<'a> {
    poll: &'a [PollFile],
}

/// The files that the patterns name. A path that is none of a pattern has to be there.
fn files(patterns: &[PathBuf]) -> Result<Vec<PathBuf>, ConfigError> {
    let mut files = Vec::new();
    for pattern in patterns {
        let text = pattern.to_string_lossy();
        if !text.contains(['*', '?', '[']) || pattern.exists() {
            files.push(pattern.clone());
            continue;
        }
        let wrong = |why: String| ConfigError::value(format!("--config.file {text}"), why);
        let found = glob::glob(&text).map_err(|error| wrong(error.to_string()))?;
        let found: Result<Vec<PathBuf>, _> = found.collect();
        let found = found.map_err(|error| wrong(error.to_string()))?;
        if found.is_empty() {
            return Err(wrong(
                "expected a file of that pattern, found none".to_owned(),
            ));
        }
        files.extend(found);
    }
    Ok(files)
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
