//! Libvirt's events: callbacks that say which domain has changed, and the turns of libvirt's event loop that make it
//! call them. The loop is turned when somebody wants to know, not on a thread that waits: while it waits, every
//! question on any connection interrupts it twice, which costs more than the question. Nothing from C leaves this file
//! except a UUID as text.

#![expect(unsafe_code, reason = "virt has no wrapper for the events of domains")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::{Mutex, OnceLock};
use std::{mem, ptr};

use virt::connect::Connect;
use virt::sys;

/// One turn reads what has arrived, the next calls the listeners; one more for what came in parts.
const TURNS: usize = 3;

/// The events after which a domain's XML may differ. All of them are older than libvirt 4.5.
const EVENTS: [Event; 8] = [
    Event::of(sys::VIR_DOMAIN_EVENT_ID_LIFECYCLE, Shape::TwoNumbers),
    Event::of(
        sys::VIR_DOMAIN_EVENT_ID_DISK_CHANGE,
        Shape::ThreeTextsAndNumber,
    ),
    Event::of(sys::VIR_DOMAIN_EVENT_ID_TRAY_CHANGE, Shape::TextAndNumber),
    Event::of(sys::VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE, Shape::TwoNumbers),
    Event::of(sys::VIR_DOMAIN_EVENT_ID_TUNABLE, Shape::PointerAndNumber),
    Event::of(sys::VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, Shape::Text),
    Event::of(sys::VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, Shape::Text),
    Event::of(
        sys::VIR_DOMAIN_EVENT_ID_METADATA_CHANGE,
        Shape::NumberAndText,
    ),
];

/// An event and what its callback is given between the domain and our pointer.
struct Event {
    id: c_int,
    shape: Shape,
}

enum Shape {
    TwoNumbers,
    PointerAndNumber,
    ThreeTextsAndNumber,
    TextAndNumber,
    Text,
    NumberAndText,
}

impl Event {
    const fn of(id: u32, shape: Shape) -> Event {
        Event {
            id: id as c_int,
            shape,
        }
    }
}

/// The type by which libvirt takes every callback.
type Callback = unsafe extern "C" fn(sys::virConnectPtr, sys::virDomainPtr, *mut c_void);

/// Who is told.
type Listener = Box<dyn Fn(&str) + Send + Sync>;

/// Events that are told as long as this lives. It keeps its connection open: drop it first.
pub(crate) struct Subscription {
    connection: Connect,
    callbacks: Vec<c_int>,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        for callback in &self.callbacks {
            // SAFETY: the connection is open, and the number is one that it gave. Each callback holds a reference of
            // the connection, which would never be closed without this.
            unsafe { sys::virConnectDomainEventDeregisterAny(self.connection.as_ptr(), *callback) };
        }
    }
}

/// Tells `listener` the UUID of every domain that changes. Events that the driver does not know are left out.
pub(crate) fn on_change(
    connection: &Connect,
    listener: impl Fn(&str) + Send + Sync + Clone + 'static,
) -> Subscription {
    register_loop();
    let mut subscription = Subscription {
        connection: connection.clone(),
        callbacks: Vec::with_capacity(EVENTS.len()),
    };
    for event in &EVENTS {
        let listener: Box<Listener> = Box::new(Box::new(listener.clone()));
        let opaque = Box::into_raw(listener).cast::<c_void>();
        let function = match event.shape {
            Shape::TwoNumbers => two_numbers as *const (),
            Shape::PointerAndNumber => pointer_and_number as *const (),
            Shape::ThreeTextsAndNumber => three_texts_and_number as *const (),
            Shape::TextAndNumber => text_and_number as *const (),
            Shape::Text => one_text as *const (),
            Shape::NumberAndText => number_and_text as *const (),
        };
        // SAFETY: each function has the arguments that libvirt documents for its event; libvirt takes all of them as
        // this type and calls each with those arguments.
        let callback = unsafe { mem::transmute::<*const (), Callback>(function) };
        // SAFETY: the connection is open; libvirt owns `opaque` until it calls `release`, and keeps it while a
        // callback runs.
        let registered = unsafe {
            sys::virConnectDomainEventRegisterAny(
                connection.as_ptr(),
                ptr::null_mut(),
                event.id,
                Some(callback),
                opaque,
                Some(release),
            )
        };
        if registered == -1 {
            // SAFETY: libvirt did not take it.
            unsafe { release(opaque) };
        } else {
            subscription.callbacks.push(registered);
        }
    }
    subscription
}

/// Registers libvirt's event loop. Must come before the first connection that is to have events.
fn register_loop() -> bool {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    *REGISTERED.get_or_init(|| {
        // SAFETY: neither has conditions. The timer is always due, so that a turn of the loop never waits.
        unsafe {
            sys::virEventRegisterDefaultImpl() == 0
                && sys::virEventAddTimeout(0, Some(nothing), ptr::null_mut(), None) != -1
        }
    })
}

/// Lets libvirt read what has arrived and call the listeners. Never waits.
pub(crate) fn deliver() {
    static TURNING: Mutex<()> = Mutex::new(());
    // Libvirt's loop belongs to one thread at a time.
    let Ok(_turning) = TURNING.try_lock() else {
        return;
    };
    if register_loop() {
        for _ in 0..TURNS {
            // SAFETY: the loop is registered, and this is the only thread in it.
            if unsafe { sys::virEventRunDefaultImpl() } != 0 {
                return;
            }
        }
    }
}

unsafe extern "C" fn nothing(_timer: c_int, _opaque: *mut c_void) {}

/// Gives the listener back.
unsafe extern "C" fn release(opaque: *mut c_void) {
    // SAFETY: `opaque` came from `Box::into_raw` in `on_change`, and libvirt calls this once.
    drop(unsafe { Box::from_raw(opaque.cast::<Listener>()) });
}

/// Tells the listener the domain's UUID.
unsafe fn tell(domain: sys::virDomainPtr, opaque: *mut c_void) {
    let mut text = [0 as c_char; sys::VIR_UUID_STRING_BUFLEN as usize];
    // SAFETY: the domain lives for the time of the callback; the text has the length that libvirt asks for.
    if unsafe { sys::virDomainGetUUIDString(domain, text.as_mut_ptr()) } != 0 {
        return;
    }
    // SAFETY: libvirt wrote a text that ends with NUL; `opaque` is the listener until `release`.
    let (uuid, listener) = unsafe { (CStr::from_ptr(text.as_ptr()), &*opaque.cast::<Listener>()) };
    listener(&uuid.to_string_lossy());
}

/// A callback with the arguments in the middle that its event has.
macro_rules! callback {
    ($name:ident, $($argument:ident: $kind:ty),+) => {
        unsafe extern "C" fn $name(
            _: sys::virConnectPtr,
            domain: sys::virDomainPtr,
            $($argument: $kind,)+
            opaque: *mut c_void,
        ) {
            // SAFETY: both are what libvirt gave.
            unsafe { tell(domain, opaque) };
        }
    };
}

callback!(two_numbers, _event: c_int, _detail: c_int);
callback!(pointer_and_number, _params: *const c_void, _count: c_int);
callback!(three_texts_and_number, _old: *const c_char, _new: *const c_char, _alias: *const c_char, _reason: c_int);
callback!(text_and_number, _alias: *const c_char, _reason: c_int);
callback!(one_text, _alias: *const c_char);
callback!(number_and_text, _kind: c_int, _uri: *const c_char);

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_domain_that_is_suspended_is_told_and_the_listener_goes_with_the_subscription() {
        // Before the connection, as the loop must be there first.
        deliver();
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("node.xml");
        let node = "<node><domain type='test'><name>a</name><uuid>6695eb01-f6a4-8304-79aa-97f2502e193f</uuid>\
                    <memory>8192</memory><os><type>hvm</type></os></domain></node>";
        std::fs::write(&file, node).unwrap();
        let connection = Connect::open(Some(&format!("test://{}", file.display()))).unwrap();
        let told = Arc::new(Mutex::new(Vec::new()));
        let listener = {
            let told = Arc::clone(&told);
            move |uuid: &str| told.lock().unwrap().push(uuid.to_owned())
        };
        let subscription = on_change(&connection, listener);
        let domain = connection.lookup_domain_by_name("a").unwrap();
        domain.suspend().unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        while told.lock().unwrap().is_empty() && Instant::now() < deadline {
            deliver();
            thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(
            told.lock().unwrap().first().map(String::as_str),
            Some("6695eb01-f6a4-8304-79aa-97f2502e193f")
        );
        drop(subscription);
        while Arc::strong_count(&told) > 1 && Instant::now() < deadline {
            deliver();
            thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(Arc::strong_count(&told), 1);
    }
}
