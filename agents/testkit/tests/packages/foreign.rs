//! Programs of another architecture, run on this machine by QEMU's user emulation with the libraries that
//! `packaging/aarch64` has unpacked.

use std::path::Path;

use testkit::http::get;
use testkit::peer::Peer;
use testkit::tools;

use crate::built::{root, unpacked};

/// The emulator, and the arguments that let it run a program.
fn emulator(binary: &Path) -> (&'static str, Vec<String>) {
    let libraries = root().join("target/aarch64/root");
    let words = ["-L".as_ref(), libraries.as_os_str(), binary.as_os_str()];
    let words = words.map(|it| it.to_str().unwrap().to_owned());
    ("qemu-aarch64-static", words.into())
}

/// What a program of this architecture prints.
pub(crate) fn emulated(architecture: &str, binary: &Path, arguments: &[&str]) -> String {
    if architecture == "x86_64" {
        return tools::run(binary.to_str().unwrap(), arguments);
    }
    let (emulator, mut words) = emulator(binary);
    words.extend(arguments.iter().map(|it| (*it).to_owned()));
    tools::run(emulator, words)
}

#[test]
#[ignore = "needs make rpm"]
fn the_host_exporter_for_aarch64_serves_this_hosts_measures() {
    let (_dir, binary) = unpacked("nephoscope-exporter-host", "aarch64");
    let (emulator, words) = emulator(&binary);
    let running = Peer::new(emulator)
        .args(words)
        .args(["--web.listen-address", "127.0.0.1:{port}"])
        .wait_http("/-/ready")
        .start();
    let text = get(&running.url("/metrics")).expect_status(200).text();
    for series in [
        "node_cpu_seconds_total{cpu=\"0\",mode=\"idle\"} ",
        "node_memory_MemTotal_bytes ",
        "node_network_receive_bytes_total{device=\"lo\"} ",
    ] {
        assert!(text.contains(series), "no {series} in {text}");
    }
}
