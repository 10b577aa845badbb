//! Protobuf's wire format: fields of a message one after the other, borrowed from its bytes. Nothing is known here of
//! any message; whoever reads one asks each field for the type that it expects.

use std::str;

/// Why bytes are no protobuf message, with the place in the message that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WireError {
    /// The bytes end within a field.
    #[error("protobuf: the message ends within a field")]
    Truncated,
    /// A number of more than 64 bits.
    #[error("protobuf: a number of more than 64 bits")]
    Varint,
    /// Field number 0, or a type that is none.
    #[error("protobuf: field {number} of unknown type {kind}")]
    Field {
        /// Number of the field.
        number: u64,
        /// Its wire type.
        kind: u8,
    },
    /// A field of another type than the message has.
    #[error("protobuf: field {0} has another type than expected")]
    Type(u32),
    /// Text that is no UTF-8.
    #[error("protobuf: field {0} is not UTF-8")]
    Utf8(u32),
    /// A table of symbols that does not begin as it has to.
    #[error("the first symbol is not empty")]
    FirstSymbol,
    /// A place outside of the table of symbols.
    #[error("there is no symbol {0}")]
    Symbol(u64),
    /// A name without a value.
    #[error("a series has an odd number of labels_refs")]
    OddLabels,
    /// Labels that are too large when they are written out.
    #[error("the labels of all series are larger than {limit} bytes")]
    Labels {
        /// The bound, bytes.
        limit: usize,
    },
}

/// A field's value by its wire type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(&'a [u8]),
}

/// One field of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field<'a> {
    /// Its number in the message.
    pub(crate) number: u32,
    value: Value<'a>,
}

impl<'a> Field<'a> {
    /// A nested message.
    pub(crate) fn message(&self) -> Result<Fields<'a>, WireError> {
        self.bytes().map(Fields::new)
    }

    /// A text.
    pub(crate) fn text(&self) -> Result<&'a str, WireError> {
        str::from_utf8(self.bytes()?).map_err(|_| WireError::Utf8(self.number))
    }

    /// A `double`.
    pub(crate) fn double(&self) -> Result<f64, WireError> {
        match self.value {
            Value::Fixed64(bits) => Ok(f64::from_bits(bits)),
            _ => Err(WireError::Type(self.number)),
        }
    }

    /// An `int64`.
    pub(crate) fn int64(&self) -> Result<i64, WireError> {
        match self.value {
            Value::Varint(bits) => Ok(bits.cast_signed()),
            _ => Err(WireError::Type(self.number)),
        }
    }

    /// Bytes of any kind, also of a nested message.
    pub(crate) fn bytes(&self) -> Result<&'a [u8], WireError> {
        match self.value {
            Value::Bytes(bytes) => Ok(bytes),
            _ => Err(WireError::Type(self.number)),
        }
    }
}

/// The fields of a message in their order; ends after an error.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Of the message that these bytes are.
    pub(crate) fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// Bytes that are not read yet.
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    /// The number that these bytes are, all of them.
    pub(crate) fn number(bytes: &'a [u8]) -> Option<u64> {
        let mut fields = Self::new(bytes);
        fields.varint().ok().filter(|_| fields.rest.is_empty())
    }

    /// The number that comes next, which is no field.
    pub(crate) fn varint(&mut self) -> Result<u64, WireError> {
        // Most numbers are keys and lengths of one byte.
        if let Some((&byte, rest)) = self.rest.split_first()
            && byte < 0x80
        {
            self.rest = rest;
            return Ok(u64::from(byte));
        }
        let mut value = 0_u64;
        for (at, byte) in self.rest.iter().enumerate().take(10) {
            let bits = u64::from(byte & 0x7f);
            if at == 9 && bits > 1 {
                return Err(WireError::Varint);
            }
            value |= bits << (7 * at);
            if byte & 0x80 == 0 {
                self.rest = self.rest.get(at + 1..).unwrap_or_default();
                return Ok(value);
            }
        }
        Err(match self.rest.len() {
            0..10 => WireError::Truncated,
            _ => WireError::Varint,
        })
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], WireError> {
        let length = usize::try_from(length).map_err(|_| WireError::Truncated)?;
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    fn field(&mut self) -> Result<Field<'a>, WireError> {
        let key = self.varint()?;
        let (number, kind) = (key >> 3, (key & 7) as u8);
        let unknown = WireError::Field { number, kind };
        let value = match kind {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let length = self.varint()?;
                Value::Bytes(self.take(length)?)
            }
            5 => Value::Fixed32(u32::from_le_bytes(self.array()?)),
            _ => return Err(unknown),
        };
        match u32::try_from(number) {
            Ok(number) if number > 0 => Ok(Field { number, value }),
            _ => Err(unknown),
        }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// Writes a number.
pub(super) fn write_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Fields the other way, for tests.
#[cfg(test)]
pub(super) mod encode {
    pub(in super::super) use super::write_varint as varint;

    /// What a field begins with.
    pub(in super::super) fn key(number: u32, kind: u64, out: &mut Vec<u8>) {
        varint(u64::from(number) << 3 | kind, out);
    }

    /// A field of bytes.
    pub(in super::super) fn bytes(number: u32, bytes: &[u8], out: &mut Vec<u8>) {
        key(number, 2, out);
        varint(bytes.len() as u64, out);
        out.extend(bytes);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encode(number: u32, value: Value<'_>, out: &mut Vec<u8>) {
        match value {
            Value::Varint(value) => {
                encode::key(number, 0, out);
                encode::varint(value, out);
            }
            Value::Fixed64(value) => {
                encode::key(number, 1, out);
                out.extend(value.to_le_bytes());
            }
            Value::Bytes(bytes) => encode::bytes(number, bytes, out),
            Value::Fixed32(value) => {
                encode::key(number, 5, out);
                out.extend(value.to_le_bytes());
            }
        }
    }

    proptest! {
        #[test]
        fn fields_come_out_as_they_were_put_in(
            fields in prop::collection::vec(
                (1_u32..1 << 29, any::<u64>(), 0..4_u8, prop::collection::vec(any::<u8>(), 0..200)),
                0..20,
            )
        ) {
            let mut message = Vec::new();
            let mut expected = Vec::new();
            for (number, scalar, kind, bytes) in &fields {
                let value = match kind {
                    0 => Value::Varint(*scalar),
                    1 => Value::Fixed64(*scalar),
                    2 => Value::Fixed32(*scalar as u32),
                    _ => Value::Bytes(bytes),
                };
                encode(*number, value, &mut message);
                expected.push(Field { number: *number, value });
            }
            let read: Result<Vec<_>, _> = Fields::new(&message).collect();
            prop_assert_eq!(read, Ok(expected));
        }

        #[test]
        fn any_bytes_give_fields_or_one_error(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let read: Vec<_> = Fields::new(&bytes).collect();
            let errors = read.iter().filter(|field| field.is_err()).count();
            prop_assert!(errors <= 1 && read.len() <= bytes.len());
        }
    }

    #[test]
    fn what_is_broken_is_named() {
        fn read(bytes: &[u8]) -> Result<Vec<Field<'_>>, WireError> {
            Fields::new(bytes).collect()
        }
        assert_eq!(read(&[0x0a, 5, 1]), Err(WireError::Truncated));
        assert_eq!(read(&[0x08, 0x80]), Err(WireError::Truncated));
        assert_eq!(
            read(&[
                0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2
            ]),
            Err(WireError::Varint)
        );
        assert_eq!(read(&[0xff; 11]), Err(WireError::Varint));
        assert_eq!(read(&[0x0b]), Err(WireError::Field { number: 1, kind: 3 }));
        assert_eq!(
            read(&[0x00, 0]),
            Err(WireError::Field { number: 0, kind: 0 })
        );
        let field = Fields::new(&[0x12, 1, 0xff]).next().unwrap().unwrap();
        assert_eq!(field.text(), Err(WireError::Utf8(2)));
        assert_eq!(field.double(), Err(WireError::Type(2)));
    }
}
