//! Writes the archive that the Linux kernel unpacks as its first file system (the "newc" form of
//! cpio), so that the guest's initramfs needs no tool and no root to be made.

/// An archive under construction.
#[derive(Default)]
pub(crate) struct Archive {
    bytes: Vec<u8>,
    entries: u32,
}

impl Archive {
    /// A folder; its parents come first.
    pub(crate) fn dir(&mut self, path: &str) {
        self.entry(path, 0o040_755, (0, 0), b"");
    }

    /// A file that may be executed.
    pub(crate) fn file(&mut self, path: &str, content: &[u8]) {
        self.entry(path, 0o100_755, (0, 0), content);
    }

    /// A character device, such as the console that init's messages go to.
    pub(crate) fn character_device(&mut self, path: &str, major: u32, minor: u32) {
        self.entry(path, 0o020_600, (major, minor), b"");
    }

    /// The finished archive.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, (0, 0), b"");
        self.bytes
    }

    fn entry(&mut self, path: &str, mode: u32, (major, minor): (u32, u32), content: &[u8]) {
        self.entries += 1;
        let path = path.trim_start_matches('/');
        let size = u32::try_from(content.len()).unwrap();
        let name_size = u32::try_from(path.len() + 1).unwrap();
        // inode, mode, uid, gid, links, mtime, size, device of the file (2), device number (2),
        // length of the name with its NUL, checksum (unused in this form).
        let inode = self.entries;
        self.bytes.extend_from_slice(b"070701");
        for field in [
            inode, mode, 0, 0, 1, 0, size, 0, 0, major, minor, name_size, 0,
        ] {
            self.bytes
                .extend_from_slice(format!("{field:08X}").as_bytes());
        }
        self.bytes.extend_from_slice(path.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend_from_slice(content);
        self.pad();
    }

    /// Names and contents end on a multiple of four bytes.
    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::tools::{find_program, try_run_command};

    #[test]
    fn another_cpio_unpacks_what_was_packed() {
        let mut archive = Archive::default();
        archive.dir("/bin");
        archive.file("/bin/tool", b"content of odd length");
        archive.file("/init", b"");
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("archive"), archive.finish()).unwrap();
        let mut unpack = Command::new(find_program("busybox"));
        unpack
            .args(["cpio", "-i", "-F", "archive"])
            .current_dir(dir.path());
        try_run_command(&mut unpack).unwrap();
        let unpacked = std::fs::read_to_string(dir.path().join("bin/tool")).unwrap();
        assert_eq!(unpacked, "content of odd length");
        assert_eq!(std::fs::read(dir.path().join("init")).unwrap(), b"");
    }
}
