//! How many file descriptors the kernel has allocated and may allocate. Source: `/proc/sys/fs/file-nr`.

use exposition::Families;
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::KernelFile;
use crate::text::{ParseError, number};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "filefd",
    default_on: true,
    help: "file descriptors from /proc/sys/fs/file-nr",
    build,
};

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(FileFd {
        file: config.roots.proc_value("sys/fs/file-nr"),
    }))
}

struct FileFd {
    file: KernelFile,
}

impl Collector for FileFd {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let (allocated, maximum) = self.file.parse(parse)?;
        out.gauge(
            "node_filefd_allocated",
            "File descriptor statistics: allocated.",
            allocated,
        );
        out.gauge(
            "node_filefd_maximum",
            "File descriptor statistics: maximum.",
            maximum,
        );
        Ok(())
    }
}

/// Allocated, free (always 0 since 2.6) and maximum.
fn parse(text: &str) -> Result<(f64, f64), ParseError> {
    let mut fields = text.split_ascii_whitespace().map(number);
    match (fields.next(), fields.next(), fields.next()) {
        (Some(Some(allocated)), Some(Some(_)), Some(Some(maximum))) => Ok((allocated, maximum)),
        _ => Err(ParseError::at(0, "three numbers", text.trim_end())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_third_field_count() {
        assert_eq!(parse("1024\t0\t1631329\n"), Ok((1024.0, 1_631_329.0)));
        assert!(parse("1024 0").is_err() && parse("a b c").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "(?s).*") {
            let _ = parse(&text);
        }
    }
}
