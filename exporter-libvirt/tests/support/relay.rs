//! A relay between the exporter and libvirtd's sockets: it counts the connections, and cuts all of them when told.

use std::io;
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

/// Relays until the test's process ends.
pub(crate) struct Relay(Arc<Mutex<Vec<UnixStream>>>);

impl Relay {
    /// Listens at `socket` and connects each client to `target`.
    pub(crate) fn start(socket: &Path, target: &Path) -> Relay {
        let listener = UnixListener::bind(socket).unwrap();
        let open = Arc::<Mutex<Vec<UnixStream>>>::default();
        let (clients, target) = (Arc::clone(&open), target.to_owned());
        thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                // A libvirtd that is not there is what the client sees then.
                let Ok(server) = UnixStream::connect(&target) else {
                    continue;
                };
                clients.lock().unwrap().push(client.try_clone().unwrap());
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    thread::spawn(move || carry(from, to));
                }
            }
        });
        Relay(open)
    }

    /// Cuts all connections; returns how many there were.
    pub(crate) fn cut(&self) -> usize {
        let clients = std::mem::take(&mut *self.0.lock().unwrap());
        // One that the client has closed meanwhile is no longer connected.
        let cut = clients
            .iter()
            .filter(|client| client.shutdown(Shutdown::Both).is_ok());
        cut.count()
    }
}

fn carry(mut from: UnixStream, mut to: UnixStream) {
    let _ = io::copy(&mut from, &mut to);
    for end in [from, to] {
        let _ = end.shutdown(Shutdown::Both);
    }
}
