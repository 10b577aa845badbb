//! What benchmarks send with: HTTP requests that are encoded before the clock runs, over kept connections, one thread
//! each.

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
