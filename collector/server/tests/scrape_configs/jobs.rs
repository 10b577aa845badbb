//! The jobs that both are given, and the exporters of their targets.

use std::path::Path;
use std::time::SystemTime;

use crate::consul;
use crate::server::{Answer, serve};

/// What an exporter of the test tells; it has labels that targets have too, and a sample with a moment of its own.
fn exposition(path: &str, module: &str) -> String {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    let moment = now.as_millis() - 20_000;
    format!(
        "# TYPE app_requests_total counter\n\
         app_requests_total{{method=\"GET\",code=\"200\",job=\"inner\",instance=\"in:1\"}} 17\n\
         app_requests_total{{method=\"POST\",code=\"500\",env=\"own\"}} 3\n\
         app_temperature{{sensor=\"cpu-0\"}} 41.5\n\
         app_moment{{path=\"{path}\",module=\"{module}\"}} 7 {moment}\n\
         app_internal_debug 1\n\
         app_old_name{{zone=\"Zone.A\"}} 2\n"
    )
}

/// The jobs of both. Prometheus' own words only.
pub(crate) fn scrape_configs(dir: &Path, exporter: &str, other: &str, sd: &str) -> String {
    let files = dir.join("targets*.yml").display().to_string();
    format!(
        r#"scrape_configs:
- job_name: static
  scrape_interval: 2s
  scrape_timeout: 2s
  metrics_path: /deep/metrics
  params: {{module: [one, two], empty: []}}
  static_configs:
  - targets: ["{exporter}", "{other}"]
    labels: {{env: prod, __rack_row: "12", __tmp_x: gone}}
  - targets: ["127.0.0.1:1"]
    labels: {{env: unwanted}}
  relabel_configs:
  - {{source_labels: [env], regex: un.*, action: drop}}
  - {{source_labels: [__address__], regex: '(.+):(\d+)', target_label: port, replacement: '${{2}}'}}
  - {{source_labels: [__address__, env], separator: '@', target_label: both}}
  - {{regex: __rack_(.+), action: labelmap}}
  - {{source_labels: [__address__], modulus: 8, target_label: shard, action: hashmod}}
  - {{source_labels: [env], target_label: upper, action: uppercase}}
  - {{source_labels: [module], target_label: nothing, regex: (.+)}}
  metric_relabel_configs:
  - {{source_labels: [__name__], regex: app_internal_.*, action: drop}}
  - {{source_labels: [__name__], regex: app_old_(.*), target_label: __name__, replacement: app_new_$1}}
  - {{source_labels: [zone], target_label: zone, action: lowercase}}
  - {{source_labels: [code], regex: (.)00, target_label: 'code_${{1}}xx', replacement: 'yes'}}
  - {{regex: both|port, action: labeldrop}}
- job_name: honored
  honor_labels: true
  honor_timestamps: false
  scrape_interval: 2s
  scrape_timeout: 2s
  static_configs: [{{targets: ["{exporter}"], labels: {{env: target, exported_env: taken}}}}]
- job_name: exported
  scrape_interval: 2s
  scrape_timeout: 2s
  static_configs: [{{targets: ["{exporter}"], labels: {{env: target, exported_env: taken, sensor: ""}}}}]
- job_name: prober
  scrape_interval: 2s
  scrape_timeout: 2s
  metrics_path: /probe
  params: {{module: [http_2xx]}}
  static_configs: [{{targets: ["https://web.example/a?b=c", "db.example:5432"]}}]
  relabel_configs:
  - {{source_labels: [__address__], target_label: __param_target}}
  - {{source_labels: [__param_target], target_label: instance}}
  - {{target_label: __address__, replacement: "{exporter}"}}
- job_name: files
  scrape_interval: 2s
  scrape_timeout: 2s
  file_sd_configs: [{{files: ["{files}"], refresh_interval: 1s}}]
  relabel_configs:
  - {{source_labels: [__meta_filepath], regex: '.*/([^/]+)', target_label: file}}
- job_name: http
  scrape_interval: 2s
  scrape_timeout: 2s
  http_sd_configs: [{{url: "http://{sd}/targets", refresh_interval: 1s, basic_auth: {{username: me, password: secret}}}}]
  relabel_configs:
  - {{regex: __meta_datacenter_(.+), action: labelmap}}
"#
    )
}

/// The jobs whose targets a Consul names.
pub(crate) fn consul_configs(consul: &str) -> String {
    let token = consul::TOKEN;
    format!(
        r#"scrape_configs:
- job_name: consul
  scrape_interval: 2s
  scrape_timeout: 2s
  consul_sd_configs: [{{server: "{consul}", token: {token}, tags: [metrics], tag_separator: '|', refresh_interval: 1s}}]
  relabel_configs:
  - {{regex: __meta_consul_service_metadata_(.+), action: labelmap}}
  - {{source_labels: [__meta_consul_tags], regex: '.*\|tier-([^|]+)\|.*', target_label: tier}}
  - {{source_labels: [__meta_consul_health], regex: passing|warning, action: keep}}
- job_name: consul-named
  scrape_interval: 2s
  scrape_timeout: 2s
  consul_sd_configs: [{{server: "{consul}", token: {token}, datacenter: dc1, services: [web], refresh_interval: 1s}}]
"#
    )
}

/// An exporter of the test.
pub(crate) fn exporter() -> String {
    serve(|request| {
        let module = request.parameter("module").unwrap_or_default();
        Answer::of(
            "text/plain; version=0.0.4",
            exposition(&request.path, module),
        )
    })
}
