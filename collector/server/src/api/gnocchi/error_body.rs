//! Writes the bodies of errors as Gnocchi does: by the request's `Accept` as JSON, HTML or plain text. Applies to what
//! handlers return as [`ApiError`] and to the bare statuses of the router (404, 405).

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use serde_json::{Value, json};

use super::accept::{ErrorFormat, error_format, takes_json};
use super::error::ApiError;
use super::json::to_text;

/// Says of an answer that its body tells the error already, in the form of another API.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written;

/// Middleware around the whole API.
pub(super) async fn write_errors(request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let accept = accept(request.headers()).map(str::to_owned);
    let mut response = next.run(request).await;
    let status = response.status();
    let is_written = response.extensions_mut().remove::<Written>().is_some();
    if is_written || (!status.is_client_error() && !status.is_server_error()) {
        return response;
    }
    let error = match response.extensions_mut().remove::<ApiError>() {
        Some(error) => error,
        None if status == StatusCode::NOT_FOUND => ApiError::unknown_path(),
        None => ApiError::bare(status),
    };
    let (content_type, body) = match error_format(accept.as_deref()) {
        ErrorFormat::Json => ("application/json", json_body(&error)),
        ErrorFormat::Html => ("text/html; charset=UTF-8", html_body(&error, &method)),
        ErrorFormat::Plain => ("text/plain; charset=UTF-8", plain_body(&error, &method)),
    };
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    *response.body_mut() = Body::from(body);
    response
}

/// Middleware around the routes that answer JSON: 406 where the client does not take it.
pub(super) async fn require_json(request: Request, next: Next) -> Result<Response, ApiError> {
    // A DELETE answers nothing, whatever is accepted.
    if request.method() != Method::DELETE && !takes_json(accept(request.headers())) {
        return Err(ApiError::bare(StatusCode::NOT_ACCEPTABLE));
    }
    Ok(next.run(request).await)
}

fn accept(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::ACCEPT)?.to_str().ok()
}

fn title(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("Error")
}

fn explanation(status: StatusCode, method: &Method) -> String {
    let text = match status {
        StatusCode::BAD_REQUEST => {
            "The server could not comply with the request since it is either malformed or otherwise incorrect."
        }
        StatusCode::UNAUTHORIZED => {
            "This server could not verify that you are authorized to access the document you requested."
        }
        StatusCode::FORBIDDEN => "Access was denied to this resource.",
        StatusCode::NOT_FOUND => "The resource could not be found.",
        StatusCode::METHOD_NOT_ALLOWED => {
            return format!("The method {method} is not allowed for this resource.");
        }
        StatusCode::NOT_ACCEPTABLE => {
            "The resource can only be had as application/json, which the Accept header does not take."
        }
        StatusCode::CONFLICT => "There was a conflict when trying to complete your request.",
        StatusCode::PRECONDITION_FAILED => "Request precondition failed.",
        StatusCode::PAYLOAD_TOO_LARGE => "The body of your request was too large for this server.",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            "The request media type is not supported by this server."
        }
        StatusCode::INTERNAL_SERVER_ERROR => {
            "The server has either erred or is incapable of performing the requested operation."
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            "The server is currently unavailable. Please try again at a later time."
        }
        StatusCode::INSUFFICIENT_STORAGE => "There was not enough space to save the resource.",
        _ => "",
    };
    text.to_owned()
}

fn json_body(error: &ApiError) -> String {
    to_text(&json!({
        "code": error.status.as_u16(),
        "title": title(error.status),
        "description": error.detail,
    }))
}

fn plain_body(error: &ApiError, method: &Method) -> String {
    // The spaces are what is left of the page's line breaks.
    format!(
        "{} {}\n\n{}\n\n {}  ",
        error.status.as_u16(),
        title(error.status),
        explanation(error.status, method),
        detail_text(&error.detail)
            .replace('\n', " ")
            .replace('\r', "")
    )
}

fn html_body(error: &ApiError, method: &Method) -> String {
    let heading = format!("{} {}", error.status.as_u16(), title(error.status));
    format!(
        "<html>\n <head>\n  <title>{heading}</title>\n </head>\n <body>\n  <h1>{heading}</h1>\n  {}<br /><br />\n{}\n\n </body>\n</html>",
        escape(&explanation(error.status, method)),
        escape(&detail_text(&error.detail))
    )
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#x27;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A detail in text: a string as it is, an object as Python prints it, for that is what Gnocchi's clients know.
fn detail_text(detail: &Value) -> String {
    match detail {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => {
            let mut text = String::new();
            python(other, &mut text);
            text
        }
    }
}

fn python(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => out.push_str(&python_string(text)),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                python(item, out);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            out.push('{');
            for (at, (name, field)) in fields.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                out.push_str(&python_string(name));
                out.push_str(": ");
                python(field, out);
            }
            out.push('}');
        }
    }
}

/// A string as Python's `repr` writes it: in double quotes where it has single ones and no double ones.
pub(super) fn python_string(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\'' if quote == '\'' => out.push_str("\\'"),
            other => out.push(other),
        }
    }
    out.push(quote);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_an_error_say_the_same() {
        let error = ApiError::argument("start", "must be <a> time");
        assert_eq!(
            json_body(&error),
            r#"{"code": 400, "description": {"cause": "Argument value error", "detail": "start", "reason": "must be <a> time"}, "title": "Bad Request"}"#
        );
        let plain = plain_body(&error, &Method::GET);
        assert!(
            plain.starts_with("400 Bad Request\n\nThe server could not comply"),
            "{plain}"
        );
        assert!(plain.contains(
            "{'cause': 'Argument value error', 'detail': 'start', 'reason': 'must be <a> time'}"
        ));
        let html = html_body(&error, &Method::GET);
        assert!(
            html.contains("<h1>400 Bad Request</h1>") && html.contains("must be &lt;a&gt; time"),
            "{html}"
        );
    }

    #[test]
    fn python_quotes_are_chosen_by_the_text() {
        assert_eq!(python_string("plain"), "'plain'");
        assert_eq!(python_string("it's"), "\"it's\"");
        assert_eq!(python_string("it's \"so\"\n"), "'it\\'s \"so\"\\n'");
    }
}
