//! The time limits of a connection that only bytes can tell: a request's head that trickles in, and a client that does
//! not read its answer. hyper's own head time-out also runs while a connection idles between scrapes, so it is used for
//! that and this for the head itself.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// The time from the first byte of a request's head (of a new connection: from its begin) to the last.
pub(crate) const HEAD_TIME: Duration = Duration::from_secs(10);

/// The time that a client may take to accept more of an answer.
pub(crate) const STALL_TIME: Duration = Duration::from_secs(30);

/// Tells a connection's stream where in its requests it is: even while a head is awaited, odd while a request is
/// answered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turn(Arc<AtomicU32>);

impl Turn {
    /// A head is complete, or its request answered.
    pub(crate) fn next(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn now(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A stream that fails when its client is too slow.
pub(crate) struct TimedStream<S> {
    inner: S,
    turn: Turn,
    /// The turn for which `head` was set.
    seen: u32,
    head: Alarm,
    stall: Alarm,
}

impl<S> TimedStream<S> {
    /// A new connection's stream; its first head is due from now on.
    pub(crate) fn new(inner: S, turn: Turn) -> Self {
        let seen = turn.now();
        let mut head = Alarm::default();
        head.set(HEAD_TIME);
        Self {
            inner,
            turn,
            seen,
            head,
            stall: Alarm::default(),
        }
    }

    /// Fails a write, flush or shutdown that makes no progress for long.
    fn stalled<T>(
        &mut self,
        cx: &mut Context<'_>,
        poll: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.stall.clear();
            return poll;
        }
        self.stall.set(STALL_TIME);
        self.stall
            .poll(cx)
            .map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let turn = this.turn.now();
        if turn != this.seen {
            this.seen = turn;
            this.head.clear();
        }
        let poll = Pin::new(&mut this.inner).poll_read(cx, buffer);
        if turn % 2 == 1 {
            return poll;
        }
        match poll {
            Poll::Ready(result) => {
                this.head.set(HEAD_TIME);
                Poll::Ready(result)
            }
            Poll::Pending => {
                ready!(this.head.poll(cx));
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.stalled(cx, poll)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.inner).poll_write_vectored(cx, slices);
        self.stalled(cx, poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.inner).poll_flush(cx);
        self.stalled(cx, poll)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.stalled(cx, poll)
    }
}

/// A time that may be set, and whose timer exists only when somebody has to wait for it.
#[derive(Default)]
struct Alarm {
    at: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    /// Sets it, if it is not set.
    fn set(&mut self, after: Duration) {
        if self.at.is_none() {
            self.at = Some(Instant::now() + after);
        }
    }

    fn clear(&mut self) {
        self.at = None;
    }

    /// Ready when it is set and its time has come.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.at else {
            return Poll::Pending;
        };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if timer.deadline() != at {
            timer.as_mut().reset(at);
        }
        timer.as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_head_that_trickles_in_is_cut_off() {
        let (mut client, server) = duplex(64);
        let mut stream = TimedStream::new(server, Turn::default());
        let trickle = tokio::spawn(async move {
            while client.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        let begun = Instant::now();
        let mut byte = [0];
        let error = loop {
            if let Err(error) = stream.read_exact(&mut byte).await {
                break error;
            }
        };
        assert_eq!(
            (error.kind(), begun.elapsed()),
            (io::ErrorKind::TimedOut, HEAD_TIME)
        );
        drop(stream);
        trickle.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn neither_an_answer_in_the_making_nor_an_idle_connection_is_cut_off() {
        let (mut client, server) = duplex(64);
        let turn = Turn::default();
        let mut stream = TimedStream::new(server, turn.clone());
        client.write_all(b"x").await.unwrap();
        stream.read_u8().await.unwrap();
        turn.next();
        let waiting = tokio::time::timeout(HEAD_TIME * 10, stream.read_u8()).await;
        assert!(waiting.is_err(), "the answer takes its time");
        turn.next();
        let waiting = tokio::time::timeout(HEAD_TIME * 10, stream.read_u8()).await;
        assert!(waiting.is_err(), "the connection idles");
        client.write_all(b"x").await.unwrap();
        stream.read_u8().await.unwrap();
        let error = stream.read_u8().await.unwrap_err();
        assert_eq!(
            error.kind(),
            io::ErrorKind::TimedOut,
            "the next head has begun"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_is_cut_off() {
        let (_client, server) = duplex(4);
        let mut stream = TimedStream::new(server, Turn::default());
        let begun = Instant::now();
        let error = stream.write_all(b"more than fits").await.unwrap_err();
        assert_eq!(
            (error.kind(), begun.elapsed()),
            (io::ErrorKind::TimedOut, STALL_TIME)
        );
    }
}
