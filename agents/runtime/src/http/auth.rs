//! Basic authentication with bcrypt hashes. A password costs its hash once, then a keyed digest of it is remembered; a
//! name that nobody has costs as much as a wrong password, so that the time does not tell names. Which users there are
//! is `web_config`'s part.

use std::collections::{BTreeMap, VecDeque};
use std::str::FromStr as _;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderValue;
use ring::hmac;
use tokio::sync::Semaphore;

/// Digests of passwords that were found right, the oldest forgotten first.
const REMEMBERED: usize = 64;

/// Hashes computed at the same time; more wait, so that wrong passwords cannot take all processors.
const AT_WORK: usize = 2;

/// A salt and a digest that no password has, for names that nobody has.
const NOBODY: &str = "abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyzabcde";

/// The users of a configuration.
#[derive(Debug, Default)]
pub(crate) struct Users {
    hashes: BTreeMap<String, String>,
    nobody: String,
}

impl Users {
    /// The users with their hashes.
    ///
    /// # Errors
    /// The name of the first user whose hash is none.
    pub(crate) fn new(hashes: BTreeMap<String, String>) -> Result<Self, String> {
        let mut cost = 4;
        for (user, hash) in &hashes {
            let parts = bcrypt::HashParts::from_str(hash).map_err(|_| user.clone())?;
            cost = cost.max(parts.get_cost());
        }
        Ok(Self {
            hashes,
            nobody: format!("$2b${cost:02}${NOBODY}"),
        })
    }

    /// Whether anybody may come in without a password.
    pub(crate) fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }
}

/// Checks passwords and remembers the right ones.
pub(crate) struct Gate {
    key: hmac::Key,
    right: Mutex<VecDeque<hmac::Tag>>,
    at_work: Arc<Semaphore>,
}

impl Gate {
    /// A gate that remembers nothing yet.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub(crate) fn new() -> Result<Self, ring::error::Unspecified> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &ring::rand::SystemRandom::new())?;
        Ok(Self {
            key,
            right: Mutex::default(),
            at_work: Arc::new(Semaphore::new(AT_WORK)),
        })
    }

    /// Whether the request's `Authorization` header is that of one of the users.
    pub(crate) async fn admits(&self, users: &Users, header: Option<&HeaderValue>) -> bool {
        let Some((user, password)) = header.and_then(credentials) else {
            return false;
        };
        let known = users.hashes.get(&user);
        let hash = known.unwrap_or(&users.nobody).clone();
        let tag = self.tag([user.as_bytes(), hash.as_bytes(), &password]);
        if known.is_some() && self.remembers(&tag) {
            return true;
        }
        let Ok(permit) = Arc::clone(&self.at_work).acquire_owned().await else {
            return false;
        };
        let check = move || {
            let _permit = permit;
            bcrypt::verify(password, &hash).unwrap_or(false)
        };
        let is_right = tokio::task::spawn_blocking(check).await.unwrap_or(false);
        if is_right && known.is_some() {
            self.remember(tag);
        }
        is_right && known.is_some()
    }

    /// A digest that only this process can compute, of all that the answer depends on.
    fn tag(&self, parts: [&[u8]; 3]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.key);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        context.sign()
    }

    fn remembers(&self, tag: &hmac::Tag) -> bool {
        let right = self.right.lock().unwrap_or_else(PoisonError::into_inner);
        right.iter().fold(false, |found, known| {
            found | is_same(known.as_ref(), tag.as_ref())
        })
    }

    fn remember(&self, tag: hmac::Tag) {
        let mut right = self.right.lock().unwrap_or_else(PoisonError::into_inner);
        if right.len() == REMEMBERED {
            right.pop_front();
        }
        right.push_back(tag);
    }
}

/// Compares two digests in a time that does not depend on where they differ.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let differences = one
        .iter()
        .zip(other)
        .fold(0, |sum, (one, other)| sum | (one ^ other));
    one.len() == other.len() && differences == 0
}

/// The name and the password of a `Basic` header.
fn credentials(header: &HeaderValue) -> Option<(String, Vec<u8>)> {
    let (scheme, encoded) = header.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = STANDARD.decode(encoded.trim()).ok()?;
    let colon = decoded.iter().position(|&byte| byte == b':')?;
    let (user, password) = decoded.split_at_checked(colon)?;
    Some((
        String::from_utf8(user.to_vec()).ok()?,
        password.get(1..)?.to_vec(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users() -> Users {
        let hash = bcrypt::hash("right", 4).unwrap();
        Users::new(BTreeMap::from([("alice".to_owned(), hash)])).unwrap()
    }

    fn basic(credentials: &str) -> HeaderValue {
        HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(credentials))).unwrap()
    }

    #[tokio::test]
    async fn only_the_right_password_of_a_known_user_comes_in() {
        let (gate, users) = (Gate::new().unwrap(), users());
        for (header, expected) in [
            (Some(basic("alice:right")), true),
            (Some(basic("alice:wrong")), false),
            (Some(basic("alice:")), false),
            (Some(basic("bob:right")), false),
            (Some(basic("alice")), false),
            (Some(HeaderValue::from_static("Bearer alice:right")), false),
            (Some(HeaderValue::from_static("Basic ****")), false),
            (None, false),
        ] {
            assert_eq!(
                gate.admits(&users, header.as_ref()).await,
                expected,
                "{header:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_right_password_is_remembered_until_the_hash_changes() {
        let (gate, users) = (Gate::new().unwrap(), users());
        assert!(gate.admits(&users, Some(&basic("alice:right"))).await);
        assert_eq!(gate.right.lock().unwrap().len(), 1);
        // With no permit left only what is remembered can be answered.
        let _all = gate.at_work.acquire_many(AT_WORK as u32).await.unwrap();
        assert!(gate.admits(&users, Some(&basic("alice:right"))).await);
        let changed = Users::new(BTreeMap::from([(
            "alice".to_owned(),
            bcrypt::hash("new", 4).unwrap(),
        )]))
        .unwrap();
        let header = basic("alice:right");
        let answer = tokio::time::timeout(
            std::time::Duration::from_millis(50),
            gate.admits(&changed, Some(&header)),
        );
        assert!(
            answer.await.is_err(),
            "the old password has to be checked against the new hash"
        );
    }

    #[tokio::test]
    async fn what_is_remembered_is_bounded() {
        let gate = Gate::new().unwrap();
        for number in 0..REMEMBERED as u64 + 10 {
            gate.remember(gate.tag([b"alice", b"hash", &number.to_be_bytes()]));
        }
        assert_eq!(gate.right.lock().unwrap().len(), REMEMBERED);
        assert!(!gate.remembers(&gate.tag([b"alice", b"hash", &0_u64.to_be_bytes()])));
    }

    #[test]
    fn a_name_that_nobody_has_costs_as_much_as_the_dearest_hash() {
        let hashes = [("a", 4), ("b", 6)]
            .map(|(user, cost)| (user.to_owned(), bcrypt::hash("x", cost).unwrap()));
        let users = Users::new(BTreeMap::from(hashes)).unwrap();
        assert_eq!(
            bcrypt::HashParts::from_str(&users.nobody)
                .unwrap()
                .get_cost(),
            6
        );
        assert!(matches!(bcrypt::verify("x", &users.nobody), Ok(false)));
    }

    #[test]
    fn a_plain_password_in_place_of_a_hash_is_refused_without_repeating_it() {
        let users = Users::new(BTreeMap::from([("alice".to_owned(), "secret".to_owned())]));
        assert_eq!(users.unwrap_err(), "alice");
    }
}
