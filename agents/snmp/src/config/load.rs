//! From files, of which there may be several, to one configuration: later ones add to earlier ones, what none of them has
//! is shipped, and each mistake is told with the file that it is in.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use runtime::ConfigError;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::config::auth::{AuthFile, Variables};
use crate::config::file::{FlatFile, SplitFile};
use crate::config::poll::PollFile;
use crate::config::{Auths, Config, Module};

/// What is used where no `--config.file` has it.
static SHIPPED: LazyLock<Result<SplitFile, String>> = LazyLock::new(|| {
    let text = include_str!("../../snmp.yml");
    serde_saphyr::from_str(text).map_err(|error| error.to_string())
});

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
pub(super) struct Loaded {
    split: SplitFile,
    flat: FlatFile,
    /// The file that each thing is from.
    auth_files: BTreeMap<String, String>,
    module_files: BTreeMap<String, String>,
    poll_files: Vec<String>,
    has_auths: bool,
    has_modules: bool,
}

impl Loaded {
    /// Adds a file.
    pub(super) fn add(&mut self, path: &Path) -> Result<(), ConfigError> {
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
    pub(super) fn ship(&mut self) -> Result<(), ConfigError> {
        if !self.flat.is_empty() || (self.has_auths && self.has_modules) {
            return Ok(());
        }
        let shipped = SHIPPED.as_ref();
        let shipped = shipped.map_err(|why| ConfigError::value("shipped snmp.yml", why))?;
        if !self.has_auths {
            self.split.auths = shipped.auths.clone();
        }
        if !self.has_modules {
            self.split.modules = shipped.modules.clone();
        }
        Ok(())
    }

    /// Completes and checks everything.
    pub(super) fn check(mut self, variable: Option<Variables<'_>>) -> Result<Config, ConfigError> {
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

/// What is shown beside modules of the form up to 0.22.
#[derive(serde::Serialize)]
struct PollOnly<'a> {
    poll: &'a [PollFile],
}

/// The files that the patterns name. A path that is none of a pattern has to be there.
pub(super) fn files(patterns: &[PathBuf]) -> Result<Vec<PathBuf>, ConfigError> {
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
