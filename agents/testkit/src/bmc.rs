//! A guest with a board management controller: QEMU's simulated one behind the interface that servers have (KCS), and
//! Debian's kernel with its own drivers for it. The guest runs a script and writes to its console what is to be seen.

use std::path::Path;
use std::time::Duration;

use crate::initramfs;
use crate::kernel::SERVER;
use crate::peer::Peer;
use crate::tools::run;

/// How long a guest may take to run its script, under an emulator on a busy machine.
const PATIENCE: Duration = Duration::from_secs(240);

/// Boots a guest whose controller has the sensors of these records (IPMI's, one after the other), runs the script with
/// `programs` in `/bin`, and returns what was written to the console until the guest was off. The script is to end with
/// `poweroff -f`.
pub fn run_in_guest(records: &[u8], programs: &[(&str, &Path)], script: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    // What debuggers need would not fit into the guest's memory.
    let stripped = programs.iter().map(|(name, program)| {
        let small = dir.path().join(name);
        run(
            "strip",
            ["-o".as_ref(), small.as_os_str(), program.as_os_str()],
        );
        (*name, small)
    });
    let stripped: Vec<_> = stripped.collect();
    let programs: Vec<_> = stripped
        .iter()
        .map(|(name, path)| (*name, path.as_path()))
        .collect();
    std::fs::write(at("records"), records).unwrap();
    std::fs::write(
        at("initramfs"),
        initramfs::with_script(&SERVER, &programs, script),
    )
    .unwrap();
    let kernel = SERVER.dir().join("vmlinuz").to_str().unwrap().to_owned();
    let args = [
        "-machine",
        "pc",
        "-accel",
        "tcg",
        "-m",
        "512",
        "-nodefaults",
        "-display",
        "none",
        "-no-reboot",
        "-kernel",
        &kernel,
        "-initrd",
        &at("initramfs"),
        "-append",
        "console=ttyS0 loglevel=4 panic=-1",
        "-serial",
        &format!("file:{}", at("console")),
        "-device",
        &format!(
            "ipmi-bmc-sim,id=bmc,mfg_id=674,fwrev1=1,fwrev2=0x66,sdrfile={}",
            at("records")
        ),
        "-device",
        "isa-ipmi-kcs,bmc=bmc",
    ];
    let mut guest = Peer::new("qemu-system-x86_64")
        .args(args)
        .ready_when(|| true)
        .start();
    let status = guest.wait(PATIENCE);
    let console = std::fs::read(at("console")).unwrap_or_default();
    let console = String::from_utf8_lossy(&console).replace('\r', "");
    assert!(
        status.is_some_and(|status| status.success()),
        "the guest did not end: {status:?}\n{console}"
    );
    console
}
