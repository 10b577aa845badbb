//! One peer's exact names and labels instead of the union of all: for those who replace an exporter and want the very
//! same series. Pure: families in, fewer families with fewer labels out.

mod tables;

use std::borrow::Cow;
use std::collections::HashMap;

use exposition::Families;

/// A peer whose place the exporter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    /// prometheus-libvirt-exporter of inovex, 2.5.
    Inovex,
    /// libvirt-exporter of Tinkoff.
    Tinkoff,
    /// Debian's prometheus-libvirt-exporter 0.2, which comes from Kumina's libvirt_exporter.
    Kumina,
}

/// A family that a peer has.
struct Kept {
    /// Our name of it.
    ours: &'static str,
    /// The peer's name of it.
    theirs: &'static str,
    /// The labels that the peer gives it.
    labels: &'static [&'static str],
}

impl Peer {
    /// The names by which `--compat` knows the peers.
    pub(crate) const NAMES: [(&'static str, Peer); 3] = [
        ("inovex", Peer::Inovex),
        ("kumina", Peer::Kumina),
        ("tinkoff", Peer::Tinkoff),
    ];

    /// The peer of this name.
    ///
    /// # Errors
    /// What was expected.
    pub(crate) fn parse(name: &str) -> Result<Peer, String> {
        let known = Peer::NAMES.iter().find(|(known, _)| *known == name);
        known
            .map(|(_, peer)| *peer)
            .ok_or_else(|| "expected one of inovex, kumina, tinkoff".to_owned())
    }

    /// Writes to `out` what the peer would have of `all`. `with_nova`: whether Kumina's series carry what Nova says.
    pub(crate) fn narrow(self, all: &Families, with_nova: bool, out: &mut Families) {
        let joined = Joined::new(all, self == Peer::Kumina, with_nova);
        for kept in self.table() {
            let Some(family) = all.get(kept.ours) else {
                continue;
            };
            let mut writer = out.family(kept.theirs, family.help(), family.kind());
            for sample in family.samples() {
                let own: Vec<(&str, Cow<'_, str>)> = sample
                    .labels()
                    .filter(|(name, _)| kept.labels.contains(name))
                    .collect();
                let domain = sample.label("domain").unwrap_or_default();
                let device = sample.label("target_device").unwrap_or_default();
                let mut labels: Vec<(&str, &str)> =
                    own.iter().map(|(name, value)| (*name, &**value)).collect();
                labels.extend(joined.of(&domain, &device, kept.theirs));
                writer.sample(&labels, sample.value);
            }
        }
    }
}

/// Labels that Kumina's exporter has on each series and we on the `_info` series: where a disk's data lies, which bridge
/// an interface is plugged into, and what Nova says of the domain.
struct Joined<'f> {
    sources: HashMap<(Cow<'f, str>, Cow<'f, str>), Cow<'f, str>>,
    bridges: HashMap<(Cow<'f, str>, Cow<'f, str>), Cow<'f, str>>,
    nova: HashMap<Cow<'f, str>, Vec<(&'static str, Cow<'f, str>)>>,
}

impl<'f> Joined<'f> {
    fn new(all: &'f Families, is_needed: bool, with_nova: bool) -> Joined<'f> {
        let by_device = |family: &str, label: &str| {
            let family = all.get(family).filter(|_| is_needed);
            let samples = family.into_iter().flat_map(|family| family.samples());
            let labelled = samples.filter_map(|sample| {
                let key = (sample.label("domain")?, sample.label("target_device")?);
                Some((key, sample.label(label)?))
            });
            labelled.collect()
        };
        let nova = all
            .get("libvirt_domain_openstack_info")
            .filter(|_| is_needed && with_nova);
        let samples = nova.into_iter().flat_map(|family| family.samples());
        let nova = samples.filter_map(|sample| {
            let labels = [
                ("name", "instance_name"),
                ("flavor", "flavor_name"),
                ("project_name", "project_name"),
            ];
            let labels = labels
                .into_iter()
                .filter_map(|(theirs, ours)| Some((theirs, sample.label(ours)?)));
            Some((sample.label("domain")?, labels.collect()))
        });
        Joined {
            sources: by_device("libvirt_domain_block_meta", "source_file"),
            bridges: by_device("libvirt_domain_interface_stats_info", "source_bridge"),
            nova: nova.collect(),
        }
    }

    fn of<'s>(
        &'s self,
        domain: &str,
        device: &str,
        family: &str,
    ) -> impl Iterator<Item = (&'s str, &'s str)> {
        let key = || (Cow::from(domain.to_owned()), Cow::from(device.to_owned()));
        let find = |map: &'s HashMap<(Cow<'f, str>, Cow<'f, str>), Cow<'f, str>>, is_its: bool| {
            map.get(&key()).filter(|_| is_its).map(|value| &**value)
        };
        let source = find(&self.sources, family.starts_with("libvirt_domain_block_"));
        let bridge = find(
            &self.bridges,
            family.starts_with("libvirt_domain_interface_"),
        );
        let nova = self.nova.get(domain).into_iter().flatten();
        let nova = nova.map(|(name, value)| (*name, &**value));
        source
            .map(|value| ("source_file", value))
            .into_iter()
            .chain(bridge.map(|value| ("source_bridge", value)))
            .chain(nova)
    }
}

#[cfg(test)]
mod tests {
    use exposition::{Format, MetricType, encode};

    use super::*;

    fn all() -> Families {
        let mut all = Families::new();
        let domain = [("domain", "vm"), ("uuid", "u"), ("project_id", "p")];
        let device = [domain.as_slice(), &[("target_device", "vda")]].concat();
        let mut one = |name: &str, labels: &[(&str, &str)]| {
            all.family(name, "", MetricType::Gauge).sample(labels, 1.0);
        };
        one("libvirt_up", &[]);
        one("libvirt_domains", &[]);
        one("libvirt_domain_stuck", &domain);
        one("libvirt_domain_info_vstate", &domain);
        one("libvirt_domain_block_stats_read_bytes_total", &device);
        one(
            "libvirt_domain_block_meta",
            &[device.as_slice(), &[("source_file", "/a \"b\"")]].concat(),
        );
        let nova = [
            ("instance_name", "web"),
            ("flavor_name", "m1"),
            ("project_name", "shop"),
            ("flavor_id", "7"),
        ];
        one(
            "libvirt_domain_openstack_info",
            &[domain.as_slice(), &nova].concat(),
        );
        all
    }

    fn narrowed(peer: Peer, with_nova: bool) -> Vec<String> {
        let mut out = Families::new();
        peer.narrow(&all(), with_nova, &mut out);
        assert_eq!(out.problems(), []);
        let mut text = String::new();
        encode(&out, Format::Text, &mut text);
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines
            .map(|line| line.trim_end_matches(" 1").to_owned())
            .collect()
    }

    #[test]
    fn inovexs_series_have_the_domains_name_only() {
        assert_eq!(
            narrowed(Peer::Inovex, false),
            [
                r#"libvirt_domain_block_stats_read_bytes_total{domain="vm",target_device="vda"}"#,
                r#"libvirt_domain_openstack_info{domain="vm",project_id="p",instance_name="web",flavor_name="m1",project_name="shop"}"#,
                "libvirt_domains",
                "libvirt_up",
            ]
        );
    }

    #[test]
    fn tinkoffs_have_no_number_of_domains_but_the_state_of_each() {
        assert_eq!(
            narrowed(Peer::Tinkoff, false),
            [
                r#"libvirt_domain_block_meta{domain="vm",target_device="vda",source_file="/a \"b\""}"#,
                r#"libvirt_domain_block_stats_read_bytes_total{domain="vm",target_device="vda"}"#,
                r#"libvirt_domain_info_vstate{domain="vm"}"#,
                "libvirt_up",
            ]
        );
    }

    #[test]
    fn kuminas_have_the_source_on_each_series_and_novas_words_on_demand() {
        let plain = narrowed(Peer::Kumina, false);
        assert_eq!(
            plain,
            [
                r#"libvirt_domain_block_stats_read_bytes_total{domain="vm",uuid="u",target_device="vda",source_file="/a \"b\""}"#,
                r#"libvirt_domain_state_code{domain="vm",uuid="u"}"#,
                "libvirt_domains_number",
                "libvirt_up",
            ]
        );
        let with_nova = narrowed(Peer::Kumina, true);
        assert_eq!(
            with_nova[1],
            r#"libvirt_domain_state_code{domain="vm",uuid="u",name="web",flavor="m1",project_name="shop"}"#
        );
    }

    #[test]
    fn every_family_of_a_table_is_there_once() {
        for (name, peer) in Peer::NAMES {
            let mut theirs: Vec<_> = peer.table().iter().map(|kept| kept.theirs).collect();
            let count = theirs.len();
            theirs.sort_unstable();
            theirs.dedup();
            assert_eq!(theirs.len(), count, "{name}");
        }
    }
}
