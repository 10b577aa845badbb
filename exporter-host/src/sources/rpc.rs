//! The tables of `/proc/net/rpc/nfs` and `nfsd`: lines of a word and numbers, and the procedures that the numbers
//! of a protocol's line count, in the kernel's order; and what the collectors of both do alike.

use exposition::Families;
use runtime::{CollectError, Collector, ConfigError, Scrape};

use crate::config::HostConfig;
use crate::roots::KernelFile;
use crate::text::{ParseError, number};

/// Shows what `emit` makes of each line of one of the tables.
pub(crate) struct RpcCollector {
    file: KernelFile,
    absent: &'static str,
    emit: fn(&str, &[f64], &mut Families),
}

impl RpcCollector {
    /// For a collector's `SPEC`; `path` is below procfs' root, `absent` says what it means that it is not there.
    pub(crate) fn build(
        config: &HostConfig,
        path: &str,
        absent: &'static str,
        emit: fn(&str, &[f64], &mut Families),
    ) -> Result<Box<dyn Collector>, ConfigError> {
        let file = config.roots.proc(path);
        Ok(Box::new(Self { file, absent, emit }))
    }
}

impl Collector for RpcCollector {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        if !self.file.exists() {
            return Err(CollectError::NoData(self.absent.to_owned()));
        }
        for (word, values) in self.file.parse(parse)? {
            (self.emit)(word, &values, out);
        }
        Ok(())
    }
}

/// The procedures of NFS version 2.
pub(crate) const V2: &[&str] = &[
    "Null", "GetAttr", "SetAttr", "Root", "Lookup", "ReadLink", "Read", "WrCache", "Write",
    "Create", "Remove", "Rename", "Link", "SymLink", "MkDir", "RmDir", "ReadDir", "FsStat",
];

/// The procedures of NFS version 3.
pub(crate) const V3: &[&str] = &[
    "Null",
    "GetAttr",
    "SetAttr",
    "Lookup",
    "Access",
    "ReadLink",
    "Read",
    "Write",
    "Create",
    "MkDir",
    "SymLink",
    "MkNod",
    "Remove",
    "RmDir",
    "Rename",
    "Link",
    "ReadDir",
    "ReadDirPlus",
    "FsStat",
    "FsInfo",
    "PathConf",
    "Commit",
];

/// The procedures of NFS version 4 as a client counts them. The kernel counts LAYOUTGET before GETDEVICEINFO; these two
/// are as node_exporter has them, for rules and dashboards know them so.
pub(crate) const CLIENT_V4: &[&str] = &[
    "Null",
    "Read",
    "Write",
    "Commit",
    "Open",
    "OpenConfirm",
    "OpenNoattr",
    "OpenDowngrade",
    "Close",
    "Setattr",
    "FsInfo",
    "Renew",
    "SetClientID",
    "SetClientIDConfirm",
    "Lock",
    "Lockt",
    "Locku",
    "Access",
    "Getattr",
    "Lookup",
    "LookupRoot",
    "Remove",
    "Rename",
    "Link",
    "Symlink",
    "Create",
    "Pathconf",
    "StatFs",
    "ReadLink",
    "ReadDir",
    "ServerCaps",
    "DelegReturn",
    "GetACL",
    "SetACL",
    "FsLocations",
    "ReleaseLockowner",
    "Secinfo",
    "FsidPresent",
    "ExchangeID",
    "CreateSession",
    "DestroySession",
    "Sequence",
    "GetLeaseTime",
    "ReclaimComplete",
    "GetDeviceInfo",
    "LayoutGet",
    "LayoutCommit",
    "LayoutReturn",
    "SecinfoNoName",
    "TestStateID",
    "FreeStateID",
    "GetDeviceList",
    "BindConnToSession",
    "DestroyClientID",
    "Seek",
    "Allocate",
    "DeAllocate",
    "LayoutStats",
    "Clone",
];

/// The operations of NFS version 4 as a server counts them, from number 3 on; those without a name are not shown.
pub(crate) const SERVER_V4: &[&str] = &[
    "Access",
    "Close",
    "Commit",
    "Create",
    "DelegPurge",
    "DelegReturn",
    "GetAttr",
    "GetFH",
    "Link",
    "Lock",
    "Lockt",
    "Locku",
    "Lookup",
    "LookupRoot",
    "Nverify",
    "Open",
    "OpenAttr",
    "OpenConfirm",
    "OpenDgrd",
    "PutFH",
    "",
    "",
    "Read",
    "ReadDir",
    "ReadLink",
    "Remove",
    "Rename",
    "Renew",
    "RestoreFH",
    "SaveFH",
    "SecInfo",
    "SetAttr",
    "SetClientID",
    "SetClientIDConfirm",
    "Verify",
    "Write",
    "RelLockOwner",
];

/// A line: its word and its numbers.
pub(crate) type Line<'a> = (&'a str, Vec<f64>);

/// All lines. The histogram of busy threads has fractions; no other number has.
pub(crate) fn parse(text: &str) -> Result<Vec<Line<'_>>, ParseError> {
    let mut lines = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let values: Option<Vec<f64>> = rest.split_ascii_whitespace().map(number).collect();
        let values = values.ok_or_else(|| ParseError::at(index, "a word and numbers", line))?;
        lines.push((word, values));
    }
    Ok(lines)
}

/// The number at this place of a line, 0 if this kernel has none.
pub(crate) fn at(values: &[f64], place: usize) -> f64 {
    values.get(place).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_a_word_and_numbers() {
        let lines = parse("rc 0 6 18622\nth 8 0 0.000 0.5\n").unwrap();
        assert_eq!(lines[0], ("rc", vec![0.0, 6.0, 18622.0]));
        assert_eq!(at(&lines[1].1, 3), 0.5);
        assert_eq!(at(&lines[1].1, 9), 0.0);
        assert!(parse("rc zero\n").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "(?s).*") {
            let _ = parse(&text);
        }
    }
}
