//! Tests of the XML reader on the forms that libvirt writes, and on texts that it does not.

use super::*;

const INSTANCE: &str = r#"<domain type='kvm' id='3'>
  <name>instance-0000003d</name>
  <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>
  <metadata><nova:instance xmlns:nova="http://openstack.org/xmlns/libvirt/nova/1.1">
    <nova:name>web</nova:name></nova:instance></metadata>
  <devices>
    <disk type='network' device='disk'>
      <driver name='qemu' type='raw' cache='writeback' discard='unmap'/>
      <source protocol='rbd' name='volumes/volume-1' index='1'><host name='10.0.0.1' port='6789'/></source>
      <target dev='vda' bus='virtio'/><serial>6ef20b92-1d9d-4de9-8a81-e324b98ae787</serial>
    </disk>
    <disk type='file' device='cdrom'><target dev='hda' bus='ide'/><readonly/></disk>
    <disk type='volume'><source pool='default' volume='data.img'/><target dev='vdb'/></disk>
    <disk type='block' device='lun'><source dev='/dev/sdb'/><target dev='sda' bus='scsi'/></disk>
    <interface type='bridge'><mac address='fa:16:3e:fe:51:0a'/><source bridge='br-int'/>
      <virtualport type='openvswitch'><parameters interfaceid='a7e2fe95-a7cf-4bec-8180-d835cf342d72'/></virtualport>
      <target dev='tapa7e2fe95-a7'/><model type='virtio'/><mtu size='1450'/></interface>
    <interface type='user'><mac address='52:54:00:00:00:01'/></interface>
    <memballoon model='virtio'><stats period='10'/></memballoon>
  </devices>
</domain>"#;

#[test]
fn machine_disks_interfaces_balloon_and_metadata_are_read() {
    let domain = Description::parse(INSTANCE).unwrap();
    assert_eq!(
        (
            domain.os_type.as_str(),
            domain.arch.as_str(),
            domain.machine.as_str()
        ),
        ("hvm", "x86_64", "pc-q35-7.2")
    );
    assert_eq!(domain.balloon_period, Some(10));
    assert_eq!(domain.nova.as_ref().unwrap().instance_name, "web");

    let rbd = domain.disk("vda").unwrap();
    assert_eq!(
        (
            rbd.disk_type.as_str(),
            rbd.source_protocol.as_str(),
            rbd.source_name.as_str()
        ),
        ("network", "rbd", "volumes/volume-1")
    );
    assert_eq!(
        (rbd.driver_name.as_str(), rbd.driver_type.as_str()),
        ("qemu", "raw")
    );
    assert_eq!(
        (rbd.driver_cache.as_str(), rbd.driver_discard.as_str()),
        ("writeback", "unmap")
    );
    assert_eq!(rbd.serial, "6ef20b92-1d9d-4de9-8a81-e324b98ae787");
    assert_eq!(domain.disk("vdb").unwrap().source_name, "default/data.img");
    assert_eq!(
        domain.disk("vdb").unwrap().device,
        "disk",
        "the default of libvirt"
    );
    assert_eq!(domain.disk("sda").unwrap().source_dev, "/dev/sdb");

    let nic = domain.nic("tapa7e2fe95-a7").unwrap();
    assert_eq!(
        (nic.interface_type.as_str(), nic.source_bridge.as_str()),
        ("bridge", "br-int")
    );
    assert_eq!(
        nic.virtual_interface,
        "a7e2fe95-a7cf-4bec-8180-d835cf342d72"
    );
    assert_eq!(
        (nic.mac_address.as_str(), nic.mtu_size.as_str()),
        ("fa:16:3e:fe:51:0a", "1450")
    );
    assert_eq!(
        domain.nics.len(),
        1,
        "one interface has no device on the host"
    );
}

#[test]
fn a_drive_is_empty_when_it_is_removable_and_has_no_source() {
    let domain = Description::parse(INSTANCE).unwrap();
    let drive = domain.disk("hda").unwrap();
    assert!(drive.is_removable() && !drive.has_medium());
    for disk in ["vda", "vdb", "sda"] {
        assert!(domain.disk(disk).unwrap().has_medium(), "{disk}");
    }
}

#[test]
fn a_domain_with_nothing_but_a_name_is_described_by_nothing() {
    let domain = Description::parse("<domain type='qemu'><name>bare</name></domain>").unwrap();
    assert!(domain.is_qemu());
    let nothing = Description {
        domain_type: "qemu".into(),
        ..Description::default()
    };
    assert_eq!(domain, nothing);
    let period_0 = "<domain><devices><memballoon model='virtio'><stats period='0'/></memballoon></devices></domain>";
    assert_eq!(Description::parse(period_0).unwrap().balloon_period, None);
}

#[test]
fn text_that_is_no_xml_is_an_error_that_says_where() {
    let error = Description::parse("<domain><name>half")
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("cannot parse the domain's XML: "),
        "{error}"
    );
    assert!(Description::parse("").is_err());
    let bomb = "<!DOCTYPE d [<!ENTITY a 'aaaa'>]><domain>&a;</domain>";
    assert!(Description::parse(bomb).is_err(), "entities are refused");
    let huge = format!("<domain>{}</domain>", "<a/>".repeat(200_000));
    assert!(
        Description::parse(&huge).is_err(),
        "too many elements are refused"
    );
    let deep = format!("<domain>{}", "<a>".repeat(99_000));
    assert!(
        Description::parse(&deep).is_err(),
        "deep nesting does not overflow the stack"
    );
}

/// XML-like text made of the words that the reader looks for, so that it gets past the first branch.
fn almost_xml() -> impl proptest::strategy::Strategy<Value = String> {
    let words = [
        "<domain>",
        "</domain>",
        "<devices>",
        "</devices>",
        "<disk type='file'>",
        "</disk>",
        "<source file='/a'",
        "/>",
        "<target dev='vda'/>",
        "<memballoon>",
        "<stats period='",
        "99999999999999999999",
        "'/>",
        "<metadata>",
        "</metadata>",
        "<n:instance xmlns:n='http://openstack.org/xmlns/libvirt/nova/1.1'>",
        "</n:instance>",
        "<n:flavor name='",
        "<n:memory>",
        "-1",
        "</n:memory>",
        "<interface>",
        "云",
        "&#0;",
        "&lt;",
        "<![CDATA[",
        "]]>",
    ];
    proptest::collection::vec(proptest::sample::select(words.to_vec()), 0..40)
        .prop_map(|parts| parts.concat())
}

use proptest::prelude::Strategy as _;

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in ".{0,200}") {
        let _ = Description::parse(&text);
    }

    #[test]
    fn no_text_of_known_words_makes_the_reader_panic(text in almost_xml()) {
        let _ = Description::parse(&text);
    }
}
