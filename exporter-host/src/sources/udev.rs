//! What udev knows of a block device: the lines `E:NAME=value` of its file in `/run/udev/data`. udev replaces that
//! file as a whole when it learns something new, so that a device's properties are read again only then.

use std::path::PathBuf;

use crate::roots::{Roots, Stamp, read_lossy, stamp};

/// The properties that metrics are made of; empty where udev does not know.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Properties {
    /// `ID_PATH`.
    pub(crate) path: String,
    /// `ID_WWN`.
    pub(crate) wwn: String,
    /// `ID_MODEL`.
    pub(crate) model: String,
    /// `ID_REVISION`.
    pub(crate) revision: String,
    /// The serial number printed on the label: `SCSI_IDENT_SERIAL`, else `ID_SERIAL_SHORT`, else `ID_SERIAL`.
    pub(crate) serial: String,
    /// `ID_FS_TYPE`, `ID_FS_USAGE`, `ID_FS_UUID` and `ID_FS_VERSION`.
    pub(crate) fs: [String; 4],
    /// `DM_NAME`, `DM_UUID`, `DM_VG_NAME`, `DM_LV_NAME` and `DM_LV_LAYER`.
    pub(crate) dm: [String; 5],
    /// `ID_ATA_WRITE_CACHE`, `ID_ATA_WRITE_CACHE_ENABLED` and `ID_ATA_ROTATION_RATE_RPM`, if `ID_ATA` is set.
    pub(crate) ata: [Option<f64>; 3],
}

/// The properties of one device, read again when its file has changed.
pub(crate) struct Device {
    path: PathBuf,
    stamp: Option<Stamp>,
    properties: Properties,
}

impl Device {
    /// Nothing is read yet.
    pub(crate) fn new(roots: &Roots, major: u32, minor: u32) -> Self {
        Self {
            path: roots.udev_block(major, minor),
            stamp: None,
            properties: Properties::default(),
        }
    }

    /// What udev knows now; nothing where there is no udev.
    pub(crate) fn properties(&mut self) -> &Properties {
        let now = stamp(&self.path);
        if now != self.stamp {
            let text = now.and_then(|_| read_lossy(&self.path).ok());
            self.properties = text.as_deref().map(parse).unwrap_or_default();
            self.stamp = now;
        }
        &self.properties
    }
}

/// Picks the properties; lines that are none are another kind of udev's records.
pub(crate) fn parse(text: &str) -> Properties {
    let value = |name: &str| -> Option<&str> {
        text.lines().rev().find_map(|line| {
            line.strip_prefix("E:")?
                .strip_prefix(name)?
                .strip_prefix('=')
        })
    };
    let text_of = |name: &str| value(name).unwrap_or_default().to_owned();
    let number_of = |name: &str| value(name)?.parse::<f64>().ok();
    let serials = ["SCSI_IDENT_SERIAL", "ID_SERIAL_SHORT", "ID_SERIAL"];
    let is_ata = value("ID_ATA").is_some_and(|value| !value.is_empty());
    Properties {
        path: text_of("ID_PATH"),
        wwn: text_of("ID_WWN"),
        model: text_of("ID_MODEL"),
        revision: text_of("ID_REVISION"),
        serial: serials
            .map(text_of)
            .into_iter()
            .find(|serial| !serial.is_empty())
            .unwrap_or_default(),
        fs: ["ID_FS_TYPE", "ID_FS_USAGE", "ID_FS_UUID", "ID_FS_VERSION"].map(text_of),
        dm: [
            "DM_NAME",
            "DM_UUID",
            "DM_VG_NAME",
            "DM_LV_NAME",
            "DM_LV_LAYER",
        ]
        .map(text_of),
        ata: [
            "ID_ATA_WRITE_CACHE",
            "ID_ATA_WRITE_CACHE_ENABLED",
            "ID_ATA_ROTATION_RATE_RPM",
        ]
        .map(|name| number_of(name).filter(|_| is_ata)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_picked_from_among_other_records() {
        let properties = parse(
            "S:disk/by-id/x\nW:3\nI:1\nE:ID_ATA=1\nE:ID_MODEL=DISK\nE:ID_PATH=pci-0:1\nE:ID_ATA_WRITE_CACHE=1\n\
             E:ID_ATA_ROTATION_RATE_RPM=fast\nE:ID_FS_TYPE=ext4\nE:ID_SERIAL_SHORT=S1\nE:ID_SERIAL=DISK_S1\nG:systemd\n",
        );
        assert_eq!(
            (properties.model.as_str(), properties.path.as_str()),
            ("DISK", "pci-0:1")
        );
        assert_eq!(properties.serial, "S1");
        assert_eq!(properties.fs, ["ext4", "", "", ""]);
        assert_eq!(properties.ata, [Some(1.0), None, None]);
    }

    #[test]
    fn the_serial_on_the_label_comes_before_the_others() {
        assert_eq!(
            parse("E:ID_SERIAL=long\nE:SCSI_IDENT_SERIAL=label\n").serial,
            "label"
        );
        assert_eq!(
            parse("E:ID_SERIAL=long\nE:SCSI_IDENT_SERIAL=\n").serial,
            "long"
        );
        assert_eq!(parse("").serial, "");
    }

    #[test]
    fn a_name_is_not_taken_for_a_longer_one() {
        assert_eq!(parse("E:ID_MODEL_ENC=x\nE:ID_MODEL=y=z\n").model, "y=z");
        assert_eq!(parse("E:ID_ATA_WRITE_CACHE=1\n").ata, [None; 3]);
    }

    #[test]
    fn a_replaced_file_is_read_again_and_a_removed_one_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let roots = Roots {
            procfs: PathBuf::new(),
            sysfs: PathBuf::new(),
            rootfs: PathBuf::new(),
            udev: dir.path().to_owned(),
        };
        let mut device = Device::new(&roots, 8, 0);
        assert_eq!(device.properties(), &Properties::default());
        for model in ["A", "LONGER"] {
            std::fs::write(dir.path().join("new"), format!("E:ID_MODEL={model}\n")).unwrap();
            std::fs::rename(dir.path().join("new"), dir.path().join("b8:0")).unwrap();
            assert_eq!(device.properties().model, model);
        }
        std::fs::remove_file(dir.path().join("b8:0")).unwrap();
        assert_eq!(device.properties(), &Properties::default());
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_some_properties(text in "(?s).*", value in "\\PC*") {
            let _ = parse(&text);
            let _ = parse(&format!("E:ID_ATA={value}\nE:ID_ATA_WRITE_CACHE={value}"));
        }
    }
}
