//! How hypervisors are asked: over a connection of the thread's own, by handles that are looked up once. A connection
//! that broke is opened anew and the question repeated once.

use std::collections::HashMap;
use std::sync::Arc;

use virt::domain::Domain;
use virt::error::Error;
use virt::sys;

use super::{Answers, Asker, Question};
use crate::connect::{self, Link};
use crate::params::domain_stats;
use crate::stats::{DomainStats, Job};

/// More handles than domains that are asked at a time; when it is reached they are looked up anew.
const MAX_HANDLES: usize = 4096;

/// What came of a question about a domain.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// Libvirt answered, perhaps without the numbers of a domain that is busy.
    Stats(Box<DomainStats>),
    /// There is no such domain any more.
    Gone,
}

/// Asks the libvirt at `uri`.
pub(crate) fn asker(uri: &str) -> Asker<Answer> {
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
    /// The answers; none when libvirt cannot be asked.
    fn ask(&mut self, question: &Question) -> Answers<Answer> {
        let fresh = self.open.is_none();
        let mut answers = self.attempt(question);
        if let Err(error) = &answers
            && !fresh
            && self.is_broken(error)
        {
            self.open = None;
            answers = self.attempt(question);
        }
        answers.unwrap_or_else(|error| {
            tracing::debug!(error = error.message(), "no statistics of some domains");
            Vec::new()
        })
    }

    fn attempt(&mut self, question: &Question) -> Result<Answers<Answer>, Error> {
        let open = match &mut self.open {
            Some(open) => open,
            closed => closed.insert(Open {
                handles: HashMap::new(),
                link: Link::open_plain(&self.uri)?,
            }),
        };
        open.look_up(&question.domains)?;
        let Open { handles, link } = open;
        let found: Vec<&Domain> = question
            .domains
            .iter()
            .filter_map(|uuid| handles.get(uuid))
            .collect();
        let mut stats: HashMap<String, DomainStats> = HashMap::with_capacity(found.len());
        let groups = question.what & !connect::JOB;
        if groups != 0 {
            link.stats_of(&found, groups, &mut |record| {
                let uuid = record.domain().and_then(|domain| domain.uuid_string());
                stats.extend(uuid.ok().map(|uuid| (uuid, domain_stats(record.params()))));
            })?;
        }
        let answers = question.domains.iter().map(|uuid| {
            let mut stats = match (stats.remove(&**uuid), groups) {
                (Some(stats), _) => stats,
                (None, 0) => DomainStats::default(),
                // Libvirt leaves out domains that are gone.
                (None, _) => return (Arc::clone(uuid), Answer::Gone),
            };
            // The question about the job would wait for whoever the domain is busy with.
            let is_busy = stats.lacks_hypervisor_numbers(groups & connect::BALLOON != 0);
            if question.what & connect::JOB != 0 && !is_busy {
                stats.job = handles.get(uuid).and_then(job);
            }
            (Arc::clone(uuid), Answer::Stats(Box::new(stats)))
        });
        Ok(answers.collect())
    }

    /// Whether the connection, not the domain, is at fault.
    fn is_broken(&self, error: &Error) -> bool {
        let is_alive = |open: &Open| open.link.connection.is_alive().unwrap_or(false);
        matches!(
            error.code().to_raw(),
            sys::VIR_ERR_SYSTEM_ERROR | sys::VIR_ERR_INTERNAL_ERROR
        ) || !self.open.as_ref().is_some_and(is_alive)
    }
}

impl Open {
    /// Looks up the handles that are missing. A domain that does not exist has none.
    fn look_up(&mut self, domains: &[Arc<str>]) -> Result<(), Error> {
        if self.handles.len() >= MAX_HANDLES {
            self.handles.clear();
        }
        for uuid in domains {
            if self.handles.contains_key(uuid) {
                continue;
            }
            match self.link.connection.lookup_domain_by_uuid_string(uuid) {
                Ok(handle) => {
                    self.handles.insert(Arc::clone(uuid), handle);
                }
                Err(error) if error.code().to_raw() == sys::VIR_ERR_NO_DOMAIN => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn job(domain: &Domain) -> Option<Job> {
    let info = domain.job_info().ok()?;
    Some(Job {
        kind: info.r#type,
        time_elapsed: info.time_elapsed,
        time_remaining: info.time_remaining,
        data: [info.data_total, info.data_processed, info.data_remaining],
        memory: [info.mem_total, info.mem_processed, info.mem_remaining],
        file: [info.disk_total, info.disk_processed, info.disk_remaining],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUILT_IN: &str = "6695eb01-f6a4-8304-79aa-97f2502e193f";
    const UNKNOWN: &str = "11111111-1111-4111-8111-111111111111";

    fn question(domains: &[&str]) -> Question {
        Question {
            domains: domains.iter().map(|uuid| Arc::from(*uuid)).collect(),
            what: sys::VIR_DOMAIN_STATS_STATE,
            is_optional: false,
        }
    }

    #[test]
    fn a_domain_answers_one_that_is_gone_is_told_and_a_libvirt_that_is_not_there_has_no_answer() {
        let mut ask = asker("test:///default");
        let answers = ask(&question(&[BUILT_IN, UNKNOWN]));
        let [(_, Answer::Stats(stats)), (gone, Answer::Gone)] = answers.as_slice() else {
            panic!("{answers:?}");
        };
        assert_eq!((stats.state, &**gone), (Some(1), UNKNOWN));
        assert_eq!(ask(&question(&[UNKNOWN])), [(UNKNOWN.into(), Answer::Gone)]);
        let mut ask = asker("qemu:///system?socket=/nonexistent/libvirt-sock");
        assert_eq!(ask(&question(&[BUILT_IN])), []);
    }
}
