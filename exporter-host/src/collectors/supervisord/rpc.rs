//! A call of XML-RPC: where it goes, over HTTP/1.0 so that the answer ends with the connection, and what comes back.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The longest answer that is read.
const LONGEST: u64 = 16 << 20;

/// Where calls go.
#[derive(Debug, PartialEq)]
pub(super) enum Endpoint {
    /// A socket of this host.
    Socket(PathBuf),
    /// A server, the path on it, and the value of `Authorization` if the URL has a user.
    Http {
        server: String,
        path: String,
        authorization: Option<String>,
    },
}

impl Endpoint {
    /// `http://USER:PASSWORD@HOST:PORT/PATH` or `unix:///SOCKET`.
    pub(super) fn parse(url: &str) -> Option<Self> {
        if let Some(path) = url.strip_prefix("unix://") {
            return path
                .starts_with('/')
                .then(|| Self::Socket(PathBuf::from(path)));
        }
        let rest = url.strip_prefix("http://")?;
        let (authority, path) = match rest.find('/') {
            Some(slash) => rest.split_at_checked(slash)?,
            None => (rest, "/"),
        };
        let (user, server) = match authority.rsplit_once('@') {
            Some((user, server)) => (Some(user), server),
            None => (None, authority),
        };
        let has_port = server
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        (!server.is_empty() && is_plain(rest)).then(|| Self::Http {
            server: if has_port {
                server.to_owned()
            } else {
                format!("{server}:80")
            },
            path: path.to_owned(),
            authorization: user.map(|user| format!("Basic {}", STANDARD.encode(user))),
        })
    }

    /// Sends a call and gives the answer's text.
    pub(super) fn post(&self, body: &str, patience: Duration) -> io::Result<String> {
        let end = Instant::now() + patience;
        match self {
            Self::Socket(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_write_timeout(Some(left(end)?))?;
                let limit = |stream: &UnixStream| stream.set_read_timeout(Some(left(end)?));
                exchange(stream, &head("localhost", "/RPC2", None, body), limit)
            }
            Self::Http {
                server,
                path,
                authorization,
            } => {
                let address = server.to_socket_addrs()?.next();
                let address = address.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
                let stream = TcpStream::connect_timeout(&address, left(end)?)?;
                stream.set_write_timeout(Some(left(end)?))?;
                let limit = |stream: &TcpStream| stream.set_read_timeout(Some(left(end)?));
                exchange(
                    stream,
                    &head(server, path, authorization.as_deref(), body),
                    limit,
                )
            }
        }
    }
}

fn left(end: Instant) -> io::Result<Duration> {
    let left = end.saturating_duration_since(Instant::now());
    if left.is_zero() {
        Err(io::ErrorKind::TimedOut.into())
    } else {
        Ok(left)
    }
}

/// The whole request.
fn head(server: &str, path: &str, authorization: Option<&str>, body: &str) -> String {
    let authorization = authorization.map(|value| format!("Authorization: {value}\r\n"));
    format!(
        "POST {path} HTTP/1.0\r\nHost: {server}\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n{}\r\n{body}",
        body.len(),
        authorization.unwrap_or_default(),
    )
}

/// Writes a request and reads until the other side closes, each read within what `limit` leaves.
fn exchange<S: Read + Write>(
    mut stream: S,
    request: &str,
    limit: impl Fn(&S) -> io::Result<()>,
) -> io::Result<String> {
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    let mut part = vec![0; 16 << 10];
    loop {
        limit(&stream)?;
        let length = stream.read(&mut part)?;
        answer.extend(part.get(..length).unwrap_or_default());
        if length == 0 || is_whole(&answer) {
            break;
        }
        if answer.len() as u64 > LONGEST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
    }
    body(&String::from_utf8_lossy(&answer))
        .map_err(|reason| io::Error::new(io::ErrorKind::InvalidData, reason))
}

/// Whether an answer is as long as it says: not every server closes at once.
fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer.get(..answer.len().min(4096)).unwrap_or_default());
    let Some((head, _)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse().ok())?
    });
    length.is_some_and(|length: usize| answer.len() >= head.len() + 4 + length)
}

/// The body of an answer, if its status is 200.
fn body(answer: &str) -> Result<String, String> {
    let parts = answer.split_once("\r\n\r\n");
    let (head, body) = parts.ok_or_else(|| "answer without a head".to_owned())?;
    let status = head.lines().next().unwrap_or_default();
    match status.split(' ').nth(1) {
        Some("200") => Ok(body.to_owned()),
        _ => Err(format!(
            "expected status 200, found {:?}",
            status.chars().take(60).collect::<String>()
        )),
    }
}

/// A call without arguments.
pub(super) fn call(method: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><methodCall><methodName>{method}</methodName><params/></methodCall>"
    )
}

/// The texts of a structure's simple members.
pub(super) type Members = BTreeMap<String, String>;

/// The structures of an answer that is an array of them; a fault is an error.
pub(super) fn structures(xml: &str) -> Result<Vec<Members>, String> {
    let document = roxmltree::Document::parse(xml).map_err(|error| error.to_string())?;
    let of_name = |name: &'static str| {
        document
            .descendants()
            .filter(move |node| node.has_tag_name(name))
    };
    let all: Vec<Members> = of_name("struct").map(members).collect();
    if of_name("methodResponse").next().is_none() {
        return Err("expected methodResponse, found none".to_owned());
    }
    if of_name("fault").next().is_some() {
        let fault = all.first().and_then(|fault| fault.get("faultString"));
        return Err(fault
            .cloned()
            .unwrap_or_else(|| "fault without a text".to_owned()));
    }
    Ok(all)
}

fn members(structure: roxmltree::Node<'_, '_>) -> Members {
    let members = structure
        .children()
        .filter(|node| node.has_tag_name("member"));
    members
        .filter_map(|member| {
            let child = |name: &str| member.children().find(|node| node.has_tag_name(name));
            let value = child("value")?;
            // A value is text, or an element of its type around it.
            let inner = value.first_element_child().unwrap_or(value);
            let text = inner.text().unwrap_or_default();
            Some((child("name")?.text()?.to_owned(), text.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_socket_or_a_server() {
        let http = |server: &str, path: &str, authorization: Option<&str>| Endpoint::Http {
            server: server.to_owned(),
            path: path.to_owned(),
            authorization: authorization.map(str::to_owned),
        };
        let parse = |url| Endpoint::parse(url);
        assert_eq!(
            parse("unix:///run/s.sock"),
            Some(Endpoint::Socket(PathBuf::from("/run/s.sock")))
        );
        assert_eq!(
            parse("http://localhost:9001/RPC2"),
            Some(http("localhost:9001", "/RPC2", None))
        );
        assert_eq!(
            parse("http://a:b@[::1]"),
            Some(http("[::1]:80", "/", Some("Basic YTpi")))
        );
        for url in [
            "https://localhost/RPC2",
            "unix://run",
            "http://",
            "localhost",
            "http://a/b\r\nc",
        ] {
            assert_eq!(parse(url), None, "{url}");
        }
    }

    #[test]
    fn an_answer_is_whole_when_it_is_as_long_as_it_says() {
        assert!(is_whole(b"HTTP/1.0 200 OK\r\nContent-length: 3\r\n\r\nabc"));
        assert!(!is_whole(
            b"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nabc"
        ));
        assert!(!is_whole(b"HTTP/1.0 200 OK\r\n\r\nabc"));
        assert!(!is_whole(b"HTTP/1.0 200 OK\r\nContent-Length: 4"));
    }

    #[test]
    fn only_an_answer_of_status_200_has_a_body() {
        assert_eq!(body("HTTP/1.0 200 OK\r\nA: b\r\n\r\nx"), Ok("x".to_owned()));
        let error = body("HTTP/1.0 401 Unauthorized\r\n\r\n").unwrap_err();
        assert_eq!(
            error,
            "expected status 200, found \"HTTP/1.0 401 Unauthorized\""
        );
        assert!(body("x").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_url_and_any_answer_are_read_or_refused(text in "(http://|unix://)?.*", bytes: Vec<u8>) {
            let _ = (Endpoint::parse(&text), body(&text));
            let _ = is_whole(&bytes);
        }
    }
}
