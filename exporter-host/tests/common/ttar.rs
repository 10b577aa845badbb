//! Unpacks archives in the text format ttar, in which node_exporter keeps its fixtures: entries with a path and their
//! content by a count of lines, directories and symbolic links.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed assumption fails the test loudly"
)]

use std::fs;
use std::path::Path;

/// One entry: `Path`, then `Lines` and content or `SymlinkTo`; or `Directory`.
#[derive(Debug, PartialEq)]
pub(crate) enum Entry<'a> {
    /// A directory.
    Directory(&'a str),
    /// A file and its content.
    File(&'a str, Vec<u8>),
    /// A symbolic link and where it points.
    Link(&'a str, &'a str),
}

/// All entries of an archive; lines outside of them are comments.
pub(crate) fn entries(text: &str) -> Vec<Entry<'_>> {
    let mut lines = text.split('\n');
    let mut path = "";
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        if let Some(directory) = line.strip_prefix("Directory: ") {
            found.push(Entry::Directory(directory));
        } else if let Some(name) = line.strip_prefix("Path: ") {
            path = name;
        } else if let Some(target) = line.strip_prefix("SymlinkTo: ") {
            found.push(Entry::Link(path, target));
        } else if let Some(count) = line.strip_prefix("Lines: ") {
            let count: usize = count.trim().parse().unwrap();
            let content: Vec<&str> = lines.by_ref().take(count).collect();
            found.push(Entry::File(path, content_of(&content)));
        }
    }
    found
}

/// A last line that ends in `EOF` has no end of line in the file; `NULLBYTE` is a byte of 0; a backslash before either
/// means the word itself.
fn content_of(lines: &[&str]) -> Vec<u8> {
    let mut text = lines.join("\n");
    let has_no_end = text.ends_with("EOF") && !text.ends_with("\\EOF");
    if has_no_end {
        text.truncate(text.len() - "EOF".len());
    } else if !lines.is_empty() {
        text.push('\n');
    }
    let text = text
        .replace("\\NULLBYTE", "\u{1}")
        .replace("NULLBYTE", "\0");
    text.replace('\u{1}', "NULLBYTE")
        .replace("\\EOF", "EOF")
        .into_bytes()
}

/// Writes the entries of an archive under a directory.
pub(crate) fn unpack(text: &str, under: &Path) {
    for entry in entries(text) {
        match entry {
            Entry::Directory(path) => fs::create_dir_all(under.join(path)).unwrap(),
            Entry::File(path, content) => {
                let path = under.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, content).unwrap();
            }
            Entry::Link(path, target) => {
                let path = under.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                let _ = fs::remove_file(&path);
                std::os::unix::fs::symlink(target, path).unwrap();
            }
        }
    }
}
