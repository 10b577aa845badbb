//! Tests of the roots on directories made for them.

use std::time::Instant;

use runtime::Scrape;

use super::file::FIRST_BUFFER;
use super::*;

fn roots(dir: &Path) -> Roots {
    Roots {
        procfs: dir.join("proc"),
        sysfs: dir.join("sys"),
        rootfs: PathBuf::from("/host"),
        udev: dir.join("udev"),
    }
}

#[test]
fn an_open_file_is_read_anew_each_time_and_may_grow_and_shrink() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("proc")).unwrap();
    let path = dir.path().join("proc/text");
    let mut file = roots(dir.path()).proc("text");
    for length in [3, FIRST_BUFFER, 5 * FIRST_BUFFER, 1, 0] {
        std::fs::write(&path, "x".repeat(length)).unwrap();
        assert_eq!(file.bytes().unwrap().len(), length);
    }
}

#[test]
fn a_missing_file_is_an_error_that_names_it_and_is_found_when_it_appears() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("proc")).unwrap();
    let mut file = roots(dir.path()).proc("late");
    let error = file.bytes().unwrap_err().to_string();
    assert!(
        error.starts_with("cannot read ") && error.contains("proc/late"),
        "{error}"
    );
    std::fs::write(dir.path().join("proc/late"), "1").unwrap();
    assert_eq!(file.bytes().unwrap(), b"1");
}

#[test]
fn a_text_that_is_not_utf8_is_refused_with_its_path() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("proc")).unwrap();
    std::fs::write(dir.path().join("proc/odd"), b"\xff\xfe").unwrap();
    let error = roots(dir.path())
        .proc("odd")
        .parse(Ok)
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("cannot parse ") && error.contains("proc/odd"),
        "{error}"
    );
}

#[test]
fn a_mount_point_is_reached_under_the_root_of_the_host() {
    let roots = roots(Path::new("/tmp"));
    for (table, shown, asked) in [
        (c"/", "/", c"/host/"),
        (c"/var/lib", "/var/lib", c"/host/var/lib"),
        (c"/host", "/", c"/host/"),
        (c"/host/var", "/var", c"/host/var"),
        (c"/hostile", "/hostile", c"/host/hostile"),
    ] {
        assert_eq!(roots.without_root(table.to_str().unwrap()), shown);
        assert_eq!(roots.on_host(table).as_c_str(), asked);
    }
}

#[test]
fn without_another_root_mount_points_stay_as_they_are() {
    let roots = Roots {
        rootfs: PathBuf::from("/"),
        ..roots(Path::new("/tmp"))
    };
    assert_eq!(roots.without_root("/var"), "/var");
    assert_eq!(roots.on_host(c"/var").as_c_str(), c"/var");
    assert_eq!(roots.on_host(c"/").as_c_str(), c"/");
}

#[test]
fn a_shared_file_is_read_once_per_scrape() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("proc")).unwrap();
    let path = dir.path().join("proc/stat");
    let shared = roots(dir.path()).shared_proc("stat");
    let read = |scrape: &Scrape| shared.parse(scrape, |text| Ok(text.to_owned()));
    let first = Scrape::new(Instant::now());
    assert!(read(&first).is_err());
    std::fs::write(&path, "one").unwrap();
    assert_eq!(read(&first).unwrap(), "one");
    std::fs::write(&path, "two").unwrap();
    assert_eq!(read(&first).unwrap(), "one");
    let second = Scrape::new(first.deadline + std::time::Duration::from_nanos(1));
    assert_eq!(read(&second).unwrap(), "two");
}
