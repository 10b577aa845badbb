//! The messages of D-Bus (specification 0.43, "Message Protocol"): method calls as bytes, and answers from bytes into
//! values. Values are aligned to their size, counted from the message's start; a signature says which ones follow.

/// The part of a message that says how long it is.
pub(super) const FIXED: usize = 16;

/// The longest message that is read; a list of ten thousand units is about 4 MiB.
const LONGEST: usize = 16 << 20;

/// How deep values may lie in each other, as the specification has it.
const DEEPEST: u8 = 64;

const METHOD_CALL: u8 = 1;
const METHOD_RETURN: u8 = 2;
const ERROR: u8 = 3;

/// Header fields by their numbers.
mod field {
    pub(super) const PATH: u8 = 1;
    pub(super) const INTERFACE: u8 = 2;
    pub(super) const MEMBER: u8 = 3;
    pub(super) const ERROR_NAME: u8 = 4;
    pub(super) const REPLY_SERIAL: u8 = 5;
    pub(super) const DESTINATION: u8 = 6;
    pub(super) const SIGNATURE: u8 = 8;
}

/// A call of a method whose arguments are strings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    /// Whom it is for.
    pub(crate) destination: &'a str,
    /// The object.
    pub(crate) path: &'a str,
    /// The interface that has the method.
    pub(crate) interface: &'a str,
    /// The method.
    pub(crate) member: &'a str,
    /// What it is called with.
    pub(crate) arguments: &'a [&'a str],
}

impl<'a> Call<'a> {
    /// Asks an object for a property; `arguments` are the property's interface and name.
    pub(crate) fn get(destination: &'a str, path: &'a str, arguments: &'a [&'a str; 2]) -> Self {
        Self {
            destination,
            path,
            interface: "org.freedesktop.DBus.Properties",
            member: "Get",
            arguments,
        }
    }

    /// The message, in little-endian order.
    pub(super) fn encode(&self, serial: u32) -> Vec<u8> {
        let mut body = Vec::new();
        for argument in self.arguments {
            push_string(&mut body, argument);
        }
        let mut fields = Vec::new();
        for (number, kind, value) in [
            (field::PATH, b'o', self.path),
            (field::INTERFACE, b's', self.interface),
            (field::MEMBER, b's', self.member),
            (field::DESTINATION, b's', self.destination),
        ] {
            align(&mut fields, 8);
            fields.extend([number, 1, kind, 0]);
            push_string(&mut fields, value);
        }
        if !self.arguments.is_empty() {
            align(&mut fields, 8);
            fields.extend([field::SIGNATURE, 1, b'g', 0]);
            fields.push(u8::try_from(self.arguments.len()).unwrap_or(u8::MAX));
            fields.resize(fields.len() + self.arguments.len(), b's');
            fields.push(0);
        }
        let mut message = vec![b'l', METHOD_CALL, 0, 1];
        for number in [length_of(&body), serial, length_of(&fields)] {
            message.extend(number.to_le_bytes());
        }
        message.extend(fields);
        align(&mut message, 8);
        message.extend(body);
        message
    }
}

fn length_of(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

fn align(bytes: &mut Vec<u8>, to: usize) {
    bytes.resize(bytes.len().next_multiple_of(to), 0);
}

fn push_string(bytes: &mut Vec<u8>, text: &str) {
    align(bytes, 4);
    bytes.extend(length_of(text.as_bytes()).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.push(0);
}

/// A value of an answer. What no collector asks for is skipped.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// A boolean.
    Flag(bool),
    /// A whole number that is not negative.
    Number(u64),
    /// A string, an object's path or a signature.
    Text(String),
    /// An array, a structure or an entry of a dictionary.
    List(Vec<Value>),
    /// A number that is negative or has a fraction.
    Other,
}

impl Value {
    /// The text of a string.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number.
    pub(crate) fn number(&self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The flag.
    pub(crate) fn flag(&self) -> Option<bool> {
        match self {
            Self::Flag(flag) => Some(*flag),
            _ => None,
        }
    }

    /// The elements of an array or a structure.
    pub(crate) fn list(&self) -> &[Self] {
        match self {
            Self::List(list) => list,
            _ => &[],
        }
    }
}

/// A message that came.
#[derive(Debug, PartialEq)]
pub(super) struct Reply {
    /// Whether it answers a call, and is no signal.
    pub(super) is_reply: bool,
    /// The call's serial.
    pub(super) to: u32,
    /// The answer's values, or the error's name.
    pub(super) outcome: super::Outcome,
}

/// The length of the whole message that begins so.
pub(super) fn length(start: &[u8]) -> Option<usize> {
    let mut reader = Reader::new(start)?;
    reader.at = 4;
    let body = usize::try_from(reader.u32()?).ok()?;
    reader.at = 12;
    let fields = usize::try_from(reader.u32()?).ok()?;
    let length = FIXED
        .checked_add(fields)?
        .checked_next_multiple_of(8)?
        .checked_add(body)?;
    (length <= LONGEST).then_some(length)
}

/// A whole message.
pub(super) fn parse(bytes: &[u8]) -> Option<Reply> {
    let mut reader = Reader::new(bytes)?;
    let kind = *bytes.get(1)?;
    reader.at = FIXED - 4;
    // The header's fields are an array of structures of a number and a variant.
    let Value::List(fields) = reader.value(b"a(yv)", 0)? else {
        return None;
    };
    reader.align(8)?;
    let (mut to, mut error, mut signature) = (0, None, String::new());
    for field in &fields {
        let [number, value] = field.list() else {
            return None;
        };
        match u8::try_from(number.number()?).ok()? {
            field::REPLY_SERIAL => to = u32::try_from(value.number()?).ok()?,
            field::ERROR_NAME => error = Some(value.text()?.to_owned()),
            field::SIGNATURE => value.text()?.clone_into(&mut signature),
            _ => {}
        }
    }
    let mut rest = signature.as_bytes();
    let mut values = Vec::new();
    while !rest.is_empty() {
        let (first, after) = split_type(rest)?;
        values.push(reader.value(first, 0)?);
        rest = after;
    }
    Some(Reply {
        is_reply: matches!(kind, METHOD_RETURN | ERROR),
        to,
        outcome: match kind {
            ERROR => Err(error.unwrap_or_default()),
            _ => Ok(values),
        },
    })
}

/// The first complete type of a signature, and what follows it.
fn split_type(signature: &[u8]) -> Option<(&[u8], &[u8])> {
    let start = signature.iter().take_while(|byte| **byte == b'a').count();
    let mut depth = 0_usize;
    for (index, byte) in signature.iter().enumerate().skip(start) {
        match byte {
            b'(' | b'{' => depth += 1,
            b')' | b'}' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return signature.split_at_checked(index + 1);
        }
    }
    None
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    is_big: bool,
}

impl<'a> Reader<'a> {
    /// The first byte of a message is the order of its numbers.
    fn new(bytes: &'a [u8]) -> Option<Self> {
        let is_big = match bytes.first()? {
            b'l' => false,
            b'B' => true,
            _ => return None,
        };
        Some(Self {
            bytes,
            at: 0,
            is_big,
        })
    }

    fn align(&mut self, to: usize) -> Option<()> {
        self.at = self.at.checked_next_multiple_of(to)?;
        Some(())
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(count)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    /// A whole number of so many bytes.
    fn whole(&mut self, size: usize) -> Option<u64> {
        self.align(size)?;
        let bytes = self.take(size)?;
        let join = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        Some(match self.is_big {
            true => bytes.iter().fold(0, join),
            false => bytes.iter().rev().fold(0, join),
        })
    }

    fn u32(&mut self) -> Option<u32> {
        u32::try_from(self.whole(4)?).ok()
    }

    fn string(&mut self, length: u64) -> Option<Value> {
        let text = self.take(usize::try_from(length).ok()?)?;
        self.take(1)?;
        Some(Value::Text(String::from_utf8_lossy(text).into_owned()))
    }

    /// The value of one complete type.
    fn value(&mut self, kind: &[u8], depth: u8) -> Option<Value> {
        if depth > DEEPEST {
            return None;
        }
        let (first, inner) = kind.split_first()?;
        Some(match first {
            b'y' => Value::Number(self.whole(1)?),
            b'q' => Value::Number(self.whole(2)?),
            b'u' | b'h' => Value::Number(self.whole(4)?),
            b't' => Value::Number(self.whole(8)?),
            b'b' => Value::Flag(self.whole(4)? != 0),
            b'n' => self.whole(2).map(|_| Value::Other)?,
            b'i' => self.whole(4).map(|_| Value::Other)?,
            b'x' | b'd' => self.whole(8).map(|_| Value::Other)?,
            b's' | b'o' => {
                let length = self.whole(4)?;
                self.string(length)?
            }
            b'g' => {
                let length = self.whole(1)?;
                self.string(length)?
            }
            b'v' => {
                let length = self.whole(1)?;
                let Value::Text(kind) = self.string(length)? else {
                    return None;
                };
                let (only, rest) = split_type(kind.as_bytes())?;
                let value = self.value(only, depth + 1)?;
                rest.is_empty().then_some(value)?
            }
            b'a' => self.array(inner, depth)?,
            b'(' | b'{' => {
                self.align(8)?;
                let mut rest = inner.get(..inner.len().checked_sub(1)?)?;
                let mut values = Vec::new();
                while !rest.is_empty() {
                    let (first, after) = split_type(rest)?;
                    values.push(self.value(first, depth + 1)?);
                    rest = after;
                }
                Value::List(values)
            }
            _ => return None,
        })
    }

    fn array(&mut self, kind: &[u8], depth: u8) -> Option<Value> {
        let length = usize::try_from(self.whole(4)?).ok()?;
        let alignment = match kind.first()? {
            b'(' | b'{' | b't' | b'x' | b'd' => 8,
            b'n' | b'q' => 2,
            b'y' | b'g' | b'v' => 1,
            _ => 4,
        };
        self.align(alignment)?;
        let end = self.at.checked_add(length)?;
        let mut values = Vec::new();
        while self.at < end {
            let before = self.at;
            values.push(self.value(kind, depth + 1)?);
            // A type without a size would never end.
            if self.at == before {
                return None;
            }
        }
        (self.at == end).then_some(Value::List(values))
    }
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
