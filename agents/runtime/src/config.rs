//! Reading a YAML configuration file into a checked type, and the error of anything that an operator configured
//! wrongly. What the settings mean is each program's own matter.

use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_saphyr::{RenderOptions, SnippetMode, UserMessageFormatter};

use crate::failure::one_line;

/// A setting that cannot be used, as one line that names the place and what was expected.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// Something in the file is not as it should be.
    #[error("{}:{line}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// The key, what was expected and what was found.
        reason: String,
    },
    /// A flag or a key has a value that cannot be used.
    #[error("{setting}: {reason}")]
    Value {
        /// The flag with its dashes, or the file and the key.
        setting: String,
        /// What was expected and what was found.
        reason: String,
    },
}

impl ConfigError {
    /// The value of `setting`, a flag such as `--path.procfs` or a key, cannot be used for this reason.
    pub fn value(setting: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Value {
            setting: setting.into(),
            reason: reason.into(),
        }
    }
}

/// Loads a YAML file; the defaults where there is no file or nothing is in it. Types that carry
/// `#[serde(deny_unknown_fields)]` refuse keys that they do not know.
///
/// # Errors
/// Names the file, and the line and the key in it.
pub fn load<T: DeserializeOwned + Default>(path: Option<&Path>) -> Result<T, ConfigError> {
    let Some(path) = path else {
        return Ok(T::default());
    };
    parse(path, &read(path)?)
}

/// Reads a file as text.
pub(crate) fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
        path: path.to_owned(),
        source,
    })
}

/// Parses the text of the file at `path`.
pub(crate) fn parse<T: DeserializeOwned + Default>(
    path: &Path,
    text: &str,
) -> Result<T, ConfigError> {
    let is_blank = |line: &str| matches!(line.trim_start().chars().next(), None | Some('#'));
    if text.lines().all(is_blank) {
        return Ok(T::default());
    }
    serde_saphyr::from_str(text).map_err(|error| explain(path, text, &error))
}

fn explain(path: &Path, text: &str, error: &serde_saphyr::Error) -> ConfigError {
    let path = path.to_owned();
    let error = error.without_snippet();
    let line = error.location().map_or(1, |location| location.line());
    if let serde_saphyr::Error::SerdeUnknownField {
        field, expected, ..
    } = error
    {
        let reason = format!(
            "unknown key {field:?}, expected one of {}",
            expected.join(", ")
        );
        return ConfigError::File { path, line, reason };
    }
    let mut options = RenderOptions::default();
    options.formatter = &UserMessageFormatter;
    options.snippets = SnippetMode::Off;
    let reason = one_line(&error.render_with_options(options));
    // The parser says where, but not which key: that is what stands on the line.
    let key = usize::try_from(line)
        .ok()
        .and_then(|line| text.lines().nth(line.checked_sub(1)?))
        .and_then(key_of);
    let reason = match key {
        Some(key) if !reason.contains(key) => format!("key {key:?}: {reason}"),
        _ => reason,
    };
    ConfigError::File { path, line, reason }
}

/// The key that a line of YAML gives a value to.
fn key_of(line: &str) -> Option<&str> {
    let (key, _) = line.trim_start_matches([' ', '-']).split_once(':')?;
    let key = key.trim_matches(['"', '\'', ' ']);
    (!key.is_empty() && !key.starts_with('#')).then_some(key)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Settings {
        interval: u64,
        nested: Nested,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Nested {
        names: Vec<String>,
    }

    fn refused(text: &str) -> String {
        parse::<Settings>(Path::new("x.yml"), text)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn an_unknown_key_is_refused_with_file_line_and_key() {
        assert_eq!(
            refused("interval: 5\nnested:\n  names: [a]\n  nmaes: [b]\n"),
            "x.yml:4: unknown key \"nmaes\", expected one of names"
        );
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_refused_with_file_line_and_key() {
        let error = refused("nested: {}\ninterval: soon\n");
        assert!(
            error.starts_with("x.yml:2: ") && error.contains("interval"),
            "{error}"
        );
        assert_eq!(error.lines().count(), 1);
    }

    #[test]
    fn a_key_given_twice_is_refused() {
        let error = refused("interval: 1\ninterval: 2\n");
        assert!(
            error.starts_with("x.yml:2: ") && error.contains("interval"),
            "{error}"
        );
    }

    #[test]
    fn broken_yaml_is_refused_with_its_line() {
        let error = refused("interval: 1\nnested: [\n");
        assert!(
            error.starts_with("x.yml:") && error.lines().count() == 1,
            "{error}"
        );
    }

    #[test]
    fn no_file_and_a_file_of_comments_mean_the_defaults() {
        assert_eq!(load::<Settings>(None).unwrap(), Settings::default());
        assert_eq!(
            parse::<Settings>(Path::new("x"), "# nothing\n\n").unwrap(),
            Settings::default()
        );
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = load::<Settings>(Some(Path::new("/nonexistent/x.yml")))
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("cannot read /nonexistent/x.yml: "),
            "{error}"
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_or_refused_in_one_line(text in "\\PC*|[a-z:\\[\\]{} \\n-]*") {
            if let Err(error) = parse::<Settings>(Path::new("x"), &text) {
                proptest::prop_assert_eq!(error.to_string().lines().count(), 1);
            }
        }
    }
}
