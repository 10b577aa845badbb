//! Prometheus: Debian's, or another one.

use std::path::Path;

use crate::peer::Peer;
use crate::running::Running;

/// Starts Debian's on this configuration file, beside which it keeps its data, and waits until it is ready.
pub fn start(config: &Path) -> Running {
    start_program(Path::new("prometheus"), config)
}

/// The same of another release.
pub fn start_program(program: &Path, config: &Path) -> Running {
    Peer::new(&program.display().to_string())
        .args([
            format!("--config.file={}", config.display()),
            format!(
                "--storage.tsdb.path={}",
                config.with_extension("data").display()
            ),
            "--web.listen-address=127.0.0.1:{port}".to_owned(),
        ])
        .wait_http("/-/ready")
        .start()
}
