//! Tests of [`super`]: reading the log line that tells the port, and the life of a started program.

use super::*;

#[test]
fn the_listening_address_is_read_from_logfmt_and_json() {
    for line in [
        "time=2026-01-01T00:00:00Z level=INFO msg=listening address=127.0.0.1:4321",
        "INFO listening address=\"127.0.0.1:4321\" tls=false",
        "{\"level\":\"INFO\",\"msg\":\"listening\",\"address\":\"127.0.0.1:4321\"}",
        "\u{1b}[32m INFO\u{1b}[0m listening \u{1b}[3maddress\u{1b}[0m\u{1b}[2m=\u{1b}[0m127.0.0.1:4321",
    ] {
        assert_eq!(
            listening_address(line).as_deref(),
            Some("127.0.0.1:4321"),
            "{line}"
        );
    }
    assert_eq!(
        listening_address("INFO listening address=[::1]:80").as_deref(),
        Some("[::1]:80")
    );
}

#[test]
fn a_line_that_tells_no_usable_port_is_passed_over() {
    for line in [
        "level=INFO msg=starting address=127.0.0.1:1",
        "listening",
        "listening address=127.0.0.1:0",
        "",
    ] {
        assert_eq!(listening_address(line), None, "{line}");
    }
}

#[test]
#[should_panic(expected = "cargo build --bin nephoscope-no-such-program")]
fn a_missing_binary_names_the_build_that_makes_it() {
    let _ = Shipped::new("nephoscope-no-such-program");
}

#[test]
fn a_daemon_is_ready_when_it_says_so_and_stops_on_sigterm() {
    let script =
        "echo quiet; echo level=INFO msg=listening address=127.0.0.1:4321 >&2; exec sleep 600";
    let mut running = Shipped::new("/bin/sh").args(["-c", script]).start();
    assert_eq!(running.url("/metrics"), "http://127.0.0.1:4321/metrics");
    assert_eq!(running.port(), 4321);
    assert!(running.is_running());
    let status = running.terminate();
    assert_eq!(running.stdout(), "quiet\n");
    assert_eq!(
        std::os::unix::process::ExitStatusExt::signal(&status),
        Some(15)
    );
}

#[test]
#[should_panic(expected = "exited before it was listening")]
fn a_daemon_that_exits_at_once_fails_the_test() {
    let _ = Shipped::new("/bin/sh")
        .args(["-c", "echo port taken >&2; exit 1"])
        .start();
}

#[test]
fn a_program_that_ends_gives_its_status_and_both_streams() {
    let finished = Shipped::new("/bin/sh")
        .args(["-c", "echo out; echo err >&2; exit 64"])
        .run(Duration::from_secs(60));
    assert_eq!(finished.status.code(), Some(64));
    assert_eq!(
        (finished.stdout.as_str(), finished.stderr.as_str()),
        ("out\n", "err\n")
    );
}
