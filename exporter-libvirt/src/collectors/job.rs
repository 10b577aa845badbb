//! What domains are busy with: migration, saving, dumping (`virDomainGetJobInfo`). Only a domain with a job has these
//! series, and the one whose job has just ended.

use exposition::{Families, MetricType::Gauge};

use super::Group;
use crate::connect;
use crate::domain::{Domain, Snapshot};
use crate::emit::{Family, count, per_domain};
use crate::stats::Job;

pub(super) const GROUP: Group = Group {
    name: "job",
    help: "Jobs of domains, such as migration: type, times, amounts of data",
    source: "virDomainGetJobInfo",
    default_on: true,
    stats: connect::JOB,
    emit,
};

/// The job, if there is one.
fn job(domain: &Domain) -> Option<&Job> {
    domain.stats.job.as_ref().filter(|job| job.kind != 0)
}

fn millis(value: Option<u64>) -> Option<f64> {
    Some(count(value)? / 1e3)
}

const FAMILIES: &[Family<Domain>] = &[
    Family {
        name: "libvirt_domain_job_info_type",
        help: "Code of the domain job type",
        kind: Gauge,
        value: |domain| Some(f64::from(domain.stats.job.as_ref()?.kind)),
    },
    Family {
        name: "libvirt_domain_job_info_time_elapsed_seconds",
        help: "Time elapsed since the start of the domain job",
        kind: Gauge,
        value: |domain| millis(job(domain)?.time_elapsed),
    },
    Family {
        name: "libvirt_domain_job_info_time_remaining_seconds",
        help: "Time remaining until the end of the domain job",
        kind: Gauge,
        value: |domain| millis(job(domain)?.time_remaining),
    },
    Family {
        name: "libvirt_domain_job_info_data_total_bytes",
        help: "Data total of the domain job",
        kind: Gauge,
        value: |domain| count(job(domain)?.data[0]),
    },
    Family {
        name: "libvirt_domain_job_info_data_processed_bytes",
        help: "Data processed of the domain job",
        kind: Gauge,
        value: |domain| count(job(domain)?.data[1]),
    },
    Family {
        name: "libvirt_domain_job_info_data_remaining_bytes",
        help: "Data remaining of the domain job",
        kind: Gauge,
        value: |domain| count(job(domain)?.data[2]),
    },
    Family {
        name: "libvirt_domain_job_info_memory_total_bytes",
        help: "Memory total of the domain job",
        kind: Gauge,
        value: |domain| count(job(domain)?.memory[0]),
    },
    Family {
        name: "libvirt_domain_job_info_memory_processed_bytes",
        help: "Memory processed of the domain job",
        kind: Gauge,
        value: |domain| count(job(domain)?.memory[1]),
    },
    Family {
        name: "libvirt_domain_job_info_memory_remaining_bytes",
        help: "Memory remaining of the domain job",
        kind: Gauge,
        value: |domain| count(job(domain)?.memory[2]),
    },
    Family {
        name: "libvirt_domain_job_info_file_total_bytes",
        help: "File total of the domain job",
        kind: Gauge,
        value: |domain| count(job(domain)?.file[0]),
    },
    Family {
        name: "libvirt_domain_job_info_file_processed_bytes",
        help: "File processed of the domain job",
        kind: Gauge,
        value: |domain| count(job(domain)?.file[1]),
    },
    Family {
        name: "libvirt_domain_job_info_file_remaining_bytes",
        help: "File remaining of the domain job",
        kind: Gauge,
        value: |domain| count(job(domain)?.file[2]),
    },
];

fn emit(snapshot: &Snapshot, out: &mut Families) {
    per_domain(snapshot, FAMILIES, out);
}
