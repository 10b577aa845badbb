//! How large and how full each swap device is. Source: `/proc/swaps`.

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::KernelFile;
use crate::text::ParseError;

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "swap",
    default_on: false,
    help: "swap devices from /proc/swaps",
    build,
};

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(SwapCollector(config.roots.proc("swaps"))))
}

struct SwapCollector(KernelFile);

/// A line of the file; sizes in KiB.
#[derive(Debug, PartialEq)]
struct Swap<'a> {
    device: &'a str,
    kind: &'a str,
    size: f64,
    used: f64,
    priority: f64,
}

impl Collector for SwapCollector {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let swaps = self.0.parse(parse)?;
        let mut family = |name, help, value: fn(&Swap<'_>) -> f64| {
            let mut family = out.family(name, help, MetricType::Gauge);
            for swap in &swaps {
                let labels = [("device", swap.device), ("swap_type", swap.kind)];
                family.sample(&labels, value(swap));
            }
        };
        if !swaps.is_empty() {
            family(
                "node_swap_size_bytes",
                "Swap device size in bytes.",
                |swap| swap.size * 1024.0,
            );
            family(
                "node_swap_used_bytes",
                "Swap device used in bytes.",
                |swap| swap.used * 1024.0,
            );
            family("node_swap_priority", "Swap device priority.", |swap| {
                swap.priority
            });
        }
        Ok(())
    }
}

/// A heading, then `name type size used priority`; blanks in a name are written as `\040`.
fn parse(text: &str) -> Result<Vec<Swap<'_>>, ParseError> {
    if !text.starts_with("Filename") {
        return Err(ParseError::Missing("the heading of /proc/swaps"));
    }
    let lines = text.lines().enumerate().skip(1);
    lines
        .map(|(index, line)| {
            swap(line).ok_or_else(|| ParseError::at(index, "`name type size used priority`", line))
        })
        .collect()
}

fn swap(line: &str) -> Option<Swap<'_>> {
    let mut fields = line.split_ascii_whitespace();
    let (device, kind) = (fields.next()?, fields.next()?);
    let mut number = || crate::text::number(fields.next()?);
    Some(Swap {
        device,
        kind,
        size: number()?,
        used: number()?,
        priority: number()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_a_device() {
        let text =
            "Filename\t\tType\t\tSize\tUsed\tPriority\n/dev/dm-2 partition\t131068\t176\t-2\n";
        let expected = Swap {
            device: "/dev/dm-2",
            kind: "partition",
            size: 131_068.0,
            used: 176.0,
            priority: -2.0,
        };
        assert_eq!(parse(text), Ok(vec![expected]));
        assert_eq!(parse("Filename Type Size Used Priority\n"), Ok(vec![]));
    }

    #[test]
    fn a_line_of_another_form_is_refused() {
        assert!(parse("Filename\n/dev/sda1 partition many 0 0\n").is_err());
        assert!(parse("").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_devices_or_refused(text in ".*|Filename\n([a-z/]{0,5} [a-z]{0,5}( [0-9-]{0,9}){0,4}\n){0,5}") {
            if let Ok(swaps) = parse(&text) {
                proptest::prop_assert!(swaps.len() < text.lines().count());
            }
        }
    }
}
