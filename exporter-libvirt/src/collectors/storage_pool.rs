//! Libvirt's storage pools (`virStoragePoolGetInfo`), under inovex's names and under Tinkoff's.

use exposition::{Families, MetricType::Gauge};

use super::Group;
use crate::domain::Snapshot;
use crate::emit::count;
use crate::pools::StoragePool;

pub(super) const GROUP: Group = Group {
    name: "storage_pool",
    help: "Storage pools: state and sizes as libvirt last read them",
    source: "virStoragePoolGetInfo",
    default_on: true,
    stats: 0,
    emit,
};

/// Inovex's name, Tinkoff's name, inovex's HELP and the value.
type PoolFamily = (
    &'static str,
    &'static str,
    &'static str,
    fn(&StoragePool) -> Option<f64>,
);

const FAMILIES: [PoolFamily; 4] = [
    (
        "libvirt_storage_pool_state",
        "libvirt_storage_pool_info_state",
        "State of the storage pool.",
        |pool| pool.state.map(f64::from),
    ),
    (
        "libvirt_storage_pool_capacity_bytes",
        "libvirt_storage_pool_info_capacity_bytes",
        "Size of the storage pool in logical bytes.",
        |pool| count(pool.sizes.map(|sizes| sizes.capacity)),
    ),
    (
        "libvirt_storage_pool_allocation_bytes",
        "libvirt_storage_pool_info_allocation_bytes",
        "Current allocation bytes of the storage pool.",
        |pool| count(pool.sizes.map(|sizes| sizes.allocation)),
    ),
    (
        "libvirt_storage_pool_available_bytes",
        "libvirt_storage_pool_info_available_bytes",
        "Remaining free space of the storage pool in bytes.",
        |pool| count(pool.sizes.map(|sizes| sizes.available)),
    ),
];

fn emit(snapshot: &Snapshot, out: &mut Families) {
    for (inovex, tinkoff, help, value) in FAMILIES {
        for (family, label) in [(inovex, "storage_pool"), (tinkoff, "pool")] {
            let mut writer = out.family(family, help, Gauge);
            for pool in &snapshot.pools {
                if let Some(value) = value(pool) {
                    writer.sample(&[(label, &pool.name)], value);
                }
            }
        }
    }
    let mut writer = out.family(
        "libvirt_storage_pool_timed_out",
        "Whether scraping libvirt's pool metrics has timed out.",
        Gauge,
    );
    for pool in &snapshot.pools {
        let is_late = f64::from(u8::from(pool.state.is_none()));
        writer.sample(&[("storage_pool", &pool.name)], is_late);
    }
}
