//! How many control groups each subsystem has. Source: `/proc/cgroups`.

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::KernelFile;
use crate::text::{ParseError, number};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "cgroups",
    default_on: false,
    help: "control groups from /proc/cgroups",
    build,
};

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(Cgroups {
        file: config.roots.proc("cgroups"),
    }))
}

struct Cgroups {
    file: KernelFile,
}

impl Collector for Cgroups {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        const HELP: &str = "Current cgroup number of the subsystem.";
        for (name, count, enabled) in self.file.parse(parse)? {
            let labels = [("subsys_name", name)];
            out.family("node_cgroups_cgroups", HELP, MetricType::Gauge)
                .sample(&labels, count);
            out.family("node_cgroups_enabled", HELP, MetricType::Gauge)
                .sample(&labels, enabled);
        }
        Ok(())
    }
}

/// `cpuset 5 47 1`: name, hierarchy, groups, enabled; the first line is the heading.
fn parse(text: &str) -> Result<Vec<(&str, f64, f64)>, ParseError> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate().skip(1) {
        let mut fields = line.split_ascii_whitespace();
        let row = (
            fields.next(),
            fields.nth(1).and_then(number),
            fields.next().and_then(number),
        );
        let (Some(name), Some(count), Some(enabled)) = row else {
            return Err(ParseError::at(index, "a name and three numbers", line));
        };
        found.push((name, count, enabled));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subsystems_follow_the_heading() {
        assert_eq!(
            parse("#subsys_name\thierarchy\ncpuset\t5\t47\t1\n").unwrap(),
            [("cpuset", 47.0, 1.0)]
        );
        assert!(parse("#\ncpuset 5\n").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "(?s).*") {
            let _ = parse(&text);
        }
    }
}
