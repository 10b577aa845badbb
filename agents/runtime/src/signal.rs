//! What tells a program to stop or to reload: the process' signals, or in tests a channel in their place.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

use crate::failure::Failure;

/// What a program is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Finish what was begun and end; the second time: end now. SIGINT and SIGTERM.
    Stop,
    /// Read the configuration again. SIGHUP.
    Reload,
}

/// Signals that are waiting to be heard; more of them say nothing new.
const WAITING: usize = 4;

/// Where a program hears its signals.
#[derive(Debug)]
pub struct Signals(mpsc::Receiver<Signal>);

impl Signals {
    /// The signals of this process.
    ///
    /// # Errors
    /// When the kernel refuses a handler.
    pub fn of_process() -> Result<Self, Failure> {
        let (sender, signals) = Self::manual();
        for (kind, told) in [
            (SignalKind::interrupt(), Signal::Stop),
            (SignalKind::terminate(), Signal::Stop),
            (SignalKind::hangup(), Signal::Reload),
        ] {
            let mut heard = signal(kind)
                .map_err(|error| Failure::start(format_args!("cannot handle signals: {error}")))?;
            let sender = sender.clone();
            tokio::spawn(async move {
                while heard.recv().await.is_some() && sender.send(told).await.is_ok() {}
            });
        }
        Ok(signals)
    }

    /// Signals that come from the sender; when it is gone the program stops.
    pub fn manual() -> (mpsc::Sender<Signal>, Self) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (sender, Self(receiver))
    }

    /// The next signal.
    pub(crate) async fn next(&mut self) -> Signal {
        self.0.recv().await.unwrap_or(Signal::Stop)
    }

    /// Waits for a second `Stop`, for ever where none can come.
    pub(crate) async fn stop_again(&mut self) {
        loop {
            match self.0.recv().await {
                Some(Signal::Stop) => return,
                Some(Signal::Reload) => {}
                None => std::future::pending().await,
            }
        }
    }
}

/// Tells background work that the program ends.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Receiver<bool>);

impl Shutdown {
    pub(crate) fn new() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(receiver))
    }

    /// Whether the program ends.
    pub fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the program ends.
    pub async fn requested(&mut self) {
        // An error means that whoever could tell is gone, which is an end too.
        let _ = self.0.wait_for(|is_requested| *is_requested).await;
    }
}
