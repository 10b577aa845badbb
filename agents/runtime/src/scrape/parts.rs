//! A long answer, written as it is sent: a part of the text at a time, packed or not, so that neither the whole text nor
//! the whole package is ever in memory. Between two parts others have their turn.

use std::convert::Infallible;
use std::io::Write as _;
use std::pin::Pin;
use std::task::{Context, Poll};

use exposition::{Families, Format, Progress, encode_part};
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::body::{Body, Bytes, Frame};

use super::buffers::Pooled;

/// Bytes of text in one part, and a line more.
const PART: usize = 64 << 10;

/// The body of an answer.
pub(crate) struct Parts {
    families: Pooled<Families>,
    format: Format,
    progress: Progress,
    text: Pooled<String>,
    packer: Option<GzEncoder<Vec<u8>>>,
    /// Whether others have had their turn since the last part.
    has_yielded: bool,
    is_done: bool,
}

impl Parts {
    /// The families as text, packed where that is wanted. `text` is memory to be used.
    pub(crate) fn new(
        families: Pooled<Families>,
        format: Format,
        gzip: bool,
        text: Pooled<String>,
    ) -> Self {
        Self {
            families,
            format,
            progress: Progress::default(),
            text,
            packer: gzip.then(|| GzEncoder::new(Vec::new(), Compression::fast())),
            has_yielded: true,
            is_done: false,
        }
    }

    /// The next bytes; none when everything has been given.
    fn next(&mut self) -> Option<Bytes> {
        while !self.is_done {
            let text = self.text.value();
            let families = self.families.value();
            encode_part(families, self.format, &mut self.progress, PART, text);
            self.is_done = text.is_empty();
            let Some(packer) = &mut self.packer else {
                return (!text.is_empty()).then(|| Bytes::copy_from_slice(text.as_bytes()));
            };
            // Writing to a vector cannot fail.
            let _ = packer.write_all(text.as_bytes());
            if self.is_done {
                let _ = packer.try_finish();
            }
            let packed = std::mem::take(packer.get_mut());
            if !packed.is_empty() {
                return Some(packed.into());
            }
        }
        None
    }
}

impl Body for Parts {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if !std::mem::replace(&mut self.has_yielded, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.has_yielded = false;
        Poll::Ready(self.next().map(|bytes| Ok(Frame::data(bytes))))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use exposition::{MetricType, encode};

    use super::super::buffers::Pool;
    use super::*;

    fn many(families: &mut Families) {
        for family in 0..30 {
            let name = format!("node_family_{family}_total");
            let mut writer = families.family(&name, "Help.", MetricType::Counter);
            for number in 0..300 {
                writer.sample(&[("device", &number.to_string())], 1.0);
            }
        }
    }

    #[test]
    fn the_parts_together_are_the_whole_text_packed_or_not() {
        let (families, texts) = (Pool::<Families>::default(), Pool::<String>::default());
        for format in [Format::Text, Format::OpenMetrics] {
            let mut filled = families.take();
            filled.value().clear();
            many(filled.value());
            let mut whole = String::new();
            encode(filled.value(), format, &mut whole);
            let mut parts = Parts::new(filled, format, false, texts.take());
            let sent: Vec<Bytes> = std::iter::from_fn(|| parts.next()).collect();
            assert!(sent.len() > 4, "{}", sent.len());
            assert_eq!(sent.concat(), whole.as_bytes());
            drop(parts);

            // The same memory once more.
            let mut filled = families.take();
            filled.value().clear();
            many(filled.value());
            let mut parts = Parts::new(filled, format, true, texts.take());
            let packed = std::iter::from_fn(|| parts.next()).collect::<Vec<_>>();
            let packed = packed.concat();
            assert!(packed.len() < whole.len() / 10);
            let mut unpacked = String::new();
            flate2::read::GzDecoder::new(packed.as_slice())
                .read_to_string(&mut unpacked)
                .unwrap();
            assert_eq!(unpacked, whole);
        }
    }
}
