//! A small blocking HTTP/1.1 client, written out so that a test sees every byte that a daemon sent:
//! nothing is followed, retried, cached or decompressed. Plain TCP only.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// How long one read or write may take before the request fails.
pub const TIMEOUT: Duration = Duration::from_secs(30);
/// What no answer in a test comes near: a larger one is a daemon gone wrong.
const MAX_BODY: u64 = 256 << 20;

/// One answer of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code, such as 200.
    pub status: u16,
    /// Header names (in lower case) and values, in the order of the answer.
    pub headers: Vec<(String, String)>,
    /// The body, chunks joined, still compressed if it was.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header called `name`, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as text; bytes that are not UTF-8 become U+FFFD.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; panics, showing the answer, if it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("no JSON ({error}) in {} {}", self.status, self.text()))
    }

    /// The answer itself if its status is `status`; panics, showing the answer, otherwise.
    pub fn expect_status(self, status: u16) -> Self {
        assert_eq!(self.status, status, "unexpected answer: {}", self.text());
        self
    }
}

/// GET of an `http://` URL; panics if there is no valid answer.
pub fn get(url: &str) -> Response {
    get_with(url, &[])
}

/// GET with request headers.
pub fn get_with(url: &str, headers: &[(&str, &str)]) -> Response {
    request("GET", url, headers, b"")
}

/// POST of `body` with request headers, `content-type` among them.
pub fn post(url: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Response {
    request("POST", url, headers, body.as_ref())
}

/// POST of a JSON document.
pub fn post_json(url: &str, document: &serde_json::Value) -> Response {
    post(
        url,
        &[("content-type", "application/json")],
        document.to_string(),
    )
}

/// Any method on a connection of its own; panics if there is no valid answer.
pub fn request(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
    try_request(method, url, headers, body)
        .unwrap_or_else(|error| panic!("cannot {method} {url}: {error}"))
}

/// As [`request`], for tests whose server may be gone: refused, cut off, silent for [`TIMEOUT`], or
/// not speaking HTTP ([`io::ErrorKind::InvalidData`]).
pub fn try_request(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<Response> {
    let (authority, path) = split_url(url)?;
    let headers: Vec<_> = headers
        .iter()
        .copied()
        .chain([("connection", "close")])
        .collect();
    Connection::open(authority)?.request(method, path, &headers, body)
}

/// A connection that is kept open between requests, for load and for crash tests.
pub struct Connection {
    authority: String,
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Connects to `HOST:PORT`, or to that of an `http://` URL.
    pub fn open(authority_or_url: &str) -> io::Result<Self> {
        Self::open_with_timeout(authority_or_url, TIMEOUT)
    }

    /// As [`Connection::open`], with another limit for each read, write and the connecting.
    pub fn open_with_timeout(authority_or_url: &str, timeout: Duration) -> io::Result<Self> {
        let authority = match authority_or_url.starts_with("http://") {
            true => split_url(authority_or_url)?.0,
            false => authority_or_url,
        };
        let address = authority.to_socket_addrs()?.next();
        let address = address.ok_or_else(|| invalid(format!("no address for {authority}")))?;
        let stream = TcpStream::connect_timeout(&address, timeout)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(timeout))?;
        stream.set_write_timeout(Some(timeout))?;
        Ok(Self {
            authority: authority.to_owned(),
            stream: BufReader::new(stream),
        })
    }

    /// Sends one request and reads its answer; `path` starts with a slash.
    pub fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Response> {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n", self.authority);
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() || matches!(method, "POST" | "PUT" | "PATCH") {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        // One write, thus one packet for a small request, as a real client sends it.
        let mut message = head.into_bytes();
        message.extend_from_slice(body);
        self.stream.get_mut().write_all(&message)?;
        read_response(&mut self.stream, method == "HEAD")
    }

    /// Sends a request that is encoded already, as benchmarks do before their clock runs, and reads its answer.
    pub fn send(&mut self, message: &[u8]) -> io::Result<Response> {
        self.stream.get_mut().write_all(message)?;
        read_response(&mut self.stream, message.starts_with(b"HEAD "))
    }
}

fn invalid(reason: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.into())
}

fn split_url(url: &str) -> io::Result<(&str, &str)> {
    let rest = url
        .strip_prefix("http://")
        .ok_or_else(|| invalid(format!("no http:// URL: {url}")))?;
    Ok(match rest.find(['/', '?']) {
        Some(slash) if rest[slash..].starts_with('/') => rest.split_at(slash),
        Some(_) => return Err(invalid(format!("no path before the query: {url}"))),
        None => (rest, "/"),
    })
}

fn read_line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    stream.take(64 << 10).read_line(&mut line)?;
    match line.strip_suffix('\n') {
        Some(text) => Ok(text.trim_end_matches('\r').to_owned()),
        None if line.is_empty() => Err(io::ErrorKind::UnexpectedEof.into()),
        None => Err(invalid(format!("line cut off or too long: {line:.80}"))),
    }
}

/// Reads an answer; `bodiless` after a HEAD, whose answer has the length of a body but none.
fn read_response(stream: &mut impl BufRead, bodiless: bool) -> io::Result<Response> {
    loop {
        let line = read_line(stream)?;
        let status = line
            .strip_prefix("HTTP/1.")
            .and_then(|rest| rest.get(2..5)?.parse::<u16>().ok())
            .ok_or_else(|| invalid(format!("expected a status line, found {line:?}")))?;
        let mut headers = Vec::new();
        loop {
            let line = read_line(stream)?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line
                .split_once(':')
                .ok_or_else(|| invalid(format!("expected a header, found {line:?}")))?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut response = Response {
            status,
            headers,
            body: Vec::new(),
        };
        if status < 200 {
            continue; // 100 Continue and its kind come before the answer.
        }
        if !bodiless && status != 204 && status != 304 {
            response.body = read_body(stream, &response)?;
        }
        return Ok(response);
    }
}

fn read_body(stream: &mut impl BufRead, head: &Response) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    if head
        .header("transfer-encoding")
        .is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"))
    {
        loop {
            let line = read_line(stream)?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = u64::from_str_radix(size, 16)
                .map_err(|_| invalid(format!("expected a chunk size, found {line:?}")))?;
            read_exactly(stream, size, &mut body)?;
            // An empty line ends a chunk; trailers, if any, come before the last one.
            while !read_line(stream)?.is_empty() {
                if size != 0 {
                    return Err(invalid("expected the end of a chunk"));
                }
            }
            if size == 0 {
                return Ok(body);
            }
        }
    }
    match head.header("content-length") {
        Some(length) => {
            let length = length
                .parse()
                .map_err(|_| invalid(format!("expected a content-length, found {length:?}")))?;
            read_exactly(stream, length, &mut body)?;
        }
        None => {
            stream.take(MAX_BODY).read_to_end(&mut body)?;
        }
    }
    Ok(body)
}

fn read_exactly(stream: &mut impl BufRead, length: u64, body: &mut Vec<u8>) -> io::Result<()> {
    if length > MAX_BODY {
        return Err(invalid(format!(
            "body of {length} bytes, expected at most {MAX_BODY}"
        )));
    }
    let read = stream.take(length).read_to_end(body)?;
    if (read as u64) < length {
        Err(io::ErrorKind::UnexpectedEof.into())
    } else {
        Ok(())
    }
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
