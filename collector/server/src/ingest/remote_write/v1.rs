//! The messages of remote write 1.0 (`prometheus.WriteRequest`): series of labels and samples, borrowed from the
//! request. Labels stay bytes until somebody asks for them. Exemplars, histograms and metadata are counted and passed over,
//! as version 1.0 allows a receiver.

use std::borrow::Cow;

use super::wire::{Fields, WireError, write_varint};

const SERIES: u32 = 1;
const METADATA: u32 = 3;

const LABEL: u32 = 1;
const SAMPLE: u32 = 2;
const EXEMPLAR: u32 = 3;
const HISTOGRAM: u32 = 4;

/// How much of a request no measure is made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Unused {
    /// Samples that are native histograms.
    pub(crate) histograms: usize,
    /// Exemplars.
    pub(crate) exemplars: usize,
    /// Types, helps and units of series.
    pub(crate) metadata: usize,
}

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
    fn split(
        message: &'a [u8],
        samples: &mut Vec<Sample>,
        unused: &mut Unused,
    ) -> Result<Self, WireError> {
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
                EXEMPLAR => unused.exemplars += 1,
                HISTOGRAM => unused.histograms += 1,
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
        labels_of(self.message)
    }
}

/// Names and values of the labels among the fields of a series.
pub(super) fn labels_of(message: &[u8]) -> Result<Labels<'_>, WireError> {
    let mut labels = Vec::new();
    for field in Fields::new(message) {
        let field = field?;
        if field.number == LABEL {
            labels.push(label(field.message()?)?);
        }
    }
    Ok(Labels(labels))
}

/// A label as Prometheus writes it.
pub(super) fn write_label(name: &str, value: &str, out: &mut Vec<u8>) {
    let (name_width, value_width) = (width(name.len()), width(value.len()));
    out.push(0x0a);
    let length = 2 + name_width + name.len() + value_width + value.len();
    write_varint(length as u64, out);
    for (key, text) in [(0x0a, name), (0x12, value)] {
        out.push(key);
        write_varint(text.len() as u64, out);
        out.extend_from_slice(text.as_bytes());
    }
}

/// Bytes that a length takes, seven bits in each.
fn width(length: usize) -> usize {
    let bits = usize::BITS - (length | 1).leading_zeros();
    bits.div_ceil(7) as usize
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

/// Reads a sample; those of version 2.0 begin as those of 1.0 do.
pub(super) fn sample(message: &[u8]) -> Result<Sample, WireError> {
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
    unused: &mut Unused,
    mut each: impl FnMut(Series<'a>, &[Sample]) -> Result<(), E>,
) -> Result<(), E> {
    let mut samples = Vec::new();
    for field in Fields::new(request) {
        let field = field?;
        match field.number {
            SERIES => {
                samples.clear();
                let series = Series::split(field.bytes()?, &mut samples, unused)?;
                each(series, &samples)?;
            }
            METADATA => unused.metadata += 1,
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::super::wire::encode::{bytes as field, varint};
    use super::*;

    /// The labels of a series and its samples.
    pub(in super::super) type Owned = (Vec<(String, String)>, Vec<(u64, i64)>);

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
                varint(timestamp.cast_unsigned(), &mut sample);
                field(2, &sample, &mut series);
            }
            // An exemplar and a histogram, which nobody reads.
            field(3, &[1, 2, 3], &mut series);
            field(4, &[1, 2, 3], &mut series);
            field(1, &series, &mut out);
        }
        field(3, b"metadata", &mut out);
        out
    }

    /// Labels as they were put in.
    pub(in super::super) fn owned(labels: &Labels<'_>) -> Vec<(String, String)> {
        let labels = labels.0.iter();
        let labels = labels.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        labels.collect()
    }

    /// Samples whose values can be compared though one is NaN.
    pub(in super::super) fn bits(samples: &[Sample]) -> Vec<(u64, i64)> {
        let samples = samples.iter();
        let samples = samples.map(|sample| (sample.value.to_bits(), sample.timestamp));
        samples.collect()
    }

    fn decode(bytes: &[u8]) -> Result<(Vec<Owned>, Unused), WireError> {
        let (mut out, mut unused) = (Vec::new(), Unused::default());
        read(bytes, &mut unused, |series, samples| {
            out.push((owned(&series.labels()?), bits(samples)));
            Ok::<_, WireError>(())
        })?;
        Ok((out, unused))
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
            let each = request.len();
            let unused = Unused { histograms: each, exemplars: each, metadata: 1 };
            prop_assert_eq!(decode(&encode(&request)), Ok((request, unused)));
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
    fn a_label_is_written_as_prometheus_does() {
        for (name, value) in [("a", "b"), ("", ""), ("long", &"x".repeat(300))] {
            let (mut written, mut inner, mut expected) = (Vec::new(), Vec::new(), Vec::new());
            write_label(name, value, &mut written);
            field(1, name.as_bytes(), &mut inner);
            field(2, value.as_bytes(), &mut inner);
            field(1, &inner, &mut expected);
            assert_eq!(written, expected);
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
            let series = Series::split(message, &mut samples, &mut Unused::default()).unwrap();
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
            Ok((
                vec![(vec![(String::new(), String::new())], vec![(0, 0)])],
                Unused::default()
            ))
        );
        assert_eq!(decode(&[]), Ok((vec![], Unused::default())));
        // The label of a series as a number.
        assert_eq!(decode(&[0x0a, 2, 0x08, 1]), Err(WireError::Type(1)));
    }
}
