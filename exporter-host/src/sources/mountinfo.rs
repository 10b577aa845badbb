//! The mount table of a process, `/proc/PID/mountinfo` (proc_pid_mountinfo(5)): which file systems are mounted where
//! and how. It is bytes, not text: a mount point may have any name. Asking a file system for its space is `prober.rs`.

use std::ffi::CString;

use crate::text::ParseError;

/// One line of the mount table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mount {
    /// What is mounted, such as `/dev/vda1` or `server:/export`; field 10, escapes kept as the peer keeps them.
    pub(crate) device: String,
    /// Where it is mounted, as a label; field 5.
    pub(crate) mount_point: String,
    /// Where it is mounted, as the kernel wants it back.
    pub(crate) path: CString,
    /// The type of the file system, field 9.
    pub(crate) fs_type: String,
    /// The device's major number, from field 3.
    pub(crate) major: String,
    /// The device's minor number, from field 3.
    pub(crate) minor: String,
    /// Whether the mount (field 6) or its file system (field 11) is read-only.
    pub(crate) read_only: bool,
}

/// All mounts in the order in which they were mounted.
pub(crate) fn parse(table: &[u8]) -> Result<Vec<Mount>, ParseError> {
    const EXPECTED: &str = "a line of mountinfo";
    let mut mounts = Vec::new();
    for (index, line) in table.split(|byte| *byte == b'\n').enumerate() {
        if line.is_empty() {
            continue;
        }
        let mount = parse_line(line);
        mounts.push(mount.ok_or_else(|| ParseError::at(index, EXPECTED, &lossy(line)))?);
    }
    if mounts.is_empty() {
        Err(ParseError::Missing(EXPECTED))
    } else {
        Ok(mounts)
    }
}

/// `36 35 98:0 /srv /mount\040point rw,noatime master:1 - ext4 /dev/sda1 rw,errors=continue`: the optional fields
/// after the sixth end with a dash.
fn parse_line(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|byte| *byte == b' ');
    let (major, minor) = std::str::from_utf8(fields.nth(2)?).ok()?.split_once(':')?;
    let mount_point = unescape(fields.nth(1)?);
    let options = fields.next()?;
    fields.find(|field| *field == b"-")?;
    let fs_type = fields.next()?;
    let device = fields.next()?;
    // Some file systems have no options of their own.
    let super_options = fields.next().unwrap_or_default();
    Some(Mount {
        device: lossy(device),
        mount_point: lossy(&mount_point),
        path: CString::new(mount_point).ok()?,
        fs_type: lossy(fs_type),
        major: major.to_owned(),
        minor: minor.to_owned(),
        read_only: is_read_only(options) || is_read_only(super_options),
    })
}

fn is_read_only(options: &[u8]) -> bool {
    options
        .split(|byte| *byte == b',')
        .any(|option| option == b"ro")
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The kernel writes space, tab, newline and backslash as a backslash and three octal digits.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        if *first == b'\\'
            && let Some((digits, after)) = after.split_at_checked(3)
            && let Some(byte) = octal(digits)
        {
            plain.push(byte);
            rest = after;
        } else {
            plain.push(*first);
            rest = after;
        }
    }
    plain
}

fn octal(digits: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(digits).ok()?;
    let octal = digits.bytes().all(|digit| digit.is_ascii_digit());
    octal.then(|| u8::from_str_radix(digits, 8).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str) -> Mount {
        parse(line.as_bytes()).unwrap().remove(0)
    }

    #[test]
    fn a_line_is_device_place_type_and_numbers() {
        let mount = one("36 35 98:7 /mnt1 /mnt2 rw,noatime - ext4 /dev/sda1 rw,errors=continue\n");
        let expected = Mount {
            device: "/dev/sda1".to_owned(),
            mount_point: "/mnt2".to_owned(),
            path: c"/mnt2".to_owned(),
            fs_type: "ext4".to_owned(),
            major: "98".to_owned(),
            minor: "7".to_owned(),
            read_only: false,
        };
        assert_eq!(mount, expected);
    }

    #[test]
    fn optional_fields_are_passed_over_however_many_there_are() {
        let mount = one("36 35 98:0 / /mnt rw shared:3 master:1 unbindable - xfs /dev/sdb rw");
        assert_eq!(
            (mount.fs_type.as_str(), mount.device.as_str()),
            ("xfs", "/dev/sdb")
        );
    }

    #[test]
    fn the_mount_or_its_file_system_may_be_read_only() {
        assert!(one("1 1 0:1 / /a ro,nosuid - tmpfs tmpfs rw").read_only);
        assert!(one("1 1 0:1 / /a rw - squashfs /dev/loop0 errors=continue,ro").read_only);
        assert!(!one("1 1 0:1 / /a rw,errors=remount-ro - ext4 /dev/sda1 rw").read_only);
    }

    #[test]
    fn escapes_in_a_mount_point_are_undone() {
        let mount = one(r"1 1 0:1 / /a\040b\134c\011 rw - tmpfs tmp\040fs rw");
        assert_eq!(mount.mount_point, "/a b\\c\t");
        assert_eq!(mount.path, c"/a b\\c\t".to_owned());
        assert_eq!(mount.device, r"tmp\040fs");
        assert_eq!(unescape(br"/tail\04"), br"/tail\04");
        assert_eq!(unescape(br"/no\9999"), br"/no\9999");
    }

    #[test]
    fn a_name_outside_utf8_keeps_its_bytes_for_the_kernel() {
        let mounts = parse(b"1 1 0:1 / /\xff rw - tmpfs tmpfs rw\n").unwrap();
        assert_eq!(mounts[0].path.as_bytes(), b"/\xff");
        assert_eq!(mounts[0].mount_point, "/\u{fffd}");
    }

    #[test]
    fn a_line_of_another_form_is_refused_by_number() {
        let table = "1 1 0:1 / /a rw - tmpfs tmpfs rw\n/dev/sda1 / ext4 rw 0 0\n";
        let error = parse(table.as_bytes()).unwrap_err().to_string();
        assert!(
            error.starts_with("line 2: expected a line of mountinfo"),
            "{error}"
        );
        for text in [
            "",
            "\n",
            "1 1 01 / /a rw - tmpfs tmpfs rw",
            "1 1 0:1 / /a rw tmpfs tmpfs rw",
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_table_is_parsed_or_refused(bytes: Vec<u8>, point in "[\\\\0-9a-z]*") {
            let _ = parse(&bytes);
            let line = format!("1 1 0:1 / /{point} rw - tmpfs tmpfs rw");
            proptest::prop_assert!(parse(line.as_bytes()).is_ok() || point.contains("\\000"));
        }
    }
}
