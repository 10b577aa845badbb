//! When the state of each network device changed last. The kernel counts changes of the carrier but keeps no times: a
//! change is stamped when it is seen, by the watch on the kernel's messages or between two reads.

use std::collections::{HashMap, HashSet};

/// The part of a device's state whose changes are of interest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) is_up: bool,
    pub(crate) operational: String,
    pub(crate) carrier_changes: u64,
}

/// The last state of each device, and which devices have to be looked at again.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    known: HashMap<String, (Seen, Option<f64>)>,
    touched: HashSet<String>,
    all_touched: bool,
    /// Grows with each message of the kernel.
    generation: u64,
}

impl Changes {
    /// A device is in this state at `now`, seconds since the Unix epoch. Nothing is known of what was before the first
    /// time, unless the device `is_new`.
    pub(crate) fn see(&mut self, name: &str, seen: Seen, now: f64, is_new: bool) {
        match self.known.get_mut(name) {
            Some((known, _)) if *known == seen => {}
            Some(known) => *known = (seen, Some(now)),
            None => {
                self.known
                    .insert(name.to_owned(), (seen, is_new.then_some(now)));
            }
        }
    }

    /// Something about a device is not as it was.
    pub(crate) fn touch(&mut self, name: &str) {
        self.touched.insert(name.to_owned());
        self.generation = self.generation.wrapping_add(1);
    }

    /// Messages were lost: anything may have changed.
    pub(crate) fn touch_all(&mut self) {
        self.all_touched = true;
        self.generation = self.generation.wrapping_add(1);
    }

    /// A device is gone.
    pub(crate) fn forget(&mut self, name: &str) {
        self.known.remove(name);
        self.touch(name);
    }

    /// The devices that there are; all others are forgotten.
    pub(crate) fn keep(&mut self, names: &[String]) {
        self.known
            .retain(|name, _| names.binary_search(name).is_ok());
    }

    /// What was touched since this was asked last; `None` stands for all.
    pub(crate) fn take_touched(&mut self) -> Option<HashSet<String>> {
        let touched = std::mem::take(&mut self.touched);
        (!std::mem::take(&mut self.all_touched)).then_some(touched)
    }

    /// Another number when something happened.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// When the device's state changed last, if that was seen.
    pub(crate) fn last(&self, name: &str) -> Option<f64> {
        self.known.get(name)?.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(is_up: bool, carrier_changes: u64) -> Seen {
        Seen {
            is_up,
            operational: "up".to_owned(),
            carrier_changes,
        }
    }

    #[test]
    fn a_change_is_stamped_when_it_is_seen() {
        let mut changes = Changes::default();
        changes.see("eth0", seen(true, 1), 10.0, false);
        assert_eq!(changes.last("eth0"), None);
        changes.see("eth0", seen(true, 1), 20.0, false);
        assert_eq!(changes.last("eth0"), None);
        // Down and up again between two reads: only the count tells.
        changes.see("eth0", seen(true, 3), 30.0, false);
        changes.see("eth0", seen(true, 3), 40.0, false);
        assert_eq!(changes.last("eth0"), Some(30.0));
    }

    #[test]
    fn a_device_that_appears_changed_then_and_one_that_is_gone_is_forgotten() {
        let mut changes = Changes::default();
        changes.see("tap1", seen(false, 0), 5.0, true);
        assert_eq!(changes.last("tap1"), Some(5.0));
        changes.keep(&["eth0".to_owned()]);
        assert_eq!(changes.last("tap1"), None);
    }

    #[test]
    fn what_was_touched_is_told_once() {
        let mut changes = Changes::default();
        let before = changes.generation();
        changes.touch("eth0");
        assert_ne!(changes.generation(), before);
        assert_eq!(
            changes.take_touched(),
            Some(HashSet::from(["eth0".to_owned()]))
        );
        assert_eq!(changes.take_touched(), Some(HashSet::new()));
        changes.touch_all();
        assert_eq!(changes.take_touched(), None);
    }
}
