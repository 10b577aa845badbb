//! Real Gnocchis, with PostgreSQL and files, to compare with.

use std::path::{Path, PathBuf};
use std::time::Duration;

use testkit::{Peer, Running};

/// A release of Gnocchi.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Release {
    /// Debian's 4.4.2.
    V4_4,
    /// PyPI's 4.7.1.
    V4_7,
}

impl Release {
    /// Our setting of `api.compatibility` for it.
    pub(crate) fn compatibility(self) -> &'static str {
        match self {
            Self::V4_4 => "4.4",
            Self::V4_7 => "4.7",
        }
    }

    fn programs(self) -> PathBuf {
        match self {
            Self::V4_4 => "/usr/bin".into(),
            Self::V4_7 => python().join("bin"),
        }
    }
}

/// What `packaging/dev/install-deps test` has installed of PyPI.
pub(crate) fn python() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/python")
}

/// Starts one without data that keeps everything in `dir`.
pub(crate) fn start_gnocchi(dir: &Path, release: Release) -> Running {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential");
    let [start, serve] =
        ["gnocchi.sh", "serve.py"].map(|name| scripts.join(name).display().to_string());
    let programs = release.programs().display().to_string();
    Peer::new("bash")
        .args([
            &start,
            &dir.display().to_string(),
            "{port}",
            &serve,
            &programs,
        ])
        .with_children()
        .wait_http("/v1/capabilities")
        .ready_timeout(Duration::from_secs(240))
        .start()
}
