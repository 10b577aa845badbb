//! Tests of the diskstats collector on literals.

use std::path::PathBuf;

use super::*;

const VDA: &str = "254 0 vda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17";

fn names(known: &[Known]) -> Vec<&str> {
    known.iter().map(|known| known.name.as_str()).collect()
}

#[test]
fn a_line_is_a_device_and_its_counters() {
    let disks = parse("   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0\n 254       0 vda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n").unwrap();
    assert_eq!(
        (disks[0].name, disks[0].number, disks[0].count),
        ("loop0", (7, 0), 11)
    );
    assert_eq!(
        (disks[1].name, disks[1].number, disks[1].count),
        ("vda", (254, 0), 17)
    );
    assert_eq!(disks[1].stats[0], 1);
    assert_eq!(disks[1].stats[16], 17);
}

#[test]
fn counters_of_a_future_kernel_are_passed_over() {
    assert_eq!(parse(&format!("{VDA} 18 19")).unwrap()[0].count, 17);
}

#[test]
fn a_partition_of_an_ancient_kernel_is_left_out() {
    assert_eq!(parse("8 1 sda1 1 2 3 4\n").unwrap(), []);
}

#[test]
fn sectors_become_bytes_and_milliseconds_seconds() {
    assert!((columns::Unit::Sectors.value(3) - 1536.0).abs() < f64::EPSILON);
    assert!((columns::Unit::Milliseconds.value(1500) - 1.5).abs() < f64::EPSILON);
    assert!((columns::Unit::Count.value(7) - 7.0).abs() < f64::EPSILON);
}

#[test]
fn lines_of_another_form_are_refused_by_number() {
    let error = parse(&format!("{VDA}\n8 0 sda 1 two\n"))
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "line 2: expected `major minor name` and counters, found \"8 0 sda 1 two\""
    );
    assert!(parse("sda").is_err());
    assert!(parse("8 0").is_err());
}

#[test]
fn a_host_without_disks_has_no_devices() {
    assert_eq!(parse("").unwrap(), []);
}

#[test]
fn devices_that_come_and_go_leave_the_others_known() {
    let nowhere = PathBuf::from("/nonexistent");
    let roots = Roots {
        procfs: nowhere.clone(),
        sysfs: nowhere.clone(),
        rootfs: nowhere.clone(),
        udev: nowhere,
    };
    let disk = |name, minor| Disk {
        number: (8, minor),
        name,
        stats: [0; 17],
        count: 17,
    };
    let mut known = Vec::new();
    remember(
        &mut known,
        &[disk("sda", 0), disk("sdb", 16), disk("sdc", 32)],
        &roots,
    );
    remember(
        &mut known,
        &[disk("sdb", 16), disk("sdc", 32), disk("sdd", 48)],
        &roots,
    );
    assert_eq!(names(&known), ["sdb", "sdc", "sdd"]);
    remember(&mut known, &[disk("sda", 0), disk("sdd", 48)], &roots);
    assert_eq!(names(&known), ["sda", "sdd"]);
    remember(&mut known, &[disk("sda", 64)], &roots);
    assert_eq!((names(&known), known[0].number), (vec!["sda"], (8, 64)));
}

proptest::proptest! {
    #[test]
    fn any_text_is_parsed_or_refused(text in "(?s).*", rest in "\\PC*") {
        let _ = parse(&text);
        let _ = parse(&format!("8 0 sda {rest}"));
    }
}
