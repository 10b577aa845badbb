//! A snapshot made by hand: one instance with everything that there is, one domain with nothing, one that is shut off, one
//! that libvirt skipped.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::domain::{Domain, Numbers, Snapshot};
use crate::guests::Agent;
use crate::guests::info::{Filesystem, GuestInfo};
use crate::listing::{Listed, Versions};
use crate::params::{Value, domain_stats};
use crate::pools::{Sizes, StoragePool};
use crate::stats::Job;
use crate::xml::Description;

const INSTANCE: &str = r#"<domain type='kvm' id='7'>
  <metadata><nova:instance xmlns:nova="http://openstack.org/xmlns/libvirt/nova/1.1">
    <nova:name>shop "1" \ 云</nova:name>
    <nova:creationTime>2026-01-01 00:00:00</nova:creationTime>
    <nova:flavor name="m1.small" id="f-1"><nova:memory>2048</nova:memory><nova:disk>20</nova:disk>
      <nova:swap>512</nova:swap><nova:ephemeral>5</nova:ephemeral><nova:vcpus>2</nova:vcpus></nova:flavor>
    <nova:owner><nova:user uuid="u-1">demo</nova:user><nova:project uuid="p-1">shop</nova:project></nova:owner>
    <nova:root type="image" uuid="i-1"/>
  </nova:instance></metadata>
  <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>
  <devices>
    <disk type='network' device='disk'><driver name='qemu' type='raw' cache='none' discard='unmap'/>
      <source protocol='rbd' name='volumes/volume-1'/><target dev='vda' bus='virtio'/><serial>v-1</serial>
      <iotune><total_bytes_sec>157286400</total_bytes_sec><total_bytes_sec_max>2000</total_bytes_sec_max>
        <total_bytes_sec_max_length>60</total_bytes_sec_max_length><write_bytes_sec>1000</write_bytes_sec>
        <write_bytes_sec_max>2000</write_bytes_sec_max>
        <write_bytes_sec_max_length>60</write_bytes_sec_max_length><read_bytes_sec>1000</read_bytes_sec>
        <read_bytes_sec_max>2000</read_bytes_sec_max><read_bytes_sec_max_length>60</read_bytes_sec_max_length>
        <total_iops_sec>1000</total_iops_sec><total_iops_sec_max>2000</total_iops_sec_max>
        <total_iops_sec_max_length>60</total_iops_sec_max_length><write_iops_sec>1000</write_iops_sec>
        <write_iops_sec_max>2000</write_iops_sec_max><write_iops_sec_max_length>60</write_iops_sec_max_length>
        <read_iops_sec>640</read_iops_sec><read_iops_sec_max>2000</read_iops_sec_max>
        <read_iops_sec_max_length>60</read_iops_sec_max_length><size_iops_sec>4096</size_iops_sec></iotune></disk>
    <disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file='/images/config.iso'/>
      <target dev='hda' bus='ide'/></disk>
    <disk type='file' device='cdrom'><target dev='hdb' bus='ide'/></disk>
    <interface type='bridge'><mac address='fa:16:3e:00:00:01'/><source bridge='br-int'/><target dev='tap0'/>
      <virtualport type='openvswitch'><parameters interfaceid='port-1'/></virtualport><model type='virtio'/>
      <mtu size='1450'/></interface>
    <memballoon model='virtio'><stats period='10'/></memballoon>
  </devices></domain>"#;

const PLAIN: &str =
    "<domain type='qemu'><os><type arch='x86_64' machine='pc'>hvm</type></os></domain>";

const BUSY: &str = "<domain type='kvm'><devices><disk type='file' device='disk'><source file='/images/b.raw'/>\
                    <target dev='vda' bus='virtio'/></disk></devices></domain>";

/// Parameters as `virsh domstats` prints them.
fn domain(name: &str, uuid: &str, id: Option<u32>, xml: &str, domstats: &str) -> Domain {
    let params = domstats.split_whitespace().map(|param| {
        let (name, value) = param.split_once('=').unwrap();
        let value = match value.parse() {
            Ok(number) => Value::Unsigned(number),
            Err(_) => Value::Text(value.into()),
        };
        (Cow::from(name), value)
    });
    let description = Arc::new(Description::parse(xml).unwrap());
    let mut stats = domain_stats(params);
    // One that migrates.
    stats.job = (id == Some(7)).then_some(Job {
        kind: 2,
        time_elapsed: Some(1500),
        time_remaining: Some(2500),
        data: [Some(300), Some(200), Some(100)],
        memory: [Some(30), Some(20), Some(10)],
        file: [Some(270), Some(180), Some(90)],
    });
    stats.pss = (id == Some(7)).then_some(250_000);
    if let Some(vcpu) = stats.vcpus.first_mut() {
        vcpu.cpu = Some(3);
    }
    let listed = Listed {
        id,
        state: stats.state,
        reason: stats.reason,
        description,
        ..Listed::named(name, uuid)
    };
    let is_stuck = name == "busy";
    let numbers = Numbers {
        stats,
        age: id.map(|_| Duration::from_secs(if is_stuck { 30 } else { 0 })),
        is_skipped: is_stuck,
        is_stuck,
    };
    let mut domain = Domain::join(&listed, None, numbers);
    if id == Some(7) {
        domain.agent = Some(agent());
        domain.agent_age = Some(Duration::from_secs(20));
    }
    domain
}

/// An agent that offers everything.
fn agent() -> Agent {
    let text = |text: &str| text.to_owned();
    let info = GuestInfo {
        os: [
            ("id", "debian"),
            ("name", "Debian GNU/Linux"),
            ("pretty-name", "Debian GNU/Linux 12"),
            ("version-id", "12"),
            ("kernel-release", "6.1.0"),
        ]
        .map(|(key, value)| (text(key), text(value)))
        .into(),
        hostname: text("web-1"),
        users: Some(2),
        load: [Some(0.5), Some(0.25), Some(0.125)],
        filesystems: vec![Filesystem {
            mountpoint: text("/data \"云\""),
            fstype: text("ext4"),
            device: text("vda1"),
            disk: text("vda"),
            size: Some(1000),
            used: Some(400),
        }],
        disks: Some(3),
    };
    Agent {
        is_up: true,
        latency: Some(Duration::from_millis(5)),
        answer: Some((Instant::now(), Arc::new(info))),
    }
}

pub(super) fn snapshot() -> Snapshot {
    let instance = "state.state=1 state.reason=1 cpu.time=12500000000 cpu.user=8000000000 cpu.system=4500000000 \
        balloon.current=2097152 balloon.maximum=4194304 balloon.swap_in=4 balloon.swap_out=8 balloon.major_fault=15 \
        balloon.minor_fault=16 balloon.unused=1000000 balloon.available=2000000 balloon.usable=1500000 \
        balloon.last-update=1767225595 balloon.disk_caches=300000 balloon.hugetlb_pgalloc=23 \
        balloon.hugetlb_pgfail=42 balloon.rss=500000 vcpu.current=2 vcpu.maximum=4 vcpu.0.state=1 \
        vcpu.0.time=6000000000 vcpu.0.wait=0 vcpu.0.delay=250000000 vcpu.1.state=0 vcpu.1.time=1 net.count=1 \
        net.0.name=tap0 net.0.rx.bytes=1000 net.0.rx.pkts=10 net.0.rx.errs=1 net.0.rx.drop=2 net.0.tx.bytes=2000 \
        net.0.tx.pkts=20 net.0.tx.errs=3 net.0.tx.drop=4 block.count=3 block.0.name=vda block.0.rd.reqs=100 \
        block.0.rd.bytes=409600 block.0.rd.times=1500000000 block.0.wr.reqs=50 block.0.wr.bytes=204800 \
        block.0.wr.times=500000000 block.0.fl.reqs=7 block.0.fl.times=70000000 block.0.allocation=1073741824 \
        block.0.capacity=21474836480 block.0.physical=18446744073709551615 block.1.name=hda \
        block.1.path=/images/config.iso block.1.rd.reqs=5 block.1.physical=487424 block.1.capacity=487424 block.2.name=hdb block.2.rd.reqs=0 \
        iothread.count=1 iothread.1.poll-max-ns=32768 iothread.1.poll-grow=4 iothread.1.poll-shrink=0 \
        perf.cmt=1048576 perf.mbmt=300 perf.mbml=200 perf.cpu_clock=2500000000 perf.task_clock=1500000000 \
        perf.cpu_cycles=7 perf.page_faults=3 dirtyrate.calc_status=2 dirtyrate.calc_start_time=100 \
        dirtyrate.calc_period=1 dirtyrate.megabytes_per_second=5 dirtyrate.vcpu.0.megabytes_per_second=4 \
        vm.remote_tlb_flush.sum=9 vm.pages_2m.cur=12";
    let off = "state.state=5 state.reason=2 cpu.time=200000000 balloon.current=8192 balloon.maximum=8192 \
        vcpu.current=1 vcpu.maximum=1 block.count=0";
    let busy = "state.state=1 state.reason=5 cpu.time=1000000000 balloon.current=8192 balloon.maximum=8192 \
        vcpu.current=1 vcpu.maximum=1 block.count=1 block.0.name=vda block.0.path=/images/b.raw";
    Snapshot {
        taken_at: 1_767_225_600.0,
        versions: Versions::default(),
        pools: vec![
            StoragePool {
                name: "default \"1\"".into(),
                state: Some(2),
                sizes: Some(Sizes {
                    capacity: 1000,
                    allocation: 400,
                    available: 600,
                }),
            },
            StoragePool {
                name: "off".into(),
                state: Some(0),
                sizes: None,
            },
            StoragePool::unknown("late".into()),
        ],
        domains: vec![
            domain(
                "instance-00000001",
                "11111111-1111-4111-8111-111111111111",
                Some(7),
                INSTANCE,
                instance,
            ),
            domain(
                "bare",
                "22222222-2222-4222-8222-222222222222",
                Some(8),
                "<domain/>",
                "",
            ),
            domain(
                "it's \"off\" 云",
                "33333333-3333-4333-8333-333333333333",
                None,
                PLAIN,
                off,
            ),
            domain(
                "busy",
                "44444444-4444-4444-8444-444444444444",
                Some(9),
                BUSY,
                busy,
            ),
        ],
    }
}
