//! Kernel settings that the operator names, as numbers or as words. Source: `/proc/sys`.

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::KernelFile;
use crate::text::{ParseError, number};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "sysctl",
    default_on: false,
    help: "kernel settings that --collector.sysctl.include names, from /proc/sys",
    build,
};

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    let mut settings = Vec::new();
    for (flag, is_number) in [
        ("collector.sysctl.include", true),
        ("collector.sysctl.include-info", false),
    ] {
        for text in config.options.values(flag) {
            let (name, keys) = text.split_once(':').unwrap_or((&text, ""));
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
            if name.is_empty() || name.contains("..") || !name.bytes().all(is_name) {
                let reason = format!("expected a name such as kernel.threads-max, found {name:?}");
                return Err(ConfigError::value(format!("--{flag}"), reason));
            }
            if !is_number && !keys.is_empty() {
                let reason = format!("{text:?}: words have no keys");
                return Err(ConfigError::value(format!("--{flag}"), reason));
            }
            settings.push(Setting {
                // As in sysctl(8), a dot between directories may be a slash and the other way round.
                file: config.roots.proc_value(&format!("sys/{}", swapped(name))),
                metric: format!("node_sysctl_{}", name.replace(['.', '-', '/'], "_")),
                name: name.to_owned(),
                keys: keys
                    .split(',')
                    .filter(|key| !key.is_empty())
                    .map(str::to_owned)
                    .collect(),
                is_number,
            });
        }
    }
    Ok(Box::new(Sysctl(settings)))
}

/// `net.ipv4.conf.eth0/100.forwarding` is the file `net/ipv4/conf/eth0.100/forwarding`.
fn swapped(name: &str) -> String {
    let swap = |char| match char {
        '.' => '/',
        '/' => '.',
        other => other,
    };
    name.chars().map(swap).collect()
}

struct Sysctl(Vec<Setting>);

/// What one flag asks for.
struct Setting {
    file: KernelFile,
    name: String,
    metric: String,
    /// Names for the fields of a setting that has several.
    keys: Vec<String>,
    is_number: bool,
}

impl Collector for Sysctl {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        // One setting that this kernel lacks costs its own series only, but the operator is told.
        let mut result = Ok(());
        for setting in &mut self.0 {
            result = setting.emit(out).and(result);
        }
        result
    }
}

impl Setting {
    fn emit(&mut self, out: &mut Families) -> Result<(), CollectError> {
        let Self {
            file,
            name,
            metric,
            keys,
            is_number,
        } = self;
        file.parse(|text| {
            let fields: Vec<&str> = text.split_ascii_whitespace().collect();
            if !*is_number {
                let mut family = out.family("node_sysctl_info", "sysctl info", MetricType::Gauge);
                for (index, value) in fields.iter().enumerate() {
                    let index = index.to_string();
                    family.sample(&[("name", name), ("value", value), ("index", &index)], 1.0);
                }
                return Ok(());
            }
            let numbers = fields
                .iter()
                .map(|field| number(field))
                .collect::<Option<Vec<f64>>>();
            let numbers = numbers.ok_or_else(|| ParseError::at(0, "numbers", text))?;
            numeric(&numbers, name, metric, keys, out)
                .ok_or_else(|| ParseError::at(0, "as many fields as the flag has keys", text))
        })
    }
}

/// Writes the series; `None` if the flag's keys do not fit the fields.
fn numeric(
    numbers: &[f64],
    name: &str,
    metric: &str,
    keys: &[String],
    out: &mut Families,
) -> Option<()> {
    let kind = MetricType::Untyped;
    if !keys.is_empty() {
        if keys.len() != numbers.len() {
            return None;
        }
        for (index, (key, value)) in keys.iter().zip(numbers).enumerate() {
            let help = format!("sysctl {name}, field {index}");
            out.family(&format!("{metric}_{key}"), &help, kind)
                .sample(&[], *value);
        }
        return Some(());
    }
    let help = format!("sysctl {name}");
    let mut family = out.family(metric, &help, kind);
    match numbers {
        [] => return None,
        [one] => _ = family.sample(&[], *one),
        several => {
            for (index, value) in several.iter().enumerate() {
                family.sample(&[("index", &index.to_string())], *value);
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_directories_and_slashes_are_dots() {
        assert_eq!(swapped("kernel.threads-max"), "kernel/threads-max");
        assert_eq!(
            swapped("net.ipv4.conf.eth0/100.forwarding"),
            "net/ipv4/conf/eth0.100/forwarding"
        );
    }

    #[test]
    fn several_fields_have_an_index_or_the_keys_of_the_flag() {
        let mut out = Families::new();
        let keys = ["a", "b"].map(str::to_owned);
        numeric(&[1.0, 2.0], "fs.x", "node_sysctl_fs_x", &[], &mut out).unwrap();
        numeric(&[1.0, 2.0], "fs.x", "node_sysctl_fs_x", &keys, &mut out).unwrap();
        assert_eq!(out.sample_count(), 4);
        assert!(out.get("node_sysctl_fs_x_b").is_some());
        assert_eq!(
            numeric(&[1.0], "fs.x", "node_sysctl_fs_x", &keys, &mut out),
            None
        );
    }

    proptest::proptest! {
        #[test]
        fn any_numbers_fit_the_keys_or_are_refused(
            numbers in proptest::collection::vec(-9e9..9e9, 0..6),
            keys in proptest::collection::vec("[a-z]{1,5}", 0..6),
            name in ".*",
        ) {
            let mut out = Families::new();
            let fits = numeric(&numbers, &name, "node_sysctl_x", &keys, &mut out).is_some();
            let wanted = !numbers.is_empty() && (keys.is_empty() || keys.len() == numbers.len());
            proptest::prop_assert!(fits == wanted || numbers.is_empty());
            let _ = swapped(&name);
        }
    }
}
