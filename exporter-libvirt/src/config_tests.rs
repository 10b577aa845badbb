//! Tests of the configuration: what goes before what, and what is refused.

use super::*;

fn matches(args: &[&str]) -> ArgMatches {
    let command = flags::add(clap::Command::new("test").no_binary_name(true));
    command.try_get_matches_from(args).unwrap()
}

fn refused(flag: &str) -> String {
    let command = flags::add(clap::Command::new("test").no_binary_name(true));
    command
        .try_get_matches_from([flag])
        .unwrap_err()
        .to_string()
}

fn file(yaml_like: impl FnOnce(&mut FileConfig)) -> FileConfig {
    let mut file = FileConfig::default();
    yaml_like(&mut file);
    file
}

fn checked(
    args: &[&str],
    file: &FileConfig,
    environment: Option<&str>,
) -> Result<LibvirtConfig, String> {
    LibvirtConfig::new(&matches(args), file, environment.map(str::to_owned))
        .map_err(|error| error.to_string())
}

fn names(config: &LibvirtConfig) -> Vec<&str> {
    config.groups.iter().map(|group| group.name).collect()
}

#[test]
fn without_a_word_it_asks_the_systems_qemu_for_everything() {
    let config = checked(&[], &FileConfig::default(), None).unwrap();
    assert_eq!(config.uri, "qemu:///system");
    assert_eq!(config.timeout, Duration::from_secs(5));
    assert_eq!(config.domain_timeout, Duration::from_secs(1));
    assert_eq!(config.connections, 4);
    assert_eq!(
        (config.procfs.as_path(), config.sysfs.as_path()),
        ("/proc".as_ref(), "/sys".as_ref())
    );
    assert_eq!(
        config.groups.len(),
        GROUPS.iter().filter(|group| group.default_on).count()
    );
}

#[test]
fn a_flag_goes_before_the_file_and_the_file_before_the_environment() {
    let in_file = file(|file| {
        file.libvirt.uri = Some("xen:///".into());
        file.libvirt.timeout = Some("2s".into());
    });
    let environment = Some("lxc:///");
    let uri = |args: &[&str], file| checked(args, file, environment).unwrap().uri;
    assert_eq!(
        uri(&["--libvirt.uri=test:///default"], &in_file),
        "test:///default"
    );
    assert_eq!(uri(&[], &in_file), "xen:///");
    assert_eq!(uri(&[], &FileConfig::default()), "lxc:///");
    let timeout = |args: &[&str]| checked(args, &in_file, None).unwrap().timeout;
    assert_eq!(
        timeout(&["--libvirt.timeout=300ms"]),
        Duration::from_millis(300)
    );
    assert_eq!(timeout(&[]), Duration::from_secs(2));
    let empty = checked(&[], &FileConfig::default(), Some("")).unwrap();
    assert_eq!(
        empty.uri, "qemu:///system",
        "an empty variable says nothing"
    );
}

#[test]
fn the_path_of_a_socket_is_taken_as_inovexs_exporter_does() {
    let config = checked(
        &["--libvirt.uri=/var/run/libvirt/libvirt-sock-ro"],
        &FileConfig::default(),
        None,
    );
    assert_eq!(
        config.unwrap().uri,
        "qemu:///system?socket=/var/run/libvirt/libvirt-sock-ro"
    );
    assert_eq!(
        uri("/a b&c#云").unwrap(),
        "qemu:///system?socket=/a%20b%26c%23%E4%BA%91"
    );
}

#[test]
fn groups_are_switched_by_flags_before_the_file() {
    let in_file = file(|file| {
        file.collectors = BTreeMap::from([("block".into(), false), ("cpu".into(), false)]);
    });
    let config = checked(
        &["--collector.block", "--no-collector.vcpu"],
        &in_file,
        None,
    )
    .unwrap();
    assert_eq!(
        names(&config),
        [
            "block",
            "block_limits",
            "guest_agent",
            "interface",
            "job",
            "memory",
            "openstack",
            "state",
            "storage_pool"
        ]
    );
    let config = checked(
        &["--collector.disable-defaults", "--collector.cpu"],
        &in_file,
        None,
    )
    .unwrap();
    assert_eq!(names(&config), ["cpu"]);
    let config = checked(&["--no-collector.cpu", "--collector.cpu"], &in_file, None).unwrap();
    assert!(names(&config).contains(&"cpu"), "the last flag counts");
}

#[test]
fn what_cannot_be_used_is_named_with_what_was_expected() {
    let told = |args: &[&str], file: &FileConfig, environment| {
        checked(args, file, environment).err().unwrap()
    };
    let none = FileConfig::default();
    for wrong in ["qemu", ":///system", "qemu:///\n"] {
        let error = refused(&format!("--libvirt.uri={wrong}"));
        assert!(
            error.contains("--libvirt.uri") && error.contains("expected a libvirt URI"),
            "{error}"
        );
    }
    let in_file = file(|file| file.libvirt.uri = Some("qemu".into()));
    assert!(told(&[], &in_file, None).starts_with("libvirt.uri: expected a libvirt URI"));
    assert!(told(&[], &none, Some("nonsense")).starts_with("LIBVIRT_DEFAULT_URI: "));
    for wrong in [
        "",
        "5",
        "soon",
        "0s",
        "-1s",
        "2h",
        "5 s",
        "1e9s",
        "9999999999999999999s",
    ] {
        let error = refused(&format!("--libvirt.timeout={wrong}"));
        assert!(
            error.contains("--libvirt.timeout") && error.contains("expected a time"),
            "{error}"
        );
    }
    let timeout = file(|file| file.libvirt.timeout = Some("5".into()));
    assert!(told(&[], &timeout, None).starts_with("libvirt.timeout: "));
    let group = file(|file| file.collectors = BTreeMap::from([("blocks".into(), true)]));
    let error = told(&[], &group, None);
    assert_eq!(
        error,
        "collectors: expected one of block, block_limits, cpu, dirtyrate, guest_agent, interface, iothread, job, memory, openstack, perf, pss, state, storage_pool, vcpu, vm, found \"blocks\""
    );
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_readers_panic(text in ".{0,40}") {
        let _ = uri(&text);
        let _ = duration(&text);
    }
}
