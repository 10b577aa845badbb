//! The messages of remote write 1.0 (`prometheus.WriteRequest`): series of labels and samples, borrowed from the
//! request. Exemplars, histograms and metadata are passed over, as version 1.0 allows a receiver.

use super::wire::{Fields, WireError};

/// One value at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sample {
    /// The value; a stale marker among others, see [`super::is_stale`].
    pub(crate) value: f64,
    /// Milliseconds since the epoch.
    pub(crate) timestamp: i64,
}

/// A series of a request; its lists are used again for the next one.
#[derive(Debug, Default)]
pub(crate) struct Series<'a> {
    /// Names and values in the order of the sender.
    pub(crate) labels: Vec<(&'a str, &'a str)>,
    /// In the order of the sender.
    pub(crate) samples: Vec<Sample>,
}

impl<'a> Series<'a> {
    /// The value of a label.
    pub(crate) fn label(&self, name: &str) -> Option<&'a str> {
        let mut labels = self.labels.iter();
        let found = labels.find(|(label, _)| *label == name);
        found.map(|(_, value)| *value)
    }

    fn fill(&mut self, message: Fields<'a>) -> Result<(), WireError> {
        self.labels.clear();
        self.samples.clear();
        for field in message {
            let field = field?;
            match field.number {
                1 => self.labels.push(label(field.message()?)?),
                2 => self.samples.push(sample(field.message()?)?),
                _ => {}
            }
        }
        Ok(())
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

fn sample(message: Fields<'_>) -> Result<Sample, WireError> {
    let mut sample = Sample {
        value: 0.0,
        timestamp: 0,
    };
    for field in message {
        let field = field?;
        match field.number {
            1 => sample.value = field.double()?,
            2 => sample.timestamp = field.int64()?,
            _ => {}
        }
    }
    Ok(sample)
}

/// Calls `each` with every series of a request, in order.
pub(crate) fn read<'a, E: From<WireError>>(
    request: &'a [u8],
    mut each: impl FnMut(&Series<'a>) -> Result<(), E>,
) -> Result<(), E> {
    let mut series = Series::default();
    for field in Fields::new(request) {
        let field = field?;
        if field.number == 1 {
            series.fill(field.message()?)?;
            each(&series)?;
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
        read(bytes, |series| {
            let labels = series.labels.iter();
            let labels = labels.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let samples = series.samples.iter();
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
