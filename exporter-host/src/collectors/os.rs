//! Which operating system the host runs, from `/etc/os-release` or `/usr/lib/os-release` under the root of the host.
//! The file is read again when it has changed.

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::{Stamp, read_lossy, stamp};
use crate::sources::os_release::{self, Release};
use std::path::PathBuf;

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "os",
    default_on: true,
    help: "operating system from /etc/os-release",
    build,
};

/// The label and the key in the file.
const FIELDS: [(&str, &str); 12] = [
    ("build_id", "BUILD_ID"),
    ("id", "ID"),
    ("id_like", "ID_LIKE"),
    ("image_id", "IMAGE_ID"),
    ("image_version", "IMAGE_VERSION"),
    ("name", "NAME"),
    ("pretty_name", "PRETTY_NAME"),
    ("variant", "VARIANT"),
    ("variant_id", "VARIANT_ID"),
    ("version", "VERSION"),
    ("version_codename", "VERSION_CODENAME"),
    ("version_id", "VERSION_ID"),
];

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    let paths = ["etc/os-release", "usr/lib/os-release"];
    Ok(Box::new(Os {
        files: paths.map(|path| config.roots.rootfs.join(path)),
        known: None,
    }))
}

struct Os {
    files: [PathBuf; 2],
    known: Option<(Stamp, Release)>,
}

impl Collector for Os {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let found = self
            .files
            .iter()
            .find_map(|path| Some((path, stamp(path)?)));
        let Some((path, now)) = found else {
            return Err(CollectError::NoData(
                "there is no os-release file".to_owned(),
            ));
        };
        if !self.known.as_ref().is_some_and(|(stamp, _)| *stamp == now) {
            let text = read_lossy(path).map_err(|source| CollectError::Read {
                path: path.clone(),
                source,
            })?;
            self.known = Some((now, os_release::parse(&text)));
        }
        if let Some((_, release)) = &self.known {
            emit(release, out);
        }
        Ok(())
    }
}

fn emit(release: &Release, out: &mut Families) {
    let field = |key: &str| release.get(key).map_or("", String::as_str);
    out.family(
        "node_os_info",
        "A metric with a constant '1' value labeled by build_id, id, id_like, image_id, image_version, name, \
            pretty_name, variant, variant_id, version, version_codename, version_id.",
        MetricType::Gauge,
    )
    .sample(&FIELDS.map(|(label, key)| (label, field(key))), 1.0);
    if let Some(version) = version(field("VERSION_ID")) {
        out.family(
            "node_os_version",
            "Metric containing the major.minor part of the OS version.",
            MetricType::Gauge,
        )
        .sample(
            &[
                ("id", field("ID")),
                ("id_like", field("ID_LIKE")),
                ("name", field("NAME")),
            ],
            version,
        );
    }
}

/// Major and minor of `20.04.2`.
fn version(text: &str) -> Option<f64> {
    let is_digit = |char: char| char.is_ascii_digit();
    let major = text.split(|char| !is_digit(char)).next()?;
    let minor = text
        .get(major.len()..)?
        .strip_prefix('.')
        .unwrap_or_default();
    let minor = minor.split(|char| !is_digit(char)).next()?;
    format!("{major}.{minor}")
        .parse()
        .ok()
        .filter(|_| !major.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_major_and_minor() {
        assert_eq!(version("20.04.2"), Some(20.04));
        assert_eq!(version("12"), Some(12.0));
        assert_eq!(version(""), None);
        assert_eq!(version("rolling"), None);
    }
}
