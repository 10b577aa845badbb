//! JSON in and out: bodies checked for their content type, with the tolerance for bare NaN that Gnocchi's decoder has,
//! and answers with the spacing of Python's encoder. What the fields mean is the endpoints' business.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use serde_json::ser::Formatter;
use tokio::sync::OwnedSemaphorePermit;

use super::admission::drain;
use super::error::{ApiError, ApiResult};
use crate::app::App;

/// A request's body before it is looked at, so that rights are checked first.
pub(super) struct RawBody {
    content_type: Option<String>,
    bytes: Bytes,
    /// How deep JSON in it may nest.
    most_depth: usize,
    /// The body's share of the memory that all bodies may take.
    _share: OwnedSemaphorePermit,
}

impl FromRequest<Arc<App>> for RawBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, ApiError> {
        let content_type = content_type(request.headers());
        // A length that is not told may be any; a larger one than is allowed is refused while reading.
        let length = request.body().size_hint().upper();
        let Some(share) = app.bodies.share(length) else {
            drain(request).await;
            return Err(busy());
        };
        let bytes = Bytes::from_request(request, app).await;
        Ok(Self {
            content_type,
            bytes: bytes.map_err(|rejection| refused(rejection, app))?,
            most_depth: app.api().max_json_depth,
            _share: share,
        })
    }
}

/// 503 where the bodies of all requests together take too much memory.
pub(super) fn busy() -> ApiError {
    ApiError::busy("too many large requests at once")
}

/// The media type without its parameters, in lower case.
fn content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let media_type = value.split(';').next()?.trim();
    Some(media_type.to_ascii_lowercase())
}

fn refused(rejection: BytesRejection, app: &App) -> ApiError {
    let response = rejection.into_response();
    let detail = if response.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let most = app.bodies.largest();
        format!("body is larger than {most} bytes (max_body_size)")
    } else {
        "cannot read the body".to_owned()
    };
    ApiError::new(response.status(), detail)
}

impl RawBody {
    /// Whether there is any.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The bytes, whatever they are said to be.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes of a body of that media type, else 415.
    pub(super) fn of_type(&self, media_type: &str) -> ApiResult<&[u8]> {
        if self.content_type.as_deref() == Some(media_type) {
            Ok(&self.bytes)
        } else {
            Err(ApiError::bare(StatusCode::UNSUPPORTED_MEDIA_TYPE))
        }
    }

    /// A body of application/json as a value.
    pub(super) fn json(&self) -> ApiResult<Value> {
        self.json_of("application/json")
    }

    /// A body of that media type, which is JSON, as a value.
    pub(super) fn json_of(&self, media_type: &str) -> ApiResult<Value> {
        decode(self.of_type(media_type)?, self.most_depth)
    }

    /// A body of application/json in which bare NaN and Infinity are made strings.
    pub(super) fn measures(&self) -> ApiResult<Cow<'_, [u8]>> {
        let text = self.of_type("application/json")?;
        check_depth(text, self.most_depth)?;
        Ok(quote_nan(text))
    }
}

/// Decodes a JSON text that nests no deeper than so many levels.
pub(super) fn decode(text: &[u8], most_depth: usize) -> ApiResult<Value> {
    check_depth(text, most_depth)?;
    serde_json::from_slice(text).map_err(|error| decode_error(&error))
}

/// 400 where a JSON text nests deeper.
fn check_depth(text: &[u8], most: usize) -> ApiResult<()> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => {
                depth += 1;
                if depth > most {
                    let reason = format!("nested deeper than {most} levels (max_json_depth)");
                    return Err(ApiError::undecodable(reason));
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

/// The 400 for what is no JSON.
pub(super) fn decode_error(error: &serde_json::Error) -> ApiError {
    if error.is_eof() && error.line() <= 1 && error.column() == 0 {
        return ApiError::undecodable("Expected object or value");
    }
    ApiError::undecodable(error.to_string())
}

/// Puts the bare tokens NaN, Infinity and -Infinity, which JSON does not have but Gnocchi takes, into quotes.
pub(super) fn quote_nan(text: &[u8]) -> Cow<'_, [u8]> {
    const TOKENS: [&[u8]; 3] = [b"NaN", b"Infinity", b"-Infinity"];
    let suspicious = |window: &[u8]| window == b"NaN" || window == b"Inf";
    if !text.windows(3).any(suspicious) {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len() + 64);
    let (mut rest, mut in_string) = (text, false);
    while let Some((&byte, after)) = rest.split_first() {
        if in_string {
            out.push(byte);
            rest = after;
            match (byte, after.split_first()) {
                (b'\\', Some((&escaped, after))) => {
                    out.push(escaped);
                    rest = after;
                }
                (b'"', _) => in_string = false,
                _ => {}
            }
        } else if let Some(token) = TOKENS.iter().find(|token| rest.starts_with(token)) {
            out.push(b'"');
            out.extend_from_slice(token);
            out.push(b'"');
            rest = rest.strip_prefix(*token).unwrap_or_default();
        } else {
            in_string = byte == b'"';
            out.push(byte);
            rest = after;
        }
    }
    Cow::Owned(out)
}

/// An answer with a JSON body.
pub(super) fn reply(status: StatusCode, body: &impl Serialize) -> Response {
    reply_text(status, to_text(body))
}

/// An answer with a body that is JSON already.
pub(super) fn reply_text(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// JSON text with a space after each comma and colon, which clients of Gnocchi search for.
pub(super) fn to_text(value: &impl Serialize) -> String {
    let mut out = Vec::with_capacity(256);
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, Spaced);
    // Writing to memory cannot fail, and no type of this crate refuses to be serialised.
    if let Err(error) = value.serialize(&mut serializer) {
        tracing::error!(%error, "answer not encoded");
    }
    String::from_utf8(out).unwrap_or_default()
}

struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if first {
            Ok(())
        } else {
            writer.write_all(b", ")
        }
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if first {
            Ok(())
        } else {
            writer.write_all(b", ")
        }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn bare_nan_is_quoted_outside_strings_only() {
        let text = br#"[{"value": NaN, "name": "a \"NaN, -Infinity"}, -Infinity, Infinity]"#;
        let quoted = quote_nan(text);
        assert_eq!(
            decode(&quoted, 2).unwrap(),
            json!([{"value": "NaN", "name": "a \"NaN, -Infinity"}, "-Infinity", "Infinity"])
        );
        assert!(matches!(quote_nan(b"[1, 2]"), Cow::Borrowed(_)));
        assert_eq!(quote_nan(b"\"Inf\\").as_ref(), b"\"Inf\\");
    }

    #[test]
    fn what_is_no_json_is_told_with_its_place() {
        assert_eq!(
            decode(b"", 1).unwrap_err().detail["reason"],
            "Expected object or value"
        );
        let error = decode(b"{\"a\": }", 1).unwrap_err();
        assert_eq!(error.detail["reason"], "expected value at line 1 column 7");
    }

    #[test]
    fn depth_is_that_of_lists_and_objects_outside_of_texts() {
        let text = br#"{"a[[{": [1, "\"[[", "\\"], "b": [[]], "c": []}"#;
        assert!(decode(text, 3).is_ok());
        let error = decode(text, 2).unwrap_err();
        assert_eq!(
            error.detail["reason"],
            "nested deeper than 2 levels (max_json_depth)"
        );
        assert!(decode(&[b'['; 100_000], 127).is_err() && decode(b"]]][", 1).is_err());
    }

    #[test]
    fn answers_have_pythons_spacing() {
        assert_eq!(
            to_text(&json!({"a": [1, 2], "b": null})),
            r#"{"a": [1, 2], "b": null}"#
        );
    }
}
