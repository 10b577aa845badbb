//! Tests of the reader on a tree written by hand, as the kernel writes it.

use super::*;
use crate::xml::Description;

const UUID: &str = "11111111-1111-4111-8111-111111111111";

const ALL: Wanted = Wanted {
    cpu: true,
    vcpus: true,
    interfaces: true,
    jobs: true,
    pss: false,
};

/// A domain with one tap, and its process 42 with two vCPUs.
struct Tree {
    dir: tempfile::TempDir,
}

impl Tree {
    fn new() -> Tree {
        let tree = Tree {
            dir: tempfile::tempdir().unwrap(),
        };
        tree.write("42/cmdline", &format!("qemu\0-uuid\0{UUID}\0"));
        tree.stat("S", 100);
        tree.write(
            "42/net/dev",
            "\n\ntap0: 1 2 3 4 5 6 7 8 9 10 11 12 0 0 0 0\n",
        );
        for (thread, comm) in [("42", "qemu"), ("43", "CPU 1/KVM"), ("44", "CPU 0/KVM")] {
            tree.write(&format!("42/task/{thread}/comm"), comm);
            tree.write(
                &format!("42/task/{thread}/schedstat"),
                &format!("{thread}000 7 1\n"),
            );
            tree.write(&format!("42/task/{thread}/stat"), &stat_line("S", 100));
        }
        tree
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn stat(&self, state: &str, started: u64) {
        self.write("42/stat", &stat_line(state, started));
    }

    fn kernel(&self) -> Kernel {
        Kernel {
            ticks_per_second: 100,
            page_size: 4096,
            ..Kernel::new(self.dir.path(), self.dir.path(), ALL)
        }
    }
}

fn stat_line(state: &str, started: u64) -> String {
    format!(
        "42 (qemu) {state} 1 1 1 0 -1 0 0 0 0 0 30 20 0 0 20 0 3 0 {started} 0 250 0 0 0 0 0 0 0 0 0 0 0 0 0 0 5 0 0\n"
    )
}

fn listing(id: Option<u32>, xml: &str) -> Listing {
    let listed = Listed {
        id,
        description: Arc::new(Description::parse(xml).unwrap()),
        ..Listed::named("vm", UUID)
    };
    Listing {
        domains: vec![listed],
        ..Listing::default()
    }
}

const XML: &str = "<domain type='kvm'><devices><interface type='bridge'><target dev='tap0'/></interface></devices></domain>";

#[test]
fn a_running_domain_has_cpu_memory_vcpus_and_taps() {
    let tree = Tree::new();
    let seen = tree
        .kernel()
        .look(&listing(Some(1), XML), Instant::now())
        .remove(0)
        .unwrap();
    let cpu = Cpu {
        time: Some(500_000_000),
        user: Some(300_000_000),
        system: Some(200_000_000),
    };
    assert_eq!(seen.cpu, Some(cpu));
    assert_eq!((seen.rss, seen.pss, seen.is_stopped), (1000, None, false));
    let vcpus: Vec<_> = seen
        .vcpus
        .iter()
        .map(|vcpu| (vcpu.name.as_str(), vcpu.time, vcpu.delay, vcpu.cpu))
        .collect();
    assert_eq!(
        vcpus,
        [
            ("0", Some(44_000), Some(7), Some(5)),
            ("1", Some(43_000), Some(7), Some(5))
        ]
    );
    assert_eq!(seen.interfaces.unwrap()[0].tx_bytes, Some(1));
}

#[test]
fn a_stopped_process_is_told_and_one_that_ended_or_is_another_is_not_there() {
    let tree = Tree::new();
    let mut kernel = tree.kernel();
    let now = Instant::now();
    tree.stat("T", 100);
    assert!(
        kernel
            .look(&listing(Some(1), XML), now)
            .remove(0)
            .unwrap()
            .is_stopped
    );
    tree.stat("S", 999);
    assert_eq!(
        kernel.look(&listing(Some(1), XML), now),
        [None],
        "the PID was given to another"
    );
    assert!(
        kernel.look(&listing(Some(1), XML), now)[0].is_some(),
        "which is looked for anew"
    );
    tree.stat("Z", 999);
    assert_eq!(kernel.look(&listing(Some(1), XML), now), [None]);
}

#[test]
fn an_interface_that_is_no_tap_or_not_here_leaves_all_to_libvirt() {
    let tree = Tree::new();
    for nic in [
        "<interface type='vhostuser'><target dev='tap0'/></interface>",
        "<interface type='bridge'><target dev='tap9'/></interface>",
    ] {
        let xml = format!("<domain type='kvm'><devices>{nic}</devices></domain>");
        let seen = tree
            .kernel()
            .look(&listing(Some(1), &xml), Instant::now())
            .remove(0)
            .unwrap();
        assert_eq!(seen.interfaces, None, "{nic}");
    }
    let none = "<domain type='kvm'/>";
    let seen = tree
        .kernel()
        .look(&listing(Some(1), none), Instant::now())
        .remove(0)
        .unwrap();
    assert_eq!(seen.interfaces, Some(Vec::new()));
}

#[test]
fn domains_without_a_process_are_looked_for_again_after_a_while_and_not_each_time() {
    let tree = Tree::new();
    let mut kernel = tree.kernel();
    let now = Instant::now();
    tree.write("42/cmdline", "libvirtd\0");
    assert_eq!(kernel.look(&listing(Some(1), XML), now), [None]);
    tree.write("42/cmdline", &format!("qemu\0-uuid\0{UUID}\0"));
    assert_eq!(kernel.look(&listing(Some(1), XML), now), [None]);
    assert!(
        kernel.look(&listing(Some(2), XML), now)[0].is_some(),
        "another id is another process"
    );
    assert_eq!(kernel.look(&listing(None, XML), now), [None], "shut off");
    let mut kernel = tree.kernel();
    tree.write("42/cmdline", "");
    kernel.look(&listing(Some(1), XML), now);
    tree.write("42/cmdline", &format!("qemu\0-uuid\0{UUID}\0"));
    assert!(kernel.look(&listing(Some(1), XML), now + SEARCH_AGAIN)[0].is_some());
}

#[test]
fn what_is_not_wanted_is_not_looked_at() {
    let tree = Tree::new();
    let mut kernel = tree.kernel();
    kernel.wanted = Wanted::default();
    let seen = kernel
        .look(&listing(Some(1), XML), Instant::now())
        .remove(0);
    let nothing = Seen {
        rss: 1000,
        ..Seen::default()
    };
    assert_eq!(seen, Some(nothing));
}

#[test]
fn a_thread_that_migrates_is_a_job_as_long_as_it_is_there() {
    let tree = Tree::new();
    let mut kernel = tree.kernel();
    let mut has_job = || {
        let seen = kernel
            .look(&listing(Some(1), XML), Instant::now())
            .remove(0);
        seen.unwrap().has_job
    };
    assert!(!has_job());
    tree.write("42/task/45/comm", "live_migration\n");
    assert!(has_job() && has_job());
    std::fs::remove_dir_all(tree.dir.path().join("42/task/45")).unwrap();
    assert!(!has_job());
}

#[test]
fn waits_are_read_only_where_the_kernel_counts_them() {
    let tree = Tree::new();
    tree.write("42/task/44/sched", "wait_sum : 5.000001\n");
    let mut kernel = tree.kernel();
    let mut wait = || {
        let seen = kernel
            .look(&listing(Some(1), XML), Instant::now())
            .remove(0);
        seen.unwrap().vcpus[0].wait
    };
    assert_eq!(wait(), Some(0));
    tree.write("sys/kernel/sched_schedstats", "1\n");
    assert_eq!(wait(), Some(5_000_001));
}
