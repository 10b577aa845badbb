//! The shipped mapping on scrapes, and mapping files that are not usable.

use std::collections::BTreeMap;

use super::*;

/// Reads samples from exposition text, as a scrape does.
pub(super) fn samples(text: &str) -> Samples<'_> {
    crate::ingest::samples::plain(text)
}

/// The mapping as shipped.
pub(super) fn shipped() -> Mapping {
    Mapping::load(&ScrapeConfig::default()).unwrap()
}

pub(super) const UUID: &str = "6f2cc1a3-2b0e-4c53-9f3b-6a1f1a2d3c4e";

pub(super) fn target() -> Labels {
    [("host", "compute-1"), ("instance", "compute-1:9177")]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .into()
}

pub(super) fn value(resource: &MappedResource<'_>, metric: &str) -> Option<f64> {
    let mut metrics = resource.metrics.iter();
    metrics.find(|m| m.name == metric).map(|m| m.value)
}

#[test]
fn a_domain_becomes_ceilometers_instance_disk_and_interface() {
    let text = format!(
        r#"libvirt_domain_openstack_info{{domain="instance-00000001",uuid="{UUID}",instance_name="web",project_id="p1",user_id="u1",flavor_name="m1.small",image_id="i1"}} 1
libvirt_domain_info_cpu_time_seconds_total{{domain="instance-00000001",uuid="{UUID}"}} 12.5
libvirt_domain_block_stats_read_bytes_total{{domain="instance-00000001",uuid="{UUID}",target_device="vda"}} 4096
libvirt_domain_interface_stats_receive_bytes_total{{domain="instance-00000001",uuid="{UUID}",target_device="tap0"}} 77
"#
    );
    let mapping = shipped();
    let samples = samples(&text);
    let resources = mapping.apply(&samples, &target());
    let ids: Vec<_> = resources
        .iter()
        .map(|r| (r.resource_type, r.original_id.as_str()))
        .collect();
    assert_eq!(
        ids,
        [
            ("instance", UUID),
            ("instance_disk", &format!("{UUID}-vda")),
            (
                "instance_network_interface",
                &format!("instance-00000001-{UUID}-tap0")
            ),
        ]
    );
    let instance = &resources[0];
    assert_eq!(instance.project_id.as_deref(), Some("p1"));
    assert_eq!(instance.attributes["display_name"], "web");
    assert_eq!(instance.attributes["host"], "compute-1");
    assert_eq!(value(instance, "cpu"), Some(12.5e9));
    assert_eq!(resources[1].attributes["instance_id"], UUID);
    assert_eq!(value(&resources[1], "disk.device.read.bytes"), Some(4096.0));
    assert_eq!(value(&resources[2], "network.incoming.bytes"), Some(77.0));
}

#[test]
fn a_domain_that_openstack_does_not_know_is_called_by_its_libvirt_name() {
    let text = format!(
        r#"libvirt_domain_info_vstate{{domain="plain",uuid="{UUID}"}} 1
"#
    );
    let mapping = shipped();
    let samples = samples(&text);
    let resources = mapping.apply(&samples, &target());
    assert_eq!(resources[0].attributes["display_name"], "plain");
    assert_eq!(resources[0].project_id, None);
}

#[test]
fn the_first_sum_whose_series_are_all_there_is_taken() {
    let mapping = shipped();
    let memory = |extra: &str| {
        let text = format!(
            "libvirt_domain_memory_stats_available_bytes{{uuid=\"{UUID}\",domain=\"a\"}} 4194304\n{extra}"
        );
        let samples = samples(&text);
        let resources = mapping.apply(&samples, &target());
        resources.first().and_then(|r| value(r, "memory.usage"))
    };
    let series = |name: &str, bytes: u64| {
        format!(
            "libvirt_domain_memory_stats_{name}_bytes{{uuid=\"{UUID}\",domain=\"a\"}} {bytes}\n"
        )
    };
    assert_eq!(memory(""), None, "no used without either of the two");
    assert_eq!(memory(&series("unused", 1 << 20)), Some(3.0));
    let both = series("unused", 1 << 20) + &series("usable", 3 << 20);
    assert_eq!(memory(&both), Some(1.0), "usable goes before unused");
}

#[test]
fn several_cpus_add_up_and_a_file_system_mounted_twice_does_not() {
    let text = r#"node_cpu_seconds_total{cpu="0",mode="idle"} 10
node_cpu_seconds_total{cpu="1",mode="idle"} 5
node_cpu_seconds_total{cpu="1",mode="user"} 100
node_filesystem_size_bytes{device="/dev/vda1",mountpoint="/"} 2048
node_filesystem_size_bytes{device="/dev/vda1",mountpoint="/mnt"} 2048
node_filesystem_size_bytes{device="tmpfs",mountpoint="/run"} 512
"#;
    let mapping = shipped();
    let samples = samples(text);
    let resources = mapping.apply(&samples, &target());
    let host = resources
        .iter()
        .find(|r| r.resource_type == "host")
        .unwrap();
    assert_eq!(host.original_id, "compute-1");
    assert_eq!(value(host, "hardware.cpu.idle"), Some(1500.0));
    let disks: Vec<_> = resources
        .iter()
        .filter(|r| r.resource_type == "host_disk")
        .collect();
    assert_eq!(disks.len(), 1);
    assert_eq!(disks[0].original_id, "compute-1._dev_vda1");
    assert_eq!(value(disks[0], "hardware.disk.size.total"), Some(2.0));
}

#[test]
fn a_device_asked_by_snmp_becomes_what_ceilometer_central_made_of_it() {
    let text = r#"laLoadFloat{target="10.0.0.1",laIndex="1",laNames="Load-1"} 0.5
laLoadFloat{target="10.0.0.1",laIndex="3",laNames="Load-15"} 0.25
ssCpuIdle{target="10.0.0.1"} 93
ssCpuRawUser{target="10.0.0.1"} 4711
memTotalReal{target="10.0.0.1"} 2048
memAvailReal{target="10.0.0.1"} 512
dskTotal{target="10.0.0.1",dskIndex="1",dskDevice="/dev/sda1",dskPath="/"} 4096
diskIONReadX{target="10.0.0.1",diskIOIndex="1",diskIODevice="sda"} 77
ifInOctets{target="10.0.0.1",ifIndex="2",ifDescr="eth0"} 1500
ipInReceives 3
"#;
    let mapping = shipped();
    let samples = samples(text);
    let resources = mapping.apply(&samples, &target());
    let of = |kind: &str, id: &str| {
        let mut resources = resources.iter();
        resources.find(|r| r.resource_type == kind && r.original_id == id)
    };
    let host = of("host", "10.0.0.1").unwrap();
    assert_eq!(host.attributes["host_name"], "10.0.0.1");
    for (metric, expected) in [
        ("hardware.cpu.load.1min", Some(0.5)),
        ("hardware.cpu.load.5min", None),
        ("hardware.cpu.load.15min", Some(0.25)),
        ("hardware.cpu.util", Some(7.0)),
        ("hardware.cpu.user", Some(4711.0)),
        ("hardware.memory.used", Some(1536.0)),
    ] {
        assert_eq!(value(host, metric), expected, "{metric}");
    }
    let disk = of("host_disk", "10.0.0.1._dev_sda1").unwrap();
    assert_eq!(value(disk, "hardware.disk.size.total"), Some(4096.0));
    let device = of("host_disk", "10.0.0.1.sda").unwrap();
    assert_eq!(value(device, "hardware.disk.read.bytes"), Some(77.0));
    let interface = of("host_network_interface", "10.0.0.1.eth0").unwrap();
    assert_eq!(interface.attributes["device_name"], "eth0");
    // Asked through the collector's own target, it is called as that is.
    let own = of("host", "compute-1").unwrap();
    assert_eq!(
        value(own, "hardware.network.ip.incoming.datagrams"),
        Some(3.0)
    );
}

/// Capacity, allocation and usage of a disk of these types, of which libvirt tells these numbers.
fn sizes(disk_type: &str, driver_type: &str, told: [u64; 3]) -> [Option<f64>; 3] {
    let labels = format!("{{uuid=\"{UUID}\",domain=\"a\",target_device=\"vda\"");
    let series = ["capacity_bytes", "allocation", "physicalsize_bytes"];
    let lines = series.iter().zip(told);
    let lines =
        lines.map(|(name, bytes)| format!("libvirt_domain_block_stats_{name}{labels}}} {bytes}\n"));
    let text = lines.collect::<String>()
        + &format!(
            "libvirt_domain_block_stats_info{labels},disk_type=\"{disk_type}\",driver_type=\"{driver_type}\"}} 1\n"
        );
    let (mapping, samples) = (shipped(), samples(&text));
    let resources = mapping.apply(&samples, &target());
    let mut disks = resources
        .iter()
        .filter(|r| r.resource_type == "instance_disk");
    let disk = disks.next().unwrap();
    ["capacity", "allocation", "usage"].map(|size| value(disk, &format!("disk.device.{size}")))
}

#[test]
fn sizes_of_a_disk_are_those_of_libvirts_block_info() {
    // Written on, so that the third number is what the file occupies and the second how far it has been written.
    let growing = sizes("file", "qcow2", [64 << 20, 3_080_192, 3_022_848]);
    assert_eq!(growing, [67_108_864.0, 3_022_848.0, 3_080_192.0].map(Some));
    let sparse = sizes("file", "raw", [32 << 20, 0, 3 << 20]);
    assert_eq!(sparse, [33_554_432.0, 3_145_728.0, 33_554_432.0].map(Some));
    let full = sizes("file", "qcow2", [16 << 20, 17_104_896, 17_043_456]);
    assert_eq!(full, [17_104_896.0, 17_043_456.0, 17_104_896.0].map(Some));
    let volume = sizes("block", "raw", [24 << 20, 5 << 20, 24 << 20]);
    assert_eq!(volume, [25_165_824.0, 5_242_880.0, 25_165_824.0].map(Some));
    let image_on_volume = sizes("block", "qcow2", [8 << 20, 0, 24 << 20]);
    assert_eq!(image_on_volume, [25_165_824.0, 0.0, 25_165_824.0].map(Some));
}

#[test]
fn of_series_with_the_same_labels_the_first_is_taken() {
    let text = format!(
        "libvirt_domain_block_stats_physicalsize_bytes{{uuid=\"{UUID}\",target_device=\"vda\"}} 7\n\
         libvirt_domain_block_stats_allocation{{uuid=\"{UUID}\",target_device=\"vda\"}} 100\n\
         libvirt_domain_block_stats_allocation{{uuid=\"{UUID}\",target_device=\"vdb\"}} 1000\n\
         libvirt_domain_block_stats_info{{uuid=\"{UUID}\",target_device=\"vda\",disk_type=\"file\"}} 1\n"
    );
    let (mapping, samples) = (shipped(), samples(&text));
    let resources = mapping.apply(&samples, &target());
    assert_eq!(value(&resources[0], "disk.allocation"), Some(1007.0));
}

/// Archive policies of Ceilometer 19's meters, by resource type and meter.
fn ceilometers_policies() -> BTreeMap<(String, String), String> {
    let text = include_str!("../../../gnocchi_resources.yaml");
    let file: serde_json::Value = serde_saphyr::from_str(text).unwrap();
    let mut policies = BTreeMap::new();
    for resource in file["resources"].as_array().unwrap() {
        for (meter, options) in resource["metrics"].as_object().into_iter().flatten() {
            let policy = &options["archive_policy_name"];
            let policy = policy.as_str().unwrap_or("ceilometer-low").to_owned();
            let kind = resource["resource_type"].as_str().unwrap();
            policies.insert((kind.to_owned(), meter.clone()), policy);
        }
    }
    policies
}

#[test]
fn the_shipped_archive_policies_are_those_that_ceilometer_assigns() {
    let (shipped, ceilometers) = (shipped(), ceilometers_policies());
    let mut compared = 0;
    for rule in &shipped.rules {
        for metric in &rule.metrics {
            let key = (rule.resource_type.clone(), metric.name.clone());
            if let Some(policy) = ceilometers.get(&key) {
                assert_eq!(&metric.archive_policy, policy, "{key:?}");
                compared += 1;
            }
        }
    }
    assert_eq!(
        compared, 36,
        "all of the compute agent, of notifications, and three that it retired"
    );
}

#[test]
fn other_archive_policies_stand_in_the_place_of_the_files() {
    let archive_policies = [("ceilometer-low-rate", "high-rate")];
    let archive_policies = archive_policies.map(|(from, to)| (from.to_owned(), to.to_owned()));
    let config = ScrapeConfig {
        archive_policies: archive_policies.into(),
        ..ScrapeConfig::default()
    };
    let mapping = Mapping::load(&config).unwrap();
    let text = format!(
        "libvirt_domain_info_cpu_time_seconds_total{{uuid=\"{UUID}\",domain=\"a\"}} 1\nlibvirt_domain_info_vstate{{uuid=\"{UUID}\",domain=\"a\"}} 1\n"
    );
    let resources = mapping.apply(&samples(&text), &target());
    let policies = resources[0]
        .metrics
        .iter()
        .map(|m| (m.name, m.archive_policy));
    let expected = [("cpu", "high-rate"), ("power.state", "ceilometer-low")];
    assert_eq!(policies.collect::<Vec<_>>(), expected);
}

#[test]
fn only_series_that_a_rule_asks_for_are_wanted() {
    let mapping = shipped();
    assert!(mapping.wants("node_load1") && mapping.wants("libvirt_domain_openstack_info"));
    assert!(!mapping.wants("go_goroutines"));
}

#[test]
fn a_mapping_file_that_is_wrong_is_refused_with_the_place() {
    let metric = "{ unit: B, archive_policy: low, from: [{ up: 1 }] }";
    for (text, place) in [
        ("resources: [{ typ: host }]".to_owned(), "typ"),
        (
            format!("resources: [{{ type: host, id: '{{host', metrics: {{ a: {metric} }} }}]"),
            "type host: id: template",
        ),
        (
            "resources: [{ type: host, id: x, metrics: { a: { unit: B, archive_policy: low, from: [] } } }]".to_owned(),
            "type host: metrics: a: from",
        ),
        (
            "resources: [{ type: host, id: x, metrics: {} }]".to_owned(),
            "type host: metrics: expected at least one",
        ),
        (
            "resources: [{ type: host, id: x, metrics: { a: { unit: B, archive_policy: low, divide: 0, from: [{ up: 1 }] } } }]".to_owned(),
            "type host: metrics: a: multiply",
        ),
        (
            "resources: [{ type: host, id: x, metrics: { a: { unit: B, archive_policy: low, from: [{ rate(up: 1 }] } } }]".to_owned(),
            "type host: metrics: a: series \"rate(up\" is not a metric name",
        ),
    ] {
        let error = Mapping::parse("own.yaml", &text, &ScrapeConfig::default()).unwrap_err().to_string();
        assert!(error.starts_with("mapping own.yaml: ") && error.contains(place), "{error}");
        assert!(!error.contains('\n'), "one line: {error}");
    }
}
