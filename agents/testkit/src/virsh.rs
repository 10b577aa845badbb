//! virsh as a test uses it: one command, its output; and one domain, asked and told through it.
//! What it prints is the truth that exporters are compared with.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::libvirtd::Libvirtd;
use crate::tools::try_run_command;
use crate::usage::Usage;

/// virsh on one connection.
#[derive(Debug, Clone)]
pub struct Virsh {
    uri: String,
}

impl Virsh {
    /// virsh connected to `uri`.
    pub fn new(uri: String) -> Self {
        Self { uri }
    }

    /// Runs one command and returns what it printed; panics with its complaint if it fails.
    pub fn run<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> String {
        self.try_run(args).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Runs one command; `Err` with its complaint if it fails.
    pub fn try_run<A: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = A>,
    ) -> Result<String, String> {
        let virsh = crate::tools::find_program("virsh");
        try_run_command(
            std::process::Command::new(virsh)
                .args(["-q", "-c", &self.uri])
                .args(args),
        )
    }
}

/// A running domain; dropping it destroys it.
#[derive(Debug)]
pub struct Domain {
    virsh: Virsh,
    name: String,
    uuid: uuid::Uuid,
    pid: u32,
}

impl Domain {
    /// Starts a transient domain from its XML.
    pub(crate) fn create(libvirtd: &Libvirtd, name: &str, uuid: uuid::Uuid, xml: &str) -> Self {
        let virsh = libvirtd.virsh();
        let file = libvirtd.dir().join(format!("{uuid}.xml"));
        std::fs::write(&file, xml).unwrap();
        virsh.run([OsStr::new("create"), file.as_os_str()]);
        let pid = libvirtd.qemu_pid(uuid);
        Self {
            virsh,
            name: name.to_owned(),
            uuid,
            pid,
        }
    }

    /// libvirt's name of the domain.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The domain's UUID, which is the server's id in OpenStack.
    pub fn uuid(&self) -> uuid::Uuid {
        self.uuid
    }

    /// The PID of its QEMU on the machine.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Memory and CPU time of its QEMU.
    pub fn usage(&self) -> Usage {
        Usage::of(self.pid).unwrap()
    }

    /// The domain's XML as libvirt completed it.
    pub fn xml(&self) -> String {
        self.virsh.run(["dumpxml", &self.name])
    }

    /// `virsh domstate`: "running", "paused".
    pub fn state(&self) -> String {
        self.virsh.run(["domstate", &self.name]).trim().to_owned()
    }

    /// Every `key=value` of `virsh domstats`, such as `block.0.rd.bytes`.
    pub fn domstats(&self) -> BTreeMap<String, String> {
        parse_domstats(&self.virsh.run(["domstats", &self.name]))
    }

    /// One number of [`Domain::domstats`]; panics, showing all of them, if it is not there.
    pub fn stat(&self, key: &str) -> f64 {
        let stats = self.domstats();
        let value = stats.get(key).and_then(|value| value.parse().ok());
        value.unwrap_or_else(|| panic!("no number {key} in {stats:#?}"))
    }

    /// Waits until `key` is there and more than `floor`, and returns it.
    pub fn wait_for_stat_above(&self, key: &str, floor: f64, timeout: Duration) -> f64 {
        let deadline = Instant::now() + timeout;
        loop {
            let stats = self.domstats();
            match stats.get(key).and_then(|value| value.parse().ok()) {
                Some(value) if value > floor => return value,
                _ => assert!(
                    Instant::now() < deadline,
                    "{key} not above {floor} in {stats:#?}"
                ),
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Sends a command such as `{"execute":"guest-ping"}` to the guest agent and returns its
    /// answer.
    pub fn agent(&self, command: &str) -> Result<serde_json::Value, String> {
        let answer =
            self.virsh
                .try_run(["qemu-agent-command", &self.name, command, "--timeout", "5"])?;
        serde_json::from_str(&answer).map_err(|error| format!("{error} in {answer}"))
    }

    /// Stops its CPUs.
    pub fn suspend(&self) {
        self.virsh.run(["suspend", &self.name]);
    }

    /// Lets its CPUs run again.
    pub fn resume(&self) {
        self.virsh.run(["resume", &self.name]);
    }

    /// Ends it at once; libvirt forgets it, since it is transient.
    pub fn destroy(&self) {
        self.virsh.run(["destroy", &self.name]);
    }
}

impl Drop for Domain {
    fn drop(&mut self) {
        // It may be gone already, and its libvirtd too.
        let _ = self.virsh.try_run(["destroy", &self.name]);
    }
}

fn parse_domstats(text: &str) -> BTreeMap<String, String> {
    let pairs = text.lines().filter_map(|line| line.trim().split_once('='));
    pairs
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// `text` as the content of an XML element or attribute.
pub(crate) fn escape_xml(text: &str) -> String {
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    text.replace('\'', "&apos;").replace('"', "&quot;")
}

/// A path as the content of an XML attribute.
pub(crate) fn xml_path(path: &Path) -> String {
    escape_xml(path.to_str().unwrap())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domstats_become_pairs_and_values_keep_their_equals_signs() {
        let text = "Domain: 'a=b'\n  state.state=1\n  block.0.path=/a=b.qcow2\n\n";
        let stats = parse_domstats(text);
        assert_eq!(stats["state.state"], "1");
        assert_eq!(stats["block.0.path"], "/a=b.qcow2");
    }

    #[test]
    fn every_character_that_xml_keeps_for_itself_is_escaped() {
        assert_eq!(
            escape_xml("<a b='c' & \"d\">"),
            "&lt;a b=&apos;c&apos; &amp; &quot;d&quot;&gt;"
        );
    }
}
