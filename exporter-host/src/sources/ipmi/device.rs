//! The controller of this host, through the kernel's driver (`/dev/ipmi0`, `Documentation/driver-api/ipmi.rst`). The kernel
//! talks to it over a slow bus and answers when it can; a controller that does not answer is given up after a while.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{Bmc, IpmiError, Target};
use crate::sources::calls::{self, IpmiAnswer};

/// How long a command may take. Some controllers need a second for a sensor; the kernel itself gives up after five.
const PATIENCE: Duration = Duration::from_secs(6);

/// `IPMI_SYSTEM_INTERFACE_ADDR_TYPE`, `IPMI_IPMB_ADDR_TYPE` and `IPMI_BMC_CHANNEL` of `include/uapi/linux/ipmi.h`.
const SYSTEM_INTERFACE: i32 = 0x0c;
const IPMB: i32 = 0x01;
const BMC_CHANNEL: i16 = 0x0f;

/// An open device.
#[derive(Debug)]
pub(crate) struct Device {
    file: File,
    sequence: i32,
}

impl Device {
    /// Opens the device; that alone asks the controller nothing.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = File::options().read(true).write(true).open(path)?;
        Ok(Self { file, sequence: 0 })
    }
}

/// `struct ipmi_system_interface_addr` or `struct ipmi_ipmb_addr`.
fn address(target: Target) -> Vec<u8> {
    let (kind, channel, rest) = match target {
        Target::Controller { unit } => (SYSTEM_INTERFACE, BMC_CHANNEL, vec![unit]),
        Target::Satellite {
            channel,
            address,
            unit,
        } => (IPMB, i16::from(channel), vec![address, unit]),
    };
    let mut bytes = [&kind.to_ne_bytes()[..], &channel.to_ne_bytes()].concat();
    bytes.extend(rest);
    // The kernel's structures end on a multiple of four.
    bytes.resize(8, 0);
    bytes
}

impl Bmc for Device {
    fn ask(
        &mut self,
        target: Target,
        function: u8,
        command: u8,
        data: &[u8],
    ) -> Result<Vec<u8>, IpmiError> {
        self.sequence = self.sequence.wrapping_add(1);
        let sequence = self.sequence;
        calls::ipmi_send(
            self.file.as_fd(),
            &address(target),
            sequence,
            function,
            command,
            data,
        )?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if !calls::is_readable(self.file.as_fd(), left)? {
                let text = format!(
                    "command {command:#04x} was not answered in {} s",
                    PATIENCE.as_secs()
                );
                return Err(io::Error::new(io::ErrorKind::TimedOut, text).into());
            }
            let IpmiAnswer {
                is_response,
                sequence: of,
                data,
            } = calls::ipmi_receive(self.file.as_fd())?;
            // Late answers to commands that were given up, and events, are passed over.
            if !is_response || of != sequence {
                continue;
            }
            return match data.split_first() {
                Some((0, rest)) => Ok(rest.to_vec()),
                Some((&code, _)) => Err(IpmiError::Refused { command, code }),
                None => Err(IpmiError::Short(command)),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_laid_out_as_the_kernel_has_them() {
        let controller = address(Target::Controller { unit: 2 });
        assert_eq!(controller[..4], 0x0c_i32.to_ne_bytes());
        assert_eq!(
            (controller[4..6].to_vec(), controller[6]),
            (0x0f_i16.to_ne_bytes().to_vec(), 2)
        );
        let satellite = address(Target::Satellite {
            channel: 6,
            address: 0x2c,
            unit: 1,
        });
        assert_eq!(satellite[..4], 1_i32.to_ne_bytes());
        assert_eq!(satellite[6..], [0x2c, 1]);
    }

    #[test]
    fn a_file_that_is_no_device_refuses_commands() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut device = Device::open(file.path()).unwrap();
        let error = device
            .ask(Target::Controller { unit: 0 }, 6, 1, &[])
            .unwrap_err();
        assert!(matches!(error, IpmiError::Io(_)), "{error}");
        assert!(Device::open(Path::new("/nowhere/ipmi0")).is_err());
    }
}
