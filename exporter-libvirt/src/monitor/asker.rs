//! How one domain is asked: over a connection of the thread's own, by a handle that is looked up once. A connection
//! that broke is opened anew and the question repeated once.

use std::collections::HashMap;
use std::sync::Arc;

use virt::domain::Domain;
use virt::error::Error;
use virt::sys;

use super::{Answer, Asker, Question};
use crate::connect::Link;
use crate::params::domain_stats;
use crate::stats::DomainStats;

/// More handles than domains that are asked at a time; when it is reached they are looked up anew.
const MAX_HANDLES: usize = 4096;

/// Asks the libvirt at `uri`.
pub(crate) fn asker(uri: &str) -> Asker {
    let mut conversation = Conversation {
        uri: uri.to_owned(),
        open: None,
    };
    Box::new(move |question| conversation.ask(question))
}

struct Conversation {
    uri: String,
    open: Option<Open>,
}

/// A connection and its handles. They are dropped before the connection is.
struct Open {
    handles: HashMap<Arc<str>, Domain>,
    link: Link,
}

impl Conversation {
    fn ask(&mut self, question: &Question) -> Answer {
        let fresh = self.open.is_none();
        match self.attempt(question) {
            Ok(stats) => Answer::Stats(Box::new(stats)),
            Err(error) if is_gone(&error) => {
                if let Some(open) = &mut self.open {
                    open.handles.remove(&question.uuid);
                }
                Answer::Gone
            }
            Err(error) if self.is_broken(&error) && !fresh => {
                self.open = None;
                match self.attempt(question) {
                    Ok(stats) => Answer::Stats(Box::new(stats)),
                    Err(error) if is_gone(&error) => Answer::Gone,
                    Err(error) => Answer::Failed(error.message().to_owned()),
                }
            }
            Err(error) => Answer::Failed(error.message().to_owned()),
        }
    }

    fn attempt(&mut self, question: &Question) -> Result<DomainStats, Error> {
        let open = match &mut self.open {
            Some(open) => open,
            closed => closed.insert(Open {
                handles: HashMap::new(),
                link: Link::open_plain(&self.uri)?,
            }),
        };
        let Open { handles, link } = open;
        if !handles.contains_key(&question.uuid) {
            if handles.len() >= MAX_HANDLES {
                handles.clear();
            }
            let handle = link
                .connection
                .lookup_domain_by_uuid_string(&question.uuid)?;
            handles.insert(Arc::clone(&question.uuid), handle);
        }
        let mut stats = DomainStats::default();
        if let Some(handle) = handles.get(&question.uuid) {
            link.stats_of(handle, question.stats, &mut |record| {
                stats = domain_stats(record.params());
            })?;
        }
        Ok(stats)
    }

    /// Whether the connection, not the domain, is at fault.
    fn is_broken(&self, error: &Error) -> bool {
        let is_alive = |open: &Open| open.link.connection.is_alive().unwrap_or(false);
        error.code().to_raw() == sys::VIR_ERR_SYSTEM_ERROR
            || error.code().to_raw() == sys::VIR_ERR_INTERNAL_ERROR
            || !self.open.as_ref().is_some_and(is_alive)
    }
}

fn is_gone(error: &Error) -> bool {
    error.code().to_raw() == sys::VIR_ERR_NO_DOMAIN
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(uuid: &str) -> Question {
        Question {
            uuid: uuid.into(),
            stats: sys::VIR_DOMAIN_STATS_STATE,
            is_optional: false,
        }
    }

    #[test]
    fn a_domain_answers_one_that_is_gone_is_told_and_a_libvirt_that_is_not_there_fails() {
        let mut ask = asker("test:///default");
        let Answer::Stats(stats) = ask(&question("6695eb01-f6a4-8304-79aa-97f2502e193f")) else {
            panic!("the built-in domain did not answer");
        };
        assert_eq!(stats.state, Some(1));
        assert_eq!(
            ask(&question("11111111-1111-4111-8111-111111111111")),
            Answer::Gone
        );
        let mut ask = asker("qemu:///system?socket=/nonexistent/libvirt-sock");
        assert!(matches!(ask(&question("x")), Answer::Failed(_)));
    }
}
