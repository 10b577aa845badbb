//! Whatever comes from a proxy of version 3 before anything is known about it: the exchange of its context.
#![no_main]
#![allow(dead_code, reason = "only the way in is used")]

#[path = "../../src/walk/proxy.rs"]
mod proxy;

use std::sync::LazyLock;

use async_snmp::{AuthProtocol, MasterKeys, PrivProtocol, UsmConfig};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

const ENGINE: &[u8] = &[0x80, 0, 4, 0xf7, 5, 0x9c, 0x7a, 3, 7, 0x40, 5, 0x29];

static PROXIES: LazyLock<[proxy::Proxy; 2]> = LazyLock::new(|| {
    let plain = UsmConfig::new("plain");
    // Made of the passwords once: each takes a hash of a megabyte.
    let keys = MasterKeys::new(AuthProtocol::Sha1, b"sesame-open")
        .and_then(|keys| keys.with_privacy(PrivProtocol::Aes128, b"sesame-close"));
    let private = UsmConfig::new("private").with_master_keys(keys.unwrap()).unwrap();
    [plain, private].map(|user| proxy::Proxy::new(Bytes::from_static(ENGINE), user, None).unwrap())
});

fuzz_target!(|data: &[u8]| {
    for proxy in &*PROXIES {
        let _ = proxy.inbound(Bytes::copy_from_slice(data));
        let _ = proxy.outbound(data);
    }
});
