//! The messages of remote write 1.0 (`prometheus.WriteRequest`): series of labels and samples, borrowed from the
//! request. Labels stay bytes until somebody asks for them. Exemplars, histograms and metadata are passed over, as
//! version 1.0 allows a receiver.

use std::borrow::Cow;

use super::wire::{Fields, WireError};

const LABEL: u32 = 1;
const SAMPLE: u32 = 2;

/// One value at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sample {
    /// The value; a stale marker among others, see [`super::is_stale`].
    pub(crate) value: f64,
    /// Milliseconds since the epoch.
    pub(crate) timestamp: i64,
}

/// A series of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Series<'a> {
    message: &'a [u8],
    /// Where the labels end that the message begins with; `None` where there are more behind.
    labels_end: Option<usize>,
}

impl<'a> Series<'a> {
    /// Reads the samples, in the order of the sender, and finds where the labels are.
    fn split(message: &'a [u8], samples: &mut Vec<Sample>) -> Result<Self, WireError> {
        let mut labels_end = Some(0);
        let mut fields = Fields::new(message);
        loop {
            let begin = message.len() - fields.left();
            let Some(field) = fields.next() else { break };
            let field = field?;
            match field.number {
                LABEL if labels_end == Some(begin) => {
                    labels_end = Some(message.len() - fields.left());
                }
                LABEL => labels_end = None,
                SAMPLE => samples.push(sample(field.bytes()?)?),
                _ => {}
            }
        }
        Ok(Self {
            message,
            labels_end,
        })
    }

    /// The labels as they came. Where they are scattered they are put together, as other senders write them.
    pub(crate) fn label_bytes(&self) -> Cow<'a, [u8]> {
        let together = self.labels_end.and_then(|end| self.message.get(..end));
        if let Some(together) = together {
            return Cow::Borrowed(together);
        }
        let mut labels = Vec::new();
        let mut fields = Fields::new(self.message);
        loop {
            let begin = self.message.len() - fields.left();
            let Some(Ok(field)) = fields.next() else {
                break;
            };
            let end = self.message.len() - fields.left();
            if field.number == LABEL {
                labels.extend_from_slice(self.message.get(begin..end).unwrap_or_default());
            }
        }
        Cow::Owned(labels)
    }

    /// Names and values of the labels, in the order of the sender.
    pub(crate) fn labels(&self) -> Result<Labels<'a>, WireError> {
        let mut labels = Vec::new();
        for field in Fields::new(self.message) {
            let field = field?;
            if field.number == LABEL {
                labels.push(label(field.message()?)?);
            }
        }
        Ok(Labels(labels))
    }
}

/// Names and values of labels.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Labels<'a>(pub(crate) Vec<(&'a str, &'a str)>);

impl<'a> Labels<'a> {
    /// The value of a label.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        let mut labels = self.0.iter();
        let found = labels.find(|(label, _)| *label == name);
        found.map(|(_, value)| *value)
    }
}

fn label<'a>(message: Fields<'a>) -> Result<(&'a str, &'a str), WireError> {
    let (mut name, mut value) = ("", "");
    for field in message {
        let field = field?;
        match field.number {
            1 => name = field.text()?,
            2 => value = field.text()?,
            _ => {}
        }
    }
    Ok((name, value))
}

fn sample(message: &[u8]) -> Result<Sample, WireError> {
    // As every sender writes it: the value, then the moment.
    if let Some((&[0x09, a, b, c, d, e, f, g, h, 0x10], moment)) = message.split_first_chunk()
        && let Some(moment) = Fields::number(moment)
    {
        return Ok(Sample {
            value: f64::from_le_bytes([a, b, c, d, e, f, g, h]),
            timestamp: moment.cast_signed(),
        });
    }
    let mut sample = Sample {
        value: 0.0,
        timestamp: 0,
    };
    for field in Fields::new(message) {
        let field = field?;
        match field.number {
            1 => sample.value = field.double()?,
            2 => sample.timestamp = field.int64()?,
            _ => {}
        }
    }
    Ok(sample)
}

/// Calls `each` with every series of a request and its samples, in order.
pub(crate) fn read<'a, E: From<WireError>>(
    request: &'a [u8],
    mut each: impl FnMut(Series<'a>, &[Sample]) -> Result<(), E>,
) -> Result<(), E> {
    let mut samples = Vec::new();
    for field in Fields::new(request) {
        let field = field?;
        if field.number == 1 {
            samples.clear();
            let series = Series::split(field.bytes()?, &mut samples)?;
            each(series, &samples)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn field(number: u8, bytes: &[u8], out: &mut Vec<u8>) {
        out.push(number << 3 | 2);
        let mut length = bytes.len();
        while length >= 0x80 {
            out.push(length as u8 | 0x80);
            length >>= 7;
        }
        out.push(length as u8);
        out.extend(bytes);
    }

    type Owned = (Vec<(String, String)>, Vec<(u64, i64)>);

    fn encode(request: &[Owned]) -> Vec<u8> {
        let mut out = Vec::new();
        for (labels, samples) in request {
            let mut series = Vec::new();
            for (name, value) in labels {
                let mut label = Vec::new();
                field(1, name.as_bytes(), &mut label);
                field(2, value.as_bytes(), &mut label);
                field(1, &label, &mut series);
            }
            for (bits, timestamp) in samples {
                let mut sample = vec![1 << 3 | 1];
                sample.extend(bits.to_le_bytes());
                sample.push(2 << 3);
                let mut rest = timestamp.cast_unsigned();
                while rest >= 0x80 {
                    sample.push(rest as u8 | 0x80);
                    rest >>= 7;
                }
                sample.push(rest as u8);
                field(2, &sample, &mut series);
            }
            // An exemplar, which nobody reads.
            field(3, &[1, 2, 3], &mut series);
            field(1, &series, &mut out);
        }
        field(3, b"metadata", &mut out);
        out
    }

    fn decode(bytes: &[u8]) -> Result<Vec<Owned>, WireError> {
        let mut out = Vec::new();
        read(bytes, |series, samples| {
            let labels = series.labels()?;
            let labels = labels.0.iter();
            let labels = labels.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let samples = samples.iter();
            let samples = samples.map(|sample| (sample.value.to_bits(), sample.timestamp));
            out.push((labels.collect(), samples.collect()));
            Ok::<_, WireError>(())
        })?;
        Ok(out)
    }

    proptest! {
        #[test]
        fn a_request_comes_out_as_it_was_put_in(
            request in prop::collection::vec(
                (
                    prop::collection::vec((".{0,20}", ".{0,200}"), 0..6),
                    prop::collection::vec((any::<u64>(), any::<i64>()), 0..6),
                ),
                0..6,
            )
        ) {
            prop_assert_eq!(decode(&encode(&request)), Ok(request));
        }

        #[test]
        fn a_damaged_request_is_refused_or_read_but_never_panics(
            at in 0_usize..300,
            byte in any::<u8>(),
            cut in 0_usize..300,
        ) {
            let labels = vec![("__name__".to_owned(), "up".to_owned()), ("job".to_owned(), "node".to_owned())];
            let mut bytes = encode(&[(labels.clone(), vec![(1, 2), (3, 4)]), (labels, vec![])]);
            if let Some(damaged) = bytes.get_mut(at) {
                *damaged = byte;
            }
            bytes.truncate(cut.max(1));
            let _ = decode(&bytes);
        }
    }

    #[test]
    fn label_bytes_are_the_same_wherever_the_labels_stand() {
        let (mut label, mut sample) = (Vec::new(), Vec::new());
        field(1, &[0x0a, 1, b'a', 0x12, 1, b'b'], &mut label);
        field(2, &[0x10, 7], &mut sample);
        let messages = [
            [label.clone(), label.clone(), sample.clone()].concat(),
            [label.clone(), sample.clone(), label.clone()].concat(),
            [sample, label.clone(), label.clone()].concat(),
        ];
        for message in &messages {
            let mut samples = Vec::new();
            let series = Series::split(message, &mut samples).unwrap();
            assert_eq!(
                series.label_bytes().as_ref(),
                [label.as_slice(); 2].concat()
            );
            assert_eq!((samples.len(), samples[0].timestamp), (1, 7));
            assert_eq!(series.labels().unwrap().get("a"), Some("b"));
        }
    }

    #[test]
    fn what_a_message_leaves_out_is_empty_or_zero() {
        let series = [0x0a, 4, 0x0a, 0, 0x12, 0];
        assert_eq!(
            decode(&series),
            Ok(vec![(vec![(String::new(), String::new())], vec![(0, 0)])])
        );
        assert_eq!(decode(&[]), Ok(vec![]));
        // The label of a series as a number.
        assert_eq!(decode(&[0x0a, 2, 0x08, 1]), Err(WireError::Type(1)));
    }
}
