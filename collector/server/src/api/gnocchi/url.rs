//! URLs in answers: where the client reached this server (from `Host`, and from a proxy's headers where they are
//! trusted), and the escaping of paths and query strings.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::HeaderMap;
use axum::http::request::Parts;

use crate::app::App;

/// Extension of requests that came below a prefix of the API: that prefix.
#[derive(Debug, Clone)]
pub(super) struct Mounted(pub(super) String);

/// What an answer's URLs begin with, and the path that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BaseUrl {
    /// Scheme, authority and a proxy's prefix, without a slash at the end.
    origin: String,
    /// The prefix below which the request found the API.
    mounted: String,
    /// The request's path, still escaped.
    path: String,
}

impl FromRequestParts<Arc<App>> for BaseUrl {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        let uri = match parts.extensions.get::<OriginalUri>() {
            Some(OriginalUri(uri)) => uri,
            None => &parts.uri,
        };
        let mounted = parts.extensions.get::<Mounted>();
        Ok(Self {
            origin: origin(&parts.headers, app.api().enable_proxy_headers_parsing),
            mounted: mounted.map_or_else(String::new, |Mounted(path)| path.clone()),
            path: uri.path().to_owned(),
        })
    }
}

impl BaseUrl {
    /// The whole URL of a path of this server; the path is escaped here.
    pub(super) fn of(&self, path: &str) -> String {
        format!("{}{}{}", self.origin, self.mounted, escape(path, b"/"))
    }

    /// The whole URL that was asked for, without its query.
    pub(super) fn of_request(&self) -> String {
        format!("{}{}", self.origin, self.path)
    }
}

fn origin(headers: &HeaderMap, trust_proxy: bool) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (mut scheme, mut host, mut prefix) = ("http", text("host").unwrap_or("localhost"), "");
    if trust_proxy {
        match text("forwarded") {
            Some(forwarded) => {
                // The first element is the proxy nearest to the client.
                let first = forwarded.split(',').next().unwrap_or_default();
                for (name, value) in first.split(';').filter_map(|pair| pair.split_once('=')) {
                    let value = value.trim().trim_matches('"');
                    match name.trim().to_ascii_lowercase().as_str() {
                        "proto" => scheme = value,
                        "host" => host = value,
                        _ => {}
                    }
                }
            }
            None => {
                scheme = text("x-forwarded-proto").unwrap_or(scheme);
                host = text("x-forwarded-host").unwrap_or(host);
            }
        }
        prefix = text("x-forwarded-prefix").unwrap_or_default();
    }
    format!("{scheme}://{host}{}", prefix.trim_end_matches('/'))
}

/// Percent-escapes all but letters, digits, `_.-~` and `keep`.
fn escape(text: &str, keep: &[u8]) -> String {
    const HEX: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"_.-~".contains(&byte) || keep.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for nibble in [byte >> 4, byte & 15] {
                out.extend(HEX.get(usize::from(nibble)));
            }
        }
    }
    out
}

/// A query string of these pairs, as a form is encoded.
pub(super) fn encode_query<'p>(pairs: impl IntoIterator<Item = (&'p str, &'p str)>) -> String {
    let escaped = pairs.into_iter().map(|(name, value)| {
        format!("{}={}", escape(name, b" "), escape(value, b" ")).replace(' ', "+")
    });
    escaped.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
impl BaseUrl {
    /// One of these parts.
    pub(super) fn test(origin: &str, path: &str) -> Self {
        Self {
            origin: origin.to_owned(),
            mounted: String::new(),
            path: path.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn paths_are_escaped_as_utf8() {
        let base = BaseUrl::test("http://h:1", "");
        assert_eq!(
            base.of("/v1/archive_policy/✔ é"),
            "http://h:1/v1/archive_policy/%E2%9C%94%20%C3%A9"
        );
    }

    #[test]
    fn query_strings_are_encoded_as_forms() {
        let pairs = [("marker", "id@1"), ("sort", "name:desc"), ("a b", "c d&e~")];
        assert_eq!(
            encode_query(pairs),
            "marker=id%401&sort=name%3Adesc&a+b=c+d%26e~"
        );
    }

    #[test]
    fn a_proxy_is_believed_only_where_it_is_trusted() {
        let forwarded = headers(&[
            ("host", "inner:8041"),
            ("forwarded", "for=192.0.2.60;proto=https;host=outer, for=x"),
        ]);
        assert_eq!(origin(&forwarded, false), "http://inner:8041");
        assert_eq!(origin(&forwarded, true), "https://outer");
        let older = headers(&[
            ("host", "inner"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "outer"),
            ("x-forwarded-prefix", "/gnocchi/"),
        ]);
        assert_eq!(origin(&older, true), "https://outer/gnocchi");
    }
}
