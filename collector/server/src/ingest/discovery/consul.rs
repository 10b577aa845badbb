//! `consul_sd_configs`: the services of a Consul catalogue with their nodes, tags and health, by blocking queries, as the
//! labels `__meta_consul_*` that Prometheus gives them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::consul_api::{Consul, Entry};
use super::found::Provider;
use crate::ingest::client::{Access, Secret, check_scheme, with_client_keys};
use crate::ingest::config::{TargetGroup, duration};
use crate::ingest::mapping::Labels;
use crate::ingest::tasks::Tasks;

with_client_keys! {
    /// One Consul, with Prometheus' keys.
    struct ConsulSd {
        /// `host:port` of its API.
        server: String = "localhost:8500".to_owned(),
        /// What its paths begin with, behind a proxy.
        path_prefix: String = String::new(),
        /// Its ACL token.
        token: Option<Secret> = None,
        /// A datacenter other than the agent's own.
        datacenter: Option<String> = None,
        /// Consul Enterprise's namespace.
        namespace: Option<String> = None,
        /// Consul Enterprise's partition.
        partition: Option<String> = None,
        /// `http` or `https`.
        scheme: String = "http".to_owned(),
        /// The services; all where none is named.
        services: Vec<String> = Vec::new(),
        /// Tags that a service has to have, all of them.
        tags: Vec<String> = Vec::new(),
        /// Metadata that a node has to have.
        node_meta: BTreeMap<String, String> = BTreeMap::new(),
        /// What stands between tags in the label.
        tag_separator: String = ",".to_owned(),
        /// Whether any server may answer, not the leader alone.
        allow_stale: bool = true,
        /// Shortest time between two questions.
        #[serde(deserialize_with = "duration")]
        refresh_interval: Duration = Duration::from_secs(30),
    }
}

impl ConsulSd {
    /// What is wrong, by its key.
    pub(crate) fn check(&self) -> Result<(), String> {
        check_scheme(&self.scheme)?;
        let url = reqwest::Url::parse(&format!("{}://{}", self.scheme, self.server));
        if self.server.is_empty() || self.server.contains('/') || url.is_err() {
            return Err(format!(
                "server: expected host:port, found {:?}",
                self.server
            ));
        }
        super::check_refresh(self.refresh_interval)?;
        self.client().map(drop)
    }

    fn wants(&self, service: &str, tags: &[String]) -> bool {
        (self.services.is_empty() || self.services.iter().any(|wanted| wanted == service))
            && self.tags.iter().all(|wanted| tags.contains(wanted))
    }
}

/// Tells what Consul says until it is aborted.
pub(super) async fn run(provider: Provider, sd: ConsulSd, access: Access) {
    let mut consul = Consul::new(sd, access);
    while let Err(problem) = consul.find_datacenter().await {
        provider.fail("", problem);
        consul.pause().await;
    }
    provider.succeed("");
    let mut watches = Tasks::default();
    if !consul.sd.services.is_empty() && consul.sd.tags.is_empty() {
        let services = consul.sd.services.iter().cloned().collect();
        keep(&mut watches, &services, &consul, &provider);
        return watches.ended().await;
    }
    let mut index = 0;
    loop {
        match consul.services(index).await {
            Ok((services, next)) => {
                provider.succeed("");
                if next != index || index == 0 {
                    let wanted = services.into_iter();
                    let wanted = wanted.filter(|(name, tags)| consul.sd.wants(name, tags));
                    let names = wanted.map(|(name, _)| name).collect();
                    keep(&mut watches, &names, &consul, &provider);
                    index = next;
                }
            }
            Err(problem) => provider.fail("", problem),
        }
        consul.pause().await;
    }
}

/// Watches these services and no others.
fn keep(
    watches: &mut Tasks<String>,
    services: &BTreeSet<String>,
    consul: &Consul,
    provider: &Provider,
) {
    provider.keep(|service| services.contains(service));
    watches.retain(|service| services.contains(service));
    for service in services {
        watches.start(service, || {
            watch(service.clone(), consul.clone(), provider.clone())
        });
    }
}

async fn watch(service: String, consul: Consul, provider: Provider) {
    let mut index = 0;
    loop {
        match consul.health(&service, index).await {
            Ok((entries, next)) => {
                provider.succeed(&service);
                if next != index || index == 0 {
                    let groups = entries.iter().map(|entry| group(&service, entry, &consul));
                    provider.tell(&service, groups.collect());
                    index = next;
                }
            }
            Err(problem) => provider.fail(&service, problem),
        }
        consul.pause().await;
    }
}

/// One instance of a service as a target with Prometheus' labels.
fn group(name: &str, entry: &Entry, consul: &Consul) -> TargetGroup {
    let (node, service) = (&entry.node, &entry.service);
    let host = match service.address.as_str() {
        "" => &node.address,
        address => address,
    };
    let bracketed = host.contains(':');
    let address = match bracketed {
        true => format!("[{host}]:{}", service.port),
        false => format!("{host}:{}", service.port),
    };
    let separator = &consul.sd.tag_separator;
    let tags = service.tags.as_deref().unwrap_or_default().join(separator);
    let mut labels: Labels = [
        ("address", node.address.clone()),
        ("node", node.node.clone()),
        ("namespace", service.namespace.clone()),
        ("partition", service.partition.clone()),
        ("tags", format!("{separator}{tags}{separator}")),
        ("service", name.to_owned()),
        ("service_address", service.address.clone()),
        ("service_port", service.port.to_string()),
        ("service_id", service.id.clone()),
        ("dc", consul.datacenter.clone()),
        ("health", entry.health().to_owned()),
    ]
    .map(|(label, value)| (format!("__meta_consul_{label}"), value))
    .into();
    for (prefix, values) in [
        ("metadata", &node.meta),
        ("service_metadata", &service.meta),
        ("tagged_address", &node.tagged_addresses),
    ] {
        for (key, value) in values.iter().flatten() {
            let label = format!("__meta_consul_{prefix}_{}", label_name(key));
            labels.insert(label, value.clone());
        }
    }
    TargetGroup {
        targets: vec![address],
        labels,
    }
}

/// A key as part of a label's name.
fn label_name(key: &str) -> String {
    let usable = |c: char| c.is_ascii_alphanumeric() || c == '_';
    key.chars()
        .map(|c| if usable(c) { c } else { '_' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_has_the_labels_that_prometheus_gives_it() {
        let sd = ConsulSd {
            tag_separator: "|".to_owned(),
            ..ConsulSd::default()
        };
        let access = sd.client().unwrap();
        let mut consul = Consul::new(sd, access);
        consul.datacenter = "dc1".to_owned();
        let entry: Entry = serde_json::from_str(
            r#"{"Node": {"Node": "n1", "Address": "10.0.0.1", "Datacenter": "dc1", "Meta": {"rack-row": "7"},
                "TaggedAddresses": {"lan": "10.0.0.1"}},
               "Service": {"ID": "web-1", "Service": "web", "Tags": ["a", "b"], "Address": "2001:db8::1", "Port": 8080,
                "Meta": null},
               "Checks": [{"CheckID": "x", "Status": "passing"}, {"CheckID": "y", "Status": "warning"}]}"#,
        )
        .unwrap();
        let group = group("web", &entry, &consul);
        assert_eq!(group.targets, ["[2001:db8::1]:8080"]);
        for (label, value) in [
            ("tags", "|a|b|"),
            ("health", "warning"),
            ("metadata_rack_row", "7"),
            ("tagged_address_lan", "10.0.0.1"),
            ("service_id", "web-1"),
            ("dc", "dc1"),
            ("node", "n1"),
        ] {
            assert_eq!(
                group.labels[&format!("__meta_consul_{label}")],
                value,
                "{label}"
            );
        }
    }

    #[test]
    fn a_service_is_wanted_by_its_name_and_all_tags() {
        let sd: ConsulSd = serde_saphyr::from_str("{services: [web], tags: [a, b]}").unwrap();
        let tags = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>();
        assert!(sd.wants("web", &tags(&["b", "c", "a"])));
        assert!(!sd.wants("web", &tags(&["a"])) && !sd.wants("db", &tags(&["a", "b"])));
        assert!(ConsulSd::default().wants("db", &[]));
    }
}
