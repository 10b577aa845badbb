//! Service discovery: a task for each file, server or Consul that names targets, and what all of them have found. What one
//! cannot tell now it told last time: a discovery that fails takes no target away, and is counted.

mod consul;
mod consul_api;
mod file;
mod found;
mod http;

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
    let mut tasks = JoinSet::new();
    let mut providers = Vec::new();
    let mut provider = |job: &Arc<Job>, kind: &'static str, place: String| {
        let provider = Provider::new(found, job.name(), kind, place);
        providers.push(provider.clone());
        provider
    };
    for job in jobs {
        let config = &job.config;
        for sd in &config.file_sd_configs {
            let provider = provider(job, "file_sd", sd.files.join(", "));
            tasks.spawn(file::run(provider, sd.clone()));
        }
        for sd in &config.http_sd_configs {
            let provider = provider(job, "http_sd", sd.url.clone());
            tasks.spawn(http::run(provider, sd.clone(), sd.client()?));
        }
        for (at, sd) in config.consul_sd_configs.iter().enumerate() {
            let provider = provider(
                job,
                "consul_sd",
                format!("{} (entry {})", sd.server, at + 1),
            );
            tasks.spawn(consul::run(provider, sd.clone(), sd.client()?));
        }
    }
    found.keep(&providers);
    Ok(tasks)
}

/// Whether a server may be asked so often. The error names the key.
fn check_refresh(interval: Duration) -> Result<(), String> {
    match interval < Duration::from_secs(1) {
        true => Err("refresh_interval: expected at least 1s".to_owned()),
        false => Ok(()),
    }
}
