//! The names of ARM's processors: `/proc/cpuinfo` has only numbers for who made a core (`CPU implementer`) and which one it
//! is (`CPU part`), the fields of the register MIDR_EL1. Listed are those that servers have.

/// Makers of cores by the implementer's number.
const IMPLEMENTERS: [(u32, &str); 14] = [
    (0x41, "ARM"),
    (0x42, "Broadcom"),
    (0x43, "Cavium"),
    (0x46, "Fujitsu"),
    (0x48, "HiSilicon"),
    (0x4e, "NVIDIA"),
    (0x50, "APM"),
    (0x51, "Qualcomm"),
    (0x53, "Samsung"),
    (0x61, "Apple"),
    (0x68, "HXT"),
    (0x6d, "Microsoft"),
    (0x70, "Phytium"),
    (0xc0, "Ampere"),
];

/// Cores by implementer and part.
const PARTS: [(u32, u32, &str); 36] = [
    (0x41, 0xd03, "Cortex-A53"),
    (0x41, 0xd05, "Cortex-A55"),
    (0x41, 0xd07, "Cortex-A57"),
    (0x41, 0xd08, "Cortex-A72"),
    (0x41, 0xd09, "Cortex-A73"),
    (0x41, 0xd0a, "Cortex-A75"),
    (0x41, 0xd0b, "Cortex-A76"),
    (0x41, 0xd0c, "Neoverse-N1"),
    (0x41, 0xd40, "Neoverse-V1"),
    (0x41, 0xd49, "Neoverse-N2"),
    (0x41, 0xd4a, "Neoverse-E1"),
    (0x41, 0xd4f, "Neoverse-V2"),
    (0x41, 0xd84, "Neoverse-V3"),
    (0x41, 0xd8e, "Neoverse-N3"),
    (0x42, 0x516, "ThunderX2"),
    (0x43, 0x0a1, "ThunderX"),
    (0x43, 0x0af, "ThunderX2"),
    (0x43, 0x0b8, "ThunderX3"),
    (0x46, 0x001, "A64FX"),
    (0x48, 0xd01, "TaiShan-v110 (Kunpeng-920)"),
    (0x48, 0xd02, "TaiShan-v120"),
    (0x48, 0xd40, "Cortex-A76"),
    (0x4e, 0x004, "Carmel"),
    (0x50, 0x000, "X-Gene"),
    (0x51, 0xc00, "Falkor"),
    (0x51, 0xc01, "Saphira"),
    (0x68, 0x000, "Phecda"),
    (0x70, 0x303, "FTC310"),
    (0x70, 0x660, "FTC660"),
    (0x70, 0x661, "FTC661"),
    (0x70, 0x662, "FTC662"),
    (0x70, 0x663, "FTC663"),
    (0x70, 0x664, "FTC664"),
    (0x70, 0x862, "FTC862"),
    (0xc0, 0xac3, "Ampere-1"),
    (0xc0, 0xac4, "Ampere-1a"),
];

/// Who made the core.
pub(crate) fn implementer(number: &str) -> Option<&'static str> {
    let number = hexadecimal(number)?;
    let found = IMPLEMENTERS.iter().find(|(known, _)| *known == number);
    found.map(|(_, name)| *name)
}

/// Which core it is.
pub(crate) fn part(implementer: &str, part: &str) -> Option<&'static str> {
    let number = (hexadecimal(implementer)?, hexadecimal(part)?);
    let found = PARTS
        .iter()
        .find(|(maker, part, _)| (*maker, *part) == number);
    found.map(|(_, _, name)| *name)
}

fn hexadecimal(text: &str) -> Option<u32> {
    u32::from_str_radix(text.trim().strip_prefix("0x")?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kunpeng_is_known_by_its_numbers() {
        assert_eq!(implementer("0x48"), Some("HiSilicon"));
        assert_eq!(part("0x48", "0xd01"), Some("TaiShan-v110 (Kunpeng-920)"));
    }

    #[test]
    fn numbers_of_nobody_have_no_name() {
        assert_eq!((implementer("0xff"), part("0x48", "0xfff")), (None, None));
        assert_eq!((implementer("72"), part("", "")), (None, None));
    }
}
