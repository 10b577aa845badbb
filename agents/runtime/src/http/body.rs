//! The limits of a request's body: its length, and the time by which all of it has to be there. The head has its own
//! in `stream`.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::Limited;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

/// The time that a request's body may take as a whole.
const BODY_TIME: Duration = Duration::from_secs(60);

/// A body that ends in an error when it is longer or takes longer than it may.
pub(crate) struct LimitedBody<B> {
    body: Limited<B>,
    end: Pin<Box<Sleep>>,
}

impl<B> LimitedBody<B> {
    /// The body, of at most so many bytes.
    pub(crate) fn new(body: B, bytes: usize) -> Self {
        Self {
            body: Limited::new(body, bytes),
            end: Box::pin(sleep(BODY_TIME)),
        }
    }
}

impl<B> Body for LimitedBody<B>
where
    B: Body + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Data = B::Data;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, Self::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            return Poll::Ready(frame);
        }
        self.end.as_mut().poll(cx).map(|()| {
            let text = format!("expected the whole body within {} s", BODY_TIME.as_secs());
            Some(Err(io::Error::new(io::ErrorKind::TimedOut, text).into()))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt as _, Empty, Full};
    use hyper::body::Bytes;

    use super::*;

    /// A client that sends nothing more and keeps the connection open.
    struct Silent;

    impl Body for Silent {
        type Data = Bytes;
        type Error = io::Error;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn a_body_of_the_allowed_length_arrives_and_a_longer_one_does_not() {
        let body = || Full::new(Bytes::from_static(b"12345"));
        assert_eq!(
            LimitedBody::new(body(), 5)
                .collect()
                .await
                .unwrap()
                .to_bytes()
                .as_ref(),
            b"12345"
        );
        let error = LimitedBody::new(body(), 4).collect().await.unwrap_err();
        assert!(
            error
                .downcast_ref::<http_body_util::LengthLimitError>()
                .is_some(),
            "{error}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_comes_is_given_up() {
        let error = LimitedBody::new(Silent, 5).collect().await.unwrap_err();
        assert_eq!(error.to_string(), "expected the whole body within 60 s");
    }

    #[tokio::test]
    async fn an_empty_body_is_at_its_end_at_once() {
        assert!(LimitedBody::new(Empty::<Bytes>::new(), 0).is_end_stream());
    }
}
