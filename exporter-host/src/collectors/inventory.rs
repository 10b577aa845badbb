//! What the host is made of, as series of value 1 and a few numbers to join others with. Source: the inventory, the same
//! that is served at `/api/v1/node`. The families are made when something has changed and else written as they are.

use std::time::{Duration, Instant};

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::inventory::Inventory;
use crate::inventory::nics::Identity;

mod machine;

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "inventory",
    default_on: true,
    help: "what the host is made of: CPUs, memory modules, disks, which network devices are hardware",
    build,
};

/// Disks and the like are looked for anew after this time; network devices at once, where the kernel tells of them.
const LIFETIME: Duration = Duration::from_secs(300);

/// The same where the kernel does not tell of changes.
const UNWATCHED_LIFETIME: Duration = Duration::from_secs(60);

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(InventoryCollector {
        inventory: config.inventory.clone(),
        machine: Families::new(),
        links: Families::new(),
        machine_until: None,
        links_until: None,
        generation: None,
    }))
}

struct InventoryCollector {
    inventory: Inventory,
    machine: Families,
    links: Families,
    machine_until: Option<Instant>,
    links_until: Option<Instant>,
    generation: Option<u64>,
}

impl Collector for InventoryCollector {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let now = Instant::now();
        let is_over = |until: Option<Instant>| until.is_none_or(|until| until <= now);
        if is_over(self.machine_until) {
            self.machine.clear();
            machine::emit(&self.inventory, &mut self.machine);
            self.machine_until = Some(now + LIFETIME);
        }
        let generation = self.inventory.generation();
        if generation != self.generation || is_over(self.links_until) {
            self.links.clear();
            emit_links(&self.inventory, &mut self.links);
            let lifetime = generation.map_or(UNWATCHED_LIFETIME, |_| LIFETIME);
            self.links_until = Some(now + lifetime);
            self.generation = generation;
        }
        out.append(&self.machine);
        out.append(&self.links);
        Ok(())
    }
}

fn emit_links(inventory: &Inventory, out: &mut Families) {
    let identities = inventory.identities();
    let mut family = out.family(
        "node_nic_info",
        "What a network device is: hardware (kind physical or virtual_function) or not, and how it is tied to others; \
            value is always 1.",
        MetricType::Gauge,
    );
    for (name, identity) in &identities {
        info(name, identity, &mut family);
    }
    let changed = identities
        .iter()
        .filter_map(|(name, _)| Some((name, inventory.last_change(name)?)));
    for (name, time) in changed {
        out.family(
            "node_nic_last_change_timestamp_seconds",
            "When the state of a network device changed last, absent if it did not since the exporter started.",
            MetricType::Gauge,
        )
        .sample(&[("device", name)], time);
    }
}

fn info(name: &str, identity: &Identity, family: &mut exposition::FamilyWriter<'_>) {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let vlan = identity.vlan.map(|vlan| vlan.to_string());
    let labels = [
        ("bond_mode", text(&identity.bond_mode)),
        ("device", name.to_owned()),
        ("driver", text(&identity.driver)),
        ("kind", identity.kind.name().to_owned()),
        ("mac", text(&identity.mac)),
        ("master", text(&identity.master)),
        ("parent", text(&identity.parent)),
        ("pci_address", text(&identity.pci_address)),
        ("permanent_mac", text(&identity.permanent_mac)),
        ("physical_function", text(&identity.physical_function)),
        ("role", identity.role.unwrap_or_default().to_owned()),
        ("vlan", vlan.unwrap_or_default()),
    ];
    let labels = labels
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    family.sample(&labels, 1.0);
}
