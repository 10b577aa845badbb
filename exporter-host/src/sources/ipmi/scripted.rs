//! A controller for tests that gives the answers that it was told, and refuses what it does not know.

use std::collections::HashMap;

use super::{Bmc, IpmiError, Target};

/// Function, command and data.
type Question = (u8, u8, Option<Vec<u8>>);

/// Answers by function, command and data; without data of their own they answer all of a command.
#[derive(Default)]
pub(crate) struct Scripted {
    answers: HashMap<Question, Vec<u8>>,
    /// The repository of sensors, record by record, if it has one.
    pub(crate) records: Vec<Vec<u8>>,
    /// The most bytes that it gives of a record at once.
    largest: usize,
}

impl Scripted {
    /// One with these records, of which it gives so many bytes at once.
    pub(crate) fn holding(records: Vec<Vec<u8>>, largest: usize) -> Self {
        Self {
            records,
            largest,
            ..Self::default()
        }
    }

    pub(crate) fn answer(&mut self, function: u8, command: u8, answer: &[u8]) {
        self.answers
            .insert((function, command, None), answer.to_vec());
    }

    pub(crate) fn answer_to(&mut self, function: u8, command: u8, data: &[u8], answer: &[u8]) {
        self.answers
            .insert((function, command, Some(data.to_vec())), answer.to_vec());
    }

    /// Get SDR: reservation, record, offset, count.
    fn record(&self, data: &[u8]) -> Result<Vec<u8>, IpmiError> {
        let refused = |code| IpmiError::Refused {
            command: 0x23,
            code,
        };
        let (offset, count) = (usize::from(data[4]), usize::from(data[5]));
        if count > self.largest {
            return Err(refused(0xca));
        }
        let index = usize::from(u16::from_le_bytes([data[2], data[3]]));
        let record = self.records.get(index).ok_or_else(|| refused(0xcb))?;
        let next = u16::try_from(index + 1).unwrap();
        let next = if self.records.len() > index + 1 {
            next
        } else {
            u16::MAX
        };
        let part = record
            .get(offset..(offset + count).min(record.len()))
            .unwrap_or_default();
        Ok([&next.to_le_bytes()[..], part].concat())
    }
}

impl Bmc for Scripted {
    fn ask(
        &mut self,
        _target: Target,
        function: u8,
        command: u8,
        data: &[u8],
    ) -> Result<Vec<u8>, IpmiError> {
        if (function, command) == (super::STORAGE, 0x23) && !self.records.is_empty() {
            return self.record(data);
        }
        let exact = self.answers.get(&(function, command, Some(data.to_vec())));
        let found = exact.or_else(|| self.answers.get(&(function, command, None)));
        found.cloned().ok_or(IpmiError::Refused {
            command,
            code: 0xc1,
        })
    }
}
