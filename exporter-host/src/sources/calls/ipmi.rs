//! The kernel's interface to a management controller, `/dev/ipmi0`: commands are sent, answers taken, and waited for.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

/// An answer or an event of IPMI.
#[derive(Debug)]
pub(crate) struct IpmiAnswer {
    /// Whether it answers a command; events do not.
    pub(crate) is_response: bool,
    /// The number of the command.
    pub(crate) sequence: i32,
    /// Completion code and data.
    pub(crate) data: Vec<u8>,
}

/// `struct ipmi_msg` of `include/uapi/linux/ipmi.h`.
#[repr(C)]
struct IpmiMessage {
    function: u8,
    command: u8,
    length: u16,
    data: *mut u8,
}

/// `struct ipmi_req`.
#[repr(C)]
struct IpmiRequest {
    address: *mut u8,
    address_length: libc::c_uint,
    sequence: libc::c_long,
    message: IpmiMessage,
}

/// `struct ipmi_recv`.
#[repr(C)]
struct IpmiReceived {
    kind: libc::c_int,
    address: *mut u8,
    address_length: libc::c_uint,
    sequence: libc::c_long,
    message: IpmiMessage,
}

/// The number of an ioctl of IPMI's as the kernel makes them: direction, size, `'i'`, number.
const fn ipmi_ioctl(direction: libc::c_ulong, size: usize, number: libc::c_ulong) -> libc::c_ulong {
    direction << 30 | (size as libc::c_ulong) << 16 | 0x69 << 8 | number
}

const IPMICTL_SEND_COMMAND: libc::c_ulong = ipmi_ioctl(2, size_of::<IpmiRequest>(), 13);
const IPMICTL_RECEIVE_MSG_TRUNC: libc::c_ulong = ipmi_ioctl(3, size_of::<IpmiReceived>(), 11);

/// `IPMI_MAX_MSG_LENGTH`; no answer is longer.
const LONGEST_IPMI: usize = 272;

/// Sends a command to the controller; `address` is one of the kernel's structures for it.
pub(crate) fn ipmi_send(
    device: BorrowedFd<'_>,
    address: &[u8],
    sequence: i32,
    function: u8,
    command: u8,
    data: &[u8],
) -> io::Result<()> {
    let invalid = |_| io::Error::from(io::ErrorKind::InvalidInput);
    let mut request = IpmiRequest {
        // The kernel only reads what these two point to.
        address: address.as_ptr().cast_mut(),
        address_length: address.len().try_into().map_err(invalid)?,
        sequence: sequence.into(),
        message: IpmiMessage {
            function,
            command,
            length: data.len().try_into().map_err(invalid)?,
            data: data.as_ptr().cast_mut(),
        },
    };
    // SAFETY: the request and what it points to live through the call, and their lengths are their own. Another kind
    // of file refuses the number or has another ioctl of the same one, which the opener's choice of file rules out.
    let result = unsafe {
        libc::ioctl(
            device.as_raw_fd(),
            IPMICTL_SEND_COMMAND as _,
            &raw mut request,
        )
    };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// Takes a message that has come.
pub(crate) fn ipmi_receive(device: BorrowedFd<'_>) -> io::Result<IpmiAnswer> {
    const IS_RESPONSE: libc::c_int = 1;
    let mut address = [0_u8; 64];
    let mut data = [0_u8; LONGEST_IPMI];
    let mut received = IpmiReceived {
        kind: 0,
        address: address.as_mut_ptr(),
        address_length: address.len() as libc::c_uint,
        sequence: 0,
        message: IpmiMessage {
            function: 0,
            command: 0,
            length: LONGEST_IPMI as u16,
            data: data.as_mut_ptr(),
        },
    };
    // SAFETY: both buffers live through the call and are as long as the structure says; the kernel writes no more.
    let result = unsafe {
        libc::ioctl(
            device.as_raw_fd(),
            IPMICTL_RECEIVE_MSG_TRUNC as _,
            &raw mut received,
        )
    };
    let error = io::Error::last_os_error();
    // A message that was cut off is as good as its beginning.
    if result < 0 && error.raw_os_error() != Some(libc::EMSGSIZE) {
        return Err(error);
    }
    let length = usize::from(received.message.length).min(LONGEST_IPMI);
    Ok(IpmiAnswer {
        is_response: received.kind == IS_RESPONSE,
        sequence: i32::try_from(received.sequence).unwrap_or_default(),
        data: data.get(..length).unwrap_or_default().to_vec(),
    })
}

/// Waits until there is something to be read, at most for this time.
pub(crate) fn is_readable(file: BorrowedFd<'_>, time: Duration) -> io::Result<bool> {
    let mut poll = libc::pollfd {
        fd: file.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    let time = i32::try_from(time.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: the pointer is to one structure of our own that lives through the call.
    let ready = unsafe { libc::poll(&raw mut poll, 1, time) };
    match ready {
        0 => Ok(false),
        1.. => Ok(true),
        _ => match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::Interrupted => Ok(false),
            error => Err(error),
        },
    }
}
