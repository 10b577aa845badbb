//! What each domain has to be asked, and in which company: only what nothing else tells, in few questions. Pure.

use std::sync::Arc;
use std::time::Instant;

use crate::connect;
use crate::kernel::Seen;
use crate::listing::Listed;
use crate::monitor::Question;

/// Domains that are asked together: a call costs more than a domain, and one that hangs costs the others a second call.
const TOGETHER: usize = 8;

/// One domain that is to be asked.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The domain.
    pub(crate) uuid: Arc<str>,
    /// What, as bits.
    pub(crate) what: u32,
    /// Whether it is tried apart from the others.
    pub(crate) is_apart: bool,
    /// When it last answered.
    pub(crate) last: Option<Instant>,
}

/// What libvirt has to be asked about this domain: of what is wanted, that which nothing else tells. `asks_job`: whether
/// it is to be asked for a job even where the kernel shows none.
pub(crate) fn wanted_of(listed: &Listed, seen: Option<&Seen>, asks_job: bool, wanted: u32) -> u32 {
    let description = &listed.description;
    let mut what = wanted & !connect::STATE;
    if description.is_qemu() && description.disks.is_empty() {
        what &= !connect::BLOCK;
    }
    if listed.id.is_none() {
        // The sizes of its images; all else is in its XML, or needs a hypervisor.
        return what & connect::BLOCK;
    }
    let Some(seen) = seen else {
        return what;
    };
    if seen.cpu.is_some() {
        what &= !connect::CPU_TOTAL;
    }
    if !seen.vcpus.is_empty() {
        what &= !connect::VCPU;
    }
    if seen.interfaces.is_some() {
        what &= !connect::INTERFACE;
    }
    if !description.has_balloon && description.memory_maximum.is_some() {
        what &= !connect::BALLOON;
    }
    if !seen.has_job && !asks_job {
        what &= !connect::JOB;
    }
    what
}

/// The questions: domains that are asked the same go together, those first that have waited longest. `width` questions
/// are asked at the same time, so few domains are not put into fewer questions than that.
pub(crate) fn questions(mut asked: Vec<Asked>, width: usize) -> Vec<Question> {
    let together = asked.len().div_ceil(2 * width.max(1)).clamp(1, TOGETHER);
    asked.sort_by_key(|domain| (domain.is_apart, domain.last));
    let mut questions: Vec<Question> = Vec::with_capacity(asked.len().div_ceil(together));
    for domain in asked {
        let company = questions.iter_mut().rev().take(4).find(|question| {
            !domain.is_apart
                && !question.is_optional
                && question.what == domain.what
                && question.domains.len() < together
        });
        match company {
            Some(question) => question.domains.push(domain.uuid),
            None => questions.push(Question {
                domains: vec![domain.uuid],
                what: domain.what,
                is_optional: domain.is_apart,
            }),
        }
    }
    questions
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::stats::{Cpu, Vcpu};
    use crate::xml::Description;

    const ALL: u32 = connect::STATE
        | connect::CPU_TOTAL
        | connect::BALLOON
        | connect::VCPU
        | connect::INTERFACE
        | connect::BLOCK
        | connect::JOB;

    fn listed(id: Option<u32>, xml: &str) -> Listed {
        Listed {
            id,
            description: Arc::new(Description::parse(xml).unwrap()),
            ..Listed::named("vm", "u")
        }
    }

    fn seen_all() -> Seen {
        Seen {
            cpu: Some(Cpu::default()),
            vcpus: vec![Vcpu::default()],
            interfaces: Some(Vec::new()),
            ..Seen::default()
        }
    }

    const QEMU: &str = "<domain type='kvm'><memory unit='KiB'>1</memory><devices><disk><target dev='vda'/></disk>\
                        <memballoon model='virtio'/></devices></domain>";

    #[test]
    fn a_domain_in_sight_is_asked_for_its_disks_and_its_balloon_only() {
        let domain = listed(Some(1), QEMU);
        let what = wanted_of(&domain, Some(&seen_all()), false, ALL);
        assert_eq!(what, connect::BLOCK | connect::BALLOON);
        assert_eq!(wanted_of(&domain, None, false, ALL), ALL & !connect::STATE);
        let nothing = listed(Some(1), "<domain type='kvm'><memory>1</memory></domain>");
        assert_eq!(wanted_of(&nothing, Some(&seen_all()), false, ALL), 0);
    }

    #[test]
    fn a_domain_that_is_off_is_asked_for_its_images_only() {
        assert_eq!(
            wanted_of(&listed(None, QEMU), None, false, ALL),
            connect::BLOCK
        );
    }

    #[test]
    fn a_job_is_asked_for_where_the_kernel_shows_one_and_where_it_is_to_be() {
        let domain = listed(Some(1), QEMU);
        let migrating = Seen {
            has_job: true,
            ..seen_all()
        };
        for (seen, asks_job, expected) in [
            (migrating, false, true),
            (seen_all(), true, true),
            (seen_all(), false, false),
        ] {
            let what = wanted_of(&domain, Some(&seen), asks_job, ALL);
            assert_eq!(what & connect::JOB != 0, expected);
        }
    }

    fn asked(count: usize, what: u32) -> Vec<Asked> {
        let domain = |number: usize| Asked {
            uuid: number.to_string().into(),
            what,
            is_apart: false,
            last: None,
        };
        (0..count).map(domain).collect()
    }

    #[test]
    fn few_domains_are_asked_alone_and_many_together() {
        assert_eq!(questions(asked(6, 1), 4).len(), 6);
        let many = questions(asked(100, 1), 4);
        assert!(
            many.iter()
                .all(|question| question.domains.len() <= TOGETHER)
        );
        assert_eq!(many.len(), 13);
        assert!(questions(Vec::new(), 4).is_empty());
    }

    #[test]
    fn who_is_asked_something_else_or_apart_has_a_question_of_its_own() {
        let mut domains = asked(40, 1);
        domains[3].what = 2;
        domains[5].is_apart = true;
        domains[7].last = Some(Instant::now() + Duration::from_secs(1));
        let questions = questions(domains, 1);
        assert!(
            questions
                .iter()
                .any(|it| it.what == 2 && it.domains.len() == 1)
        );
        let last = questions.last().unwrap();
        assert!(last.is_optional && last.domains == [Arc::from("5")]);
        let before_last = &questions[questions.len() - 2];
        assert_eq!(
            before_last.domains.last(),
            Some(&Arc::from("7")),
            "it answered last"
        );
    }
}
