//! A kernel file that stays open from scrape to scrape, and one that several collectors parse: how they are read into
//! a buffer that is kept. Which files there are and where is `roots.rs`.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use runtime::{CollectError, Scrape};

use crate::text::ParseError;

/// No kernel text is longer; what is longer is no kernel text.
const LONGEST: usize = 64 << 20;

/// The first size of a file's buffer: most kernel texts fit, so that one read gets them.
pub(super) const FIRST_BUFFER: usize = 8 << 10;

/// The first size of an attribute's buffer: sysfs has one value per file.
const ATTRIBUTE_BUFFER: usize = 64;

/// A kernel file that stays open between scrapes.
#[derive(Debug)]
pub(crate) struct KernelFile {
    path: PathBuf,
    file: Option<File>,
    buffer: Vec<u8>,
    length: usize,
    /// The first size of the buffer.
    first: usize,
    /// Whether the file stays open.
    stays_open: bool,
}

impl KernelFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            file: None,
            buffer: Vec::new(),
            length: 0,
            first: FIRST_BUFFER,
            stays_open: true,
        }
    }

    /// A file with one value: a small buffer does.
    pub(super) fn attribute(path: PathBuf) -> Self {
        Self {
            first: ATTRIBUTE_BUFFER,
            ..Self::new(path)
        }
    }

    /// A file with one value that does not stay open.
    pub(super) fn one_of_many(path: PathBuf) -> Self {
        Self {
            stays_open: false,
            ..Self::attribute(path)
        }
    }

    /// The trimmed text of a small file, or `None` if it cannot be read now: a device without a link has no speed.
    pub(crate) fn value(&mut self) -> Option<&str> {
        std::str::from_utf8(self.bytes().ok()?).ok().map(str::trim)
    }

    /// The trimmed text that was read last, empty if that went wrong.
    pub(crate) fn last(&self) -> &str {
        let bytes = self.buffer.get(..self.length).unwrap_or_default();
        std::str::from_utf8(bytes).map_or("", str::trim)
    }

    /// The number in a small file, or `None` if it cannot be read now.
    pub(crate) fn number(&mut self) -> Option<f64> {
        self.value().and_then(crate::text::number)
    }

    /// Whether the file can be opened now.
    pub(crate) fn exists(&mut self) -> bool {
        if self.stays_open {
            self.open().is_ok()
        } else {
            self.path.exists()
        }
    }

    /// Reads the file and gives its bytes.
    pub(crate) fn bytes(&mut self) -> Result<&[u8], CollectError> {
        self.read()?;
        Ok(self.buffer.get(..self.length).unwrap_or_default())
    }

    /// Reads the file and parses it; errors name the file.
    pub(crate) fn parse<'a, T>(
        &'a mut self,
        parse: impl FnOnce(&'a str) -> Result<T, ParseError>,
    ) -> Result<T, CollectError> {
        self.read()?;
        self.parse_again(parse)
    }

    /// Parses what was read last.
    fn parse_again<'a, T>(
        &'a self,
        parse: impl FnOnce(&'a str) -> Result<T, ParseError>,
    ) -> Result<T, CollectError> {
        let malformed = |reason: String| CollectError::Parse {
            path: self.path.clone(),
            reason,
        };
        let bytes = self.buffer.get(..self.length).unwrap_or_default();
        let text = std::str::from_utf8(bytes)
            .map_err(|error| malformed(format!("expected UTF-8 text, {error}")))?;
        parse(text).map_err(|error| malformed(error.to_string()))
    }

    /// The error of this file when what was read of it is not what it should be.
    pub(crate) fn malformed(&self, error: &ParseError) -> CollectError {
        CollectError::Parse {
            path: self.path.clone(),
            reason: error.to_string(),
        }
    }

    fn open(&mut self) -> io::Result<&File> {
        match self.file {
            Some(ref file) => Ok(file),
            None => Ok(self.file.insert(File::open(&self.path)?)),
        }
    }

    fn read(&mut self) -> Result<(), CollectError> {
        let was_open = self.file.is_some();
        let mut result = self.try_read();
        if result.is_err() && was_open {
            // The open file may belong to a device that went away and came back.
            self.file = None;
            result = self.try_read();
        }
        result.map_err(|source| {
            self.file = None;
            self.length = 0;
            CollectError::Read {
                path: self.path.clone(),
                source,
            }
        })
    }

    fn try_read(&mut self) -> io::Result<()> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let first = self.first;
        let result = self
            .open()
            .and_then(|file| read_whole(file, &mut buffer, first));
        self.buffer = buffer;
        if !self.stays_open {
            self.file = None;
        }
        self.length = result?;
        Ok(())
    }
}

/// A file that is read once per scrape for all collectors that parse it. `/proc/stat` is worth it: the kernel adds up
/// every interrupt of every CPU for it, which takes a millisecond on a large host.
#[derive(Debug, Clone)]
pub(crate) struct SharedFile(Arc<Mutex<Shared>>);

#[derive(Debug)]
struct Shared {
    file: KernelFile,
    /// The deadline of the scrape for which the file was read, which tells scrapes apart.
    read_for: Option<Instant>,
}

impl SharedFile {
    pub(super) fn new(file: KernelFile) -> Self {
        let shared = Shared {
            file,
            read_for: None,
        };
        Self(Arc::new(Mutex::new(shared)))
    }

    /// Parses the file as it is in this scrape; errors name the file.
    pub(crate) fn parse<T>(
        &self,
        scrape: &Scrape,
        parse: impl FnOnce(&str) -> Result<T, ParseError>,
    ) -> Result<T, CollectError> {
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Shared { file, read_for } = &mut *shared;
        if *read_for != Some(scrape.deadline) {
            *read_for = None;
            file.read()?;
            *read_for = Some(scrape.deadline);
        }
        file.parse_again(parse)
    }
}

/// Reads from the start to the end of the file; the buffer only ever grows.
fn read_whole(file: &File, buffer: &mut Vec<u8>, first: usize) -> io::Result<usize> {
    if buffer.is_empty() {
        buffer.resize(first, 0);
    }
    let mut length = 0;
    loop {
        if length == buffer.len() {
            if length >= LONGEST {
                return Err(io::Error::new(
                    io::ErrorKind::FileTooLarge,
                    "file has no end",
                ));
            }
            buffer.resize(length * 2, 0);
        }
        let rest = buffer.get_mut(length..).unwrap_or_default();
        match file.read_at(rest, length as u64) {
            Ok(0) => return Ok(length),
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
