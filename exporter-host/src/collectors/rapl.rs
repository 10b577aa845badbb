//! How much energy the packages, cores and memory of the CPUs took (running average power limit). Source:
//! `/sys/class/powercap`, in microjoules.

use exposition::Families;
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::Roots;
use crate::sources::board::{Board, Items, Metric, Unit};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "rapl",
    default_on: true,
    help: "energy counters from /sys/class/powercap",
    build,
};

const DIR: &str = "class/powercap";

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(RaplCollector {
        roots: config.roots.clone(),
        board: Board::default(),
        with_zone: config.options.is_on("collector.rapl.enable-zone-label"),
    }))
}

struct RaplCollector {
    roots: Roots,
    board: Board,
    with_zone: bool,
}

impl Collector for RaplCollector {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let names = self
            .roots
            .sys_names(DIR)
            .map_err(|error| CollectError::NoData(error.to_string()))?;
        let Self {
            roots,
            board,
            with_zone,
        } = self;
        board.emit(names, out, |names, items| {
            discover(roots, names, *with_zone, items);
        });
        if board.is_empty() {
            return Err(CollectError::NoData(
                "there is no energy counter".to_owned(),
            ));
        }
        Ok(())
    }
}

fn discover(roots: &Roots, names: &[String], with_zone: bool, items: &mut Items) {
    let mut seen: Vec<String> = Vec::new();
    for directory in names
        .iter()
        .filter(|name| name.starts_with("intel-rapl") && name.contains(':'))
    {
        let path = format!("{DIR}/{directory}");
        let Ok(name) = roots.sys_once(&format!("{path}/name")) else {
            continue;
        };
        let (zone, index) = match split_index(&name) {
            Some((zone, index)) => (zone.to_owned(), index.to_owned()),
            None => (
                name.clone(),
                seen.iter()
                    .filter(|seen| **seen == name)
                    .count()
                    .to_string(),
            ),
        };
        seen.push(name);
        let file = roots.attribute(&format!("{path}/energy_uj"));
        let full = roots.sysfs.join(&path);
        let location = full.to_string_lossy();
        if with_zone {
            let metric = Metric::counter("node_rapl_joules_total", "Current RAPL value in joules");
            let labels = [
                ("index", index.as_str()),
                ("path", &location),
                ("rapl_zone", &zone),
            ];
            items.number(file, metric.unit(Unit::Over(1e6)), &labels);
        } else {
            let zone: String = zone
                .chars()
                .map(|char| {
                    if char.is_ascii_alphanumeric() {
                        char
                    } else {
                        '_'
                    }
                })
                .collect();
            let metric = Metric::counter(
                format!("node_rapl_{zone}_joules_total"),
                format!("Current RAPL {zone} value in joules"),
            );
            items.number(
                file,
                metric.unit(Unit::Over(1e6)),
                &[("index", &index), ("path", &location)],
            );
        }
    }
}

/// `package-0` is `package` and `0`.
fn split_index(name: &str) -> Option<(&str, &str)> {
    let (zone, index) = name.rsplit_once('-')?;
    (!index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit())).then_some((zone, index))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_may_have_its_number_in_its_name() {
        assert_eq!(split_index("package-1"), Some(("package", "1")));
        assert_eq!(split_index("dram"), None);
        assert_eq!(split_index("psys-x"), None);
    }
}
