//! Names of PCI vendors, devices and classes by their numbers, from the list that distributions ship (`pci.ids`, in the
//! form of pci-ids.ucw.cz). A parser of text, and look-ups; a number without a name is its own name.

use std::collections::HashMap;

/// The names by their numbers in hexadecimal digits.
#[derive(Debug, Default)]
pub(crate) struct Names {
    vendors: HashMap<String, String>,
    /// By vendor and device.
    devices: HashMap<(String, String), String>,
    /// By vendor, device, and the numbers of the subsystem.
    subsystems: HashMap<(String, String, String), String>,
    /// By class, class and subclass, or those and the programming interface, joined.
    classes: HashMap<String, String>,
}

impl Names {
    /// Lines of vendors, below each its devices after one tab, below each of those its subsystems after two; then classes,
    /// with a `C` in front, in the same way.
    pub(crate) fn parse(text: &str) -> Self {
        let mut names = Self::default();
        let (mut first, mut second, mut is_class) = (String::new(), String::new(), false);
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let depth = line.bytes().take_while(|byte| *byte == b'\t').count();
            let Some((number, name)) = line.trim_start_matches('\t').split_once("  ") else {
                continue;
            };
            let (number, name) = (number.trim(), name.trim().to_owned());
            match depth {
                0 => {
                    let class = number.strip_prefix("C ").map(str::trim);
                    is_class = class.is_some();
                    first = class.unwrap_or(number).to_owned();
                    second.clear();
                    let of = if is_class {
                        &mut names.classes
                    } else {
                        &mut names.vendors
                    };
                    of.insert(first.clone(), name);
                }
                1 if is_class => {
                    second = format!("{first}{number}");
                    names.classes.insert(second.clone(), name);
                }
                1 => {
                    number.clone_into(&mut second);
                    names.devices.insert((first.clone(), second.clone()), name);
                }
                2 if is_class => {
                    names.classes.insert(format!("{second}{number}"), name);
                }
                2 => {
                    let key = (first.clone(), second.clone(), number.to_owned());
                    names.subsystems.insert(key, name);
                }
                _ => {}
            }
        }
        names
    }

    /// The vendor's name.
    pub(crate) fn vendor(&self, vendor: &str) -> String {
        let vendor = digits(vendor);
        self.vendors.get(&vendor).cloned().unwrap_or(vendor)
    }

    /// The device's name.
    pub(crate) fn device(&self, vendor: &str, device: &str) -> String {
        let (vendor, device) = (digits(vendor), digits(device));
        let found = self.devices.get(&(vendor, device.clone()));
        found.cloned().unwrap_or(device)
    }

    /// The name of a card that is built with the device.
    pub(crate) fn subsystem(&self, vendor: &str, device: &str, of: [&str; 2]) -> String {
        let [sub_vendor, sub_device] = of.map(digits);
        let key = (
            digits(vendor),
            digits(device),
            format!("{sub_vendor} {sub_device}"),
        );
        self.subsystems.get(&key).cloned().unwrap_or(sub_device)
    }

    /// The most special name of a class.
    pub(crate) fn class(&self, class: &str) -> String {
        let class = digits(class);
        let found = [6, 4, 2]
            .iter()
            .find_map(|length| self.classes.get(class.get(..*length)?));
        found
            .cloned()
            .unwrap_or_else(|| format!("Unknown class ({class})"))
    }
}

/// `0x8086` as the list has it.
fn digits(number: &str) -> String {
    number.trim().trim_start_matches("0x").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "# comment\n8086  Intel Corporation\n\t1572  Ethernet Controller X710\n\t\t8086 0007  Adapter X710-4\n\
        19e5  Huawei\n\ta222  HNS GE/10GE/25GE RDMA\nC 02  Network controller\n\t00  Ethernet controller\n\
        C 01  Mass storage controller\n\t08  Non-Volatile memory controller\n\t\t02  NVM Express\n";

    #[test]
    fn numbers_have_names() {
        let names = Names::parse(LIST);
        assert_eq!(names.vendor("0x8086"), "Intel Corporation");
        assert_eq!(names.device("0x19E5", "0xa222"), "HNS GE/10GE/25GE RDMA");
        assert_eq!(
            names.subsystem("0x8086", "0x1572", ["0x8086", "0x0007"]),
            "Adapter X710-4"
        );
        assert_eq!(names.class("0x010802"), "NVM Express");
        assert_eq!(names.class("0x020001"), "Ethernet controller");
        assert_eq!(names.class("0x01ff00"), "Mass storage controller");
    }

    #[test]
    fn numbers_without_names_stand_for_themselves() {
        let names = Names::parse(LIST);
        assert_eq!(names.vendor("0xbeef"), "beef");
        assert_eq!(names.device("0x8086", "0x0001"), "0001");
        assert_eq!(
            names.subsystem("0x8086", "0x1572", ["0x8086", "0x0008"]),
            "0008"
        );
        assert_eq!(names.class("0xff0000"), "Unknown class (ff0000)");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_list(text in "(?s)([C\t0-9a-f #\n]|.)*") {
            let _ = Names::parse(&text).class("é");
        }
    }
}
