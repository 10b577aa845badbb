//! The guest's whole system: Debian's static busybox, its QEMU guest agent with the libraries that
//! it is linked to, the virtio modules, and an init that sets the guest up and keeps it busy.

use std::path::{Path, PathBuf};

use crate::cpio::Archive;
use crate::kernel::{CLOUD, Kernel};
use crate::tools::{find_program, run};

/// The archive for a guest that runs the kernel in `kernel_dir`.
pub(crate) fn initramfs(kernel_dir: &Path) -> Vec<u8> {
    let mut archive = Archive::default();
    for dir in [
        "bin", "data", "dev", "etc", "modules", "proc", "run", "sys", "tmp", "usr", "usr/sbin",
        "var",
    ] {
        archive.dir(dir);
    }
    archive.character_device("dev/console", 5, 1);
    archive.file("init", include_bytes!("guest_init.sh"));
    archive.file(
        "bin/busybox",
        &std::fs::read(find_program("busybox")).unwrap(),
    );
    add_modules(&mut archive, &CLOUD, kernel_dir);
    // Answers guest-get-osinfo, as a real guest does.
    archive.file(
        "etc/os-release",
        b"ID=nephoscope-test\nNAME=\"Nephoscope test guest\"\nVERSION_ID=1\n",
    );

    add_program(&mut archive, "usr/sbin/qemu-ga", &find_program("qemu-ga"));
    archive.finish()
}

/// The archive for a guest that runs `kernel`, has these programs in `/bin` and runs a script of busybox's shell.
pub(crate) fn with_script(kernel: &Kernel, programs: &[(&str, &Path)], script: &str) -> Vec<u8> {
    let mut archive = Archive::default();
    for dir in ["bin", "dev", "etc", "modules", "proc", "run", "sys", "tmp"] {
        archive.dir(dir);
    }
    archive.character_device("dev/console", 5, 1);
    let begin = "#!/bin/busybox sh\n/bin/busybox --install -s /bin\nmount -t proc proc /proc\nmount -t sysfs sysfs /sys\n\
        mount -t devtmpfs devtmpfs /dev\nip link set lo up\nfor module in /modules/*.ko; do insmod $module; done\n";
    archive.file("init", format!("{begin}{script}\n").as_bytes());
    let busybox = std::fs::read(find_program("busybox")).unwrap();
    archive.file("bin/busybox", &busybox);
    add_modules(&mut archive, kernel, &kernel.dir());
    for (name, program) in programs {
        add_program(&mut archive, &format!("bin/{name}"), program);
    }
    archive.finish()
}

fn add_modules(archive: &mut Archive, kernel: &Kernel, kernel_dir: &Path) {
    for (index, module) in kernel.modules.iter().enumerate() {
        let content = std::fs::read(kernel_dir.join(format!("{module}.ko"))).unwrap();
        // The number keeps the order of loading for the shell's glob.
        archive.file(&format!("modules/{index:02}-{module}.ko"), &content);
    }
}

/// A program with the libraries that it is linked to. Those of several programs may be there twice: the last one counts.
fn add_program(archive: &mut Archive, path: &str, program: &Path) {
    archive.file(path, &std::fs::read(program).unwrap());
    let mut dirs = Vec::new();
    for library in libraries(&run("ldd", [program])) {
        for dir in library
            .parent()
            .unwrap()
            .ancestors()
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
        {
            let dir = dir.to_str().unwrap().to_owned();
            if dir != "/" && !dirs.contains(&dir) {
                archive.dir(&dir);
                dirs.push(dir);
            }
        }
        let content = std::fs::read(&library).unwrap();
        archive.file(library.to_str().unwrap(), &content);
    }
}

/// The files that `ldd` names: `libc.so.6 => /lib/libc.so.6 (0x…)` and `/lib64/ld-linux.so.2
/// (0x…)`.
fn libraries(ldd: &str) -> Vec<PathBuf> {
    ldd.split_whitespace()
        .filter(|word| word.starts_with('/'))
        .map(PathBuf::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ldd_names_the_libraries_and_the_loader() {
        let ldd = "\tlinux-vdso.so.1 (0x00007ff)\n\tlibm.so.6 => /lib/x/libm.so.6 (0x00007f)\n\t/lib64/ld.so.2 (0x7f)\n";
        assert_eq!(
            libraries(ldd),
            [
                PathBuf::from("/lib/x/libm.so.6"),
                PathBuf::from("/lib64/ld.so.2")
            ]
        );
    }
}
