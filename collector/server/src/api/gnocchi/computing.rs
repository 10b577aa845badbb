//! Where what takes long is done: beside the tasks that serve requests, a few at a time, each for a bounded time; whole,
//! or written piece by piece while it is computed.

use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use futures_core::Stream;
use tokio::runtime::Handle;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc};

use super::bounds::Bounds;
use super::error::{ApiError, ApiResult};
use super::json::reply_text;
use crate::metrics::Metrics;

/// Questions that are computed at once; each may take much memory and a whole core.
static RUNNING: Semaphore = Semaphore::const_new(4);

/// Bytes of an answer that are passed on together; what fits has its errors told by its status.
const PIECE: usize = 64 << 10;
/// Pieces that wait for a client.
const PIECES: usize = 4;
/// How long a client may take to read a piece.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for a turn. The semaphore is never closed.
async fn turn(bounds: &Bounds) -> ApiResult<SemaphorePermit<'static>> {
    let turn = tokio::time::timeout_at(bounds.end().into(), RUNNING.acquire()).await;
    match turn {
        Ok(Ok(turn)) => Ok(turn),
        Ok(Err(_)) | Err(_) => Err(bounds.too_late()),
    }
}

/// Computes an answer when it is its turn. The work looks at the time by itself, see [`Bounds::read`].
pub(super) async fn blocking<T: Send + 'static>(
    bounds: Bounds,
    work: impl FnOnce() -> ApiResult<T> + Send + 'static,
) -> ApiResult<T> {
    // Held by the work itself, which goes on where the client goes away.
    let turn = turn(&bounds).await?;
    let done = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work()
    });
    let done = done.await;
    // The task is never cancelled; a panic in it has been reported by its hook.
    done.unwrap_or_else(|_| Err(ApiError::bare(StatusCode::INTERNAL_SERVER_ERROR)))
}

/// Computes an answer of JSON when it is its turn, and passes it on piece by piece: it is never whole in memory. What
/// goes wrong before the first piece is full is told by the status; later the connection is cut, so that nobody takes
/// the answer for a whole one.
pub(super) async fn stream(
    metrics: Arc<Metrics>,
    bounds: Bounds,
    work: impl FnOnce(&mut Answer) -> ApiResult<()> + Send + 'static,
) -> ApiResult {
    let turn = turn(&bounds).await?;
    let (pieces, mut waiting) = mpsc::channel(PIECES);
    let runtime = Handle::current();
    let task = tokio::task::spawn_blocking(move || {
        let mut answer = Answer {
            text: String::with_capacity(PIECE + PIECE / 4),
            bounds,
            pieces,
            turn: Some(turn),
            runtime,
        };
        let done = work(&mut answer).and_then(|()| answer.send());
        drop(answer.turn.take());
        if let Err(error) = done {
            // A client that has gone away asks for no reason.
            let _ = answer.pieces.blocking_send(Err(error));
        }
    });
    let Some(first) = waiting.recv().await else {
        // A panic in the task, which has been reported by its hook.
        return Err(ApiError::bare(StatusCode::INTERNAL_SERVER_ERROR));
    };
    let first = first?;
    let Some(second) = waiting.recv().await else {
        return Ok(reply_text(StatusCode::OK, first));
    };
    let pieces = Pieces {
        ready: Some(first),
        next: Some(second),
        waiting,
        task,
        metrics,
    };
    let mut response = Response::new(Body::from_stream(pieces));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    Ok(response)
}

/// An answer in the making.
pub(super) struct Answer {
    /// What is not passed on yet.
    pub(super) text: String,
    /// How large it may still become, and how long it may take.
    pub(super) bounds: Bounds,
    pieces: mpsc::Sender<ApiResult<Bytes>>,
    turn: Option<SemaphorePermit<'static>>,
    runtime: Handle,
}

impl Answer {
    /// Passes on what is written so far, where it is enough. An error ends the work: the client has gone away, or has
    /// read nothing for long.
    pub(super) fn pass_on(&mut self) -> ApiResult<()> {
        if self.text.len() >= PIECE {
            return self.send();
        }
        Ok(())
    }

    fn send(&mut self) -> ApiResult<()> {
        let piece = Bytes::copy_from_slice(self.text.as_bytes());
        self.text.clear();
        match self.pieces.try_send(Ok(piece)) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(_)) => Err(gone()),
            Err(TrySendError::Full(piece)) => {
                // Who waits for a client computes nothing: another may.
                self.turn = None;
                let begin = Instant::now();
                let sent = self
                    .runtime
                    .block_on(tokio::time::timeout(PATIENCE, self.pieces.send(piece)));
                sent.map_err(|_| gone())?.map_err(|_| gone())?;
                self.bounds.wait(begin.elapsed());
                self.turn = Some(self.runtime.block_on(turn(&self.bounds))?);
                Ok(())
            }
        }
    }
}

/// Nobody reads it.
fn gone() -> ApiError {
    ApiError::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "the client reads its answer no more",
    )
}

/// The body of an answer that is still computed.
struct Pieces {
    ready: Option<Bytes>,
    next: Option<ApiResult<Bytes>>,
    waiting: mpsc::Receiver<ApiResult<Bytes>>,
    task: tokio::task::JoinHandle<()>,
    metrics: Arc<Metrics>,
}

/// Why an answer ends in the middle.
#[derive(Debug, thiserror::Error)]
#[error("answer cut off")]
struct Cut;

impl Stream for Pieces {
    type Item = Result<Bytes, Cut>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(piece) = self.ready.take() {
            return Poll::Ready(Some(Ok(piece)));
        }
        let next = match self.next.take() {
            Some(next) => Some(next),
            None => ready!(self.waiting.poll_recv(context)),
        };
        let error = match next {
            Some(Ok(piece)) => return Poll::Ready(Some(Ok(piece))),
            Some(Err(error)) => Some(error),
            // The pieces end with their task; one that has panicked leaves half an answer.
            None => match ready!(Pin::new(&mut self.task).poll(context)) {
                Ok(()) => return Poll::Ready(None),
                Err(_) => None,
            },
        };
        self.metrics.answer_cut();
        let reason = error.map(|error| error.detail);
        tracing::warn!(?reason, "answer cut off in the middle");
        Poll::Ready(Some(Err(Cut)))
    }
}
