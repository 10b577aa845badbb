//! The repository in which a controller describes its sensors (IPMI 2.0, chapters 33 and 43): how it is read record by
//! record, and what full and compact records say. It is large and slow to read, and read again only when it has changed.

use super::reading::Conversion;
use super::{Bmc, CONTROLLER, IpmiError, SENSOR, STORAGE, Target};

/// The kinds of records that describe sensors with readings.
const FULL: u8 = 0x01;
const COMPACT: u8 = 0x02;

/// The number of the record after the last one.
const END: u16 = 0xffff;

/// More records than any controller has: one whose records lead in a circle is not followed for ever.
const MOST_RECORDS: usize = 4096;

/// The most bytes that are asked for at once, and the fewest; controllers differ in what they can give.
const LARGEST_PART: u8 = 32;
const SMALLEST_PART: u8 = 8;

/// How often a record is asked for anew because somebody else changed the repository.
const ATTEMPTS: usize = 5;

const RESERVATION_CANCELLED: u8 = 0xc5;

/// Refusals that mean that fewer bytes should be asked for.
const TOO_MANY_BYTES: [u8; 4] = [0xc7, 0xc8, 0xca, 0xff];

/// The bytes in front of each record, the last of which is the number of those behind.
const HEADER: usize = 5;

/// A sensor.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sensor {
    /// The number of its record.
    pub(crate) id: u16,
    pub(crate) name: String,
    /// Who answers for it.
    pub(crate) target: Target,
    pub(crate) number: u8,
    /// What it senses (table 42-3).
    pub(crate) kind: u8,
    /// How its state is to be read (table 42-1): 1 for thresholds.
    pub(crate) reading_type: u8,
    /// What its unit is (table 43-15), and whether the reading is a part of a hundred.
    pub(crate) unit: u8,
    pub(crate) is_percentage: bool,
    /// How its reading becomes a number; `None` if it has only states.
    pub(crate) conversion: Option<Conversion>,
}

/// The stamps of the repository's last changes: while they stay, so do the sensors.
pub(crate) fn stamp(bmc: &mut dyn Bmc) -> Result<Vec<u8>, IpmiError> {
    const INFO: u8 = 0x20;
    let answer = bmc.ask(CONTROLLER, STORAGE, INFO, &[])?;
    answer
        .get(..13)
        .map(<[u8]>::to_vec)
        .ok_or(IpmiError::Short(INFO))
}

/// Reads the whole repository, or the controller's own sensors where it has none.
pub(crate) fn read(bmc: &mut dyn Bmc, has_repository: bool) -> Result<Vec<Sensor>, IpmiError> {
    let mut reader = Reader {
        bmc,
        function: if has_repository { STORAGE } else { SENSOR },
        commands: if has_repository {
            (0x22, 0x23)
        } else {
            (0x22, 0x21)
        },
        reservation: [0; 2],
        part: LARGEST_PART,
    };
    reader.reserve()?;
    let mut sensors = Vec::new();
    let mut next = 0;
    for _ in 0..MOST_RECORDS {
        let (after, record) = reader.record(next)?;
        sensors.extend(parse(&record));
        if after == END || after == next {
            break;
        }
        next = after;
    }
    Ok(sensors)
}

struct Reader<'a> {
    bmc: &'a mut dyn Bmc,
    function: u8,
    /// The numbers of the commands to reserve and to read.
    commands: (u8, u8),
    reservation: [u8; 2],
    part: u8,
}

impl Reader<'_> {
    fn reserve(&mut self) -> Result<(), IpmiError> {
        let (command, _) = self.commands;
        let answer = self.bmc.ask(CONTROLLER, self.function, command, &[])?;
        self.reservation = *answer.first_chunk().ok_or(IpmiError::Short(command))?;
        Ok(())
    }

    /// One record, and the number of the next.
    fn record(&mut self, id: u16) -> Result<(u16, Vec<u8>), IpmiError> {
        for _ in 1..ATTEMPTS {
            match self.attempt(id) {
                Err(IpmiError::Refused {
                    code: RESERVATION_CANCELLED,
                    ..
                }) => self.reserve()?,
                Err(IpmiError::Refused { code, .. })
                    if TOO_MANY_BYTES.contains(&code) && self.part > SMALLEST_PART =>
                {
                    self.part = SMALLEST_PART.max(self.part / 2);
                }
                other => return other,
            }
        }
        self.attempt(id)
    }

    fn attempt(&mut self, id: u16) -> Result<(u16, Vec<u8>), IpmiError> {
        let (next, mut record) = self.part_of(id, 0, HEADER as u8)?;
        let length = record.get(HEADER - 1).copied().map(usize::from);
        let length = length.ok_or(IpmiError::Short(self.commands.1))? + HEADER;
        while record.len() < length {
            let rest = u8::try_from(length - record.len()).unwrap_or(u8::MAX);
            let Ok(offset) = u8::try_from(record.len()) else {
                break;
            };
            let (_, part) = self.part_of(id, offset, rest.min(self.part))?;
            if part.is_empty() {
                break;
            }
            record.extend(part);
        }
        Ok((next, record))
    }

    fn part_of(&mut self, id: u16, offset: u8, count: u8) -> Result<(u16, Vec<u8>), IpmiError> {
        let ([one, two], [low, high]) = (self.reservation, id.to_le_bytes());
        let request = [one, two, low, high, offset, count];
        let (_, command) = self.commands;
        let answer = self.bmc.ask(CONTROLLER, self.function, command, &request)?;
        let (next, part) = answer
            .split_first_chunk()
            .ok_or(IpmiError::Short(command))?;
        Ok((u16::from_le_bytes(*next), part.to_vec()))
    }
}

/// A record that describes a sensor; others are passed over. Where fields are is said from the record's beginning.
fn parse(record: &[u8]) -> Option<Sensor> {
    let byte = |at: usize| record.get(at).copied();
    let name_at = match byte(3)? {
        FULL => 47,
        COMPACT => 31,
        _ => return None,
    };
    let (owner, place) = (byte(5)?, byte(6)?);
    // The lowest bit tells that a program owns the sensor.
    if owner & 1 != 0 {
        return None;
    }
    let (unit, channel) = (place & 0x03, place >> 4);
    let target = match owner {
        0x20 => Target::Controller { unit },
        address => Target::Satellite {
            channel,
            address,
            unit,
        },
    };
    let units = byte(20)?;
    let conversion = (byte(3)? == FULL)
        .then(|| Conversion::parse(record))
        .flatten();
    Some(Sensor {
        id: u16::from_le_bytes([byte(0)?, byte(1)?]),
        name: name(record.get(name_at..)?),
        target,
        number: byte(7)?,
        kind: byte(12)?,
        reading_type: byte(13)?,
        unit: byte(21)?,
        is_percentage: units & 1 != 0,
        conversion,
    })
}

/// The two highest bits say how the name is written, the five lowest how long it is (43.15).
fn name(field: &[u8]) -> String {
    let Some((&kind, rest)) = field.split_first() else {
        return String::new();
    };
    let bytes = rest.get(..usize::from(kind & 0x1f)).unwrap_or(rest);
    let text: String = match kind >> 6 {
        1 => bytes
            .iter()
            .flat_map(|byte| [byte >> 4, byte & 0xf])
            .filter_map(bcd_plus)
            .collect(),
        2 => six_bits(bytes),
        // ASCII and Latin 1, whose bytes are the first characters of Unicode.
        _ => bytes.iter().copied().map(char::from).collect(),
    };
    text.trim_matches(|char: char| char == '\0' || char.is_whitespace())
        .to_owned()
}

fn bcd_plus(digit: u8) -> Option<char> {
    "0123456789 -.:,_".chars().nth(digit.into())
}

/// Four characters in three bytes, the first in the lowest bits, counted from the blank.
fn six_bits(bytes: &[u8]) -> String {
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = group
            .iter()
            .rev()
            .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        for index in 0..group.len() * 8 / 6 {
            let code = (bits >> (6 * index)) & 0x3f;
            text.extend(char::from_u32(0x20 + code));
        }
    }
    text
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::scripted::Scripted;
    use super::*;

    /// A full record: a sensor of the controller's with thresholds, `y = (M x + B * 10^K1) * 10^K2`.
    pub(crate) fn full(
        id: u16,
        number: u8,
        kind: u8,
        unit: u8,
        (m, b, exponents): (i8, i8, u8),
        name: &str,
    ) -> Vec<u8> {
        let mut record = vec![0; 48];
        record[..2].copy_from_slice(&id.to_le_bytes());
        (record[2], record[3]) = (0x51, FULL);
        (record[5], record[7], record[12], record[13]) = (0x20, number, kind, 1);
        record[21] = unit;
        // Ten bits each, the two highest in the next byte.
        (record[24], record[25]) = (m.to_le_bytes()[0], (m >> 7).to_le_bytes()[0] & 0xc0);
        (record[26], record[27]) = (b.to_le_bytes()[0], (b >> 7).to_le_bytes()[0] & 0xc0);
        record[29] = exponents;
        record[47] = 0xc0 | u8::try_from(name.len()).unwrap();
        record.extend(name.bytes());
        record[4] = u8::try_from(record.len() - HEADER).unwrap();
        record
    }

    /// A compact record: a sensor with states.
    pub(crate) fn compact(id: u16, number: u8, kind: u8, reading_type: u8, name: &str) -> Vec<u8> {
        let mut record = vec![0; 32];
        record[..2].copy_from_slice(&id.to_le_bytes());
        (record[2], record[3]) = (0x51, COMPACT);
        (record[5], record[7], record[12], record[13]) = (0x20, number, kind, reading_type);
        record[20] = 0xc0;
        record[31] = 0xc0 | u8::try_from(name.len()).unwrap();
        record.extend(name.bytes());
        record[4] = u8::try_from(record.len() - HEADER).unwrap();
        record
    }

    #[test]
    fn a_repository_is_read_whole_however_little_a_controller_gives_at_once() {
        let records = vec![
            full(0, 0x10, 0x01, 1, (1, 0, 0), "Inlet Temp"),
            // The management controller itself, which is no sensor.
            vec![1, 0, 0x51, 0x12, 3, 0x20, 0, 0],
            compact(2, 0x62, 0x08, 0x6f, "PS1 Status"),
        ];
        for largest in [255, 32, 16, 8] {
            let mut bmc = Scripted::holding(records.clone(), largest);
            bmc.answer(STORAGE, 0x22, &[7, 0]);
            let sensors = read(&mut bmc, true).unwrap();
            let names: Vec<_> = sensors
                .iter()
                .map(|sensor| (sensor.id, sensor.name.as_str()))
                .collect();
            assert_eq!(names, [(0, "Inlet Temp"), (2, "PS1 Status")], "{largest}");
        }
        let mut bmc = Scripted::holding(records, 4);
        bmc.answer(STORAGE, 0x22, &[7, 0]);
        assert!(read(&mut bmc, true).is_err());
    }

    #[test]
    fn names_may_be_written_in_four_ways() {
        assert_eq!(name(&[0xc4, b'F', b'a', b'n', b'1']), "Fan1");
        assert_eq!(name(&[0xc4, b'F', b'a']), "Fa");
        assert_eq!(name(&[0x42, 0x12, 0xc3]), "12.3");
        // The standard's own example.
        assert_eq!(name(&[0x83, 0x29, 0xdc, 0xa6]), "IPMI");
        assert_eq!(name(&[]), "");
    }

    #[test]
    fn a_sensor_of_another_controller_is_asked_there_and_one_of_a_program_not_at_all() {
        let mut record = full(1, 2, 1, 1, (1, 0, 0), "T");
        (record[5], record[6]) = (0x2c, 0x61);
        let expected = Target::Satellite {
            channel: 6,
            address: 0x2c,
            unit: 1,
        };
        assert_eq!(parse(&record).unwrap().target, expected);
        record[5] = 0x41;
        assert_eq!(parse(&record), None);
    }

    proptest::proptest! {
        #[test]
        fn any_record_is_a_sensor_or_passed_over(mut record: Vec<u8>, kind in 0_u8..4, field: Vec<u8>) {
            let _ = parse(&record);
            if let Some(byte) = record.get_mut(3) {
                *byte = kind;
            }
            let _ = (parse(&record), name(&field));
        }

        #[test]
        fn any_repository_has_an_end(records in proptest::collection::vec(proptest::collection::vec(0_u8.., 0..60), 1..5)) {
            let mut bmc = Scripted::holding(records, 32);
            bmc.answer(STORAGE, 0x22, &[7, 0]);
            let _ = read(&mut bmc, true);
        }
    }
}
