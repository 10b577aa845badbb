//! The life of a whole program, from its command line to its exit code, with the exporter of `examples/`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::time::Duration;

use rustix::process::Signal;
use testkit::{Finished, Running, Shipped, http};

const SOON: Duration = Duration::from_secs(30);

fn exporter() -> Shipped {
    let program = testkit::process::profile_dir().join("examples/exporter");
    Shipped::new(program.to_str().unwrap())
}

fn run(arguments: &[&str]) -> Finished {
    exporter().args(arguments).run(SOON)
}

fn metrics(running: &Running) -> String {
    http::get(&running.url("/metrics"))
        .expect_status(200)
        .text()
}

#[test]
fn a_wrong_command_line_is_one_line_and_exit_code_64() {
    for (arguments, part) in [
        (&["--no-such-flag"][..], "--no-such-flag"),
        (&["--web.listen-address=nowhere"], "--web.listen-address"),
        (&["--collector.nothing"], "--collector.nothing"),
        (&["--web.max-requests"], "--web.max-requests"),
        (&["stray"], "stray"),
    ] {
        let finished = run(arguments);
        assert_eq!(finished.status.code(), Some(64), "{finished:?}");
        assert_eq!(
            (finished.stdout.as_str(), finished.stderr.lines().count()),
            ("", 1),
            "{finished:?}"
        );
        assert!(
            finished.stderr.starts_with("example-exporter: ") && finished.stderr.contains(part),
            "{finished:?}"
        );
    }
}

#[test]
fn help_and_version_go_to_stdout_and_are_no_failure() {
    for (argument, part) in [
        ("--help", "--collector.answer"),
        ("--version", "example-exporter "),
    ] {
        let finished = run(&[argument]);
        assert!(
            finished.status.success() && finished.stderr.is_empty(),
            "{finished:?}"
        );
        assert!(finished.stdout.contains(part), "{finished:?}");
    }
}

#[test]
fn what_keeps_it_from_starting_is_one_line_and_exit_code_1() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.yml");
    let file = path.to_str().unwrap();
    fs::write(&path, "answer: 1\nanwser: 2\n").unwrap();
    let taken = exporter().start();
    let occupied = format!("--web.listen-address={}", taken.address());
    for (arguments, part) in [
        (
            &[&format!("--config.file={file}")][..],
            format!("{file}:2: unknown key \"anwser\", expected one of answer"),
        ),
        (
            &[&format!("--web.config.file={file}")],
            format!("{file}:1: unknown key \"answer\""),
        ),
        (
            &[&"--config.file=/nonexistent".to_owned()],
            "cannot read /nonexistent: ".to_owned(),
        ),
        (
            &[&"--web.config.file=/nonexistent".to_owned()],
            "cannot read /nonexistent: ".to_owned(),
        ),
        (
            &[&occupied],
            format!("cannot listen on {}: ", taken.address()),
        ),
    ] {
        let finished = exporter()
            .arg("--web.listen-address=127.0.0.1:0")
            .args(arguments)
            .run(SOON);
        assert_eq!(finished.status.code(), Some(1), "{finished:?}");
        assert!(
            finished.stdout.is_empty() && finished.stderr.lines().count() == 1,
            "{finished:?}"
        );
        assert!(
            finished
                .stderr
                .starts_with(&format!("example-exporter: {part}")),
            "{finished:?}"
        );
    }
}

#[test]
fn check_config_says_ok_or_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.yml");
    let file = path.to_str().unwrap();
    fs::write(&path, "answer: 42\n").unwrap();
    let finished = run(&["check-config", file]);
    assert!(finished.status.success(), "{finished:?}");
    assert_eq!(
        (finished.stdout, finished.stderr),
        (format!("{file}: ok\n"), String::new())
    );
    for (text, part) in [
        ("answer: soon\n", format!("{file}:1: ")),
        (
            "answer: .inf\n",
            "answer: expected a finite number".to_owned(),
        ),
    ] {
        fs::write(&path, text).unwrap();
        let finished = run(&["check-config", file]);
        assert_eq!(
            (finished.status.code(), finished.stdout.as_str()),
            (Some(1), ""),
            "{finished:?}"
        );
        assert!(
            finished.stderr.contains(&part) && finished.stderr.lines().count() == 1,
            "{finished:?}"
        );
    }
}

#[test]
fn a_signal_to_stop_ends_it_well() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut running = exporter().start();
        // A connection that idles keeps nobody waiting.
        let mut connection = http::Connection::open(running.address()).unwrap();
        assert_eq!(
            connection
                .request("GET", "/-/healthy", &[], b"")
                .unwrap()
                .status,
            200
        );
        running.signal(signal);
        let status = running.wait(SOON).expect("it stops");
        assert!(status.success(), "{status}");
        assert_eq!(running.stdout(), "");
    }
}

#[test]
fn a_hangup_reloads_and_a_wrong_file_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.yml");
    fs::write(&path, "answer: 1\n").unwrap();
    let mut running = exporter()
        .arg(format!("--config.file={}", path.display()))
        .start();
    assert!(metrics(&running).contains("\nexample_answer 1\n"));
    fs::write(&path, "answer: 2\n").unwrap();
    running.signal(Signal::HUP);
    running.wait_for_log("configuration reloaded", SOON);
    assert!(metrics(&running).contains("\nexample_answer 2\n"));
    fs::write(&path, "answer: [\n").unwrap();
    running.signal(Signal::HUP);
    let line = running.wait_for_log("cannot reload the configuration", SOON);
    assert!(
        line.contains("level=ERROR") && line.contains(&format!("{}:", path.display())),
        "{line}"
    );
    assert!(metrics(&running).contains("\nexample_answer 2\n"));
    assert!(running.terminate().success());
}

#[test]
fn logs_are_logfmt_or_json_and_levels_hold() {
    let running = exporter().start();
    let log = running.stderr();
    assert!(
        log.starts_with("time=") && log.contains(" level=INFO msg=listening address=127.0.0.1:"),
        "{log}"
    );
    let running = exporter().args(["--log.format=json"]).start();
    let line = running.wait_for_log("listening", SOON);
    assert!(
        line.starts_with("{\"timestamp\":") && line.contains("\"level\":\"INFO\""),
        "{line}"
    );
    let running = exporter().args(["--log.level=debug"]).start();
    http::get(&running.url("/metrics")).expect_status(200);
    assert!(running.stderr().contains("level=INFO"));
}

#[test]
fn its_own_numbers_are_in_the_scrape_and_can_be_left_out() {
    let running = exporter().start();
    let text = metrics(&running);
    let version = env!("CARGO_PKG_VERSION");
    let build = format!(
        "example_exporter_build_info{{version=\"{version}\",arch=\"{}\"}} 1",
        std::env::consts::ARCH
    );
    for part in [
        build.as_str(),
        "# TYPE process_cpu_seconds_total counter",
        "process_resident_memory_bytes ",
        "process_virtual_memory_bytes ",
        "process_start_time_seconds ",
        "process_open_fds ",
        "process_max_fds ",
        "promhttp_metric_handler_requests_total{code=\"200\"} 0",
        "promhttp_metric_handler_requests_in_flight 1",
        "nephoscope_scrape_problems_total 0",
        "example_scrape_collector_success{collector=\"answer\"} 1",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let running = exporter()
        .args(["--web.disable-exporter-metrics", "--web.telemetry-path=/m"])
        .start();
    let text = http::get(&running.url("/m")).expect_status(200).text();
    assert!(
        text.contains("example_answer 0") && text.contains("example_exporter_build_info"),
        "{text}"
    );
    assert!(
        !text.contains("process_") && !text.contains("promhttp_") && !text.contains("nephoscope_"),
        "{text}"
    );
}
