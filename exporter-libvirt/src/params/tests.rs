//! Typed parameters as libvirt writes them, and what is read from each.

use super::*;

fn number(name: &str, value: u64) -> (Cow<'_, str>, Value<'_>) {
    (name.into(), Value::Unsigned(value))
}

fn text<'a>(name: &'a str, value: &'a str) -> (Cow<'a, str>, Value<'a>) {
    (name.into(), Value::Text(value.into()))
}

#[test]
fn every_group_of_a_running_domain_is_read() {
    let stats = domain_stats([
        ("state.state".into(), Value::Signed(1)),
        ("state.reason".into(), Value::Signed(5)),
        number("cpu.time", 3_000_000_000),
        number("cpu.user", 1),
        number("cpu.system", 2),
        number("cpu.cache.monitor.count", 0),
        number("balloon.current", 16384),
        number("balloon.last-update", 1_700_000_000),
        number("vcpu.current", 2),
        number("vcpu.maximum", 4),
        ("vcpu.0.state".into(), Value::Signed(1)),
        number("vcpu.0.time", 7),
        number("vcpu.10.wait", 8),
        number("net.count", 2),
        text("net.1.name", "tap0"),
        number("net.1.tx.drop", 3),
        number("block.count", 1),
        text("block.0.name", "vda"),
        text("block.0.path", "/images/云.qcow2"),
        number("block.0.fl.times", 12),
    ]);
    assert_eq!((stats.state, stats.reason), (Some(1), Some(5)));
    assert_eq!(stats.cpu.time, Some(3_000_000_000));
    assert_eq!(stats.balloon.last_update, Some(1_700_000_000));
    assert_eq!(
        (stats.vcpus_current, stats.vcpus_maximum),
        (Some(2), Some(4))
    );
    let names: Vec<_> = stats.vcpus.iter().map(|v| v.name.as_str()).collect();
    assert_eq!(names, ["0", "10"]);
    assert_eq!(stats.vcpus[1].wait, Some(8));
    assert_eq!(stats.interfaces[0].name, "tap0");
    assert_eq!(stats.interfaces[0].tx_drop, Some(3));
    assert_eq!(stats.blocks[0].path.as_deref(), Some("/images/云.qcow2"));
    assert_eq!(stats.blocks[0].fl_times, Some(12));
}

#[test]
fn the_groups_that_are_off_by_default_are_read_where_libvirt_has_them() {
    let stats = domain_stats([
        number("iothread.count", 1),
        number("iothread.3.poll-max-ns", 32_768),
        number("iothread.3.poll-grow", 0),
        number("perf.cpu_cycles", 7),
        ("dirtyrate.calc_status".into(), Value::Signed(2)),
        ("dirtyrate.calc_start_time".into(), Value::Signed(100)),
        ("dirtyrate.calc_period".into(), Value::Signed(1)),
        ("dirtyrate.megabytes_per_second".into(), Value::Signed(5)),
        text("dirtyrate.calc_mode", "dirty-ring"),
        number("dirtyrate.vcpu.1.megabytes_per_second", 4),
        number("vm.remote_tlb_flush.sum", 9),
        number("vm.pages_2m.cur", 12),
    ]);
    let extras = stats.extras.unwrap();
    let thread = IoThread {
        name: "3".into(),
        poll_max: Some(32_768),
        poll_grow: Some(0),
        poll_shrink: None,
    };
    assert_eq!(extras.iothreads, [thread]);
    assert_eq!(extras.perf, [("cpu_cycles".into(), 7)]);
    let rate = &extras.dirty_rate;
    assert_eq!((rate.status, rate.started), (Some(2), Some(100)));
    assert_eq!((rate.period, rate.rate), (Some(1), Some(5)));
    assert_eq!(rate.vcpus, [("1".into(), 4)]);
    let vm: Vec<_> = extras
        .vm
        .iter()
        .map(|it| (it.name.as_str(), it.is_sum, it.value))
        .collect();
    assert_eq!(vm, [("remote_tlb_flush", true, 9), ("pages_2m", false, 12)]);
    assert_eq!(domain_stats([number("iothread.count", 0)]).extras, None);
}

#[test]
fn marks_of_the_unknown_are_absent_and_not_numbers() {
    let stats = domain_stats([
        number("balloon.usable", u64::MAX),
        number("balloon.last-update", 0),
        ("vcpu.0.time".into(), Value::Signed(-1)),
        number("block.0.capacity", u64::MAX),
        text("block.0.physical", "12"),
    ]);
    assert_eq!(stats.balloon.usable, None);
    assert_eq!(stats.balloon.last_update, None);
    assert_eq!(stats.vcpus[0].time, None);
    assert_eq!(stats.blocks[0].capacity, None);
    assert_eq!(stats.blocks[0].physical, None);
}

#[test]
fn names_of_no_known_shape_are_skipped() {
    let stats = domain_stats([
        number("state", 1),
        number("", 1),
        number("block.x.rd.bytes", 1),
        number("block.0", 1),
        number("dirtyrate.other", 1),
        number("net.4294967296.rx.bytes", 1),
    ]);
    assert_eq!(stats, DomainStats::default());
}

proptest::proptest! {
    #[test]
    fn no_name_and_no_number_makes_it_panic(name in "(state|cpu|vcpu|net|block)?[.0-9a-z]{0,12}", value: u64) {
        let _ = domain_stats([number(&name, value)]);
    }
}
