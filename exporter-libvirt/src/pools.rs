//! The storage pools that libvirt knows: their state and sizes, as libvirt last read them. Nothing is refreshed, so
//! nothing but libvirt is asked; a pool on storage that hangs may hang libvirt all the same, hence a thread apart.

use std::sync::Arc;

use virt::connect::Connect;

/// One storage pool.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoragePool {
    /// Its name.
    pub(crate) name: Arc<str>,
    /// `virStoragePoolState`: 0 inactive, 1 building, 2 running, 3 degraded, 4 inaccessible. `None` where libvirt did not
    /// tell in time.
    pub(crate) state: Option<u32>,
    /// Its sizes; `None` while it is inactive, when libvirt has only zeros.
    pub(crate) sizes: Option<Sizes>,
}

impl StoragePool {
    /// A pool of which libvirt did not tell this time.
    pub(crate) fn unknown(name: Arc<str>) -> StoragePool {
        StoragePool {
            name,
            state: None,
            sizes: None,
        }
    }
}

/// The sizes of a pool, bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sizes {
    /// What there is.
    pub(crate) capacity: u64,
    /// What volumes take.
    pub(crate) allocation: u64,
    /// What is free.
    pub(crate) available: u64,
}

/// Asks the libvirt at `uri` for its pools, each time it is called.
pub(crate) fn lister(uri: &str) -> Box<dyn FnMut(()) -> Option<Vec<StoragePool>>> {
    let uri = uri.to_owned();
    let mut open: Option<Connect> = None;
    Box::new(move |()| {
        let fresh = open.is_none();
        let mut pools = list(&mut open, &uri);
        if pools.is_err() && !fresh {
            open = None;
            pools = list(&mut open, &uri);
        }
        pools.ok()
    })
}

fn list(open: &mut Option<Connect>, uri: &str) -> Result<Vec<StoragePool>, virt::error::Error> {
    let connection = match open {
        Some(connection) => connection,
        None => open.insert(Connect::open_read_only(Some(uri))?),
    };
    let pools = connection.list_all_storage_pools(0)?;
    // A pool that vanishes meanwhile is left out.
    let pool = |pool: virt::storage_pool::StoragePool| {
        let (name, info) = (pool.name().ok()?, pool.info().ok()?);
        Some(StoragePool {
            name: name.into(),
            state: Some(info.state),
            sizes: (info.state != 0).then_some(Sizes {
                capacity: info.capacity,
                allocation: info.allocation,
                available: info.available,
            }),
        })
    };
    Ok(pools.into_iter().filter_map(pool).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_driver_has_a_pool_and_a_libvirt_that_is_not_there_has_none() {
        let pools = lister("test:///default")(()).unwrap();
        assert_eq!(&*pools[0].name, "default-pool");
        assert!(pools[0].sizes.is_some_and(|sizes| sizes.capacity > 0));
        assert_eq!(
            lister("qemu:///system?socket=/nonexistent/libvirt-sock")(()),
            None
        );
    }
}
