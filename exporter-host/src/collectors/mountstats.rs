//! What NFS mounts read, wrote and waited for. Sources: `/proc/self/mountstats`, whose lines the kernel's
//! `fs/nfs/super.c` and `net/sunrpc/xprt*.c` print, and the server's address in `/proc/self/mountinfo`, which has the
//! mounts in the same order.

use std::collections::BTreeSet;

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::KernelFile;

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "mountstats",
    default_on: false,
    help: "NFS mounts from /proc/self/mountstats",
    build,
};

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(MountStats {
        statistics: config.roots.proc("self/mountstats"),
        mounts: config.roots.proc("self/mountinfo"),
    }))
}

struct MountStats {
    statistics: KernelFile,
    mounts: KernelFile,
}

use MetricType::{Counter, Gauge};

const AGE: &str = "node_mountstats_nfs_age_seconds_total";

/// In the order of the line `bytes:`.
#[rustfmt::skip]
const BYTES: [(&str, &str); 8] = [
    ("node_mountstats_nfs_read_bytes_total", "Number of bytes read using the read() syscall."),
    ("node_mountstats_nfs_write_bytes_total", "Number of bytes written using the write() syscall."),
    ("node_mountstats_nfs_direct_read_bytes_total", "Number of bytes read using the read() syscall in O_DIRECT mode."),
    ("node_mountstats_nfs_direct_write_bytes_total", "Number of bytes written using the write() syscall in O_DIRECT mode."),
    ("node_mountstats_nfs_total_read_bytes_total", "Number of bytes read from the NFS server, in total."),
    ("node_mountstats_nfs_total_write_bytes_total", "Number of bytes written to the NFS server, in total."),
    ("node_mountstats_nfs_read_pages_total", "Number of pages read directly via mmap()'d files."),
    ("node_mountstats_nfs_write_pages_total", "Number of pages written directly via mmap()'d files."),
];

#[rustfmt::skip]
const TRANSPORT: [(&str, &str, MetricType); 10] = [
    ("node_mountstats_nfs_transport_bind_total", "Number of times the client has had to establish a connection from scratch to the NFS server.", Counter),
    ("node_mountstats_nfs_transport_connect_total", "Number of times the client has made a TCP connection to the NFS server.", Counter),
    ("node_mountstats_nfs_transport_idle_time_seconds", "Duration since the NFS mount last saw any RPC traffic, in seconds.", Gauge),
    ("node_mountstats_nfs_transport_sends_total", "Number of RPC requests for this mount sent to the NFS server.", Counter),
    ("node_mountstats_nfs_transport_receives_total", "Number of RPC responses for this mount received from the NFS server.", Counter),
    ("node_mountstats_nfs_transport_bad_transaction_ids_total", "Number of times the NFS server sent a response with a transaction ID unknown to this client.", Counter),
    ("node_mountstats_nfs_transport_backlog_queue_total", "Total number of items added to the RPC backlog queue.", Counter),
    ("node_mountstats_nfs_transport_maximum_rpc_slots", "Maximum number of simultaneously active RPC requests ever used.", Gauge),
    ("node_mountstats_nfs_transport_sending_queue_total", "Total number of items added to the RPC transmission sending queue.", Counter),
    ("node_mountstats_nfs_transport_pending_queue_total", "Total number of items added to the RPC transmission pending queue.", Counter),
];

/// In the order of a line of the operations; the last three are milliseconds.
#[rustfmt::skip]
const OPERATION: [(&str, &str); 8] = [
    ("node_mountstats_nfs_operations_requests_total", "Number of requests performed for a given operation."),
    ("node_mountstats_nfs_operations_transmissions_total", "Number of times an actual RPC request has been transmitted for a given operation."),
    ("node_mountstats_nfs_operations_major_timeouts_total", "Number of times a request has had a major timeout for a given operation."),
    ("node_mountstats_nfs_operations_sent_bytes_total", "Number of bytes sent for a given operation, including RPC headers and payload."),
    ("node_mountstats_nfs_operations_received_bytes_total", "Number of bytes received for a given operation, including RPC headers and payload."),
    ("node_mountstats_nfs_operations_queue_time_seconds_total", "Duration all requests spent queued for transmission for a given operation before they were sent, in seconds."),
    ("node_mountstats_nfs_operations_response_time_seconds_total", "Duration all requests took to get a reply back after a request for a given operation was transmitted, in seconds."),
    ("node_mountstats_nfs_operations_request_time_seconds_total", "Duration all requests took from when a request was enqueued to when it was completely handled for a given operation, in seconds."),
];

/// In the order of the line `events:`; the kernel has never counted the one without a name.
#[rustfmt::skip]
const EVENTS: [(&str, &str); 27] = [
    ("node_mountstats_nfs_event_inode_revalidate_total", "Number of times cached inode attributes are re-validated from the server."),
    ("node_mountstats_nfs_event_dnode_revalidate_total", "Number of times cached dentry nodes are re-validated from the server."),
    ("node_mountstats_nfs_event_data_invalidate_total", "Number of times an inode cache is cleared."),
    ("node_mountstats_nfs_event_attribute_invalidate_total", "Number of times cached inode attributes are invalidated."),
    ("node_mountstats_nfs_event_vfs_open_total", "Number of times cached inode attributes are invalidated."),
    ("node_mountstats_nfs_event_vfs_lookup_total", "Number of times a directory lookup has occurred."),
    ("node_mountstats_nfs_event_vfs_access_total", "Number of times permissions have been checked."),
    ("node_mountstats_nfs_event_vfs_update_page_total", "Number of updates (and potential writes) to pages."),
    ("node_mountstats_nfs_event_vfs_read_page_total", "Number of pages read directly via mmap()'d files."),
    ("node_mountstats_nfs_event_vfs_read_pages_total", "Number of times a group of pages have been read."),
    ("node_mountstats_nfs_event_vfs_write_page_total", "Number of pages written directly via mmap()'d files."),
    ("node_mountstats_nfs_event_vfs_write_pages_total", "Number of times a group of pages have been written."),
    ("node_mountstats_nfs_event_vfs_getdents_total", "Number of times directory entries have been read with getdents()."),
    ("node_mountstats_nfs_event_vfs_setattr_total", "Number of times directory entries have been read with getdents()."),
    ("node_mountstats_nfs_event_vfs_flush_total", "Number of pending writes that have been forcefully flushed to the server."),
    ("node_mountstats_nfs_event_vfs_fsync_total", "Number of times fsync() has been called on directories and files."),
    ("node_mountstats_nfs_event_vfs_lock_total", "Number of times locking has been attempted on a file."),
    ("node_mountstats_nfs_event_vfs_file_release_total", "Number of times files have been closed and released."),
    ("", ""),
    ("node_mountstats_nfs_event_truncation_total", "Number of times files have been truncated."),
    ("node_mountstats_nfs_event_write_extension_total", "Number of times a file has been grown due to writes beyond its existing end."),
    ("node_mountstats_nfs_event_silly_rename_total", "Number of times a file was removed while still open by another process."),
    ("node_mountstats_nfs_event_short_read_total", "Number of times the NFS server gave less data than expected while reading."),
    ("node_mountstats_nfs_event_short_write_total", "Number of times the NFS server wrote less data than expected while writing."),
    ("node_mountstats_nfs_event_jukebox_delay_total", "Number of times the NFS server indicated EJUKEBOX; retrieving data from offline storage."),
    ("node_mountstats_nfs_event_pnfs_read_total", "Number of NFS v4.1+ pNFS reads."),
    ("node_mountstats_nfs_event_pnfs_write_total", "Number of NFS v4.1+ pNFS writes."),
];

impl Collector for MountStats {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let text = String::from_utf8_lossy(self.statistics.bytes()?).into_owned();
        let mounts = parse(&text);
        // Without the table of mounts the addresses are not known, which is no reason to tell nothing.
        let table = match mounts.is_empty() {
            true => String::new(),
            false => self.mounts.bytes().map_or_else(
                |_| String::new(),
                |bytes| String::from_utf8_lossy(bytes).into_owned(),
            ),
        };
        let addresses: Vec<&str> = table.lines().map(address).collect();
        // The statistics are those of the connection to a server, which all mounts of an export share.
        let mut seen = BTreeSet::new();
        let mut shown = BTreeSet::new();
        for mount in &mounts {
            let address = addresses.get(mount.position).copied().unwrap_or_default();
            let mut is_new = true;
            for transport in &mount.transports {
                let labels = [
                    ("export", mount.device),
                    ("mountaddr", address),
                    ("mountpoint", mount.point),
                    ("protocol", transport.protocol),
                ];
                let [export, address, _, protocol] = labels;
                if shown.insert(labels) {
                    const HELP: &str = "Where an NFS export is mounted on this host.";
                    out.family("node_mountstats_nfs_mountpoint_info", HELP, Gauge)
                        .sample(&labels, 1.0);
                }
                // The same connection again: all that follow are, too.
                if !is_new {
                    continue;
                }
                is_new = seen.insert([export, address, protocol]);
                if is_new {
                    mount.emit([export, address, protocol], out);
                }
            }
        }
        Ok(())
    }
}

/// The statistics of one NFS mount.
#[derive(Debug, Default, PartialEq)]
struct Mount<'a> {
    /// Its place among all mounts.
    position: usize,
    device: &'a str,
    /// Where it is mounted, as the kernel writes it.
    point: &'a str,
    age: f64,
    bytes: Vec<u64>,
    events: Vec<u64>,
    transports: Vec<Transport<'a>>,
    operations: Vec<(&'a str, Vec<u64>)>,
}

#[derive(Debug, PartialEq)]
struct Transport<'a> {
    protocol: &'a str,
    /// In the order of [`TRANSPORT`].
    values: [u64; TRANSPORT.len()],
}

/// Counters that the kernel has let go below zero show only what a float can hold exactly, as node_exporter has it.
const EXACT: u64 = 1 << f64::MANTISSA_DIGITS;

impl Mount<'_> {
    fn emit(&self, labels: [(&str, &str); 3], out: &mut Families) {
        const HELP: &str = "The age of the NFS mount in seconds.";
        out.family(AGE, HELP, Counter).sample(&labels, self.age);
        let counters = BYTES.iter().zip(&self.bytes);
        for ((name, help), value) in counters.chain(EVENTS.iter().zip(&self.events)) {
            if !name.is_empty() {
                out.family(name, help, Counter)
                    .sample(&labels, *value as f64);
            }
        }
        let [export, address, protocol] = labels;
        for (index, transport) in self.transports.iter().enumerate() {
            let index = index.to_string();
            let labels = [export, address, protocol, ("transport", &index)];
            for ((name, help, kind), value) in TRANSPORT.iter().zip(transport.values) {
                let value = if *kind == Gauge { value % EXACT } else { value };
                out.family(name, help, *kind).sample(&labels, value as f64);
            }
        }
        for (operation, values) in &self.operations {
            let labels = [export, address, ("operation", operation), protocol];
            for ((name, help), value) in OPERATION.iter().zip(values) {
                let value = match name.ends_with("_seconds_total") {
                    true => (value % EXACT) as f64 / 1000.0,
                    false => *value as f64,
                };
                out.family(name, help, Counter).sample(&labels, value);
            }
        }
    }
}

/// All NFS mounts. A line that is not as expected is passed over, for each kernel has more of them than the last.
fn parse(text: &str) -> Vec<Mount<'_>> {
    let mut mounts = Vec::new();
    let mut current: Option<Mount<'_>> = None;
    let mut position = 0;
    let mut in_operations = false;
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        match words.next() {
            // `device SERVER:/EXPORT mounted on /PLACE with fstype nfs4 statvers=1.1`, or `no device mounted on`.
            Some(word @ ("device" | "no")) => {
                mounts.extend(current.take());
                let fields: Vec<&str> = words.collect();
                if let (true, [device, "mounted", "on", point, .., "nfs" | "nfs4", _version]) =
                    (word == "device", fields.as_slice())
                {
                    current = Some(Mount {
                        position,
                        device,
                        point,
                        ..Mount::default()
                    });
                }
                position += 1;
                in_operations = false;
            }
            Some(word) => {
                let Some(mount) = &mut current else { continue };
                let numbers = || {
                    words
                        .clone()
                        .map_while(|word| word.parse().ok())
                        .collect::<Vec<u64>>()
                };
                match word {
                    "age:" => mount.age = numbers().first().map_or(0.0, |age| *age as f64),
                    "bytes:" => mount.bytes = numbers(),
                    "events:" => mount.events = numbers(),
                    "xprt:" => mount.transports.extend(transport(line)),
                    "per-op" => in_operations = true,
                    _ if in_operations => {
                        let values = numbers();
                        if let (Some(name), true) =
                            (word.strip_suffix(':'), values.len() >= OPERATION.len())
                        {
                            mount.operations.push((name, values));
                        }
                    }
                    _ => {}
                }
            }
            None => in_operations = false,
        }
    }
    mounts.extend(current);
    mounts
}

/// `xprt:  tcp PORT BIND CONNECT CONNECTING IDLE SENDS RECEIVES BAD REQUESTS BACKLOG SLOTS SENDING PENDING`; UDP has
/// nothing of connections, and RDMA other numbers after the backlog.
fn transport(line: &str) -> Option<Transport<'_>> {
    let mut words = line.split_ascii_whitespace().skip(1);
    let protocol = words.next()?;
    let numbers: Vec<u64> = words.map_while(|word| word.parse().ok()).collect();
    // Numbers that a kernel does not have are 0, as node_exporter has it.
    let at = |place: usize| numbers.get(place).copied().unwrap_or_default();
    let values = match protocol {
        "udp" => [at(1), 0, 0, at(2), at(3), at(4), at(6), at(7), at(8), at(9)],
        "tcp" => [
            at(1),
            at(2),
            at(4),
            at(5),
            at(6),
            at(7),
            at(9),
            at(10),
            at(11),
            at(12),
        ],
        "rdma" => [at(1), at(2), at(4), at(5), at(6), at(7), at(9), 0, 0, 0],
        _ => return None,
    };
    (numbers.len() >= 7).then_some(Transport { protocol, values })
}

/// The server's address in the options of the file system, the last field of a line of mountinfo.
fn address(line: &str) -> &str {
    let options = line.rsplit(' ').next().unwrap_or_default();
    let address = options
        .split(',')
        .find_map(|option| option.strip_prefix("addr="));
    address.unwrap_or_default()
}

#[cfg(test)]
#[path = "mountstats/tests.rs"]
mod tests;
