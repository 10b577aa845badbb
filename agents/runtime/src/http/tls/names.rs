//! The names of cipher suites as Go spells them, which is how web configuration files do.

use rustls::{CipherSuite, SupportedCipherSuite};

/// How Go spells a suite. It also has names of its own for the two of ChaCha20.
pub(crate) fn names(suite: CipherSuite) -> Vec<String> {
    let name = format!("{suite:?}").replacen("TLS13_", "TLS_", 1);
    let short = name
        .strip_suffix("_SHA256")
        .filter(|name| name.ends_with("_CHACHA20_POLY1305"))
        .map(str::to_owned);
    [Some(name), short].into_iter().flatten().collect()
}

/// The names that may be chosen, for an error.
pub(crate) fn known_names(suites: &[SupportedCipherSuite]) -> String {
    let names: Vec<String> = suites
        .iter()
        .filter(|suite| suite.tls13().is_none())
        .flat_map(|suite| names(suite.suite()))
        .collect();
    names.join(", ")
}

/// Whether Go knows the suite, and rustls will not: those with CBC, RC4 or an RSA key exchange.
pub(crate) fn is_old(name: &str) -> bool {
    let is_rsa = name.starts_with("TLS_RSA_WITH_")
        && (name.contains("_GCM_") || name.contains("_CBC_") || name.contains("_RC4_"));
    is_rsa || (name.starts_with("TLS_ECDHE_") && (name.contains("_CBC_") || name.contains("_RC4_")))
}
