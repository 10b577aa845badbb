//! How many members each bonding device has and how many of them have a link. Sources: `bonding_masters` in
//! `/sys/class/net`, and of each bond its `bonding/slaves` and their `bonding_slave/mii_status`.

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::{KernelFile, Roots};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "bonding",
    default_on: true,
    help: "members of bonding devices from /sys/class/net",
    build,
};

const CLASS: &str = "class/net";

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(Bonding {
        masters: config.roots.attribute("class/net/bonding_masters"),
        roots: config.roots.clone(),
        bonds: Vec::new(),
    }))
}

struct Bonding {
    masters: KernelFile,
    roots: Roots,
    bonds: Vec<Bond>,
}

struct Bond {
    name: String,
    slaves: KernelFile,
    members: Vec<(String, KernelFile)>,
}

impl Collector for Bonding {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let Some(masters) = self.masters.value() else {
            return Err(CollectError::NoData(
                "there are no bonding devices".to_owned(),
            ));
        };
        let names = masters.split_ascii_whitespace();
        if !names
            .clone()
            .eq(self.bonds.iter().map(|bond| bond.name.as_str()))
        {
            self.bonds = names.map(|name| Bond::new(name, &self.roots)).collect();
        }
        for bond in &mut self.bonds {
            bond.emit(&self.roots, out);
        }
        Ok(())
    }
}

impl Bond {
    fn new(name: &str, roots: &Roots) -> Self {
        Self {
            name: name.to_owned(),
            slaves: roots.attribute(&format!("{CLASS}/{name}/bonding/slaves")),
            members: Vec::new(),
        }
    }

    fn emit(&mut self, roots: &Roots, out: &mut Families) {
        let Some(slaves) = self.slaves.value() else {
            return;
        };
        let names = slaves.split_ascii_whitespace();
        if !names
            .clone()
            .eq(self.members.iter().map(|(name, _)| name.as_str()))
        {
            let status = |slave: &str| {
                let mut file = roots.attribute(&format!(
                    "{CLASS}/{}/lower_{slave}/bonding_slave/mii_status",
                    self.name
                ));
                if !file.exists() {
                    // The name of the link before Linux 3.13.
                    file = roots.attribute(&format!(
                        "{CLASS}/{}/slave_{slave}/bonding_slave/mii_status",
                        self.name
                    ));
                }
                (slave.to_owned(), file)
            };
            self.members = names.map(status).collect();
        }
        let count = self.members.len();
        let up = |(_, file): &mut (String, KernelFile)| file.value() == Some("up");
        let active = self
            .members
            .iter_mut()
            .map(up)
            .filter(|&is_up| is_up)
            .count();
        let labels = [("master", self.name.as_str())];
        out.family(
            "node_bonding_slaves",
            "Number of configured slaves per bonding interface.",
            MetricType::Gauge,
        )
        .sample(&labels, count as f64);
        out.family(
            "node_bonding_active",
            "Number of active slaves per bonding interface.",
            MetricType::Gauge,
        )
        .sample(&labels, active as f64);
    }
}
