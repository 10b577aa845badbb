//! Devices that are not here, played by snmpsim from data that the tests write: a switch of 1,000 ports, and one of each
//! kind that the shipped modules know. Debian's snmp_exporter reads the same devices, and every series is compared.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed assumption fails the test loudly"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde::Deserialize;
use tempfile::TempDir;
use testkit::scrape::scrape;
use testkit::{Peer, Running, metric, series};

use common::compare::Pair;
use common::{SHIPPED, flat_with, page, shipped};

/// A GET of sysUpTime.0 in community `public`.
const QUESTION: &[u8] = b"\x30\x26\x02\x01\x01\x04\x06public\xa0\x19\x02\x01\x01\x02\x01\x00\x02\x01\x00\x30\x0e\x30\x0c\
                          \x06\x08\x2b\x06\x01\x02\x01\x01\x03\x00\x05\x00";

/// A request of version 3 that asks who is there: no engine, no user, no values.
const DISCOVERY: &[u8] = b"\x30\x38\x02\x01\x03\x30\x0e\x02\x01\x01\x02\x03\x00\xff\xe3\x04\x01\x04\x02\x01\x03\x04\x10\
                           \x30\x0e\x04\x00\x02\x01\x00\x02\x01\x00\x04\x00\x04\x00\x04\x00\x30\x11\x04\x00\x04\x00\
                           \xa0\x0b\x02\x01\x01\x02\x01\x00\x02\x01\x00\x30\x00";

/// Keeps to version 2c, which is faster.
const PLAIN: &[&str] = &["--v2c-arch"];

/// What a device has, by OID: a type of snmpsim's files and a value.
type Device = BTreeMap<Vec<u32>, (&'static str, String)>;

fn oid(text: &str) -> Vec<u32> {
    text.split('.').map(|arc| arc.parse().unwrap()).collect()
}

fn dotted(arcs: &[u32]) -> String {
    arcs.iter()
        .map(u32::to_string)
        .collect::<Vec<_>>()
        .join(".")
}

/// snmpsim with a device for each community, and the folder that it lives in.
struct Simulator {
    running: Running,
    dir: TempDir,
}

impl Simulator {
    fn start(devices: &[(&str, Device)], flags: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (data, cache) = (dir.path().join("data"), dir.path().join("cache"));
        std::fs::create_dir(&data).unwrap();
        std::fs::create_dir(&cache).unwrap();
        let up_time = (oid("1.3.6.1.2.1.1.3.0"), ("67", "4711".to_owned()));
        let public = Device::from([up_time]);
        for (name, device) in devices.iter().chain([&("public", public)]) {
            let mut text = String::new();
            for (arcs, (kind, value)) in device {
                writeln!(text, "{}|{kind}|{value}", dotted(arcs)).unwrap();
            }
            std::fs::write(data.join(format!("{name}.snmprec")), text).unwrap();
        }
        // It insists on giving up root.
        let open = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        open(dir.path(), 0o755);
        open(&cache, 0o777);
        let running = Peer::new("snmpsimd")
            .args([
                "--process-user=nobody",
                "--process-group=nogroup",
                "--logging-method=null",
            ])
            // What comes behind an engine belongs to it.
            .args(flags.iter().copied())
            .args([format!("--data-dir={}", data.display())])
            .args([format!("--cache-dir={}", cache.display())])
            .args(["--agent-udpv4-endpoint=127.0.0.1:{port}"])
            .wait_udp(if flags == PLAIN { QUESTION } else { DISCOVERY })
            .start();
        Self { running, dir }
    }

    fn file(&self, name: &str, content: &str) -> std::path::PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

/// Ports of the large switch.
const PORTS: u32 = 1000;

/// The columns of IF-MIB's two tables, with values that tell every row from every other.
fn switch() -> Device {
    let mut device = Device::new();
    device.insert(oid("1.3.6.1.2.1.1.3.0"), ("67", "123456789".to_owned()));
    device.insert(oid("1.3.6.1.2.1.2.1.0"), ("2", PORTS.to_string()));
    for port in 1..=PORTS {
        // Indexes of stacked switches have gaps.
        let index = 1000 * (1 + (port - 1) / 250) + port;
        let mut put = |column: &str, kind, value: String| {
            let arcs = [oid("1.3.6.1.2.1"), oid(column), vec![index]].concat();
            device.insert(arcs, (kind, value));
        };
        let counter = u64::from(port) * 4_000_003;
        let big = 9_007_199_254_740_992 + counter;
        put("2.2.1.1", "2", index.to_string());
        put(
            "2.2.1.2",
            "4",
            format!("TenGigabitEthernet{}/0/{port}", 1 + (port - 1) / 250),
        );
        put(
            "2.2.1.3",
            "2",
            (if port % 10 == 0 { 161 } else { 6 }).to_string(),
        );
        put("2.2.1.4", "2", "9198".to_owned());
        put("2.2.1.5", "66", u32::MAX.to_string());
        put("2.2.1.6", "4x", format!("001c73{port:06x}"));
        put("2.2.1.7", "2", "1".to_owned());
        put("2.2.1.8", "2", (1 + port % 7).to_string());
        put("2.2.1.9", "67", (port * 100).to_string());
        for column in [10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20] {
            let value = (counter * column) % u64::from(u32::MAX);
            put(&format!("2.2.1.{column}"), "65", value.to_string());
        }
        put("2.2.1.21", "66", (port % 3).to_string());
        put(
            "31.1.1.1.1",
            "4",
            format!("Te{}/0/{port}", 1 + (port - 1) / 250),
        );
        for column in [2, 3, 4, 5] {
            put(
                &format!("31.1.1.1.{column}"),
                "65",
                (counter % 4_294_967_291).to_string(),
            );
        }
        for column in [6_u64, 7, 8, 9, 10, 11, 12, 13] {
            put(
                &format!("31.1.1.1.{column}"),
                "70",
                (big + column).to_string(),
            );
        }
        put("31.1.1.1.14", "2", "1".to_owned());
        put("31.1.1.1.15", "66", "10000".to_owned());
        put("31.1.1.1.16", "2", "2".to_owned());
        put("31.1.1.1.17", "2", "1".to_owned());
        put(
            "31.1.1.1.18",
            "4",
            if port % 4 == 0 {
                String::new()
            } else {
                format!("server {port}: ü")
            },
        );
        put("31.1.1.1.19", "67", "0".to_owned());
    }
    device
}

#[test]
fn a_switch_of_a_thousand_ports_has_the_same_series_as_with_snmp_exporter() {
    let simulator = Simulator::start(&[("switch", switch())], PLAIN);
    let auth = [(
        "v2",
        "version: 2\n  auth: {community: switch}\n  timeout: 30s",
    )];
    let config = simulator.file("snmp.yml", &flat_with(SHIPPED, &auth));
    let pair = Pair::start(&config);
    let count = pair.compare(simulator.running.address(), "if_mib_v2");
    eprintln!("{count} series are the same");
    assert!(count > 36 * PORTS as usize, "{count}");
}

/// What the tests need of the shipped modules.
#[derive(Deserialize)]
struct Modules {
    modules: BTreeMap<String, Module>,
}

#[derive(Deserialize)]
struct Module {
    metrics: Vec<Metric>,
}

#[derive(Deserialize)]
struct Metric {
    name: String,
    oid: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    indexes: Vec<Index>,
    #[serde(default)]
    lookups: Vec<Lookup>,
    #[serde(default)]
    enum_values: BTreeMap<i64, String>,
}

#[derive(Deserialize)]
struct Index {
    labelname: String,
}

#[derive(Deserialize)]
struct Lookup {
    #[serde(default)]
    labels: Vec<String>,
    oid: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

/// Puts a row of `column` in: of what the MIB says it is, and unlike any other.
fn put(device: &mut Device, column: &str, index: &[u32], kind: &str, state: Option<i64>) {
    let arcs = [oid(column), index.to_vec()].concat();
    let row = index[0] % 10;
    let number = state.unwrap_or(i64::from(oid(column).pop().unwrap() * 100 + row));
    let value = match kind {
        "counter" => ("65", number.to_string()),
        "DisplayString" => ("4", format!("{column} no. {row}")),
        "OctetString" | "Bits" => ("4x", format!("a1b2c3d4{row:02x}")),
        "LldpPortId" => {
            // The object before it says what it is: a name, and a MAC address.
            let (subtype, value) = if row == 1 {
                ("5", "457468312f31")
            } else {
                ("3", "001c73a1b2c3")
            };
            let mut before = oid(column);
            *before.last_mut().unwrap() -= 1;
            device.insert([before, index.to_vec()].concat(), ("2", subtype.to_owned()));
            ("4x", value.to_owned())
        }
        _ => ("2", number.to_string()),
    };
    device.insert(arcs, value);
}

/// A device that has two rows of everything that the module asks for.
fn device(module: &Module) -> Device {
    let mut device = Device::new();
    for metric in &module.metrics {
        for row in 1..=2 {
            // The first index is 11 or 12, the second 21 or 22.
            let number = |at: usize| (at as u32 + 1) * 10 + row;
            let index: Vec<u32> = (0..metric.indexes.len()).map(number).collect();
            let index = if index.is_empty() { vec![0] } else { index };
            let state = metric.enum_values.keys().copied().nth(row as usize);
            put(&mut device, &metric.oid, &index, &metric.kind, state);
            for lookup in &metric.lookups {
                let Some(column) = &lookup.oid else { continue };
                let place = |label: &String| {
                    let mut indexes = metric.indexes.iter();
                    indexes.position(|index| index.labelname == *label).unwrap()
                };
                let index: Vec<u32> = lookup
                    .labels
                    .iter()
                    .map(|label| number(place(label)))
                    .collect();
                let kind = lookup.kind.as_deref().unwrap();
                put(&mut device, column, &index, kind, None);
            }
        }
    }
    device
}

/// Modules of things that no test machine has.
const DEVICES: [&str; 6] = [
    "entity",
    "lldp",
    "printer_mib",
    "ups",
    "dell_idrac",
    "hpe_ilo",
];

#[test]
fn every_metric_of_the_modules_for_devices_is_found_and_the_same_as_with_snmp_exporter() {
    let modules: Modules = serde_saphyr::from_str(SHIPPED).unwrap();
    let devices: Vec<(&str, Device)> = DEVICES
        .map(|name| (name, device(&modules.modules[name])))
        .into();
    let simulator = Simulator::start(&devices, PLAIN);
    let auths = DEVICES.map(|name| (name, format!("version: 2\n  auth: {{community: {name}}}")));
    let auths: Vec<(&str, &str)> = auths
        .iter()
        .map(|(name, auth)| (*name, auth.as_str()))
        .collect();
    let pair = Pair::start(&simulator.file("flat.yml", &flat_with(SHIPPED, &auths)));
    let target = simulator.running.address();
    for name in DEVICES {
        let count = pair.compare(target, &format!("{name}_{name}"));
        let found = scrape(&page(&pair.ours, target, &format!("module={name}_{name}")));
        let names: BTreeSet<&str> = found.iter().map(|family| family.name()).collect();
        for metric in &modules.modules[name].metrics {
            let suffix = if metric.kind == "EnumAsInfo" {
                "_info"
            } else {
                ""
            };
            let shown = format!("{}{suffix}", metric.name);
            assert!(names.contains(shown.as_str()), "{name}: no {shown}");
            let rows = series(&found, &shown).len();
            assert!(
                metric.indexes.is_empty() || rows >= 2,
                "{name}: {rows} of {shown}"
            );
        }
        assert_eq!(
            metric(&found, "snmp_scrape_samples_dropped", &[]),
            Some(0.0),
            "{name}"
        );
        eprintln!("{name}: {count} series are the same");
    }
}

#[test]
fn scales_of_the_shipped_modules_give_plain_units() {
    let ups = Device::from([
        (oid("1.3.6.1.2.1.33.1.2.5.0"), ("2", "547".to_owned())),
        (oid("1.3.6.1.2.1.33.1.4.2.0"), ("2", "499".to_owned())),
    ]);
    let simulator = Simulator::start(&[("ups", ups)], PLAIN);
    let config = simulator.file("poll.yml", "auths: {public_v2: {community: ups}}\n");
    let agent = shipped()
        .arg(format!("--config.file={}", config.display()))
        .start();
    let found = scrape(&page(&agent, simulator.running.address(), "module=ups"));
    let value = |name| metric(&found, name, &[]).unwrap();
    assert!((value("upsBatteryVoltage") - 54.7).abs() < 1e-9);
    assert!((value("upsOutputFrequency") - 49.9).abs() < 1e-9);
}

#[test]
fn an_engine_behind_a_proxy_is_asked_by_its_id() {
    let engine = "800004f7059c7a0307400529";
    let location = Device::from([(oid("1.3.6.1.2.1.1.6.0"), ("4", "behind".to_owned()))]);
    let context = format!("--v3-context-engine-id={engine}");
    for (auth, privacy, keys) in [
        ("SHA", "AES", "auth_protocol: SHA, priv_protocol: AES"),
        ("MD5", "DES", "auth_protocol: MD5, priv_protocol: DES"),
    ] {
        let (auth, privacy) = (
            format!("--v3-auth-proto={auth}"),
            format!("--v3-priv-proto={privacy}"),
        );
        let flags = [
            "--v3-engine-id=80004fb805636c6f75644dab22cc",
            context.as_str(),
            "--v3-user=monitor",
            "--v3-auth-key=sesame-open",
            auth.as_str(),
            "--v3-priv-key=sesame-close",
            privacy.as_str(),
        ];
        let simulator = Simulator::start(&[("inner", location.clone())], &flags);
        let config = format!(
            "auths: {{inner: {{version: 3, security_level: authPriv, username: monitor, password: sesame-open, \
             priv_password: sesame-close, {keys}}}}}\nmodules:\n  m:\n    get: [1.3.6.1.2.1.1.6.0]\n    timeout: 2s\n    \
             retries: 0\n    metrics: [{{name: at, oid: 1.3.6.1.2.1.1.6, type: DisplayString}}]\n"
        );
        let config = simulator.file("snmp.yml", &config);
        let agent = shipped()
            .arg(format!("--config.file={}", config.display()))
            .start();
        let ask = |more: &str| {
            let query = format!("module=m&auth=inner&snmp_context=inner{more}");
            testkit::http::get(&page(&agent, simulator.running.address(), &query))
        };
        let told = ask(&format!("&snmp_engineid={engine}"))
            .expect_status(200)
            .text();
        assert!(told.contains("at{at=\"behind\"} 1"), "{told}");
        // Neither the proxy itself nor another engine behind it has that.
        for other in ["", "&snmp_engineid=800004f7059c7a0307400530"] {
            let told = ask(other);
            assert!(!told.text().contains("behind"), "{other}: {}", told.text());
        }
    }
}
