//! The HTTP server under every daemon: listeners, TLS, passwords, limits and the pages that all have. What a scrape is
//! answered with is `scrape`; a program's own pages come as a router.

mod address;
mod auth;
mod body;
mod descriptors;
mod landing;
mod routes;
mod server;
mod stream;
mod tls;
mod web_config;

pub use address::ListenAddress;
pub(crate) use auth::Gate;
pub(crate) use descriptors::connections;
pub(crate) use landing::Landing;
pub(crate) use routes::{ReadyCheck, ReloadHook, Reloader, Routes};
pub(crate) use server::{Phase, Server, Site};
pub(crate) use web_config::WebConfig;
