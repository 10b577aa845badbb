//! The sensors of the board management controller (BMC) by IPMI 2.0: commands and their answers. How a command reaches the
//! controller is `device`; the repository that describes the sensors is `sdr`, what a reading means is `reading`.

use std::io;

mod device;
pub(crate) mod reading;
pub(crate) mod sdr;

pub(crate) use device::Device;

/// Function codes of requests (IPMI 2.0, table 5-1).
const CHASSIS: u8 = 0x00;
const SENSOR: u8 = 0x04;
const APPLICATION: u8 = 0x06;
const STORAGE: u8 = 0x0a;
const GROUP: u8 = 0x2c;

/// The first byte of DCMI's requests and answers.
const DCMI: u8 = 0xdc;

/// Why a command has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IpmiError {
    /// The kernel refused, or nothing came in time.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The controller refused; the completion code is IPMI's.
    #[error("command {command:#04x} was refused with completion code {code:#04x}")]
    Refused {
        /// The command's number.
        command: u8,
        /// The completion code (table 5-2).
        code: u8,
    },
    /// The answer is shorter than it has to be.
    #[error("the answer to command {0:#04x} is cut short")]
    Short(u8),
}

/// Whom a command is for: the controller itself, or another one on its bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// The controller, and the logical unit in it.
    Controller { unit: u8 },
    /// A controller behind it: its address on the bus and the unit in it.
    Satellite { channel: u8, address: u8, unit: u8 },
}

const CONTROLLER: Target = Target::Controller { unit: 0 };

/// What carries commands.
pub(crate) trait Bmc {
    /// Sends a command and waits for the answer, without its completion code.
    fn ask(
        &mut self,
        target: Target,
        function: u8,
        command: u8,
        data: &[u8],
    ) -> Result<Vec<u8>, IpmiError>;
}

/// Who the controller is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Such as `1.66`.
    pub(crate) firmware: String,
    /// The maker's number as IANA gives them.
    pub(crate) manufacturer: u32,
    /// Whether it has a repository of sensors, and not only its own sensors.
    pub(crate) has_repository: bool,
}

/// Get Device ID.
pub(crate) fn identity(bmc: &mut dyn Bmc) -> Result<Identity, IpmiError> {
    const COMMAND: u8 = 0x01;
    const REPOSITORY: u8 = 1 << 1;
    let answer = bmc.ask(CONTROLLER, APPLICATION, COMMAND, &[])?;
    let &[_, _, major, minor, _, support, one, two, three, ..] = answer.as_slice() else {
        return Err(IpmiError::Short(COMMAND));
    };
    Ok(Identity {
        // The minor number is in BCD.
        firmware: format!("{}.{minor:02x}", major & 0x7f),
        manufacturer: u32::from_le_bytes([one, two, three & 0x0f, 0]),
        has_repository: support & REPOSITORY != 0,
    })
}

/// The state of the chassis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chassis {
    pub(crate) is_on: bool,
    pub(crate) has_drive_fault: bool,
    pub(crate) has_cooling_fault: bool,
}

/// Get Chassis Status.
pub(crate) fn chassis(bmc: &mut dyn Bmc) -> Result<Chassis, IpmiError> {
    const COMMAND: u8 = 0x01;
    let answer = bmc.ask(CONTROLLER, CHASSIS, COMMAND, &[])?;
    let &[power, _, other, ..] = answer.as_slice() else {
        return Err(IpmiError::Short(COMMAND));
    };
    Ok(Chassis {
        is_on: power & 1 != 0,
        has_drive_fault: other & (1 << 2) != 0,
        has_cooling_fault: other & (1 << 3) != 0,
    })
}

/// DCMI's Get Power Reading: what the host takes now, in watts; `None` if it is not measured.
pub(crate) fn dcmi_power(bmc: &mut dyn Bmc) -> Result<Option<u16>, IpmiError> {
    const COMMAND: u8 = 0x02;
    const SYSTEM_POWER: u8 = 0x01;
    const IS_MEASURED: u8 = 1 << 6;
    let answer = bmc.ask(CONTROLLER, GROUP, COMMAND, &[DCMI, SYSTEM_POWER, 0, 0])?;
    let (Some(&[DCMI, low, high]), Some(state)) = (answer.first_chunk(), answer.get(17)) else {
        return Err(IpmiError::Short(COMMAND));
    };
    Ok((state & IS_MEASURED != 0).then(|| u16::from_le_bytes([low, high])))
}

/// How full the log of events is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EventLog {
    pub(crate) entries: u16,
    pub(crate) free_bytes: u16,
}

/// Get SEL Info.
pub(crate) fn event_log(bmc: &mut dyn Bmc) -> Result<EventLog, IpmiError> {
    const COMMAND: u8 = 0x40;
    let answer = bmc.ask(CONTROLLER, STORAGE, COMMAND, &[])?;
    let &[_, entries, more_entries, free, more_free, ..] = answer.as_slice() else {
        return Err(IpmiError::Short(COMMAND));
    };
    Ok(EventLog {
        entries: u16::from_le_bytes([entries, more_entries]),
        free_bytes: u16::from_le_bytes([free, more_free]),
    })
}

#[cfg(test)]
pub(crate) mod scripted;

#[cfg(test)]
mod tests {
    use super::scripted::Scripted;
    use super::*;

    #[test]
    fn a_controller_says_who_it_is() {
        let mut bmc = Scripted::default();
        bmc.answer(
            APPLICATION,
            0x01,
            &[0x20, 0x81, 0x01, 0x66, 0x02, 0xbf, 0xa2, 0x02, 0x00, 0, 1],
        );
        let expected = Identity {
            firmware: "1.66".to_owned(),
            manufacturer: 674,
            has_repository: true,
        };
        assert_eq!(identity(&mut bmc).unwrap(), expected);
    }

    #[test]
    fn power_is_in_watts_if_it_is_measured() {
        let mut bmc = Scripted::default();
        let mut answer = [0; 18];
        answer[..3].copy_from_slice(&[DCMI, 0x2c, 0x01]);
        bmc.answer(GROUP, 0x02, &answer);
        assert_eq!(dcmi_power(&mut bmc).unwrap(), None);
        answer[17] = 0x40;
        bmc.answer(GROUP, 0x02, &answer);
        assert_eq!(dcmi_power(&mut bmc).unwrap(), Some(300));
    }

    #[test]
    fn a_refusal_and_a_short_answer_are_told() {
        let mut bmc = Scripted::default();
        let error = chassis(&mut bmc).unwrap_err().to_string();
        assert_eq!(error, "command 0x01 was refused with completion code 0xc1");
        bmc.answer(CHASSIS, 0x01, &[1]);
        assert_eq!(
            chassis(&mut bmc).unwrap_err().to_string(),
            "the answer to command 0x01 is cut short"
        );
    }

    proptest::proptest! {
        #[test]
        fn any_answer_is_understood_or_refused(answer: Vec<u8>) {
            for (function, command) in [(APPLICATION, 1), (CHASSIS, 1), (GROUP, 2), (STORAGE, 0x40)] {
                let mut bmc = Scripted::default();
                bmc.answer(function, command, &answer);
                let _ = (identity(&mut bmc), chassis(&mut bmc), dcmi_power(&mut bmc), event_log(&mut bmc));
            }
        }
    }
}
