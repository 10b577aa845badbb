//! Tests of the shared flags and of the line that a wrong command line is answered with.

use super::*;

const PROGRAM: Program = Program {
    name: "nephoscope-test",
    about: "A test",
    version: "1.2.3",
    default_listen: ":9999",
    build_info: &[],
};

fn parse(arguments: &[&str]) -> Result<Args, Failure> {
    PROGRAM.parse(
        PROGRAM.command(),
        [&["nephoscope-test"], arguments].concat(),
    )
}

fn usage(arguments: &[&str]) -> String {
    match parse(arguments).unwrap_err() {
        Failure::Usage(line) => line,
        other => panic!("no usage error: {other:?}"),
    }
}

#[test]
fn without_flags_the_defaults_hold() {
    let args = parse(&[]).unwrap();
    assert_eq!(args.web.listen, [":9999".parse().unwrap()]);
    assert_eq!(args.web.telemetry_path, "/metrics");
    assert_eq!(args.web.max_requests, 40);
    assert!(!args.web.disable_exporter_metrics && !args.check_only && args.config_files.is_empty());
    assert_eq!(
        (args.log.level, args.log.format),
        (tracing::Level::INFO, LogFormat::Logfmt)
    );
}

#[test]
fn flags_are_read() {
    let args = parse(&[
        "--web.listen-address=127.0.0.1:1",
        "--web.listen-address",
        "[::1]:2",
        "--web.telemetry-path=/m",
        "--web.config.file=w.yml",
        "--config.file=c.yml",
        "--web.max-requests=0",
        "--web.disable-exporter-metrics",
        "--log.level=DEBUG",
        "--log.format=json",
    ])
    .unwrap();
    let listen: Vec<String> = args.web.listen.iter().map(ToString::to_string).collect();
    assert_eq!(listen, ["127.0.0.1:1", "[::1]:2"]);
    assert_eq!(args.web.telemetry_path, "/m");
    assert_eq!(args.web.config_file, Some(PathBuf::from("w.yml")));
    assert_eq!(args.config_file(), Some(Path::new("c.yml")));
    assert_eq!(args.web.max_requests, 0);
    assert!(args.web.disable_exporter_metrics);
    assert_eq!(
        (args.log.level, args.log.format),
        (tracing::Level::DEBUG, LogFormat::Json)
    );
}

#[test]
fn a_wrong_flag_is_answered_with_one_line_that_names_it() {
    for (arguments, parts) in [
        (
            &["--web.listen-adress=:1"][..],
            &["--web.listen-adress", "--web.listen-address"][..],
        ),
        (
            &["--web.listen-address=9100"],
            &["--web.listen-address", "9100", "expected HOST:PORT"],
        ),
        (
            &["--web.listen-address"],
            &["--web.listen-address", "ADDRESS"],
        ),
        (
            &["--web.max-requests=many"],
            &["--web.max-requests", "many"],
        ),
        (
            &["--web.telemetry-path=metrics"],
            &["--web.telemetry-path", "starts with /"],
        ),
        (
            &["--web.telemetry-path=/{x}"],
            &["--web.telemetry-path", "letters"],
        ),
        (
            &["--web.telemetry-path=/-/ready"],
            &["--web.telemetry-path", "health"],
        ),
        (&["--log.level=loud"], &["--log.level", "loud", "debug"]),
        (&["--log.format=xml"], &["--log.format", "logfmt", "json"]),
        (&["surplus"], &["surplus"]),
    ] {
        let line = usage(arguments);
        assert_eq!(line.lines().count(), 1, "{line}");
        assert!(line.ends_with(", try --help"), "{line}");
        for part in parts {
            assert!(line.contains(part), "{part} is not in {line}");
        }
    }
}

#[test]
fn help_and_version_are_answers_and_no_errors() {
    let answer = |argument| match parse(&[argument]).unwrap_err() {
        Failure::Answered(text) => text,
        other => panic!("no answer: {other:?}"),
    };
    assert_eq!(answer("--version").trim(), "nephoscope-test 1.2.3");
    let help = answer("--help");
    for flag in [
        "--config.file",
        "--web.listen-address",
        "--web.config.file",
        "check-config",
    ] {
        assert!(help.contains(flag), "{flag} is not in {help}");
    }
}

#[test]
fn a_program_writes_its_manual_page_and_the_completion_of_its_flags() {
    let answer = |arguments: &[&str]| match parse(arguments).unwrap_err() {
        Failure::Answered(text) => text,
        other => panic!("no answer: {other:?}"),
    };
    let page = answer(&["man"]);
    assert!(page.contains(".TH nephoscope-test 1 "), "{page}");
    assert!(page.contains("web.listen\\-address"), "{page}");
    assert_eq!(page, answer(&["man"]));
    for shell in ["bash", "zsh", "fish"] {
        let text = answer(&["completion", shell]);
        assert!(text.contains("web.listen-address"), "{shell}: {text}");
    }
    assert!(usage(&["completion", "csh"]).contains("bash"));
    assert!(usage(&["completion"]).contains("SHELL"));
}

#[test]
fn check_config_takes_the_file_by_flag_and_by_name() {
    for arguments in [
        &["check-config", "c.yml"][..],
        &["check-config", "--config.file=c.yml"],
        &["--config.file=c.yml", "check-config"],
        &["--config.file=other.yml", "check-config", "c.yml"],
    ] {
        let args = parse(arguments).unwrap();
        assert!(args.check_only);
        assert_eq!(
            args.config_file(),
            Some(Path::new("c.yml")),
            "{arguments:?}"
        );
    }
}

#[test]
fn check_config_says_ok_for_each_file_and_checks_the_web_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let web = dir.path().join("web.yml");
    let arguments = [
        "check-config",
        "c.yml",
        "--web.config.file",
        web.to_str().unwrap(),
    ];
    std::fs::write(&web, "basic_auth_users: {}\n").unwrap();
    let ok = Failure::Answered(format!("c.yml: ok\n{}: ok", web.display()));
    assert_eq!(parse(&arguments).unwrap().report_valid(), Err(ok));
    std::fs::write(&web, "basic_auth_users: {}\nbasic: 1\n").unwrap();
    let Err(Failure::Start(line)) = parse(&arguments).unwrap().report_valid() else {
        panic!("a wrong web configuration is ok");
    };
    assert!(
        line.starts_with(&format!("{}:2: unknown key \"basic\"", web.display())),
        "{line}"
    );
    let Err(Failure::Answered(text)) = parse(&["check-config"]).unwrap().report_valid() else {
        panic!("no configuration is not ok");
    };
    assert_eq!(text, "no configuration file given: defaults ok");
}

#[test]
fn a_program_that_takes_several_files_checks_each_of_them() {
    let several = |arguments: &[&str]| {
        let command = with_config_files(command(&PROGRAM), "Some files");
        let words = std::iter::once(&PROGRAM.name).chain(arguments);
        let files = Args::new(command.try_get_matches_from(words).unwrap()).config_files;
        files
            .iter()
            .map(|it| it.display().to_string())
            .collect::<Vec<_>>()
    };
    let two = ["--config.file=a.yml", "--config.file=b.yml"];
    assert_eq!(several(&two), ["a.yml", "b.yml"]);
    assert_eq!(
        several(&["check-config", two[0], two[1]]),
        ["a.yml", "b.yml"]
    );
    assert_eq!(
        several(&["check-config", "c.yml", "d.yml"]),
        ["c.yml", "d.yml"]
    );
    assert_eq!(several(&[two[0], "check-config", "c.yml"]), ["c.yml"]);
    assert_eq!(several(&["check-config"]), [""; 0]);
    assert!(usage(&["check-config", "c.yml", "d.yml"]).contains("d.yml"));
}
