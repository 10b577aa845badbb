//! The program runs with every libvirt from 4.5 on: what it is linked to existed then, what came later is looked up.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed assumption fails the test loudly"
)]

use testkit::tools::run;

#[test]
fn no_symbol_that_is_linked_is_newer_than_libvirt_4_5() {
    let program = env!("CARGO_BIN_EXE_nephoscope-exporter-libvirt");
    // Libvirt versions its symbols: `virConnectOpen@LIBVIRT_0.0.3`.
    let symbols = run("readelf", ["--dyn-syms", "--wide", program]);
    let linked: Vec<(&str, Vec<u32>)> = symbols
        .lines()
        .filter_map(|line| {
            line.split_whitespace()
                .find(|word| word.contains("@LIBVIRT_"))
        })
        .map(|symbol| {
            let (name, version) = symbol.split_once("@LIBVIRT_").unwrap();
            let version = version.split('.').map(|part| part.parse().unwrap());
            (name, version.collect())
        })
        .collect();
    let names: Vec<_> = linked.iter().map(|(name, _)| *name).collect();
    assert!(names.contains(&"virDomainListGetStats"), "{names:?}");
    assert!(
        !names.contains(&"virDomainGetGuestInfo"),
        "it came with 5.7"
    );
    for (name, version) in &linked {
        assert!(
            version.as_slice() <= [4, 5, 0].as_slice(),
            "{name} came with libvirt {version:?}"
        );
    }
}
