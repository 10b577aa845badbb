//! Events and states of the virtual memory: the lines of `/proc/vmstat` that `--collector.vmstat.fields` picks. They
//! have no type, because the kernel mixes counters and gauges in that file.

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::pattern::Pattern;
use crate::roots::KernelFile;
use crate::text::{MetricName, NameCache, ParseError};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "vmstat",
    default_on: true,
    help: "virtual memory statistics from /proc/vmstat",
    build,
};

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(VmStat {
        file: config.roots.proc("vmstat"),
        fields: config.vmstat_fields.clone(),
        names: NameCache::default(),
    }))
}

struct VmStat {
    file: KernelFile,
    fields: Pattern,
    names: NameCache,
}

impl Collector for VmStat {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let Self {
            file,
            fields,
            names,
        } = self;
        for (position, (key, value)) in file.parse(parse)?.into_iter().enumerate() {
            let name = names.get(position, key, |key| {
                (fields.is_empty() || fields.is_match(key)).then(|| name(key))
            });
            if let Some(MetricName { name, help }) = name {
                out.family(name, help, MetricType::Untyped)
                    .sample(&[], value);
            }
        }
        Ok(())
    }
}

/// All lines in the kernel's order: the field's name and its value.
fn parse(text: &str) -> Result<Vec<(&str, f64)>, ParseError> {
    const EXPECTED: &str = "`name number`";
    // About 190 lines today.
    let mut fields = Vec::with_capacity(256);
    for (index, line) in text.lines().enumerate() {
        let field = line.split_once(' ').and_then(|(key, value)| {
            // Fields of zones may be negative for a moment, as sums over CPUs.
            let value: i128 = value.trim().parse().ok()?;
            (!key.is_empty()).then_some((key, value as f64))
        });
        fields.push(field.ok_or_else(|| ParseError::at(index, EXPECTED, line))?);
    }
    if fields.is_empty() {
        return Err(ParseError::Missing(EXPECTED));
    }
    Ok(fields)
}

fn name(key: &str) -> MetricName {
    MetricName {
        name: format!("node_vmstat_{key}"),
        help: format!("/proc/vmstat information field {key}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_a_name_and_a_number() {
        let text = "nr_free_pages 6061729\npgfault 18446744073709551615\nnr_dirty -3\n";
        let fields = parse(text).unwrap();
        assert_eq!(
            fields,
            [
                ("nr_free_pages", 6_061_729.0),
                ("pgfault", 18_446_744_073_709_551_615.0),
                ("nr_dirty", -3.0),
            ]
        );
    }

    #[test]
    fn lines_of_another_form_are_refused_by_number() {
        let error = parse("pgfault 1\npgmajfault\n").unwrap_err().to_string();
        assert_eq!(
            error,
            "line 2: expected `name number`, found \"pgmajfault\""
        );
        assert!(parse("pgfault many").is_err());
        assert!(parse(" 1").is_err());
        assert!(parse("").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "(?s).*") {
            let _ = parse(&text);
        }
    }
}
