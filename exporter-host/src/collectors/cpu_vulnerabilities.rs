//! To which of the known flaws of processors this host is vulnerable. Source:
//! `/sys/devices/system/cpu/vulnerabilities`.

use runtime::{Collector, ConfigError, Spec};

use crate::config::HostConfig;
use crate::roots::Roots;
use crate::sources::board::{Items, Metric};
use crate::sources::devices::{Absence, DeviceCollector};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "cpu_vulnerabilities",
    default_on: false,
    help: "CPU vulnerabilities from /sys/devices/system/cpu/vulnerabilities",
    build,
};

const DIR: &str = "devices/system/cpu/vulnerabilities";

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    DeviceCollector::build(config, DIR, Absence::NoData, discover)
}

fn discover(roots: &Roots, names: &[String], items: &mut Items) {
    for name in names {
        let text = roots.sys_once(&format!("{DIR}/{name}")).unwrap_or_default();
        let Some((state, mitigation)) = parse(&text) else {
            continue;
        };
        let metric = Metric::gauge(
            "node_cpu_vulnerabilities_info",
            "Details of each CPU vulnerability reported by sysfs. The value of the series is an int encoded state of \
                the vulnerability. The same state is stored as a string in the label",
        );
        items.fixed(
            metric,
            &[
                ("codename", name),
                ("mitigation", mitigation),
                ("state", state),
            ],
            1.0,
        );
    }
}

/// The state, and what is done about it: `Mitigation: PTI`.
fn parse(text: &str) -> Option<(&'static str, &str)> {
    if text.starts_with("Not affected") {
        Some(("not affected", ""))
    } else if text.starts_with("Vulnerable") {
        Some(("vulnerable", ""))
    } else {
        let mitigation = text.strip_prefix("Mitigation:")?.trim();
        Some(("mitigation", mitigation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_a_state_and_a_mitigation() {
        assert_eq!(parse("Not affected"), Some(("not affected", "")));
        assert_eq!(parse("Vulnerable: no microcode"), Some(("vulnerable", "")));
        assert_eq!(parse("Mitigation: PTI"), Some(("mitigation", "PTI")));
        assert_eq!(parse("Unknown"), None);
    }
}
