//! Each disk (`block.<number>.*`): what the guest read, wrote and flushed, how long that took, and the sizes. Only
//! the top image of a chain is counted; drives without a medium are not there.

use exposition::{
    Families,
    MetricType::{Counter, Gauge},
};

use super::Group;
use crate::connect;
use crate::domain::{Domain, Snapshot};
use crate::emit::{Family, count, info, per_part, seconds};
use crate::stats::Block;
use crate::xml::Disk;

pub(super) const GROUP: Group = Group {
    name: "block",
    help: "Each disk: bytes, requests, times, flushes, sizes, and where its data lies",
    source: "libvirt `block.*` of virDomainListGetStats (QEMU monitor), `<disk>` of the XML",
    default_on: true,
    stats: connect::BLOCK,
    emit,
};

const FAMILIES: &[Family<Block>] = &[
    Family {
        name: "libvirt_domain_block_stats_read_bytes_total",
        help: "Number of bytes read from a block device, in bytes.",
        kind: Counter,
        value: |block| count(block.rd_bytes),
    },
    Family {
        name: "libvirt_domain_block_stats_read_requests_total",
        help: "Number of read requests from a block device.",
        kind: Counter,
        value: |block| count(block.rd_reqs),
    },
    Family {
        name: "libvirt_domain_block_stats_read_time_seconds_total",
        help: "Total time spent on reads from a block device, in seconds.",
        kind: Counter,
        value: |block| seconds(block.rd_times),
    },
    Family {
        name: "libvirt_domain_block_stats_write_bytes_total",
        help: "Number of bytes written from a block device, in bytes.",
        kind: Counter,
        value: |block| count(block.wr_bytes),
    },
    Family {
        name: "libvirt_domain_block_stats_write_requests_total",
        help: "Number of write requests from a block device.",
        kind: Counter,
        value: |block| count(block.wr_reqs),
    },
    Family {
        name: "libvirt_domain_block_stats_write_time_seconds_total",
        help: "Total time spent on writes on a block device, in seconds",
        kind: Counter,
        value: |block| seconds(block.wr_times),
    },
    Family {
        name: "libvirt_domain_block_stats_flush_requests_total",
        help: "Total flush requests from a block device.",
        kind: Counter,
        value: |block| count(block.fl_reqs),
    },
    Family {
        name: "libvirt_domain_block_stats_flush_time_seconds_total",
        help: "Total time in seconds spent on cache flushing to a block device",
        kind: Counter,
        value: |block| seconds(block.fl_times),
    },
    Family {
        name: "libvirt_domain_block_stats_allocation",
        help: "Offset of the highest written sector on a block device.",
        kind: Gauge,
        value: |block| count(block.allocation),
    },
    Family {
        name: "libvirt_domain_block_stats_capacity_bytes",
        // The tab is inovex's, and a HELP text is part of the contract.
        help: "Logical size in bytes of the block device\tbacking image.",
        kind: Gauge,
        value: |block| count(block.capacity),
    },
    Family {
        name: "libvirt_domain_block_stats_physicalsize_bytes",
        help: "Physical size in bytes of the container of the backing image.",
        kind: Gauge,
        value: |block| count(block.physical),
    },
];

fn emit(snapshot: &Snapshot, out: &mut Families) {
    per_part(
        snapshot,
        |domain| domain.stats.blocks.as_slice(),
        FAMILIES,
        out,
    );
    // The description of each disk that has statistics. Two names for one thing: inovex's and Tinkoff's.
    info(
        "libvirt_domain_block_stats_info",
        "Metadata information on block devices.",
        described(snapshot),
        |_, (_, disk), labels| {
            labels.extend([
                ("target_device", disk.target.as_str()),
                ("target_bus", &disk.bus),
                ("device", &disk.device),
                ("disk_type", &disk.disk_type),
                ("driver_name", &disk.driver_name),
                ("driver_type", &disk.driver_type),
                ("driver_cache", &disk.driver_cache),
                ("driver_discard", &disk.driver_discard),
                ("source_file", &disk.source_file),
                ("source_dev", &disk.source_dev),
                ("source_name", &disk.source_name),
                ("source_protocol", &disk.source_protocol),
                ("serial", &disk.serial),
            ]);
        },
        out,
    );
    info(
        "libvirt_domain_block_meta",
        "Block device metadata info. Device name, source file, serial.",
        described(snapshot),
        |_, (block, disk), labels| {
            labels.extend([
                ("target_device", disk.target.as_str()),
                ("bus", &disk.bus),
                ("disk_type", &disk.disk_type),
                ("driver_type", &disk.driver_type),
                ("cache", &disk.driver_cache),
                ("discard", &disk.driver_discard),
                // Tinkoff's: the path that libvirt opened, or the name at the network source.
                (
                    "source_file",
                    block.path.as_ref().unwrap_or(&disk.source_name),
                ),
                ("serial", &disk.serial),
            ]);
        },
        out,
    );
}

/// Each disk that has statistics, with its part of the XML.
fn described(snapshot: &Snapshot) -> impl Iterator<Item = (&Domain, (&Block, &Disk))> {
    snapshot.domains.iter().flat_map(|domain| {
        let blocks = domain.stats.blocks.iter();
        blocks
            .filter_map(move |block| Some((domain, (block, domain.description.disk(&block.name)?))))
    })
}
