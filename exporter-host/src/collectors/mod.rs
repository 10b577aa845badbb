//! The collectors, one file each, and their table. Flags, filters, self-metrics and help all follow from the table:
//! a new collector is a file with a `SPEC`, a `mod` line and a line here.

use runtime::Spec;

use crate::config::HostConfig;

mod cpu;
mod diskstats;
mod filesystem;
mod loadavg;
mod meminfo;
mod netdev;
mod stat;
mod time;
mod uname;
mod vmstat;

/// All collectors, sorted by name.
pub(crate) const COLLECTORS: &[Spec<HostConfig>] = &[
    cpu::SPEC,
    diskstats::SPEC,
    filesystem::SPEC,
    loadavg::SPEC,
    meminfo::SPEC,
    netdev::SPEC,
    stat::SPEC,
    time::SPEC,
    uname::SPEC,
    vmstat::SPEC,
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::COLLECTORS;

    #[test]
    fn the_table_is_sorted_and_names_nothing_twice() {
        assert!(COLLECTORS.is_sorted_by(|one, next| one.name < next.name));
    }

    #[test]
    fn every_file_in_the_folder_is_in_the_table_under_its_name() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/collectors");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .filter(|name| name != "mod")
            .collect();
        files.sort();
        let table: Vec<&str> = COLLECTORS.iter().map(|spec| spec.name).collect();
        assert_eq!(table, files);
    }
}
