//! Service discovery: a task for each file, server or Consul that names targets, and what all of them have found. What one
//! cannot tell now it told last time: a discovery that fails takes no target away, and is counted.

mod consul;
mod consul_api;
mod file;
mod found;
mod http;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

pub(crate) use consul::ConsulSd;
pub(crate) use found::Found;
use found::Provider;
pub(crate) use http::HttpSd;

use super::job::Job;

/// Largest answer of a server that names targets, bytes.
const ANSWER_LIMIT: usize = 64 << 20;
/// How long it may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Starts what finds the targets of these jobs. It ends when the set is dropped.
pub(super) fn start(jobs: &[Arc<Job>], found: &Arc<Found>) -> Result<JoinSet<()>, String> {
    let mut providers = Vec::new();
    let mut provider = |job: &Arc<Job>, kind: &'static str, place: String| {
        let provider = Provider::new(found, job.name(), kind, place);
        providers.push(provider.clone());
        provider
    };
    let mut tasks: Vec<Pin<Box<dyn Future<Output = ()> + Send>>> = Vec::new();
    for job in jobs {
        let config = &job.config;
        for sd in &config.file_sd_configs {
            let provider = provider(job, "file_sd", sd.files.join(", "));
            tasks.push(Box::pin(file::run(provider, sd.clone())));
        }
        for sd in &config.http_sd_configs {
            let provider = provider(job, "http_sd", sd.url.clone());
            tasks.push(Box::pin(http::run(provider, sd.clone(), sd.client()?)));
        }
        for (at, sd) in config.consul_sd_configs.iter().enumerate() {
            let place = format!("{} (entry {})", sd.server, at + 1);
            let provider = provider(job, "consul_sd", place);
            tasks.push(Box::pin(consul::run(provider, sd.clone(), sd.client()?)));
        }
    }
    // What one tells before it is known is not heard, and Consul tells it again only when it changes.
    found.keep(&providers);
    Ok(tasks.into_iter().collect())
}

/// Whether a server may be asked so often. The error names the key.
fn check_refresh(interval: Duration) -> Result<(), String> {
    match interval < Duration::from_secs(1) {
        true => Err("refresh_interval: expected at least 1s".to_owned()),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::config::ScrapeConfig;
    use crate::ingest::job;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_the_first_one_finds_before_the_last_one_has_started_is_not_lost() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("targets.json");
        std::fs::write(&file, r#"[{"targets": ["a:1"]}]"#).unwrap();
        // Each of these takes longer to start than the file to read.
        let slow = "{url: 'https://127.0.0.1:1/'}, ".repeat(50);
        let file = file.display();
        let yaml = format!(
            "[{{job_name: a, file_sd_configs: [{{files: ['{file}']}}], http_sd_configs: [{slow}]}}]"
        );
        let configs: Vec<_> = serde_saphyr::from_str(&yaml).unwrap();
        let jobs = job::jobs(&ScrapeConfig::default(), &configs).unwrap();
        let jobs: Vec<_> = jobs.into_iter().map(Arc::new).collect();
        let found = Arc::new(Found::default());
        let _running = start(&jobs, &found).unwrap();
        let of_file = async {
            while found.groups("a").is_empty() {
                found.changed().await;
            }
        };
        let heard = tokio::time::timeout(Duration::from_secs(20), of_file).await;
        assert!(heard.is_ok(), "{found:?}");
    }
}
