//! Whether SELinux is on and which mode it is in and is configured for. Sources: `enforce` in `/sys/fs/selinux` and
//! `/etc/selinux/config` of the host.

use exposition::Families;
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::KernelFile;

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "selinux",
    default_on: true,
    help: "SELinux state from /sys/fs/selinux and /etc/selinux/config",
    build,
};

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(Selinux {
        enforce: config.roots.attribute("fs/selinux/enforce"),
        config: config.roots.host_file("etc/selinux/config"),
    }))
}

struct Selinux {
    enforce: KernelFile,
    config: KernelFile,
}

impl Collector for Selinux {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        const HELP: &str = "SELinux is enabled, 1 is true, 0 is false";
        let Some(mode) = self.enforce.number() else {
            out.gauge("node_selinux_enabled", HELP, 0.0);
            return Ok(());
        };
        out.gauge("node_selinux_enabled", HELP, 1.0);
        let configured = self.config.value().map_or(-1.0, configured);
        out.gauge(
            "node_selinux_config_mode",
            "Configured SELinux enforcement mode",
            configured,
        );
        out.gauge(
            "node_selinux_current_mode",
            "Current SELinux enforcement mode",
            mode,
        );
        Ok(())
    }
}

/// The line `SELINUX=`: enforcing is 1, permissive 0, all else is -1 for disabled.
fn configured(text: &str) -> f64 {
    let mode = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("SELINUX="));
    match mode.map(str::trim) {
        Some("enforcing") => 1.0,
        Some("permissive") => 0.0,
        _ => -1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configured_mode_is_a_number() {
        assert_eq!(
            configured("# SELINUX=permissive\nSELINUXTYPE=targeted\nSELINUX=enforcing\n"),
            1.0
        );
        assert_eq!(configured("SELINUX=permissive"), 0.0);
        assert_eq!(configured(""), -1.0);
    }
}
