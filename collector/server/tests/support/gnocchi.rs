//! Debian's Gnocchi, with PostgreSQL and files, to compare with.

use std::path::Path;

use testkit::{Peer, Running};

/// Starts one without data that keeps everything in `dir`.
pub(crate) fn start_gnocchi(dir: &Path) -> Running {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential");
    let [start, serve] =
        ["gnocchi.sh", "serve.py"].map(|name| scripts.join(name).display().to_string());
    Peer::new("bash")
        .args([&start, &dir.display().to_string(), "{port}", &serve])
        .with_children()
        .wait_http("/v1/capabilities")
        .start()
}
