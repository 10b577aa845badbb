//! The table that the firmware leaves in memory (SMBIOS, DMTF DSP0134): memory modules and what is printed on the
//! processors. A parser of bytes; the kernel shows them to root in `/sys/firmware/dmi/tables/DMI`.

use serde::Serialize;

use super::host::filled;

/// The numbers of the structures that are read.
const PROCESSOR: u8 = 4;
const MEMORY_DEVICE: u8 = 17;
const END: u8 = 127;

/// Kinds of memory by their number (7.18.2).
const MEMORY_TYPES: [(u8, &str); 17] = [
    (0x0f, "SDRAM"),
    (0x12, "DDR"),
    (0x13, "DDR2"),
    (0x14, "DDR2 FB-DIMM"),
    (0x18, "DDR3"),
    (0x19, "FBD2"),
    (0x1a, "DDR4"),
    (0x1b, "LPDDR"),
    (0x1c, "LPDDR2"),
    (0x1d, "LPDDR3"),
    (0x1e, "LPDDR4"),
    (0x1f, "Logical non-volatile device"),
    (0x20, "HBM"),
    (0x21, "HBM2"),
    (0x22, "DDR5"),
    (0x23, "LPDDR5"),
    (0x24, "HBM3"),
];

/// A slot for memory and what is in it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct MemoryModule {
    /// What is printed beside the slot.
    pub(crate) locator: Option<String>,
    pub(crate) bank: Option<String>,
    /// 0 when the slot is empty, `None` when the firmware does not know.
    pub(crate) size_bytes: Option<u64>,
    /// Such as `DDR4`.
    #[serde(rename = "type")]
    pub(crate) kind: Option<&'static str>,
    /// The fastest that the module can do, in transfers per second.
    pub(crate) speed_transfers_per_second: Option<u64>,
    /// How it is run.
    pub(crate) configured_transfers_per_second: Option<u64>,
    pub(crate) ranks: Option<u8>,
    pub(crate) manufacturer: Option<String>,
    pub(crate) part_number: Option<String>,
    pub(crate) serial: Option<String>,
}

/// A socket with a processor in it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Processor {
    /// What is printed beside the socket.
    pub(crate) socket: Option<String>,
    pub(crate) manufacturer: Option<String>,
    /// What is printed on the processor, such as `Kunpeng 920-4826`.
    pub(crate) model: Option<String>,
    pub(crate) max_hertz: Option<u64>,
    pub(crate) cores: Option<u16>,
    pub(crate) threads: Option<u16>,
}

/// What the table says.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Table {
    pub(crate) modules: Vec<MemoryModule>,
    pub(crate) processors: Vec<Processor>,
}

/// One structure: its formatted part, and the strings behind it that the formatted part counts from 1.
struct Structure<'a> {
    kind: u8,
    body: &'a [u8],
    strings: &'a [u8],
}

impl Structure<'_> {
    fn byte(&self, at: usize) -> Option<u8> {
        self.body.get(at).copied()
    }

    fn word(&self, at: usize) -> Option<u16> {
        Some(u16::from_le_bytes(*self.body.get(at..)?.first_chunk()?))
    }

    fn double(&self, at: usize) -> Option<u32> {
        Some(u32::from_le_bytes(*self.body.get(at..)?.first_chunk()?))
    }

    fn string(&self, at: usize) -> Option<String> {
        let number = usize::from(self.byte(at)?).checked_sub(1)?;
        let text = self.strings.split(|byte| *byte == 0).nth(number)?;
        filled(&String::from_utf8_lossy(text))
    }

    /// Millions per second, where 0 and 0xffff stand for unknown.
    fn millions(&self, at: usize) -> Option<u64> {
        let number = self.word(at)?;
        (number != 0 && number != u16::MAX).then(|| u64::from(number) * 1_000_000)
    }

    fn memory_module(&self) -> MemoryModule {
        let kind = self.byte(0x12);
        let kind = MEMORY_TYPES.iter().find(|(known, _)| Some(*known) == kind);
        MemoryModule {
            locator: self.string(0x10),
            bank: self.string(0x11),
            size_bytes: self.size(),
            kind: kind.map(|(_, name)| *name),
            speed_transfers_per_second: self.millions(0x15),
            configured_transfers_per_second: self.millions(0x20),
            ranks: self
                .byte(0x1b)
                .map(|byte| byte & 0xf)
                .filter(|ranks| *ranks > 0),
            manufacturer: self.string(0x17),
            part_number: self.string(0x1a),
            serial: self.string(0x18),
        }
    }

    /// Bit 15 tells KiB from MiB; 0x7fff says that the size is in the field that came later, in MiB.
    fn size(&self) -> Option<u64> {
        const KIB: u16 = 1 << 15;
        match self.word(0x0c)? {
            u16::MAX => None,
            0x7fff => Some(u64::from(self.double(0x1c)? & 0x7fff_ffff) << 20),
            size if size & KIB != 0 => Some(u64::from(size & !KIB) << 10),
            size => Some(u64::from(size) << 20),
        }
    }

    /// `None` for an empty socket, and for what is no central processor.
    fn processor(&self) -> Option<Processor> {
        const CENTRAL: u8 = 3;
        const POPULATED: u8 = 1 << 6;
        if self.byte(0x05)? != CENTRAL || self.byte(0x18)? & POPULATED == 0 {
            return None;
        }
        // 0xff says that the number is in the field that came later.
        let count = |byte: usize, word: usize| match self.byte(byte)? {
            0 => None,
            u8::MAX => self.word(word),
            count => Some(u16::from(count)),
        };
        Some(Processor {
            socket: self.string(0x04),
            manufacturer: self.string(0x07),
            model: self.string(0x10),
            max_hertz: self.millions(0x14),
            cores: count(0x23, 0x2a),
            threads: count(0x25, 0x2e),
        })
    }
}

/// Reads the table; a structure that is cut short ends it.
pub(crate) fn parse(bytes: &[u8]) -> Table {
    let mut table = Table::default();
    for structure in structures(bytes) {
        match structure.kind {
            MEMORY_DEVICE => table.modules.push(structure.memory_module()),
            PROCESSOR => table.processors.extend(structure.processor()),
            _ => {}
        }
    }
    table
}

/// Each structure has type, length and handle in front, and ends with two NULs.
fn structures(mut rest: &[u8]) -> impl Iterator<Item = Structure<'_>> {
    const HEADER: usize = 4;
    std::iter::from_fn(move || {
        let (&kind, &length) = (rest.first()?, rest.get(1)?);
        let length = usize::from(length);
        if kind == END || length < HEADER {
            return None;
        }
        let (body, after) = rest.split_at_checked(length)?;
        let strings = after.windows(2).position(|pair| pair == [0, 0])?;
        rest = after.get(strings + 2..).unwrap_or_default();
        Some(Structure {
            kind,
            body,
            strings: after.get(..strings).unwrap_or_default(),
        })
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A structure with the given fields: offset and bytes.
    pub(crate) fn structure(
        kind: u8,
        length: u8,
        fields: &[(usize, &[u8])],
        strings: &[&str],
    ) -> Vec<u8> {
        let mut bytes = vec![0; length.into()];
        (bytes[0], bytes[1]) = (kind, length);
        for (at, field) in fields {
            bytes[*at..*at + field.len()].copy_from_slice(field);
        }
        for string in strings {
            bytes.extend(string.as_bytes());
            bytes.push(0);
        }
        bytes.extend(if strings.is_empty() {
            &[0, 0][..]
        } else {
            &[0]
        });
        bytes
    }

    /// A module of 32 GiB in the first slot of the processor `cpu`.
    pub(crate) fn module(cpu: u8) -> Vec<u8> {
        let fields: [(usize, &[u8]); 9] = [
            (0x0c, &0x7fff_u16.to_le_bytes()),
            (0x10, &[1, 2]),
            (0x12, &[0x1a]),
            (0x15, &3200_u16.to_le_bytes()),
            (0x17, &[3, 4]),
            (0x1a, &[5]),
            (0x1b, &[2]),
            (0x1c, &32768_u32.to_le_bytes()),
            (0x20, &2933_u16.to_le_bytes()),
        ];
        let locator = format!("DIMM{cpu}00 J5");
        structure(
            17,
            0x28,
            &fields,
            &[
                &locator,
                "SOCKET 0 CHANNEL 0",
                "Samsung",
                "41E9A3C1",
                "M393A4K40DB3-CWE",
            ],
        )
    }

    /// A processor with 48 cores.
    pub(crate) fn processor(socket: &str) -> Vec<u8> {
        let fields: [(usize, &[u8]); 6] = [
            (0x04, &[1, 3]),
            (0x07, &[2]),
            (0x10, &[3]),
            (0x14, &2600_u16.to_le_bytes()),
            (0x18, &[0x41]),
            (0x23, &[48, 48, 48]),
        ];
        structure(4, 0x30, &fields, &[socket, "HiSilicon", "Kunpeng 920-4826"])
    }

    #[test]
    fn a_module_has_what_is_printed_on_it() {
        let table = parse(&[module(0), structure(END, 4, &[], &[])].concat());
        let expected = MemoryModule {
            locator: Some("DIMM000 J5".to_owned()),
            bank: Some("SOCKET 0 CHANNEL 0".to_owned()),
            size_bytes: Some(32 << 30),
            kind: Some("DDR4"),
            speed_transfers_per_second: Some(3_200_000_000),
            configured_transfers_per_second: Some(2_933_000_000),
            ranks: Some(2),
            manufacturer: Some("Samsung".to_owned()),
            part_number: Some("M393A4K40DB3-CWE".to_owned()),
            serial: Some("41E9A3C1".to_owned()),
        };
        assert_eq!(table.modules, [expected]);
    }

    #[test]
    fn an_empty_slot_has_no_bytes_and_an_unknown_one_no_size() {
        let of = |size: u16| {
            let bytes = structure(
                17,
                0x15,
                &[(0x0c, &size.to_le_bytes()), (0x10, &[1])],
                &["A1"],
            );
            parse(&bytes).modules.remove(0).size_bytes
        };
        assert_eq!(of(0), Some(0));
        assert_eq!(of(u16::MAX), None);
        assert_eq!(of(0x8000 | 512), Some(512 << 10));
        assert_eq!(of(4096), Some(4 << 30));
    }

    #[test]
    fn a_processor_is_one_that_is_in_its_socket() {
        let table = parse(&processor("CPU01"));
        assert_eq!(
            table.processors[0].model.as_deref(),
            Some("Kunpeng 920-4826")
        );
        assert_eq!(
            (table.processors[0].cores, table.processors[0].max_hertz),
            (Some(48), Some(2_600_000_000))
        );
        let empty = structure(4, 0x30, &[(0x05, &[3])], &[]);
        assert_eq!(parse(&empty).processors, []);
    }

    #[test]
    fn a_structure_that_is_cut_short_ends_the_table() {
        let mut bytes = [module(0), module(1)].concat();
        bytes.truncate(bytes.len() - 3);
        assert_eq!(parse(&bytes).modules.len(), 1);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_a_table(bytes: Vec<u8>, kind in 0_u8..20, length: u8) {
            let _ = parse(&bytes);
            let _ = parse(&[vec![kind, length], bytes, vec![0, 0]].concat());
        }
    }
}
