use super::*;

const TEXT: &str = "\
device rootfs mounted on / with fstype rootfs
no device mounted on /x with fstype nfs statvers=1.1
device nas:/vms mounted on /srv with fstype nfs4 statvers=1.1
\topts:\trw,vers=4.2
\tage:\t13968
\tevents:\t52 226
\tbytes:\t1207640230 9
\tRPC iostats version: 1.0  p/v: 100003/4 (nfs)
\txprt:\ttcp 832 2 1 0 11 6428 6427 3 12154 4 24 26 5726
\txprt:\tudp 832 2 6428 6427 3 12154 4 24 26 5726
\tper-op statistics
\t        READ: 1298 1298 0 207680 1210292152 6 79386 79407 0
\t        CUT: 1 2

device proc mounted on /proc with fstype proc
";

#[test]
fn a_mount_has_its_place_its_transports_and_its_operations() {
    let mounts = parse(TEXT);
    let expected = Mount {
        position: 2,
        device: "nas:/vms",
        point: "/srv",
        age: 13_968.0,
        bytes: vec![1_207_640_230, 9],
        events: vec![52, 226],
        transports: vec![
            Transport {
                protocol: "tcp",
                values: [2, 1, 11, 6428, 6427, 3, 4, 24, 26, 5726],
            },
            Transport {
                protocol: "udp",
                values: [2, 0, 0, 6428, 6427, 3, 4, 24, 26, 5726],
            },
        ],
        operations: vec![(
            "READ",
            vec![1298, 1298, 0, 207_680, 1_210_292_152, 6, 79_386, 79_407, 0],
        )],
    };
    assert_eq!(mounts, [expected]);
}

#[test]
fn what_rdma_counts_after_its_backlog_are_no_slots() {
    let line = "xprt: rdma 0 2 1 0 11 6428 6427 3 12154 4 77 78 79 80";
    let values = transport(line).map(|transport| transport.values);
    assert_eq!(values, Some([2, 1, 11, 6428, 6427, 3, 4, 0, 0, 0]));
    assert_eq!(transport("xprt: local 0 2 1 0 11 6428 6427 3"), None);
    assert_eq!(transport("xprt: tcp 0 2"), None);
}

#[test]
fn the_address_is_an_option_of_the_file_system() {
    let line = "94 22 0:52 / /srv rw,addr=10.0.0.9 - nfs4 nas:/vms rw,vers=4.2,addr=10.0.0.2,local_lock=none";
    assert_eq!(address(line), "10.0.0.2");
    assert_eq!(address("22 1 8:1 / / rw - ext4 /dev/sda1 rw"), "");
}

#[test]
fn counters_below_zero_are_cut_to_what_a_float_holds() {
    let mount = Mount {
        operations: vec![(
            "READ",
            vec![0, 0, 0, 0, 0, 18_446_743_919_241_604_546, 0, 0],
        )],
        ..Mount::default()
    };
    let mut out = Families::new();
    mount.emit(
        [("export", "e"), ("mountaddr", "a"), ("protocol", "tcp")],
        &mut out,
    );
    let queue = out
        .get("node_mountstats_nfs_operations_queue_time_seconds_total")
        .unwrap();
    let value = queue.samples().next().unwrap().value;
    assert_eq!(value, 9_007_044_786_793.922);
}

proptest::proptest! {
    #[test]
    fn any_text_gives_no_more_mounts_than_lines(
        text in "(.|\n){0,99}|(device a mounted on b with fstype nfs4 statvers=1.1\n(\t(age:|bytes:|events:|xprt: tcp|per-op|READ:)( [0-9]{0,25}){0,15}\n){0,9}){0,3}"
    ) {
        let mounts = parse(&text);
        proptest::prop_assert!(mounts.len() <= text.lines().count());
        let mut out = Families::new();
        for mount in &mounts {
            mount.emit([("export", "e"), ("mountaddr", "a"), ("protocol", "tcp")], &mut out);
        }
        let _ = text.lines().map(address).count();
    }
}
