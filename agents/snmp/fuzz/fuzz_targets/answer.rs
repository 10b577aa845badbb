//! Whatever a device sends: the SNMP crate's decoders as the agent uses them, and what they let through on its way to
//! metrics and text.
#![no_main]
#![allow(dead_code, unused_imports, reason = "the agent's modules are used in part")]

#[path = "../../src/allowed.rs"]
mod allowed;
#[path = "../../src/config/mod.rs"]
mod config;
#[path = "../../src/query.rs"]
mod query;
#[path = "../../src/render/mod.rs"]
mod render;
#[path = "../../src/target.rs"]
mod target;

use std::path::PathBuf;
use std::sync::LazyLock;

use async_snmp::message::{Message, RawV3Message};
use async_snmp::v3::UsmSecurityParams;
use async_snmp::{DecodeConfig, VarBind};
use bytes::Bytes;
use exposition::{Families, Format, encode, parse_families};
use libfuzzer_sys::fuzz_target;

static CONFIG: LazyLock<config::Config> = LazyLock::new(|| {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/all_types.yml"));
    config::Config::load(&[path], None).unwrap()
});

fuzz_target!(|data: &[u8]| {
    let bytes = Bytes::copy_from_slice(data);
    let config = DecodeConfig::default();
    if let Ok(raw) = RawV3Message::decode(bytes.clone(), config) {
        let _ = UsmSecurityParams::decode(raw.value.security_params().clone(), config);
    }
    let Ok(message) = Message::decode(bytes, config) else {
        return;
    };
    let rows: Vec<VarBind> = message
        .value
        .into_pdu()
        .map(|pdu| pdu.into_varbinds())
        .unwrap_or_default();
    let module = CONFIG.module("all").unwrap();
    let table = render::Table::new(rows);
    let mut families = Families::new();
    render::render(module, &table, true, &mut families);
    for format in [Format::Text, Format::OpenMetrics] {
        let mut text = String::new();
        encode(&families, format, &mut text);
        // What is exposed can be read again, whatever the device put in it.
        parse_families(&text, format).unwrap();
    }
});
