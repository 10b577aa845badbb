//! What the tests of the shipped binary share: a real snmpd on loopback with its own configuration, and snmp.yml in the
//! form that snmp_exporter 0.21 reads.
#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(
    clippy::unwrap_used,
    reason = "a failed assumption fails the test loudly"
)]
#![allow(clippy::panic, reason = "a failed comparison fails the test loudly")]

pub(crate) mod compare;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use testkit::{Peer, Running, Shipped};

/// The binary under test.
pub(crate) const AGENT: &str = env!("CARGO_BIN_EXE_nephoscope-agent-snmp");

/// The modules that are shipped, in the form from 0.23 on.
pub(crate) const SHIPPED: &str = include_str!("../../snmp.yml");

/// Credentials by name, as `version` and `auth` of a module in the old form.
pub(crate) const AUTHS: [(&str, &str); 16] = [
    ("v1", "version: 1\n  auth: {community: ham}"),
    ("v2", "version: 2\n  auth: {community: ham}"),
    (
        "v3_none",
        "version: 3\n  auth: {security_level: noAuthNoPriv, username: plain}",
    ),
    (
        "v3_md5",
        "version: 3\n  auth: {security_level: authNoPriv, username: md5, password: sesame-open, auth_protocol: MD5}",
    ),
    (
        "v3_md5_des",
        "version: 3\n  auth: {security_level: authPriv, username: md5, password: sesame-open, auth_protocol: MD5, priv_protocol: DES, priv_password: sesame-close}",
    ),
    (
        "v3_sha_aes",
        "version: 3\n  auth: {security_level: authPriv, username: sha, password: sesame-open, auth_protocol: SHA, priv_protocol: AES, priv_password: sesame-close}",
    ),
    (
        "v3_sha",
        "version: 3\n  auth: {security_level: authNoPriv, username: sha, password: sesame-open, auth_protocol: SHA}",
    ),
    (
        "v3_sha_des",
        "version: 3\n  auth: {security_level: authPriv, username: shades, password: sesame-open, auth_protocol: SHA, priv_protocol: DES, priv_password: sesame-close}",
    ),
    (
        "v3_sha224_aes",
        "version: 3\n  auth: {security_level: authPriv, username: sha224, password: sesame-open, auth_protocol: SHA224, priv_protocol: AES, priv_password: sesame-close}",
    ),
    (
        "v3_sha384_aes192",
        "version: 3\n  auth: {security_level: authPriv, username: sha384, password: sesame-open, auth_protocol: SHA384, priv_protocol: AES192, priv_password: sesame-close}",
    ),
    (
        "v3_sha_aes256",
        "version: 3\n  auth: {security_level: authPriv, username: aes256, password: sesame-open, auth_protocol: SHA, priv_protocol: AES256, priv_password: sesame-close}",
    ),
    (
        "v3_sha_aes192c",
        "version: 3\n  auth: {security_level: authPriv, username: aes192c, password: sesame-open, auth_protocol: SHA, priv_protocol: AES192C, priv_password: sesame-close}",
    ),
    (
        "v3_sha512_aes",
        "version: 3\n  auth: {security_level: authPriv, username: sha512, password: sesame-open, auth_protocol: SHA512, priv_protocol: AES, priv_password: sesame-close}",
    ),
    (
        "v3_sha256_aes256",
        "version: 3\n  auth: {security_level: authPriv, username: sha256, password: sesame-open, auth_protocol: SHA256, priv_protocol: AES256, priv_password: sesame-close}",
    ),
    (
        "v3_sha_aes192",
        "version: 3\n  auth: {security_level: authPriv, username: aes192, password: sesame-open, auth_protocol: SHA, priv_protocol: AES192, priv_password: sesame-close}",
    ),
    (
        "v3_sha_aes256c",
        "version: 3\n  auth: {security_level: authPriv, username: aes256c, password: sesame-open, auth_protocol: SHA, priv_protocol: AES256C, priv_password: sesame-close}",
    ),
];

const SNMPD: &str = "dontLogTCPWrappersConnects yes
rocommunity ham 127.0.0.0/8
createUser plain
createUser md5 MD5 sesame-open DES sesame-close
createUser sha SHA sesame-open AES sesame-close
createUser sha512 SHA-512 sesame-open AES sesame-close
createUser sha256 SHA-256 sesame-open AES-256 sesame-close
createUser aes192 SHA sesame-open AES-192 sesame-close
createUser shades SHA sesame-open DES sesame-close
createUser sha224 SHA-224 sesame-open AES sesame-close
createUser sha384 SHA-384 sesame-open AES-192 sesame-close
createUser aes256 SHA sesame-open AES-256 sesame-close
createUser aes192c SHA sesame-open AES-192-C sesame-close
createUser aes256c SHA sesame-open AES-256-C sesame-close
rouser plain noauth
rouser md5 auth
rouser sha auth
rouser sha512 priv
rouser sha256 priv
rouser aes192 priv
rouser aes256c priv
rouser shades priv
rouser sha224 priv
rouser sha384 priv
rouser aes256 priv
rouser aes192c priv
sysContact nobody
sysLocation a rack
includeAllDisks 1%
load 12 10 5
extend temperature /bin/echo 21.5 C
extend state /bin/echo ok
";

/// A running snmpd and the folder that it lives in.
pub(crate) struct Snmpd {
    /// The process; its port is the same for UDP and TCP.
    pub(crate) running: Running,
    dir: TempDir,
}

impl Snmpd {
    /// Starts Debian's snmpd on loopback.
    pub(crate) fn start() -> Self {
        Self::start_on("127.0.0.1")
    }

    /// Starts it on `address`, which may be that of all of loopback.
    pub(crate) fn start_on(address: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let conf = dir.path().join("snmpd.conf");
        std::fs::write(&conf, SNMPD).unwrap();
        let running = Peer::new("snmpd")
            .args([
                "-f",
                "-Le",
                "-I",
                "-smux",
                "-C",
                "-c",
                conf.to_str().unwrap(),
            ])
            .args([
                format!("udp:{address}:{{port}}"),
                "tcp:127.0.0.1:{port}".to_owned(),
            ])
            .env("MIBS", "")
            .env("SNMP_PERSISTENT_DIR", dir.path().to_str().unwrap())
            .current_dir(dir.path())
            .start();
        Self { running, dir }
    }

    /// `target=` of a request.
    pub(crate) fn target(&self) -> &str {
        self.running.address()
    }

    /// A file in the folder.
    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

/// Modules of the form from 0.23 on in the form up to 0.22: each of them once with each of `AUTHS`, as `MODULE_AUTH`.
pub(crate) fn flat(split: &str) -> String {
    flat_with(split, &AUTHS)
}

/// The same with other credentials.
pub(crate) fn flat_with(split: &str, auths: &[(&str, &str)]) -> String {
    let (_, modules) = split.split_once("\nmodules:\n").unwrap();
    let mut flat = String::new();
    for (auth, lines) in auths {
        // 0.21 knows no scale, and no lookups of what another object decides about.
        let is_known = |line: &&str| {
            let is_lookup = line.contains("labels:");
            !line.contains("scale: ") && (!is_lookup || !line.contains("LldpPortId"))
        };
        for line in modules.lines().filter(is_known) {
            let line = line.strip_prefix("  ").unwrap_or(line);
            match line.strip_suffix(':') {
                Some(module) if !line.starts_with([' ', '#']) => {
                    writeln!(flat, "{module}_{auth}:\n  {lines}").unwrap();
                }
                _ => writeln!(flat, "{line}").unwrap(),
            }
        }
    }
    flat
}

/// Our agent, free to ask whatever port a test's device has got.
pub(crate) fn shipped() -> Shipped {
    Shipped::new(AGENT).arg("--snmp.allow-port=1-65535")
}

/// Our agent on a file.
pub(crate) fn agent(config: &Path) -> Running {
    shipped()
        .arg(format!("--config.file={}", config.display()))
        .start()
}

/// The page of a module.
pub(crate) fn page(running: &Running, target: &str, query: &str) -> String {
    running.url(&format!("/snmp?target={target}&{query}"))
}

/// Tries until there is an answer; panics after `limit`.
pub(crate) fn wait_until<T>(limit: Duration, mut attempt: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(answer) = attempt() {
            return answer;
        }
        assert!(Instant::now() < deadline, "not so within {limit:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}
