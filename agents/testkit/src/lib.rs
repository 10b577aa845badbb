//! What the tests of every crate share: shipped binaries and foreign peers on free ports, a small
//! HTTP client, golden files, a real libvirtd with real guests, and a browser. Blocking std API,
//! for tests only: nothing that ships may depend on it, and a failed assumption panics with what
//! was seen instead of returning an error.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "test tool: a failed assumption fails the test loudly; starting programs is its job"
)]

pub mod bmc;
pub mod chromium;
mod cpio;
pub mod dashboards;
pub mod golden;
pub mod guest;
pub mod http;
mod initramfs;
mod kernel;
pub mod keystone;
pub mod libvirtd;
pub mod machine;
pub mod mirror;
pub mod network;
pub mod nova;
mod output;
pub mod peer;
pub mod postgresql;
pub mod process;
pub mod prometheus;
pub mod promtool;
pub mod rabbitmq;
pub mod running;
pub mod scrape;
pub mod tiny;
pub mod tools;
pub mod usage;
pub mod virsh;

pub use guest::{Guest, GuestSpec};
pub use keystone::Keystone;
pub use libvirtd::Libvirtd;
pub use mirror::Mirror;
pub use peer::{Peer, free_port};
pub use postgresql::Postgresql;
pub use process::{Finished, Shipped};
pub use rabbitmq::Rabbitmq;
pub use running::Running;
pub use scrape::{metric, scrape, series};
pub use tiny::TinySpec;
pub use usage::Usage;
pub use virsh::{Domain, Virsh};
