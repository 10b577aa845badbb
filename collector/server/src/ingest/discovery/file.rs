//! `file_sd_configs`: target groups in JSON or YAML files, read again when they change. A file that is being written does
//! not make its targets vanish.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime};

use tracing::warn;

use super::found::Provider;
use crate::ingest::config::{FileSd, TargetGroup};
use crate::ingest::mapping::one_line;
use crate::ingest::targets;

/// How often files are looked at, at least.
const INTERVAL: Duration = Duration::from_secs(5);

/// Files by name, with what told of their last state.
type Known = BTreeMap<String, Option<(SystemTime, u64)>>;

/// Tells what is in the files until it is aborted.
pub(super) async fn run(provider: Provider, sd: FileSd) {
    let mut known = Known::new();
    let interval = sd.refresh_interval.unwrap_or(INTERVAL).min(INTERVAL);
    let mut timer = tokio::time::interval(interval.max(Duration::from_secs(1)));
    loop {
        timer.tick().await;
        let (provider, patterns) = (provider.clone(), sd.files.clone());
        let round = tokio::task::spawn_blocking(move || {
            read_all(&provider, &patterns, &mut known);
            known
        });
        match round.await {
            Ok(files) => known = files,
            Err(error) => {
                warn!(%error, "files of targets are no longer read");
                return;
            }
        }
    }
}

/// Reads what has changed.
fn read_all(provider: &Provider, patterns: &[String], known: &mut Known) {
    let mut problems = Vec::new();
    let mut there = Known::new();
    for pattern in patterns {
        let paths = match glob::glob(pattern) {
            Ok(paths) => paths.filter_map(Result::ok),
            Err(error) => {
                problems.push(format!("pattern {pattern:?}: {error}"));
                continue;
            }
        };
        for path in paths {
            let name = path.display().to_string();
            let state =
                std::fs::metadata(&path).and_then(|file| Ok((file.modified()?, file.len())));
            let state = state.ok();
            if state.is_some() && known.get(&name) == Some(&state) {
                there.insert(name, state);
                continue;
            }
            match read(&path, &name) {
                Ok(groups) => {
                    provider.tell(&name, groups);
                    there.insert(name, state);
                }
                Err(why) => {
                    problems.push(format!("{name}: {why}"));
                    // Read again the next time.
                    there.insert(name, None);
                }
            }
        }
    }
    provider.keep(|part| there.contains_key(part));
    *known = there;
    if problems.is_empty() {
        provider.succeed("");
    } else {
        provider.fail("", problems.join("; "));
    }
}

fn read(path: &Path, name: &str) -> Result<Vec<TargetGroup>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read it: {error}"))?;
    let mut groups: Vec<TargetGroup> =
        serde_saphyr::from_str(&text).map_err(|error| one_line(&error.to_string()))?;
    groups.iter().try_for_each(targets::check)?;
    for group in &mut groups {
        group
            .labels
            .insert("__meta_filepath".to_owned(), name.to_owned());
    }
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::found::Found;
    use super::*;

    #[test]
    fn files_in_json_and_yaml_are_read_and_a_bad_one_keeps_its_targets() {
        let dir = tempfile::tempdir().unwrap();
        let yaml = dir.path().join("a.yml");
        let json = dir.path().join("b.json");
        std::fs::write(&yaml, "- targets: ['a:9100']\n  labels: {host: alpha}\n").unwrap();
        std::fs::write(&json, r#"[{"targets": ["b:9100"]}]"#).unwrap();
        let found = Arc::new(Found::default());
        let provider = Provider::new(&found, "", "file_sd", "x".to_owned());
        found.keep(std::slice::from_ref(&provider));
        let patterns = [dir.path().join("*").display().to_string()];
        let mut known = Known::new();
        read_all(&provider, &patterns, &mut known);
        let groups = found.groups("");
        assert_eq!((groups[0].targets[0].as_str(), groups.len()), ("a:9100", 2));
        assert_eq!(groups[0].labels["host"], "alpha");
        assert_eq!(
            groups[1].labels["__meta_filepath"],
            json.display().to_string()
        );

        std::fs::write(&yaml, "- targets: ['a:91").unwrap();
        std::fs::remove_file(&json).unwrap();
        read_all(&provider, &patterns, &mut known);
        let groups = found.groups("");
        assert_eq!(groups.len(), 1, "a stays, b is gone");
        assert_eq!(groups[0].targets, ["a:9100"]);
        std::fs::write(&yaml, "[]").unwrap();
        read_all(&provider, &patterns, &mut known);
        assert_eq!(found.groups(""), []);
    }
}
