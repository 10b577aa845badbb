//! Memory that scrapes use again: what one has filled is given back when its answer has been sent. Scrapes come one or
//! two at a time, so a few of each kind are kept.

use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use flate2::Compression;
use flate2::write::GzEncoder;

/// Values of a kind that are kept; more are freed.
const KEPT: usize = 2;

/// A store of used values.
#[derive(Debug, Default)]
pub(crate) struct Pool<T>(Arc<Mutex<Vec<T>>>);

impl<T: Default> Pool<T> {
    /// A used value, as it was left, or a new one.
    pub(crate) fn take(&self) -> Pooled<T> {
        let used = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Pooled {
            value: used.unwrap_or_default(),
            pool: Arc::clone(&self.0),
        }
    }
}

/// A value that goes back to its pool.
#[derive(Debug)]
pub(crate) struct Pooled<T: Default> {
    value: T,
    pool: Arc<Mutex<Vec<T>>>,
}

impl<T: Default> Pooled<T> {
    /// The value.
    pub(crate) fn value(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: Default + AsRef<[u8]>> AsRef<[u8]> for Pooled<T> {
    fn as_ref(&self) -> &[u8] {
        self.value.as_ref()
    }
}

impl<T: Default> Drop for Pooled<T> {
    fn drop(&mut self) {
        let mut kept = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT {
            kept.push(std::mem::take(&mut self.value));
        }
    }
}

/// Packs `text` with gzip in place of what `packed` held. The fastest level: a scrape's text is so repetitive that the
/// others win little.
pub(crate) fn pack(text: &[u8], packed: &mut Vec<u8>) {
    packed.clear();
    let mut encoder = GzEncoder::new(packed, Compression::fast());
    // Writing to a vector cannot fail.
    let _ = encoder.write_all(text).and_then(|()| encoder.try_finish());
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn what_is_given_back_is_used_again_and_a_few_are_kept() {
        let pool = Pool::<String>::default();
        let mut first = pool.take();
        first.value().reserve(1000);
        let memory = first.value().as_ptr();
        drop(first);
        assert_eq!(pool.take().value().as_ptr(), memory);
        let many: Vec<_> = (0..KEPT + 3).map(|_| pool.take()).collect();
        drop(many);
        assert_eq!(pool.0.lock().unwrap().len(), KEPT);
    }

    #[test]
    fn packed_text_unpacks_to_itself() {
        let text = "node_load1 0.25\n".repeat(1000);
        let mut packed = b"old".to_vec();
        pack(text.as_bytes(), &mut packed);
        let mut unpacked = String::new();
        flate2::read::GzDecoder::new(packed.as_slice())
            .read_to_string(&mut unpacked)
            .unwrap();
        assert_eq!(unpacked, text);
        assert!(packed.len() < text.len() / 20);
    }
}
