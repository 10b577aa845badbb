//! Listens to what the kernel says of network devices (rtnetlink(7), `RTMGRP_LINK`), so that a change has its time and
//! nothing has to be read again while nothing happens. A thread of its own waits; without messages it costs nothing.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use super::changes::{Changes, Seen};
use super::now;
use crate::sources::link_state::{self, IFF_UP};
use crate::sources::netlink::{Listener, Received};

const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;

/// The group of messages about links.
const RTMGRP_LINK: u32 = 1;

/// Begins to listen; the thread ends with the program.
pub(super) fn start(changes: &Arc<Mutex<Changes>>) -> io::Result<()> {
    let listener = Listener::open(RTMGRP_LINK)?;
    let changes = Arc::clone(changes);
    let thread = std::thread::Builder::new().name("links".to_owned());
    thread.spawn(move || listen(listener, &changes)).map(drop)
}

fn listen(mut listener: Listener, changes: &Mutex<Changes>) {
    loop {
        let received = listener.receive(|kind, payload| {
            let mut changes = changes.lock().unwrap_or_else(PoisonError::into_inner);
            heard(&mut changes, kind, payload, now());
        });
        match received {
            Ok(Received::All) => {}
            Ok(Received::Lost) => changes
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .touch_all(),
            Err(error) => {
                // From here on changes are found by comparing reads.
                tracing::warn!(%error, "cannot listen to changes of network devices");
                return;
            }
        }
    }
}

/// One message. Those of bridges and of wireless cards have the same type but only their part of a device.
fn heard(changes: &mut Changes, kind: u16, payload: &[u8], now: f64) {
    // AF_UNSPEC
    let is_link = payload.first() == Some(&0);
    let Some(link) = link_state::parse(payload).filter(|link| is_link && link.mtu > 0) else {
        return;
    };
    match kind {
        RTM_NEWLINK => {
            let seen = Seen {
                is_up: link.flags & IFF_UP != 0,
                operational: link.operstate.to_owned(),
                carrier_changes: link.carrier_changes.into(),
            };
            changes.see(&link.name, seen, now, true);
            changes.touch(&link.name);
        }
        RTM_DELLINK => changes.forget(&link.name),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn any_message_is_heard_or_not(kind in 14_u16..20, payload: Vec<u8>) {
            heard(&mut Changes::default(), kind, &payload, 1.0);
        }
    }
}
