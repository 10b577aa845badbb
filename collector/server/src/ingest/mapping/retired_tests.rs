//! Meters that Ceilometer published once and that older pages ask for: rates of counters and sums of disks.

use std::time::{Duration, Instant};

use super::tests::{UUID, samples, shipped, target, value};
use super::*;

/// What the mapping makes of the second of two scrapes, ten seconds after the first.
fn second<'m>(mapping: &'m Mapping, first: &str, then: &str) -> Vec<MappedResource<'m>> {
    let (mut rates, start) = (Rates::default(), Instant::now());
    rates.note(mapping, &mut samples(first), start);
    let mut then = samples(then);
    rates.note(mapping, &mut then, start + Duration::from_secs(10));
    mapping.apply(&then, &target())
}

/// A line of a domain's series.
fn line(series: &str, labels: &str, value: f64) -> String {
    format!("libvirt_domain_{series}{{domain=\"i\",uuid=\"{UUID}\"{labels}}} {value}\n")
}

/// Two vCPUs that have run and waited that long, seconds.
fn vcpus(ran: [f64; 2], waited: f64) -> String {
    line("vcpu_current", "", 2.0)
        + &line("vcpu_time_seconds_total", ",vcpu=\"0\"", ran[0])
        + &line("vcpu_time_seconds_total", ",vcpu=\"1\"", ran[1])
        + &line("vcpu_wait_seconds_total", ",vcpu=\"0\"", waited)
        + &line("vcpu_wait_seconds_total", ",vcpu=\"1\"", 0.0)
}

fn cpu_util(first: &str, then: &str) -> Option<f64> {
    let mapping = shipped();
    let resources = second(&mapping, first, then);
    value(&resources[0], "cpu_util")
}

#[test]
fn cpu_util_is_the_share_of_all_vcpus_in_percent() {
    let first = vcpus([100.0, 50.0], 1.0);
    // 3 + 1 + 1 of 20 s.
    let used = cpu_util(&first, &vcpus([103.0, 51.0], 2.0)).unwrap();
    assert!((used - 25.0).abs() < 1e-9, "{used}");
    let idle = cpu_util(&first, &first);
    assert_eq!(idle, Some(0.0));
    // The clock of the scrapes may say less than that of the CPU.
    assert_eq!(cpu_util(&first, &vcpus([111.0, 61.0], 1.0)), Some(100.0));
    // Another process: it has used no less than it has now.
    let restarted = cpu_util(&first, &vcpus([4.0, 1.0], 0.0)).unwrap();
    assert!((restarted - 25.0).abs() < 1e-9, "{restarted}");
}

#[test]
fn cpu_util_is_of_the_process_where_vcpus_are_out_of_sight() {
    let process = |seconds| {
        line("info_virtual_cpus", "", 4.0) + &line("info_cpu_time_seconds_total", "", seconds)
    };
    assert_eq!(cpu_util(&process(100.0), &process(110.0)), Some(25.0));
    let uncounted = |seconds| line("info_cpu_time_seconds_total", "", seconds);
    assert_eq!(cpu_util(&uncounted(100.0), &uncounted(110.0)), None);
}

#[test]
fn disks_and_interfaces_have_rates_and_the_instance_the_sum_of_its_disks() {
    let mapping = shipped();
    let text = |vda: f64, vdb: f64, received: f64| {
        let read = "block_stats_read_bytes_total";
        line(read, ",target_device=\"vda\"", vda)
            + &line(read, ",target_device=\"vdb\"", vdb)
            + &line(
                "interface_stats_receive_packets_total",
                ",target_device=\"tap0\"",
                received,
            )
    };
    let resources = second(
        &mapping,
        &text(1000.0, 500.0, 7.0),
        &text(1100.0, 900.0, 37.0),
    );
    let values = resources.iter().flat_map(|resource| {
        let metrics = resource.metrics.iter();
        metrics.map(|m| {
            (
                resource.original_id.rsplit('-').next().unwrap(),
                m.name,
                m.value,
                m.unit,
            )
        })
    });
    let instance = UUID.rsplit('-').next().unwrap();
    let expected = [
        (instance, "disk.read.bytes", 2000.0, "B"),
        (instance, "disk.read.bytes.rate", 50.0, "B/s"),
        ("vda", "disk.device.read.bytes", 1100.0, "B"),
        ("vda", "disk.device.read.bytes.rate", 10.0, "B/s"),
        ("vdb", "disk.device.read.bytes", 900.0, "B"),
        ("vdb", "disk.device.read.bytes.rate", 40.0, "B/s"),
        ("tap0", "network.incoming.packets", 37.0, "packet"),
        ("tap0", "network.incoming.packets.rate", 3.0, "packet/s"),
    ];
    assert_eq!(values.collect::<Vec<_>>(), expected);
}

#[test]
fn a_disk_that_comes_or_goes_makes_no_jump_in_the_instances_rate() {
    let mapping = shipped();
    let read = |disk: &str, bytes: f64| {
        line(
            "block_stats_read_bytes_total",
            &format!(",target_device=\"{disk}\""),
            bytes,
        )
    };
    let rate =
        |first: &str, then: &str| value(&second(&mapping, first, then)[0], "disk.read.bytes.rate");
    let (one, two) = (read("vda", 100.0), read("vdb", 1e12));
    assert_eq!(rate(&one, &(read("vda", 150.0) + &two)), Some(5.0));
    assert_eq!(rate(&(one + &two), &read("vda", 150.0)), Some(5.0));
}

#[test]
fn a_hosts_cpu_util_is_what_is_not_idle() {
    let mapping = shipped();
    let cpus = |idle: f64, user: f64| {
        format!(
            "node_cpu_seconds_total{{cpu=\"0\",mode=\"idle\"}} {idle}\nnode_cpu_seconds_total{{cpu=\"0\",mode=\"user\"}} {user}\n"
        )
    };
    let resources = second(&mapping, &cpus(100.0, 10.0), &cpus(106.0, 12.0));
    assert_eq!(value(&resources[0], "hardware.cpu.util"), Some(25.0));
}

#[test]
fn all_of_them_may_be_left_out() {
    let config = ScrapeConfig {
        retired_meters: false,
        ..ScrapeConfig::default()
    };
    let (lean, full) = (Mapping::load(&config).unwrap(), shipped());
    let names = |mapping: &Mapping| {
        let rules = mapping.rules.iter();
        let names = rules.flat_map(|rule| rule.metrics.iter().map(|m| m.name.clone()));
        names.collect::<Vec<_>>()
    };
    let (lean, full) = (names(&lean), names(&full));
    let retired: Vec<_> = full.iter().filter(|name| !lean.contains(name)).collect();
    assert_eq!(retired.len(), 20, "{retired:?}");
    assert!(retired.iter().all(|name| {
        *name == "cpu_util" || name.ends_with(".rate") || name.starts_with("disk.")
    }));
    assert!(lean.iter().any(|name| name == "disk.root.size"));
}
