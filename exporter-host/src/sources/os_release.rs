//! The file that says which operating system a host runs (os-release(5)). A parser of text; which file it is and when it
//! is read is others' part.

use std::collections::BTreeMap;

/// The values of the file's keys.
pub(crate) type Release = BTreeMap<String, String>;

/// `KEY=value` lines as a shell reads them, the value bare or in quotes.
pub(crate) fn parse(text: &str) -> Release {
    let mut release = Release::new();
    for line in text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
    {
        if let Some((key, value)) = line.split_once('=') {
            release.insert(key.to_owned(), unquote(value));
        }
    }
    release
}

fn unquote(value: &str) -> String {
    let quoted = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    if let Some(inside) = quoted('\'') {
        return inside.to_owned();
    }
    let inside = quoted('"').unwrap_or(value);
    let mut text = String::with_capacity(inside.len());
    let mut chars = inside.chars();
    while let Some(char) = chars.next() {
        text.extend(if char == '\\' {
            chars.next()
        } else {
            Some(char)
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_may_be_quoted() {
        let release = parse("# comment\nID=debian\nNAME=\"A \\\"B\\\"\"\nVARIANT='c d'\nnothing\n");
        assert_eq!(release["ID"], "debian");
        assert_eq!(release["NAME"], "A \"B\"");
        assert_eq!(release["VARIANT"], "c d");
        assert_eq!(release.len(), 3);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "(?s).*") {
            let _ = parse(&text);
        }
    }
}
