//! What benchmarks send with: HTTP requests that are encoded before the clock runs, over kept connections, one thread
//! each; and a sink that only reads, which shows what the sender alone can push.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use testkit::http::{Connection, Response};

/// Most that is waited for one answer.
const PATIENCE: Duration = Duration::from_secs(120);

/// A client whose connection is kept, and made anew where the server has closed it.
pub(crate) struct Client {
    address: String,
    connection: Option<Connection>,
}

impl Client {
    pub(crate) fn new(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            connection: None,
        }
    }

    /// Sends a request and reads its answer.
    pub(crate) fn exchange(&mut self, request: &[u8]) -> Response {
        let mut connection = self
            .connection
            .take()
            .unwrap_or_else(|| Connection::open_with_timeout(&self.address, PATIENCE).unwrap());
        let answer = connection.send(request).unwrap();
        if answer
            .header("connection")
            .is_none_or(|value| value != "close")
        {
            self.connection = Some(connection);
        }
        answer
    }
}

/// Sends all requests over so many connections, each of which must be answered with success; returns how long that took
/// and each exchange.
pub(crate) fn send(
    address: &str,
    connections: usize,
    requests: &[Vec<u8>],
) -> (Duration, Vec<Duration>) {
    let begin = Instant::now();
    let share = requests.len().div_ceil(connections).max(1);
    let times = std::thread::scope(|scope| {
        let threads: Vec<_> = requests
            .chunks(share)
            .map(|requests| {
                scope.spawn(move || {
                    let mut client = Client::new(address);
                    let one = |request: &Vec<u8>| {
                        let begin = Instant::now();
                        let answer = client.exchange(request);
                        let (status, said) = (answer.status, answer.text());
                        assert!((200..300).contains(&status), "answered {status}: {said}");
                        begin.elapsed()
                    };
                    requests.iter().map(one).collect::<Vec<_>>()
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    (begin.elapsed(), times)
}

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
