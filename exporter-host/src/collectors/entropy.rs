//! How much entropy the kernel has for its random numbers. Sources: `entropy_avail` and `poolsize` in
//! `/proc/sys/kernel/random`, both in bits.

use exposition::Families;
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::KernelFile;
use crate::text::{ParseError, number};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "entropy",
    default_on: true,
    help: "entropy of the kernel random number generator",
    build,
};

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(Entropy {
        available: config.roots.proc_value("sys/kernel/random/entropy_avail"),
        pool_size: config.roots.proc_value("sys/kernel/random/poolsize"),
    }))
}

struct Entropy {
    available: KernelFile,
    pool_size: KernelFile,
}

impl Collector for Entropy {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let available = self.available.parse(parse)?;
        out.gauge(
            "node_entropy_available_bits",
            "Bits of available entropy.",
            available,
        );
        let pool_size = self.pool_size.parse(parse)?;
        out.gauge(
            "node_entropy_pool_size_bits",
            "Bits of entropy pool.",
            pool_size,
        );
        Ok(())
    }
}

fn parse(text: &str) -> Result<f64, ParseError> {
    number(text).ok_or_else(|| ParseError::at(0, "a number of bits", text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_one_number() {
        assert_eq!(parse("1337\n"), Ok(1337.0));
        assert!(parse("").is_err() && parse("many").is_err());
    }
}
