//! The `ceilometer.amqp:` section of the configuration, with the names and defaults that Ceilometer's notification agent
//! has where it has them.

use std::path::PathBuf;

use serde::Deserialize;

use super::brokers::Brokers;

/// Longest name of a queue, an exchange or a topic, bytes; a queue's name is a topic and a priority.
const LONGEST_NAME: usize = 120;

/// Which queues to take messages from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AmqpConfig {
    /// Where the brokers are; without one nothing is taken.
    pub(crate) url: Option<Brokers>,
    /// A file with the URL, in place of `url`: it holds a password.
    pub(crate) url_file: Option<PathBuf>,
    /// Certificates, PEM, trusted besides the system's.
    pub(crate) ca_file: Option<PathBuf>,
    /// Exchanges of the services that are listened to.
    pub(crate) exchanges: Vec<String>,
    /// Topics; a queue is named for a topic and a priority, `notifications.info`.
    pub(crate) topics: Vec<String>,
    /// Priorities of notifications.
    pub(crate) priorities: Vec<String>,
    /// One queue of this name for all topics, so that others who listen have theirs.
    pub(crate) pool: Option<String>,
    /// Whether exchanges and queues that are not there yet are made durable.
    pub(crate) durable: bool,
    /// Most messages of one queue that are not acknowledged yet.
    pub(crate) prefetch: u16,
    /// Largest message, bytes; a larger one is set aside.
    pub(crate) max_message_size: usize,
    /// The queue that takes messages that cannot be read; empty: they are rejected.
    pub(crate) rejected_queue: String,
    /// Creator of the resources.
    pub(crate) creator: String,
}

impl Default for AmqpConfig {
    fn default() -> Self {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            url: None,
            url_file: None,
            ca_file: None,
            exchanges: names(&[
                "nova",
                "glance",
                "neutron",
                "cinder",
                "heat",
                "keystone",
                "sahara",
                "trove",
                "zaqar",
                "swift",
                "ceilometer",
                "magnum",
                "dns",
                "ironic",
                "aodh",
            ]),
            topics: names(&["notifications", "metering", "event"]),
            priorities: names(&["audit", "error", "info", "sample"]),
            pool: None,
            durable: false,
            prefetch: 100,
            max_message_size: 32 << 20,
            rejected_queue: "nephoscope.rejected".to_owned(),
            creator: "admin".to_owned(),
        }
    }
}

impl AmqpConfig {
    /// Reads the file that the URL is in, and checks the values.
    ///
    /// # Errors
    /// The key that is wrong, and what was expected.
    pub(crate) fn check(&mut self) -> Result<(), String> {
        if let Some(file) = &self.url_file {
            if self.url.is_some() {
                return Err("url_file: expected either it or url".to_owned());
            }
            let of = |why: String| format!("url_file: {}: {why}", file.display());
            let text = std::fs::read_to_string(file);
            let text = text.map_err(|error| of(format!("cannot read it: {error}")))?;
            self.url = Some(Brokers::parse(text.trim()).map_err(of)?);
        }
        for (key, names) in [
            ("exchanges", &self.exchanges),
            ("topics", &self.topics),
            ("priorities", &self.priorities),
        ] {
            if names.is_empty() {
                return Err(format!("{key}: expected at least one"));
            }
            names.iter().try_for_each(|name| check_name(key, name))?;
        }
        if let Some(pool) = &self.pool {
            check_name("pool", pool)?;
        }
        if self.rejected_queue.len() > LONGEST_NAME {
            return Err(format!(
                "rejected_queue: expected at most {LONGEST_NAME} bytes"
            ));
        }
        if self.prefetch == 0 {
            return Err("prefetch: expected at least 1".to_owned());
        }
        if self.max_message_size < 1024 {
            return Err("max_message_size: expected at least 1024".to_owned());
        }
        Ok(())
    }

    /// The queues to take from, each with the routing keys that it is bound by.
    pub(super) fn queues(&self) -> Vec<(String, Vec<String>)> {
        let keys = self.topics.iter().flat_map(|topic| {
            let priorities = self.priorities.iter();
            priorities.map(move |priority| format!("{topic}.{priority}"))
        });
        match &self.pool {
            Some(pool) => vec![(pool.clone(), keys.collect())],
            None => keys.map(|key| (key.clone(), vec![key])).collect(),
        }
    }
}

fn check_name(key: &str, name: &str) -> Result<(), String> {
    match name.is_empty() || name.len() > LONGEST_NAME {
        true => Err(format!(
            "{key}: {name:?}: expected a name of 1 to {LONGEST_NAME} bytes"
        )),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(yaml: &str) -> AmqpConfig {
        serde_saphyr::from_str(yaml).unwrap()
    }

    #[test]
    fn queues_are_named_for_topic_and_priority_or_for_the_pool() {
        let own = config("{topics: [a, b], priorities: [info, sample]}");
        let names: Vec<String> = own.queues().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["a.info", "a.sample", "b.info", "b.sample"]);
        let pool = config("{topics: [a, b], priorities: [info], pool: nephoscope}");
        let keys = vec!["a.info".to_owned(), "b.info".to_owned()];
        assert_eq!(pool.queues(), [("nephoscope".to_owned(), keys)]);
        assert_eq!(AmqpConfig::default().queues().len(), 12);
    }

    #[test]
    fn what_is_wrong_is_named_by_its_key() {
        assert_eq!(AmqpConfig::default().check(), Ok(()));
        for (yaml, expected) in [
            ("{topics: []}", "topics: expected at least one"),
            (
                "{exchanges: ['']}",
                "exchanges: \"\": expected a name of 1 to 120 bytes",
            ),
            ("{prefetch: 0}", "prefetch: expected at least 1"),
            (
                "{max_message_size: 1}",
                "max_message_size: expected at least 1024",
            ),
            (
                "{url: 'rabbit://h', url_file: /f}",
                "url_file: expected either it or url",
            ),
        ] {
            assert_eq!(config(yaml).check(), Err(expected.to_owned()));
        }
        let missing = config("{url_file: /no/such/file}").check().unwrap_err();
        assert!(
            missing.starts_with("url_file: /no/such/file: cannot read it"),
            "{missing}"
        );
    }

    #[test]
    fn the_url_may_be_in_a_file_and_is_never_shown_with_its_password() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("url");
        std::fs::write(&file, "rabbit://me:secret@h\n").unwrap();
        let mut read = config(&format!("{{url_file: {}}}", file.display()));
        assert_eq!(read.check(), Ok(()));
        let shown = format!("{read:?}");
        assert!(
            shown.contains("h:5672") && !shown.contains("secret"),
            "{shown}"
        );
    }
}
