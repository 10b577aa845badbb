//! What is joined to one domain, and what is left out because it is no fact.

use super::*;
use crate::stats::{Block, Interface, Vcpu};

fn description(xml: &str) -> Arc<Description> {
    Arc::new(Description::parse(xml).unwrap())
}

fn domain(id: Option<u32>, stats: DomainStats, xml: &str) -> Domain {
    let listed = Listed {
        id,
        description: description(xml),
        ..Listed::named("vm", "u")
    };
    let numbers = Numbers {
        stats,
        ..Numbers::default()
    };
    Domain::join(&listed, None, numbers)
}

fn block(name: &str, rd_reqs: Option<u64>) -> Block {
    Block {
        name: name.into(),
        rd_reqs,
        ..Block::default()
    }
}

#[test]
fn a_domain_that_is_shut_off_has_no_cpu_time_whatever_libvirt_says() {
    let stats = DomainStats {
        cpu: Cpu {
            time: Some(200_000_000),
            user: Some(80_000_000),
            system: Some(120_000_000),
        },
        ..DomainStats::default()
    };
    assert_eq!(
        domain(None, stats.clone(), "<domain/>").stats.cpu,
        Cpu::default()
    );
    assert_eq!(
        domain(Some(1), stats.clone(), "<domain/>").stats.cpu,
        stats.cpu
    );
}

#[test]
fn a_drive_without_a_medium_and_a_name_that_comes_twice_are_dropped() {
    let stats = DomainStats {
        blocks: vec![
            block("vda", Some(1)),
            block("hda", Some(0)),
            block("vda", Some(9)),
            block("", Some(1)),
        ],
        interfaces: vec![Interface::default()],
        ..DomainStats::default()
    };
    let xml = "<domain><devices><disk type='file' device='cdrom'><target dev='hda' bus='ide'/></disk>\
               </devices></domain>";
    let domain = domain(Some(1), stats, xml);
    assert_eq!(domain.stats.blocks, [block("vda", Some(1))]);
    assert!(domain.stats.interfaces.is_empty());
}

#[test]
fn an_answer_without_hypervisor_numbers_is_that_of_a_busy_domain() {
    let busy = DomainStats {
        blocks: vec![block("vda", None)],
        ..DomainStats::default()
    };
    assert!(busy.lacks_hypervisor_numbers(false));
    let whole = DomainStats {
        blocks: vec![block("vda", Some(0))],
        ..DomainStats::default()
    };
    assert!(!whole.lacks_hypervisor_numbers(false));
    assert!(
        whole.lacks_hypervisor_numbers(true),
        "memory was asked for and is not there"
    );
}

#[test]
fn what_the_kernel_saw_goes_before_what_libvirt_said_and_the_xml_fills_the_rest() {
    let seen = Seen {
        cpu: Some(Cpu {
            time: Some(9),
            ..Cpu::default()
        }),
        rss: 77,
        interfaces: Some(Vec::new()),
        ..Seen::default()
    };
    let listed = Listed {
        id: Some(1),
        state: Some(1),
        description: description(
            "<domain><memory unit='KiB'>8192</memory><currentMemory unit='KiB'>4096</currentMemory>\
             <vcpu placement='static' current='2'>4</vcpu></domain>",
        ),
        ..Listed::named("vm", "u")
    };
    let stats = DomainStats {
        cpu: Cpu {
            time: Some(1),
            ..Cpu::default()
        },
        interfaces: vec![Interface {
            name: "tap0".into(),
            ..Interface::default()
        }],
        vcpus: vec![Vcpu::default()],
        ..DomainStats::default()
    };
    let numbers = Numbers {
        stats,
        ..Numbers::default()
    };
    let stats = Domain::join(&listed, Some(seen), numbers).stats;
    assert_eq!((stats.cpu.time, stats.balloon.rss), (Some(9), Some(77)));
    assert!(stats.interfaces.is_empty());
    assert_eq!(stats.vcpus.len(), 1, "the kernel saw none");
    assert_eq!(
        (stats.balloon.maximum, stats.balloon.current),
        (Some(8192), Some(4096))
    );
    assert_eq!(
        (stats.vcpus_maximum, stats.vcpus_current),
        (Some(4), Some(2))
    );
}

#[test]
fn the_project_is_a_label_only_where_nova_wrote_one() {
    let plain = domain(Some(1), DomainStats::default(), "<domain/>");
    let mut labels = Vec::new();
    plain.identity(&mut labels);
    assert_eq!(labels, [("domain", "vm"), ("uuid", "u")]);
    let xml = "<domain><metadata><i:instance xmlns:i='http://openstack.org/xmlns/libvirt/nova/1.1'><i:owner>\
               <i:project uuid='p1'>demo</i:project></i:owner></i:instance></metadata></domain>";
    let nova = domain(Some(1), DomainStats::default(), xml);
    let mut labels = Vec::new();
    nova.identity(&mut labels);
    assert_eq!(
        labels,
        [("domain", "vm"), ("uuid", "u"), ("project_id", "p1")]
    );
}
