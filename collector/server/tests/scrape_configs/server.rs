//! A web server of the test's own: each request is answered by a function, on a thread of its own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

/// A request as far as the tests ask for it.
pub(crate) struct Request {
    /// Path without the query.
    pub(crate) path: String,
    /// Names and values of the query, decoded.
    pub(crate) query: Vec<(String, String)>,
    /// Names, in lower case, and values.
    pub(crate) headers: Vec<(String, String)>,
}

impl Request {
    /// The first parameter of that name.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        first(&self.query, name)
    }

    /// The first header of that name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        first(&self.headers, name)
    }
}

fn first<'p>(pairs: &'p [(String, String)], name: &str) -> Option<&'p str> {
    let mut pairs = pairs.iter();
    pairs
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Answer {
    /// A good one.
    pub(crate) fn of(content_type: &'static str, body: impl Into<String>) -> Self {
        Self {
            status: 200,
            content_type,
            headers: Vec::new(),
            body: body.into(),
        }
    }

    /// A bad one.
    pub(crate) fn error(status: u16) -> Self {
        Self {
            status,
            ..Self::of("text/plain", "no")
        }
    }
}

/// Serves for as long as the test runs and gives `host:port`.
pub(crate) fn serve(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let answer = Arc::clone(&answer);
            std::thread::spawn(move || one(&stream, &*answer));
        }
    });
    address
}

fn one(stream: &TcpStream, answer: &dyn Fn(&Request) -> Answer) -> Option<()> {
    let mut lines = BufReader::new(stream).lines();
    let head = lines.next()?.ok()?;
    let target = head.split(' ').nth(1)?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let query = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let query = query
        .map(|(name, value)| (decode(name), decode(value)))
        .collect();
    let mut headers = Vec::new();
    for line in lines
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
    {
        let (name, value) = line.split_once(':')?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let Answer {
        status,
        content_type,
        headers,
        body,
    } = answer(&Request {
        path: path.to_owned(),
        query,
        headers,
    });
    let length = body.len();
    let mut text = format!(
        "HTTP/1.1 {status} status\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\nconnection: close\r\n"
    );
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    let mut stream = stream;
    stream
        .write_all(format!("{text}\r\n{body}").as_bytes())
        .ok()
}

fn decode(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            byte => byte,
        });
    }
    String::from_utf8(out).unwrap()
}
