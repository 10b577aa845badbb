//! Who this host is: the answer of the system call uname(2), all of it in labels.

use std::borrow::Cow;
use std::ffi::CStr;

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "uname",
    default_on: true,
    help: "host and kernel names from uname(2)",
    build,
};

fn build(_config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(Uname))
}

struct Uname;

impl Collector for Uname {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        // Asked on each scrape: a host may be renamed while it runs.
        let uname = rustix::system::uname();
        out.family(
            "node_uname_info",
            "Labeled system information as provided by the uname system call.",
            MetricType::Gauge,
        )
        .sample(
            &[
                ("domainname", &text(uname.domainname())),
                ("machine", &text(uname.machine())),
                ("nodename", &text(uname.nodename())),
                ("release", &text(uname.release())),
                ("sysname", &text(uname.sysname())),
                ("version", &text(uname.version())),
            ],
            1.0,
        );
        Ok(())
    }
}

fn text(field: &CStr) -> Cow<'_, str> {
    field.to_string_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_not_utf8_is_shown_with_replacements() {
        assert_eq!(text(c"vm"), "vm");
        assert_eq!(text(c"v\xffm"), "v\u{fffd}m");
    }
}
