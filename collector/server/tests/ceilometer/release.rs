//! The releases of Ceilometer that the tests run: where their programs and files are.

use std::path::{Path, PathBuf};

/// A release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Release {
    /// Debian's 19.
    Debian,
    /// PyPI's newest when this was written, 27, which `install-deps` puts into an environment of its own.
    Newest,
}

impl Release {
    /// The interpreter that has its modules.
    pub(crate) fn python(self) -> String {
        self.program("python3")
    }

    /// One of its programs.
    pub(crate) fn program(self, name: &str) -> String {
        let dir = match self {
            Self::Debian => "/usr/bin".into(),
            Self::Newest => environment().join("bin"),
        };
        dir.join(name).display().to_string()
    }

    /// The folder of its modules.
    pub(crate) fn modules(self) -> PathBuf {
        match self {
            Self::Debian => "/usr/lib/python3/dist-packages".into(),
            Self::Newest => {
                let lib = environment().join("lib");
                let versions = std::fs::read_dir(&lib).unwrap();
                let version = versions.map(|entry| entry.unwrap().path()).next().unwrap();
                version.join("site-packages")
            }
        }
    }

    /// What becomes of its samples and events in Gnocchi.
    pub(crate) fn definitions(self) -> PathBuf {
        let publisher = self.modules().join("ceilometer/publisher");
        publisher.join("data/gnocchi_resources.yaml")
    }

    /// What stands in a pipeline for Gnocchi; with a limit that a busy machine keeps, for what takes longer is dropped.
    pub(crate) fn gnocchi_publisher(self) -> String {
        let url = "gnocchi://?timeout=60";
        match self {
            Self::Debian => url.to_owned(),
            // In /etc are Debian's definitions.
            Self::Newest => {
                let definitions = self.definitions();
                format!("{url}&resources_definition_file={}", definitions.display())
            }
        }
    }

    /// The same where no Keystone knows the project whose resources are left out.
    pub(crate) fn publisher_without_keystone(self) -> String {
        format!("{}&enable_filter_project=false", self.gnocchi_publisher())
    }

    /// A collector's configuration with this release's files in place of the shipped ones.
    pub(crate) fn with_definitions(self, yaml: &str) -> String {
        let data = self.modules().join("ceilometer");
        let files = [
            ("resources_definition_file", self.definitions()),
            (
                "meter_definitions_file",
                data.join("data/meters.d/meters.yaml"),
            ),
            (
                "event_definitions_file",
                data.join("pipeline/data/event_definitions.yaml"),
            ),
        ];
        let files = files.map(|(key, file)| format!("{key}: '{}', ", file.display()));
        yaml.replacen(
            "ceilometer: {",
            &format!("ceilometer: {{{}", files.concat()),
            1,
        )
    }
}

fn environment() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/ceilometer")
}
