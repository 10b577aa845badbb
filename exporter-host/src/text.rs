//! What all parsers of kernel text share: the error that says where a text departs from its format, numbers, and
//! metric names that are made once per kernel field. Parsers are pure; reading the files is `roots.rs`.

/// The longest piece of an offending text that an error repeats.
const SHOWN: usize = 60;

/// How a kernel text departs from its format. The file's name is added by whoever read it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ParseError {
    /// A line, counted from 1, is not what the format says.
    #[error("line {line}: expected {expected}, found {found:?}")]
    Line {
        /// The line's number, from 1.
        line: usize,
        /// What the format says.
        expected: &'static str,
        /// What is there, shortened.
        found: String,
    },
    /// Nothing in the text is what was looked for.
    #[error("expected {0}, found none")]
    Missing(&'static str),
}

impl ParseError {
    /// An error in the line with this index, counted from 0 as `enumerate` does.
    pub(crate) fn at(index: usize, expected: &'static str, found: &str) -> Self {
        let found = match found.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}…", found.get(..end).unwrap_or_default()),
            None => found.to_owned(),
        };
        Self::Line {
            line: index + 1,
            expected,
            found,
        }
    }
}

/// The number in a small file. Kernel text has no `inf`, `nan` or exponents.
pub(crate) fn number(text: &str) -> Option<f64> {
    let is_number = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.');
    let text = text.trim();
    text.as_bytes()
        .iter()
        .all(is_number)
        .then(|| text.parse().ok())?
}

/// A number that the kernel prints in hexadecimal digits.
pub(crate) fn hex(field: &str) -> Option<u64> {
    u64::from_str_radix(field, 16).ok()
}

/// The PCI device that is nearest to the end of a path in the tree of devices, such as `0000:3d:00.0`.
pub(crate) fn pci_address(path: &std::path::Path) -> Option<String> {
    let is_address = |part: &&str| {
        let is_hex =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let mut parts = part.split([':', '.']);
        let lengths = [4, 2, 2, 1];
        lengths.iter().all(|length| {
            parts
                .next()
                .is_some_and(|part| part.len() == *length && is_hex(part))
        }) && parts.next().is_none()
    };
    let parts: Vec<&str> = path.iter().filter_map(|part| part.to_str()).collect();
    parts.into_iter().rev().find(is_address).map(str::to_owned)
}

/// A metric's name and HELP, made from a kernel field's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MetricName {
    /// The full metric name.
    pub(crate) name: String,
    /// The HELP text.
    pub(crate) help: String,
}

/// Metric names by the position of their field in the file. The kernel prints a file's fields always in the same
/// order, so that from the second scrape on no name is built again.
#[derive(Debug, Default)]
pub(crate) struct NameCache {
    entries: Vec<(String, Option<MetricName>)>,
}

impl NameCache {
    /// The name of the field `key`, which is the `position`th of its file; `make` builds it when it is not known yet
    /// and says `None` for a field that is not exported.
    pub(crate) fn get(
        &mut self,
        position: usize,
        key: &str,
        make: impl FnOnce(&str) -> Option<MetricName>,
    ) -> Option<&MetricName> {
        let known = self
            .entries
            .get(position)
            .is_some_and(|(known, _)| known == key);
        if !known {
            // A field before this one appeared or went away: all positions from here on have moved.
            self.entries.truncate(position);
            self.entries.resize_with(position, Default::default);
            self.entries.push((key.to_owned(), make(key)));
        }
        self.entries
            .get(position)
            .and_then(|(_, name)| name.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(key: &str) -> Option<MetricName> {
        (key != "skipped").then(|| MetricName {
            name: format!("node_{key}"),
            help: format!("Field {key}."),
        })
    }

    #[test]
    fn an_error_counts_lines_from_one_and_shortens_what_it_found() {
        let error = ParseError::at(0, "a number", &"x".repeat(500));
        let text = error.to_string();
        assert!(
            text.starts_with("line 1: expected a number, found \"xxx"),
            "{text}"
        );
        assert!(text.len() < 120, "{text}");
    }

    #[test]
    fn the_last_pci_device_of_a_path_is_the_nearest() {
        let of = |path: &str| pci_address(std::path::Path::new(path));
        let place = "../devices/pci0000:3c/0000:3c:00.0/0000:3d:00.0/net/eth0";
        assert_eq!(of(place).as_deref(), Some("0000:3d:00.0"));
        assert_eq!(of("../devices/virtual/net/lo"), None);
        assert_eq!(of("1:0:0:0/host1"), None);
    }

    #[test]
    fn a_name_is_made_once_while_the_order_of_fields_stays() {
        let mut cache = NameCache::default();
        let mut made = 0;
        for _ in 0..3 {
            for (position, key) in ["pgpgin", "skipped", "pgpgout"].iter().enumerate() {
                let _ = cache.get(position, key, |key| {
                    made += 1;
                    named(key)
                });
            }
        }
        assert_eq!(made, 3);
        assert_eq!(cache.get(1, "skipped", named), None);
        assert_eq!(
            cache
                .get(2, "pgpgout", named)
                .map(|name| name.name.as_str()),
            Some("node_pgpgout")
        );
    }

    #[test]
    fn a_field_that_moved_gets_its_own_name_again() {
        let mut cache = NameCache::default();
        let _ = cache.get(0, "old", named);
        let _ = cache.get(1, "kept", named);
        assert_eq!(
            cache.get(0, "kept", named).map(|name| name.name.as_str()),
            Some("node_kept")
        );
        assert_eq!(
            cache.get(5, "far", named).map(|name| name.name.as_str()),
            Some("node_far")
        );
    }
}
