//! Everything that a started program writes to one of its streams, kept from its first byte to its
//! last so that a failing test can show it. A thread per stream reads it, thus the program never
//! blocks on a full pipe.

use std::io::Read;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

#[derive(Default)]
struct Text {
    bytes: Vec<u8>,
    closed: bool,
}

/// The text of one stream so far; clones share it.
#[derive(Clone)]
pub(crate) struct Captured(Arc<(Mutex<Text>, Condvar)>);

/// Why [`Captured::wait_for`] found nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Missed {
    /// The stream ended: the program (and whatever inherited the stream) is gone.
    Closed,
    /// The time was up.
    TimedOut,
}

impl Captured {
    /// Reads `stream` to its end on a thread of its own.
    pub(crate) fn read_from(mut stream: impl Read + Send + 'static) -> Self {
        let shared = Arc::new((Mutex::new(Text::default()), Condvar::new()));
        let captured = Self(Arc::clone(&shared));
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            loop {
                let read = stream.read(&mut chunk);
                let mut text = shared.0.lock().unwrap();
                match read {
                    Ok(0) => text.closed = true,
                    Ok(n) => text.bytes.extend_from_slice(&chunk[..n]),
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(_) => text.closed = true,
                }
                let closed = text.closed;
                drop(text);
                shared.1.notify_all();
                if closed {
                    return;
                }
            }
        });
        captured
    }

    /// What was written so far.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.0.lock().unwrap().bytes).into_owned()
    }

    /// Waits until `find` returns something for one of the complete lines.
    pub(crate) fn wait_for<T>(
        &self,
        timeout: Duration,
        mut find: impl FnMut(&str) -> Option<T>,
    ) -> Result<T, Missed> {
        let deadline = Instant::now() + timeout;
        let mut text = self.0.0.lock().unwrap();
        let mut seen = 0;
        loop {
            while let Some(length) = text.bytes[seen..].iter().position(|&byte| byte == b'\n') {
                let line = String::from_utf8_lossy(&text.bytes[seen..seen + length]).into_owned();
                seen += length + 1;
                if let Some(found) = find(&line) {
                    return Ok(found);
                }
            }
            if text.closed {
                return Err(Missed::Closed);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Missed::TimedOut);
            }
            text = self.0.1.wait_timeout(text, left).unwrap().0;
        }
    }

    /// Waits for the stream's end, at most `timeout`: after a program's exit its last lines may
    /// still be on the way.
    pub(crate) fn wait_closed(&self, timeout: Duration) {
        let _ = self.wait_for::<()>(timeout, |_| None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn a_line_is_found_and_the_whole_text_is_kept() {
        let captured = Captured::read_from(&b"first\nsecond 2\nrest"[..]);
        let found = captured.wait_for(LONG, |line| line.strip_prefix("second ").map(str::to_owned));
        assert_eq!(found, Ok("2".to_owned()));
        captured.wait_closed(LONG);
        assert_eq!(captured.text(), "first\nsecond 2\nrest");
    }

    #[test]
    fn an_ended_stream_is_told_from_a_silent_one() {
        let captured = Captured::read_from(&b"nothing of use\n"[..]);
        assert_eq!(captured.wait_for::<()>(LONG, |_| None), Err(Missed::Closed));

        let (_writer, reader) = std::os::unix::net::UnixStream::pair().unwrap();
        // `_writer` stays open and silent.
        let captured = Captured::read_from(reader);
        assert_eq!(
            captured.wait_for::<()>(Duration::from_millis(20), |_| None),
            Err(Missed::TimedOut)
        );
    }
}
