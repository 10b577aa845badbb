//! What a sender alone can push: a server that only reads what it is sent. And what is said of many times.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// Reads requests and answers them; ends with the program.
pub(crate) fn sink() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = BufReader::new(stream.unwrap());
            std::thread::spawn(move || swallow(stream));
        }
    });
    address
}

fn swallow(mut stream: BufReader<TcpStream>) {
    let (mut line, mut length, mut body) = (String::new(), 0, Vec::new());
    loop {
        line.clear();
        if stream.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            body.resize(length, 0);
            stream.read_exact(&mut body).unwrap();
            let answer = b"HTTP/1.1 204 No Content\r\n\r\n";
            stream.get_mut().write_all(answer).unwrap();
        }
    }
}

/// The time that this share of all take at most, milliseconds.
pub(crate) fn quantile(times: &mut [Duration], share: f64) -> f64 {
    times.sort_unstable();
    times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3
}
