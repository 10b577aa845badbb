//! Tests of reading snmp.yml: both forms, what is refused and with which words, and what is never shown.

use std::io::Write as _;
use std::time::Duration;

use super::*;

fn load(text: &str) -> Result<Config, String> {
    load_with(text, None)
}

fn load_with(text: &str, variable: Option<Variables<'_>>) -> Result<Config, String> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    Config::load(&[file.path().to_owned()], variable).map_err(|error| {
        let name = file.path().display().to_string();
        error.to_string().replace(&name, "snmp.yml")
    })
}

const SPLIT: &str = "auths:
  public_v2: {version: 2}
  switches:
    version: 3
    username: monitor
    security_level: authPriv
    password: sesame-open
    auth_protocol: SHA256
    priv_protocol: AES256C
    priv_password: sesame-close
    context_name: vlan-7
modules:
  if_mib:
    walk: [1.3.6.1.2.1.2, 1.3.6.1.2.1.31.1.1]
    get: [1.3.6.1.2.1.1.3.0]
    max_repetitions: 0
    retries: 0
    timeout: 1m30s
    metrics:
    - {name: ifIndex, oid: 1.3.6.1.2.1.2.2.1.1, type: gauge, help: an index}
    - {name: inner, oid: 1.3.6.1.2.1.2.2.1.1.5, type: gauge, help: never reached}
";

#[test]
fn the_form_with_auths_and_modules_is_read() {
    let config = load(SPLIT).unwrap();
    let module = config.module("if_mib").unwrap();
    assert_eq!(
        (module.walk.len(), module.get.len(), module.metric_count()),
        (2, 1, 1)
    );
    let expected = WalkParams {
        max_repetitions: 25,
        retries: 0,
        timeout: Duration::from_secs(90),
        allow_nonincreasing_oids: false,
        any_source: false,
    };
    assert_eq!(module.params, expected);
    let v2 = config.credentials(None, "if_mib").unwrap();
    assert!(matches!(&**v2, Credentials::V2(community) if community.reveal() == "public"));
    let v3 = config.credentials(Some("switches"), "if_mib").unwrap();
    let Credentials::V3(usm) = &**v3 else {
        panic!("{v3:?}")
    };
    let (digest, password) = usm.auth.as_ref().unwrap();
    assert_eq!(
        (digest.to_string().as_str(), password.reveal()),
        ("SHA-256", "sesame-open")
    );
    assert_eq!(usm.context, "vlan-7");
    let unknown = config.credentials(Some("nobody"), "if_mib").unwrap_err();
    assert_eq!(unknown, "Unknown auth 'nobody'");
}

#[test]
fn the_form_with_auth_in_the_modules_is_read() {
    let config = load(
        "old:\n  walk: [1.3.6]\n  metrics: []\n  version: 1\n  auth: {community: ham}\nplain: {walk: [1.3.6]}\n",
    )
    .unwrap();
    let v1 = config.credentials(None, "old").unwrap();
    assert!(matches!(&**v1, Credentials::V1(community) if community.reveal() == "ham"));
    let v2 = config.credentials(None, "plain").unwrap();
    assert!(matches!(&**v2, Credentials::V2(community) if community.reveal() == "public"));
    assert!(config.credentials(Some("x"), "old").is_err());
}

#[test]
fn the_shipped_file_is_valid_and_has_the_modules_that_it_promises() {
    let config = Config::load(&[], None).unwrap();
    for name in [
        "system",
        "if_mib",
        "hrSystem",
        "hrStorage",
        "hrDevice",
        "ucd",
        "hardware",
        "entity",
        "lldp",
        "printer_mib",
        "ups",
        "dell_idrac",
        "hpe_ilo",
    ] {
        let module = config.module(name).unwrap();
        assert!(module.metric_count() > 0, "{name}");
        // Whatever is a metric is walked or got, or it would never be seen.
        for metric in &module.metrics_for_test() {
            let is_asked = |asked: &async_snmp::Oid| {
                metric.starts_with(asked.arcs()) || asked.arcs().starts_with(metric)
            };
            assert!(
                module.walk.iter().chain(&module.get).any(is_asked),
                "{name} {metric:?}"
            );
        }
    }
    assert!(config.credentials(None, "if_mib").is_ok());
}

#[test]
fn a_mistake_is_told_with_file_line_and_key() {
    let unknown = SPLIT.replace("retries:", "retires:");
    let error = load(&unknown).err().unwrap();
    assert!(
        error.starts_with("snmp.yml:17: unknown key \"retires\""),
        "{error}"
    );
    for (right, wrong, line, told) in [
        (
            "type: gauge, help: an index",
            "type: guage, help: an index",
            20,
            "guage",
        ),
        ("oid: 1.3.6.1.2.1.2.2.1.1,", "oid: 1.3.six,", 20, "1.3.six"),
        ("1m30s", "90 seconds", 18, "90 seconds"),
        ("SHA256", "SHA3", 8, "SHA3"),
        ("authPriv", "noAuthPriv", 6, "noAuthPriv"),
    ] {
        let error = load(&SPLIT.replace(right, wrong)).err().unwrap();
        assert!(error.starts_with(&format!("snmp.yml:{line}: ")), "{error}");
        assert!(
            error.contains(told) && error.lines().count() == 1,
            "{error}"
        );
    }
}

#[test]
fn credentials_that_cannot_work_are_refused_by_name() {
    for (right, wrong, told) in [
        (
            "username: monitor",
            "username: ''",
            "snmp.yml: auths.switches: username: expected",
        ),
        (
            "sesame-open",
            "short",
            "auths.switches: password: expected at least 8",
        ),
        (
            "sesame-close",
            "''",
            "auths.switches: priv_password: expected at least 8",
        ),
        (
            "version: 3",
            "version: 4",
            "auths.switches: version: expected 1, 2 or 3, found 4",
        ),
    ] {
        let error = load(&SPLIT.replace(right, wrong)).err().unwrap();
        assert!(error.contains(told), "{error}");
        assert!(
            !error.contains("sesame") && !error.contains("short"),
            "{error}"
        );
    }
}

#[test]
fn secrets_are_not_shown() {
    let shown = load(SPLIT).unwrap().shown().to_owned();
    assert!(!shown.contains("sesame"), "{shown}");
    assert!(
        shown.contains("<secret>") && shown.contains("monitor"),
        "{shown}"
    );
    // What is shown is a valid file itself.
    assert!(load(&shown).is_ok(), "{shown}");
}

#[test]
fn secrets_come_from_the_environment_only_when_asked_for_and_must_be_there() {
    let text = SPLIT
        .replace("sesame-open", "${SNMP_PASSWORD}")
        .replace("sesame-close", "a$SNMP_PASSWORD");
    let known = |name: &str| (name == "SNMP_PASSWORD").then(|| "from-outside".to_owned());
    let config = load_with(&text, Some(&known)).unwrap();
    let v3 = config.credentials(Some("switches"), "if_mib").unwrap();
    let Credentials::V3(usm) = &**v3 else {
        panic!("{v3:?}")
    };
    assert_eq!(usm.auth.as_ref().unwrap().1.reveal(), "from-outside");
    assert_eq!(usm.privacy.as_ref().unwrap().1.reveal(), "afrom-outside");
    let error = load_with(&text, Some(&|_| None)).err().unwrap();
    assert!(error.contains("\"SNMP_PASSWORD\" to be set"), "{error}");
    assert!(load(&text).is_ok());
}

#[test]
fn secrets_come_from_files() {
    let mut secret = tempfile::NamedTempFile::new().unwrap();
    secret.write_all(b"from-a-file\n").unwrap();
    let key = format!("password_file: {}", secret.path().display());
    let config = load(&SPLIT.replace("password: sesame-open", &key)).unwrap();
    let v3 = config.credentials(Some("switches"), "if_mib").unwrap();
    assert!(
        matches!(&**v3, Credentials::V3(usm) if usm.auth.as_ref().unwrap().1.reveal() == "from-a-file")
    );
}

fn load_all(texts: &[&str]) -> Result<Config, String> {
    let dir = tempfile::tempdir().unwrap();
    for (at, text) in texts.iter().enumerate() {
        std::fs::write(dir.path().join(format!("{at}.yml")), text).unwrap();
    }
    let pattern = dir.path().join("*.yml");
    Config::load(&[pattern], None).map_err(|error| {
        let dir = format!("{}/", dir.path().display());
        error.to_string().replace(&dir, "")
    })
}

const POLL: &str = "poll:\n- {targets: [10.0.0.1, 'tcp://sw:1161'], modules: [if_mib, ups], interval: 30s, labels: {rack: a}}\n";

#[test]
fn files_add_to_those_before_them_and_what_none_has_is_shipped() {
    let auths = "auths: {public_v2: {community: first}, b: {community: b}}\n";
    let config = load_all(&[auths, "auths: {public_v2: {community: last}}\n", POLL]).unwrap();
    let community = |name| match &**config.credentials(Some(name), "ups").unwrap() {
        Credentials::V2(community) => community.reveal().to_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        (community("public_v2"), community("b")),
        ("last".to_owned(), "b".to_owned())
    );
    assert!(config.module("dell_idrac").is_some());
    let polled: Vec<String> = config
        .polls()
        .iter()
        .map(|poll| poll.query.target.to_string())
        .collect();
    assert_eq!(polled, ["10.0.0.1:161", "tcp://sw:1161"]);
    assert!(config.names(&Target::parse("10.0.0.1").unwrap()));
    assert!(!config.names(&Target::parse("10.0.0.1:1161").unwrap()));
    let poll = &config.polls()[1];
    assert_eq!(
        (
            poll.interval.as_secs(),
            poll.timeout.as_secs(),
            poll.max_age.as_secs()
        ),
        (30, 30, 90)
    );
    let labels = [("target", "tcp://sw:1161"), ("rack", "a")];
    assert_eq!(
        poll.labels,
        labels.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    // Modules of the old form may be polled too, with their own secrets.
    let old = load_all(&["if_mib: {walk: [1.3.6]}\nups: {walk: [1.3.6]}\n", POLL]).unwrap();
    assert_eq!(old.polls().len(), 2);
    assert!(old.shown().contains("poll:"));
}

#[test]
fn mistakes_in_several_files_are_told_with_their_file() {
    for (texts, told) in [
        (
            &["auths: {a: {version: 9}}\n", POLL][..],
            "0.yml: auths.a: version: expected 1, 2 or 3, found 9",
        ),
        (
            &["a: {walk: [1.3.6]}\n", "modules: {}\n"],
            "1.yml: expected the form of the files before it",
        ),
        (
            &["modules: {if_mib: {metrics: []}}\n", POLL],
            "1.yml: poll[0]: Unknown module 'ups'",
        ),
        (
            &[POLL, POLL],
            "1.yml: poll[1]: targets: 10.0.0.1 is polled for the same modules twice",
        ),
        (
            &["poll:\n- {targets: [a], interval: 10ms}\n"],
            "0.yml: poll[0]: interval: expected at least 1s, found 10ms",
        ),
        (
            &["poll:\n- {targets: [a], labels: {target: x}}\n"],
            "poll[0]: labels: expected a label's name other than target",
        ),
        (
            &["poll:\n- {targets: ['a b']}\n"],
            "poll[0]: cannot ask target \"a b\": expected a host",
        ),
        (
            &["poll:\n- {targets: [a], auth: x}\n"],
            "poll[0]: Unknown auth 'x'",
        ),
        (
            &["poll:\n- {targets: [a], intervall: 5s}\n"],
            "0.yml:2: unknown key \"intervall\"",
        ),
    ] {
        let error = load_all(texts).err().unwrap();
        assert!(error.contains(told), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
    assert!(
        load_all(&[])
            .err()
            .unwrap()
            .contains("expected a file of that pattern, found none")
    );
}

proptest::proptest! {
    #[test]
    fn any_change_of_a_file_is_read_or_refused_in_one_line(at in 0..SPLIT.len(), with in "[ -~\n]{0,3}") {
        let (before, after) = SPLIT.split_at(at);
        let after = after.get(1..).unwrap_or_default();
        if let Err(error) = load(&format!("{before}{with}{after}")) {
            proptest::prop_assert_eq!(error.lines().count(), 1);
        }
    }
}
