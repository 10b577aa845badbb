//! What OpenStack Nova writes into a domain's `<metadata>`: who the instance belongs to, its flavor and its image.
//! Nova has used the namespaces 1.0 (until 2020) and 1.1; the elements are the same, later releases add some. Pure.

use roxmltree::Node;

/// The namespaces that Nova has used, without their version.
const NAMESPACE: &str = "http://openstack.org/xmlns/libvirt/nova/";

/// The facts about one instance. Text that Nova did not write is empty, numbers are `None`.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Nova {
    /// The display name that the user gave, `<nova:name>`.
    pub(crate) instance_name: String,
    /// `<nova:flavor name=…>`.
    pub(crate) flavor_name: String,
    /// `<nova:flavor id=…>`, which only recent releases write.
    pub(crate) flavor_id: String,
    /// `<nova:user>`.
    pub(crate) user_name: String,
    /// `<nova:user uuid=…>`.
    pub(crate) user_id: String,
    /// `<nova:project>`.
    pub(crate) project_name: String,
    /// `<nova:project uuid=…>`.
    pub(crate) project_id: String,
    /// `<nova:root type=…>`, `image` where the instance was booted from one.
    pub(crate) root_type: String,
    /// `<nova:root uuid=…>`.
    pub(crate) root_uuid: String,
    /// `<nova:creationTime>`, in seconds since the Unix epoch.
    pub(crate) created_at: Option<i64>,
    /// `<nova:memory>`, MiB.
    pub(crate) flavor_memory: Option<u64>,
    /// `<nova:disk>`, GiB.
    pub(crate) flavor_disk: Option<u64>,
    /// `<nova:ephemeral>`, GiB.
    pub(crate) flavor_ephemeral: Option<u64>,
    /// `<nova:swap>`, MiB.
    pub(crate) flavor_swap: Option<u64>,
    /// `<nova:vcpus>`.
    pub(crate) flavor_vcpus: Option<u64>,
}

impl Nova {
    /// The image that the instance was booted from; empty for one booted from a volume.
    pub(crate) fn image_id(&self) -> &str {
        if self.root_type == "image" {
            &self.root_uuid
        } else {
            ""
        }
    }

    /// Reads the children of a domain's `<metadata>`; `None` when Nova wrote nothing there.
    pub(crate) fn from_metadata(metadata: Node<'_, '_>) -> Option<Nova> {
        let instance = metadata.children().find(|node| is(*node, "instance"))?;
        let flavor = child(instance, "flavor");
        let owner = child(instance, "owner");
        let user = owner.and_then(|owner| child(owner, "user"));
        let project = owner.and_then(|owner| child(owner, "project"));
        let root = child(instance, "root");
        let size = |name| {
            text(flavor.and_then(|flavor| child(flavor, name)))
                .parse()
                .ok()
        };
        Some(Nova {
            instance_name: text(child(instance, "name")),
            flavor_name: attribute(flavor, "name"),
            flavor_id: attribute(flavor, "id"),
            user_name: text(user),
            user_id: attribute(user, "uuid"),
            project_name: text(project),
            project_id: attribute(project, "uuid"),
            root_type: attribute(root, "type"),
            root_uuid: attribute(root, "uuid"),
            created_at: seconds_since_epoch(&text(child(instance, "creationTime"))),
            flavor_memory: size("memory"),
            flavor_disk: size("disk"),
            flavor_ephemeral: size("ephemeral"),
            flavor_swap: size("swap"),
            flavor_vcpus: size("vcpus"),
        })
    }
}

fn is(node: Node<'_, '_>, name: &str) -> bool {
    let tag = node.tag_name();
    tag.name() == name
        && tag
            .namespace()
            .is_some_and(|namespace| namespace.starts_with(NAMESPACE))
}

fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.children().find(|child| is(*child, name))
}

fn text(node: Option<Node<'_, '_>>) -> String {
    node.and_then(|node| node.text())
        .unwrap_or_default()
        .trim()
        .into()
}

fn attribute(node: Option<Node<'_, '_>>, name: &str) -> String {
    node.and_then(|node| node.attribute(name))
        .unwrap_or_default()
        .into()
}

/// Nova writes UTC as `2023-03-14 10:09:13`. Other forms give `None`.
fn seconds_since_epoch(text: &str) -> Option<i64> {
    let (date, time) = text.split_once([' ', 'T'])?;
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time.trim_end_matches('Z'), ':')?;
    let in_range = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..=60).contains(&second);
    in_range
        .then(|| days_since_epoch(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second)
}

fn numbers(text: &str, separator: char) -> Option<[i64; 3]> {
    let mut parts = text.splitn(3, separator).map(|part| part.parse().ok());
    Some([parts.next()??, parts.next()??, parts.next()??])
}

/// Days of the proleptic Gregorian calendar. The year is counted from March, so that the leap day comes last.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month_from_march = (month + 9) % 12;
    let leap_days = year / 4 - year / 100 + year / 400;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    year * 365 + leap_days + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(instance: &str) -> Option<Nova> {
        let xml = format!("<metadata>{instance}</metadata>");
        let document = roxmltree::Document::parse(&xml).unwrap();
        Nova::from_metadata(document.root_element())
    }

    #[test]
    fn an_instance_of_namespace_1_0_is_read() {
        let nova = read(
            r#"<nova:instance xmlns:nova="http://openstack.org/xmlns/libvirt/nova/1.0">
                 <nova:package version="17.0.2"/>
                 <nova:name>web "1" &amp; 云</nova:name>
                 <nova:creationTime>2018-04-16 07:15:20</nova:creationTime>
                 <nova:flavor name="m1.small"><nova:memory>2048</nova:memory><nova:disk>20</nova:disk>
                   <nova:swap>512</nova:swap><nova:ephemeral>5</nova:ephemeral><nova:vcpus>1</nova:vcpus></nova:flavor>
                 <nova:owner><nova:user uuid="u1">admin</nova:user><nova:project uuid="p1">demo</nova:project></nova:owner>
                 <nova:root type="image" uuid="i1"/>
               </nova:instance>"#,
        )
        .unwrap();
        assert_eq!(nova.instance_name, r#"web "1" & 云"#);
        assert_eq!(nova.created_at, Some(1_523_862_920));
        assert_eq!(
            (nova.flavor_name.as_str(), nova.flavor_id.as_str()),
            ("m1.small", "")
        );
        assert_eq!(
            (nova.user_name.as_str(), nova.user_id.as_str()),
            ("admin", "u1")
        );
        assert_eq!(
            (nova.project_name.as_str(), nova.project_id.as_str()),
            ("demo", "p1")
        );
        assert_eq!(nova.image_id(), "i1");
        assert_eq!(
            (nova.flavor_memory, nova.flavor_disk),
            (Some(2048), Some(20))
        );
        assert_eq!(
            (nova.flavor_swap, nova.flavor_ephemeral),
            (Some(512), Some(5))
        );
        assert_eq!(nova.flavor_vcpus, Some(1));
    }

    #[test]
    fn an_instance_of_namespace_1_1_booted_from_a_volume_has_a_flavor_id_and_no_image() {
        let nova = read(
            r#"<n:instance xmlns:n="http://openstack.org/xmlns/libvirt/nova/1.1">
                 <n:name>db</n:name><n:flavor name="m1" id="42"/>
                 <n:ports><n:port uuid="x"><n:ip type="fixed" address="10.0.0.1" ipVersion="4"/></n:port></n:ports>
               </n:instance>"#,
        )
        .unwrap();
        assert_eq!(nova.flavor_id, "42");
        assert_eq!(nova.image_id(), "");
        assert_eq!(nova.project_id, "");
        assert_eq!((nova.created_at, nova.flavor_vcpus), (None, None));
    }

    #[test]
    fn metadata_of_others_is_not_novas() {
        assert_eq!(read("<instance><name>x</name></instance>"), None);
        assert_eq!(
            read("<a:instance xmlns:a='http://libosinfo.org/1.0'/>"),
            None
        );
        assert_eq!(read(""), None);
    }

    #[test]
    fn times_of_other_forms_are_no_times() {
        assert_eq!(seconds_since_epoch("1970-01-01 00:00:00"), Some(0));
        assert_eq!(
            seconds_since_epoch("2024-02-29T23:59:59Z"),
            Some(1_709_251_199)
        );
        for wrong in [
            "",
            "yesterday",
            "2024-02-29",
            "2024-13-01 00:00:00",
            "2024-01-01 24:00:00",
            "99999-01-01 0:0:0",
        ] {
            assert_eq!(seconds_since_epoch(wrong), None, "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_time_reader_panic(text in ".{0,40}") {
            let _ = seconds_since_epoch(&text);
        }

        #[test]
        fn no_numbers_make_the_time_reader_panic(y: i64, m: i64, d: i64, s: i64) {
            let _ = seconds_since_epoch(&format!("{y}-{m}-{d} {s}:{s}:{s}"));
        }
    }
}
