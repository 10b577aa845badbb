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
        match self {
            Self::Debian => "gnocchi://?timeout=60".to_owned(),
            // Here is no Keystone that knows Gnocchi's own project, and in /etc are Debian's definitions.
            Self::Newest => {
                let definitions = self.definitions();
                let definitions = definitions.display();
                format!(
                    "gnocchi://?timeout=60&enable_filter_project=false&resources_definition_file={definitions}"
                )
            }
        }
    }
}

fn environment() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/ceilometer")
}
