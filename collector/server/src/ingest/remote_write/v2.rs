//! The messages of remote write 2.0 (`io.prometheus.write.v2.Request`): texts stand once in a table of symbols, and the
//! labels of a series are places in it. The labels are written out as version 1.0 has them, so that both versions know one
//! series by the same bytes.

use super::v1::{self, Labels, Sample, Unused};
use super::wire::{Field, Fields, WireError};

const SYMBOL: u32 = 4;
const SERIES: u32 = 5;

const LABELS: u32 = 1;
const SAMPLE: u32 = 2;
const HISTOGRAM: u32 = 3;
const EXEMPLAR: u32 = 4;
const METADATA: u32 = 5;

/// A series of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Series<'a> {
    message: &'a [u8],
}

impl<'a> Series<'a> {
    /// Names and values of the labels, in the order of the sender.
    pub(crate) fn labels(&self, symbols: &[&'a str]) -> Result<Labels<'a>, WireError> {
        let mut places = Vec::new();
        for field in Fields::new(self.message) {
            let field = field?;
            if field.number == LABELS {
                read_places(&field, &mut places)?;
            }
        }
        let mut labels = Vec::with_capacity(places.len() / 2);
        each_label(&places, symbols, |name, value| {
            labels.push((name, value));
            Ok(())
        })?;
        Ok(Labels(labels))
    }
}

/// The table of a request.
pub(crate) fn symbols(request: &[u8]) -> Result<Vec<&str>, WireError> {
    let mut symbols = Vec::new();
    for field in Fields::new(request) {
        let field = field?;
        if field.number == SYMBOL {
            symbols.push(field.text()?);
        }
    }
    match symbols.first() {
        None | Some(&"") => Ok(symbols),
        Some(_) => Err(WireError::FirstSymbol),
    }
}

/// Calls `each` with every series of a request, its labels as version 1.0 writes them, and its samples. Written out all
/// labels may take so many bytes as `limit`: what is said by a few places may be any size.
pub(crate) fn read<'a>(
    request: &'a [u8],
    symbols: &[&'a str],
    limit: usize,
    unused: &mut Unused,
    mut each: impl FnMut(Series<'a>, &[u8], &[Sample]),
) -> Result<(), WireError> {
    let (mut samples, mut places, mut labels) = (Vec::new(), Vec::new(), Vec::new());
    let mut left = limit;
    for field in Fields::new(request) {
        let field = field?;
        if field.number != SERIES {
            continue;
        }
        samples.clear();
        places.clear();
        labels.clear();
        let message = field.bytes()?;
        for field in Fields::new(message) {
            let field = field?;
            match field.number {
                LABELS => read_places(&field, &mut places)?,
                SAMPLE => samples.push(v1::sample(field.bytes()?)?),
                HISTOGRAM => unused.histograms += 1,
                EXEMPLAR => unused.exemplars += 1,
                METADATA => unused.metadata += 1,
                _ => {}
            }
        }
        each_label(&places, symbols, |name, value| {
            let size = name.len() + value.len();
            left = left.checked_sub(size).ok_or(WireError::Labels { limit })?;
            v1::write_label(name, value, &mut labels);
            Ok(())
        })?;
        each(Series { message }, &labels, &samples);
    }
    Ok(())
}

/// Adds the places of a field, which senders pack and need not.
fn read_places(field: &Field<'_>, places: &mut Vec<u32>) -> Result<(), WireError> {
    let place = |number: u64| u32::try_from(number).map_err(|_| WireError::Symbol(number));
    let Ok(packed) = field.bytes() else {
        places.push(place(field.int64()?.cast_unsigned())?);
        return Ok(());
    };
    let mut numbers = Fields::new(packed);
    while numbers.left() > 0 {
        places.push(place(numbers.varint()?)?);
    }
    Ok(())
}

fn each_label<'a>(
    places: &[u32],
    symbols: &[&'a str],
    mut each: impl FnMut(&'a str, &'a str) -> Result<(), WireError>,
) -> Result<(), WireError> {
    let symbol = |place: u32| {
        let found = symbols.get(place as usize).copied();
        found.ok_or(WireError::Symbol(u64::from(place)))
    };
    for pair in places.chunks(2) {
        match pair {
            [name, value] => each(symbol(*name)?, symbol(*value)?)?,
            _ => return Err(WireError::OddLabels),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::v1::tests::{Owned, bits, owned};
    use super::super::wire::encode::{bytes, key, varint};
    use super::*;

    /// As Prometheus writes it, packed or not, with what the newer of its releases add.
    fn encode(request: &[Owned], packed: bool) -> Vec<u8> {
        let mut symbols = vec![String::new()];
        let mut place = |text: &String| {
            let known = symbols.iter().position(|symbol| symbol == text);
            known.unwrap_or_else(|| {
                symbols.push(text.clone());
                symbols.len() - 1
            }) as u64
        };
        let mut all = Vec::new();
        for (labels, samples) in request {
            let mut series = Vec::new();
            let places = labels
                .iter()
                .flat_map(|(name, value)| [place(name), place(value)]);
            let mut list = Vec::new();
            for place in places.collect::<Vec<_>>() {
                if !packed {
                    key(1, 0, &mut series);
                    varint(place, &mut series);
                }
                varint(place, &mut list);
            }
            if packed {
                bytes(1, &list, &mut series);
            }
            for (bits, timestamp) in samples {
                let mut sample = Vec::new();
                key(1, 1, &mut sample);
                sample.extend(bits.to_le_bytes());
                for (field, value) in [(2, *timestamp), (3, 77)] {
                    key(field, 0, &mut sample);
                    varint(value.cast_unsigned(), &mut sample);
                }
                bytes(2, &sample, &mut series);
            }
            bytes(3, b"histogram", &mut series);
            bytes(4, b"exemplar", &mut series);
            bytes(5, b"", &mut series);
            key(6, 0, &mut series);
            varint(9, &mut series);
            bytes(5, &series, &mut all);
        }
        let mut out = Vec::new();
        for symbol in &symbols {
            bytes(4, symbol.as_bytes(), &mut out);
        }
        out.extend(all);
        out
    }

    fn decode(request: &[u8], limit: usize) -> Result<(Vec<Owned>, Unused), WireError> {
        let symbols = symbols(request)?;
        let (mut out, mut unused) = (Vec::new(), Unused::default());
        let mut bytes = Vec::new();
        read(
            request,
            &symbols,
            limit,
            &mut unused,
            |series, labels, samples| {
                bytes.push(labels.to_vec());
                out.push((series, bits(samples)));
            },
        )?;
        let mut read = Vec::new();
        for ((series, samples), bytes) in out.into_iter().zip(bytes) {
            let labels = series.labels(&symbols)?;
            assert_eq!(
                v1::labels_of(&bytes).unwrap(),
                labels,
                "the bytes are version 1.0's"
            );
            read.push((owned(&labels), samples));
        }
        Ok((read, unused))
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
            ),
            packed in any::<bool>(),
        ) {
            let (read, unused) = decode(&encode(&request, packed), usize::MAX).unwrap();
            let each = request.len();
            prop_assert_eq!(unused, Unused { histograms: each, exemplars: each, metadata: each });
            prop_assert_eq!(read, request);
        }

        #[test]
        fn a_damaged_request_is_refused_or_read_but_never_panics(
            at in 0_usize..300,
            byte in any::<u8>(),
            cut in 0_usize..300,
        ) {
            let labels = vec![("__name__".to_owned(), "up".to_owned()), ("job".to_owned(), "node".to_owned())];
            let mut bytes = encode(&[(labels.clone(), vec![(1, 2), (3, 4)]), (labels, vec![])], true);
            if let Some(damaged) = bytes.get_mut(at) {
                *damaged = byte;
            }
            bytes.truncate(cut.max(1));
            let _ = decode(&bytes, 1000);
        }
    }

    #[test]
    fn labels_that_are_none_are_told() {
        let series = |places: &[u8]| {
            let mut request = Vec::new();
            for symbol in ["", "a", "b"] {
                bytes(4, symbol.as_bytes(), &mut request);
            }
            let mut series = Vec::new();
            bytes(1, places, &mut series);
            bytes(5, &series, &mut request);
            request
        };
        assert_eq!(decode(&series(&[1, 2]), 2).unwrap().0.len(), 1);
        assert_eq!(
            decode(&series(&[1, 2]), 1),
            Err(WireError::Labels { limit: 1 })
        );
        assert_eq!(decode(&series(&[1, 3]), 9), Err(WireError::Symbol(3)));
        assert_eq!(decode(&series(&[1, 2, 1]), 9), Err(WireError::OddLabels));
        let mut first = Vec::new();
        bytes(4, b"a", &mut first);
        assert_eq!(decode(&first, 9), Err(WireError::FirstSymbol));
        // A request of version 1.0 is one of nothing.
        let mut old = Vec::new();
        bytes(1, b"\x0a\x00", &mut old);
        assert_eq!(decode(&old, 9), Ok((vec![], Unused::default())));
    }
}
