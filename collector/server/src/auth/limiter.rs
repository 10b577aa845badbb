//! How often one address may be wrong: who tries tokens that do not hold is told to wait, before Keystone is asked again.
//! Tokens that are known to hold are not asked about and so are not held up.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::expiring::Expiring;

/// Refused tokens of one address within [`WINDOW`]; more are not looked at.
pub(super) const FAILURES: u32 = 30;
/// How long failures count, from the first.
const WINDOW: Duration = Duration::from_secs(60);
/// Addresses that are remembered.
const ADDRESSES: usize = 10_000;

/// The failures of each address.
#[derive(Debug)]
pub(super) struct Limiter(Expiring<IpAddr, u32>);

impl Default for Limiter {
    fn default() -> Self {
        Self(Expiring::new(ADDRESSES))
    }
}

impl Limiter {
    /// How long the address has to wait; `None` if not at all.
    pub(super) fn wait(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        let (count, end) = self.0.get(&address, now)?;
        (count >= FAILURES).then(|| end.saturating_duration_since(now))
    }

    /// The address was wrong.
    pub(super) fn failed(&self, address: IpAddr, now: Instant) {
        let (count, end) = self.0.get(&address, now).unwrap_or((0, now + WINDOW));
        self.0.put(address, count.saturating_add(1), end, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_wrong_too_often_waits_until_its_window_is_over_and_others_do_not() {
        let (limiter, start) = (Limiter::default(), Instant::now());
        let [bad, good] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse::<IpAddr>().unwrap());
        for _ in 1..FAILURES {
            limiter.failed(bad, start);
        }
        assert_eq!(limiter.wait(bad, start), None);
        limiter.failed(bad, start);
        assert_eq!(limiter.wait(bad, start), Some(WINDOW));
        assert_eq!(limiter.wait(good, start), None);
        assert_eq!(limiter.wait(bad, start + WINDOW), None);
        limiter.failed(bad, start + WINDOW);
        assert_eq!(limiter.wait(bad, start + WINDOW), None);
    }
}
