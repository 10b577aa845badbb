//! The manifest: one small text file that says which format the store has, which snapshot is the valid one and which
//! segments count, in their order. It is replaced as a whole; whatever it does not name is left over and may go.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

use crate::StoreError;
use crate::file::{self, Disk};

/// Name of the file in a store's directory.
const MANIFEST: &str = "MANIFEST";
/// The format that is written: log entries, snapshot items, segments and the number of shards as they are in this
/// version. Format 1 had no segments, format 2 no pages in their columns; both are read and become this
/// one with the next checkpoint.
const FORMAT: u64 = 3;
const OLDEST_FORMAT: u64 = 1;

/// What the manifest says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Manifest {
    /// The format that was read; what is written has the newest. 0 before that.
    pub(crate) format: u64,
    /// Last log entry that the snapshot is sure to hold; 0 is a store without snapshot.
    pub(crate) base: u64,
    /// Numbers of the segments that count: for every metric and granularity earlier ones hold earlier windows.
    pub(crate) segments: Vec<u64>,
}

impl Manifest {
    /// Reads the manifest of a store; `None` if there is none.
    pub(crate) fn read(disk: &dyn Disk, store: &Path) -> Result<Option<Self>, StoreError> {
        let path = store.join(MANIFEST);
        let mut text = Vec::new();
        match disk
            .open(&path, 0)
            .and_then(|mut file| file.read_to_end(&mut text))
        {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(file::failed("read", &path)(error)),
        }
        let corrupt = |reason: &str| StoreError::Corrupt {
            path: path.clone(),
            offset: 0,
            reason: reason.to_owned(),
        };
        let text = str::from_utf8(&text).map_err(|_| corrupt("it is not UTF-8"))?;
        let body = text
            .rfind("crc ")
            .and_then(|at| text.get(..at))
            .ok_or_else(|| corrupt("it has no crc line"))?;
        if text != with_crc(body) {
            return Err(corrupt("its checksum does not match"));
        }
        let field = |name: &str| {
            let mut lines = body.lines();
            let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            value
                .and_then(|value| value.parse::<u64>().ok())
                .ok_or_else(|| corrupt("a line is missing or no number"))
        };
        let format = field("format")?;
        if !(OLDEST_FORMAT..=FORMAT).contains(&format) {
            return Err(corrupt(&format!(
                "its format is {format}, this program knows {OLDEST_FORMAT} to {FORMAT}"
            )));
        }
        let segments = body
            .lines()
            .filter_map(|line| line.strip_prefix("segment "));
        let segments = segments.map(|id| id.parse::<u64>());
        Ok(Some(Self {
            format,
            base: field("snapshot")?,
            segments: segments
                .collect::<Result<_, _>>()
                .map_err(|_| corrupt("a segment is no number"))?,
        }))
    }

    /// Replaces the manifest, durably.
    pub(crate) fn write(&self, disk: &dyn Disk, store: &Path) -> Result<(), StoreError> {
        let mut body = format!(
            "nephoscope store\nformat {FORMAT}\nsnapshot {}\n",
            self.base
        );
        for id in &self.segments {
            let _ = writeln!(body, "segment {id}");
        }
        file::replace(disk, &store.join(MANIFEST), with_crc(&body).as_bytes())
    }
}

fn with_crc(body: &str) -> String {
    let mut text = body.to_owned();
    let _ = writeln!(text, "crc {:08x}", crc32c::crc32c(body.as_bytes()));
    text
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::file::System;

    fn read(dir: &Path) -> Result<Option<Manifest>, String> {
        Manifest::read(&System, dir).map_err(|error| error.to_string())
    }

    #[test]
    fn the_manifest_reads_back_as_written() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path()), Ok(None));
        for (base, segments) in [(0, vec![]), (42, vec![7, 3])] {
            let manifest = Manifest {
                format: FORMAT,
                base,
                segments,
            };
            manifest.write(&System, dir.path()).unwrap();
            assert_eq!(read(dir.path()), Ok(Some(manifest)));
        }
    }

    #[test]
    fn any_changed_byte_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(MANIFEST);
        let manifest = Manifest {
            base: 42,
            segments: vec![1],
            ..Manifest::default()
        };
        manifest.write(&System, dir.path()).unwrap();
        let good = fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x01;
            fs::write(&path, bad).unwrap();
            assert!(
                read(dir.path()).unwrap_err().contains("corrupt file"),
                "byte {at}"
            );
            fs::write(&path, &good[..at]).unwrap();
            assert!(read(dir.path()).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn a_later_format_is_refused_by_its_number() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(
            dir.path().join(MANIFEST),
            with_crc("nephoscope store\nformat 4\nsnapshot 0\n"),
        )
        .unwrap();
        assert!(
            read(dir.path())
                .unwrap_err()
                .ends_with("its format is 4, this program knows 1 to 3")
        );
    }
}
