//! Starting: flags, configuration, readiness, and one clear line for what is wrong.

use std::time::Duration;

use testkit::http::get;
use testkit::{Finished, Shipped};

use crate::support::Collector;

const TIMEOUT: Duration = Duration::from_secs(30);

fn run(args: &[&str]) -> Finished {
    Shipped::new(env!("CARGO_BIN_EXE_nephoscope-collector"))
        .args(args)
        .run(TIMEOUT)
}

#[test]
fn a_wrong_setting_is_one_line_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("collector.yml");
    let file_flag = format!("--config.file={}", file.display());
    for (yaml, wanted) in [
        (
            "api:\n  auth_mod: basic\n",
            "collector.yml:2: unknown key \"auth_mod\"",
        ),
        ("api:\n  auth_mode: ldap\n", "collector.yml:2: "),
        (
            "api:\n  auth_mode: keystone\n",
            "auth: keystone: auth_url: ",
        ),
        ("api: {max_limit: 0}\n", "max_limit: expected at least 1"),
        ("scrape: {timeout: 0s}\n", "timeout: expected more than 0s"),
    ] {
        std::fs::write(&file, yaml).unwrap();
        for args in [
            vec![file_flag.as_str()],
            vec!["check-config", file.to_str().unwrap()],
        ] {
            let ended = run(&args);
            assert_eq!(ended.status.code(), Some(1), "{yaml}: {}", ended.stderr);
            assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
            assert!(ended.stderr.contains(wanted), "{}", ended.stderr);
        }
    }
    assert_eq!(run(&["--no-such-flag"]).status.code(), Some(64));
    std::fs::write(&file, "api: {auth_mode: basic}\n").unwrap();
    assert!(
        run(&["check-config", file.to_str().unwrap()])
            .status
            .success()
    );
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let ended = run(&[
        "--storage.path=/proc/no/such",
        "--web.listen-address=127.0.0.1:0",
    ]);
    assert_eq!(ended.status.code(), Some(1));
    let last = ended.stderr.lines().last().unwrap();
    assert!(
        last.contains("cannot create /proc/no/such"),
        "{}",
        ended.stderr
    );
    assert!(last.contains("--storage.path"), "{}", ended.stderr);
}

#[test]
fn a_second_collector_on_the_same_data_does_not_start() {
    let collector = Collector::start();
    let path = format!("--storage.path={}", collector.dir().join("data").display());
    let ended = run(&[&path, "--web.listen-address=127.0.0.1:0"]);
    assert_eq!(ended.status.code(), Some(1));
    assert!(
        ended
            .stderr
            .lines()
            .last()
            .unwrap()
            .contains("in use by another process"),
        "{}",
        ended.stderr
    );
    collector.get("/v1/metric").expect_status(200);
}

#[test]
fn a_running_collector_is_healthy_and_ready() {
    let collector = Collector::start();
    for path in ["/-/healthy", "/-/ready", "/healthcheck"] {
        get(&collector.running.url(path)).expect_status(200);
    }
}

#[test]
fn a_reload_takes_the_apis_settings_and_refuses_bad_ones() {
    let collector = Collector::start();
    let file = collector.dir().join("collector.yml");
    let reload = || testkit::http::post(&collector.running.url("/-/reload"), &[], "").status;
    std::fs::write(
        &file,
        "scrape: {static_configs: []}\napi: {auth_mode: basic}\n",
    )
    .unwrap();
    assert_eq!(reload(), 200);
    get(&collector.running.url("/v1/metric")).expect_status(401);
    std::fs::write(&file, "api: {auth_mode: nonsense}\n").unwrap();
    assert_eq!(reload(), 500);
    get(&collector.running.url("/v1/metric")).expect_status(401);
    collector.get("/v1/metric").expect_status(200);
}
