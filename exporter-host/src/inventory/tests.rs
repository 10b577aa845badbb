//! Whole hosts, made of files as their kernels show them: a Kunpeng 920 server, an x86 compute node with bonds and virtual
//! functions, a host without a single link, and trees that are broken.

use std::path::Path;

use super::*;

mod hosts;

use hosts::Tree;

fn node(tree: &Tree) -> Node {
    let roots = tree.roots();
    Inventory::new(&roots, &GuestLinks::new(&roots, true), false).node()
}

fn nic<'a>(node: &'a Node, name: &str) -> &'a Nic {
    node.nics.iter().find(|nic| nic.name == name).unwrap()
}

fn disk<'a>(node: &'a Node, name: &str) -> &'a disks::Disk {
    node.disks.iter().find(|disk| disk.name == name).unwrap()
}

/// The document of a tree as the page serves it, but for the time.
fn assert_document(tree: &Tree, name: &str) {
    let node = Node {
        time: 0.0,
        ..node(tree)
    };
    let json = serde_json::to_string_pretty(&node).unwrap() + "\n";
    let golden = format!("tests/golden/node-{name}.json");
    testkit::golden::assert_golden(Path::new(env!("CARGO_MANIFEST_DIR")).join(golden), &json);
}

#[test]
fn a_kunpeng_server_is_described_whole() {
    let tree = hosts::kunpeng();
    assert_document(&tree, "kunpeng-920");
    let node = node(&tree);
    let cpu = &node.hardware.cpu;
    assert_eq!(cpu.model.as_deref(), Some("Kunpeng 920-4826"));
    assert_eq!(cpu.vendor.as_deref(), Some("HiSilicon"));
    assert_eq!((cpu.sockets, cpu.cores, cpu.threads), (2, 96, 96));
    assert_eq!(node.hardware.numa_nodes.len(), 4);
    assert_eq!(node.hardware.memory.installed_bytes, Some(64 << 30));
    assert_eq!(
        nic(&node, "enp125s0f0").identity.driver.as_deref(),
        Some("hns3")
    );
    assert_eq!(disk(&node, "sda").transport, Some("sas"));
}

#[test]
fn a_compute_node_shows_which_devices_are_hardware_and_how_they_are_tied_together() {
    let tree = hosts::compute();
    assert_document(&tree, "compute");
    let node = node(&tree);
    let kind = |name| nic(&node, name).identity.kind;
    let kinds = [
        ("lo", Kind::Loopback),
        ("ens1f0", Kind::Physical),
        ("ens1f1", Kind::Physical),
        ("ens1f0v0", Kind::VirtualFunction),
        ("ens1f0r0", Kind::Representor),
        ("bond0", Kind::Bond),
        ("bond0.100", Kind::Vlan),
        ("br-ex", Kind::Bridge),
        ("tap0f1c2d3e-45", Kind::GuestTap),
        ("tun0", Kind::Virtual),
        ("veth1", Kind::Virtual),
    ];
    for (name, expected) in kinds {
        assert_eq!(kind(name), expected, "{name}");
    }
    let member = &nic(&node, "ens1f0").identity;
    assert_eq!(
        (member.master.as_deref(), member.role),
        (Some("bond0"), Some("bond_active"))
    );
    // A bond gives all its members one address; each has its own still.
    assert_eq!(
        nic(&node, "ens1f1").identity.permanent_mac.as_deref(),
        Some("0c:42:a1:00:00:01")
    );
    assert_eq!(
        nic(&node, "ens1f0v0").identity.physical_function.as_deref(),
        Some("0000:3b:00.0")
    );
    assert_eq!(
        nic(&node, "bond0").identity.vlans,
        [("bond0.100".to_owned(), 100)].into()
    );
    assert_eq!(nic(&node, "bond0.100").identity.role, Some("bridge_port"));
    let online: Vec<&str> = node
        .nics
        .iter()
        .filter(|nic| nic.state.is_online)
        .map(|nic| nic.name.as_str())
        .collect();
    assert!(
        online.contains(&"ens1f0") && !online.contains(&"ens1f1"),
        "{online:?}"
    );
}

#[test]
fn a_disk_has_the_file_systems_at_the_end_of_its_layers() {
    let node = node(&hosts::compute());
    let on = |name| {
        let systems = disk(&node, name).file_systems.iter();
        systems
            .map(|on| on.mount_point.as_deref().unwrap_or("swap"))
            .collect::<Vec<_>>()
    };
    // Root on LVM on RAID 1 on a partition of each disk, swap on another volume.
    assert_eq!(on("sda"), ["/", "swap", "/boot"]);
    assert_eq!(on("sdb"), ["/", "swap"]);
    assert_eq!(on("nvme0n1"), ["/var/lib/nova"]);
    let md = disk(&node, "md0");
    assert_eq!(
        (md.kind, md.layer.as_deref()),
        (disks::Kind::Raid, Some("raid1"))
    );
    assert_eq!(md.made_of, ["sda2", "sdb2"]);
    assert_eq!(disk(&node, "dm-0").mapper_name.as_deref(), Some("vg0-root"));
    assert_eq!(disk(&node, "sda").serial.as_deref(), Some("S4EVNF0M"));
    assert!(
        node.disks.iter().all(|disk| disk.name != "loop0"),
        "a loop of no size is no disk"
    );
}

#[test]
fn a_host_without_a_link_has_devices_and_none_is_online() {
    let node = node(&hosts::dark());
    let states: Vec<_> = node
        .nics
        .iter()
        .map(|nic| (nic.name.as_str(), nic.state.is_up, nic.state.is_online))
        .collect();
    assert_eq!(states, [("eth0", true, false), ("eth1", false, false)]);
    let down = &nic(&node, "eth0").state;
    assert_eq!(
        (down.has_carrier, down.speed_bits_per_second),
        (Some(false), None)
    );
    // A device that is not up does not tell.
    assert_eq!(nic(&node, "eth1").state.has_carrier, None);
}

#[test]
fn an_empty_tree_is_a_host_of_which_nothing_is_known() {
    let node = node(&Tree::new());
    assert_eq!((node.disks.len(), node.nics.len()), (0, 0));
    assert_eq!(node.hardware.cpu.threads, 0);
    assert_eq!(node.hardware.host.hostname, None);
}

#[test]
fn garbage_in_every_file_costs_what_it_would_have_told() {
    for make in [hosts::kunpeng, hosts::compute] {
        let tree = make();
        tree.spoil(&|_| vec![0xff, 0xfe, b':', b'\n', 0]);
        let _ = node(&tree);
        let tree = make();
        tree.spoil(&|_| b"99999999999999999999\n".to_vec());
        let _ = node(&tree);
        let tree = make();
        tree.spoil(&|text| text[..text.len() / 2].to_vec());
        assert!(!node(&tree).nics.is_empty());
    }
}

#[test]
fn a_change_between_two_reads_has_its_time() {
    let tree = hosts::dark();
    let roots = tree.roots();
    let inventory = Inventory::new(&roots, &GuestLinks::new(&roots, true), false);
    let before = inventory.node();
    assert_eq!(nic(&before, "eth0").last_change, None);
    tree.file("sys/class/net/eth0/carrier", "1");
    tree.file("sys/class/net/eth0/carrier_changes", "2");
    tree.file("sys/class/net/eth0/operstate", "up");
    let after = inventory.node();
    let changed = nic(&after, "eth0").last_change.unwrap();
    assert!(changed >= before.time && changed <= after.time);
    assert!(nic(&after, "eth0").state.is_online);
    assert_eq!(nic(&inventory.node(), "eth0").last_change, Some(changed));
    assert_eq!(nic(&after, "eth1").last_change, None);
}

#[test]
fn guests_devices_are_left_out_on_request() {
    let tree = hosts::compute();
    let roots = tree.roots();
    let node = Inventory::new(&roots, &GuestLinks::new(&roots, false), false).node();
    assert!(node.nics.iter().all(|nic| nic.name != "tap0f1c2d3e-45"));
    assert!(node.nics.iter().any(|nic| nic.name == "tun0"));
}
