//! What a client accepts: media ranges with qualities of an `Accept` header. Only what the API needs to choose between
//! JSON, HTML and plain text; parameters other than `q` are not looked at.

/// Quality of a media type in thousandths; none where the header does not take it.
fn quality(accept: &str, main: &str, sub: &str) -> Option<u16> {
    let mut best: Option<(u8, u16)> = None;
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let Some((range_main, range_sub)) = parts.next().and_then(|range| range.split_once('/'))
        else {
            continue;
        };
        let same = |range: &str, wanted: &str| range.eq_ignore_ascii_case(wanted);
        let precision = match (range_main, range_sub) {
            ("*", "*") => 0,
            (_, "*") if same(range_main, main) => 1,
            _ if same(range_main, main) && same(range_sub, sub) => 2,
            _ => continue,
        };
        let q = parts
            .find_map(|parameter| parameter.strip_prefix("q="))
            .map_or(1.0, |q| q.parse::<f32>().unwrap_or(0.0));
        let q = (q.clamp(0.0, 1.0) * 1000.0) as u16;
        if best.is_none_or(|(known, _)| precision > known) {
            best = Some((precision, q));
        }
    }
    best.map(|(_, q)| q).filter(|q| *q > 0)
}

/// Whether a JSON answer is acceptable; no header, or an empty one, takes everything.
pub(super) fn takes_json(accept: Option<&str>) -> bool {
    match accept {
        None | Some("") => true,
        Some(accept) => quality(accept, "application", "json").is_some(),
    }
}

/// Form of an error's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ErrorFormat {
    /// An object of code, title and description.
    Json,
    /// A small page.
    Html,
    /// Text.
    Plain,
}

/// The form in which Gnocchi tells an error: JSON only where it is preferred to text and HTML, plain text where
/// nothing is asked for.
pub(super) fn error_format(accept: Option<&str>) -> ErrorFormat {
    let Some(accept) = accept.filter(|accept| !accept.is_empty()) else {
        return ErrorFormat::Plain;
    };
    let json = quality(accept, "application", "json");
    let html = quality(accept, "text", "html");
    let plain = quality(accept, "text", "plain");
    match json {
        Some(_) if json > html && json > plain => ErrorFormat::Json,
        _ if html.is_some() => ErrorFormat::Html,
        _ => ErrorFormat::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_taken_where_the_header_allows_it() {
        for (accept, expected) in [
            (None, true),
            (Some(""), true),
            (Some("*/*"), true),
            (Some("application/*"), true),
            (Some("application/json, */*"), true),
            (Some("text/plain, application/json; q=0.8"), true),
            (Some("text/plain"), false),
            (Some("text/html"), false),
            (Some("*/*, application/json;q=0"), false),
            (Some("nonsense"), false),
        ] {
            assert_eq!(takes_json(accept), expected, "{accept:?}");
        }
    }

    #[test]
    fn an_error_is_told_in_the_form_that_gnocchi_chooses() {
        for (accept, expected) in [
            (None, ErrorFormat::Plain),
            (Some("text/plain"), ErrorFormat::Plain),
            (Some("image/png"), ErrorFormat::Plain),
            (Some("application/json"), ErrorFormat::Json),
            (
                Some("application/json, text/plain;q=0.5"),
                ErrorFormat::Json,
            ),
            (Some("*/*"), ErrorFormat::Html),
            (Some("application/json, */*"), ErrorFormat::Html),
            (
                Some("text/html,application/xhtml+xml,*/*;q=0.8"),
                ErrorFormat::Html,
            ),
        ] {
            assert_eq!(error_format(accept), expected, "{accept:?}");
        }
    }
}
