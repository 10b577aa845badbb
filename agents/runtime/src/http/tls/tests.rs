//! Tests of the TLS section: versions, suites, curves, certificates and client authentication.

use super::*;

fn made() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

/// A section with a certificate and its key.
fn section() -> TlsSection {
    let (cert, key) = made();
    TlsSection {
        cert: Some(cert),
        key: Some(key),
        ..TlsSection::default()
    }
}

fn refused(section: &TlsSection) -> Refusal {
    section.server_config(Path::new("")).err().unwrap()
}

#[test]
fn versions_are_those_between_the_two_given() {
    let versions = |least: Option<&str>, most: Option<&str>| {
        let [min_version, max_version] = [least, most].map(|version| version.map(str::to_owned));
        TlsSection {
            min_version,
            max_version,
            ..section()
        }
        .versions()
        .map(|versions| versions.len())
    };
    assert_eq!(versions(None, None), Ok(2));
    assert_eq!(versions(Some("TLS10"), None), Ok(2));
    assert_eq!(versions(Some("TLS13"), None), Ok(1));
    assert_eq!(versions(None, Some("TLS12")), Ok(1));
    assert_eq!(
        versions(Some("TLS13"), Some("TLS12")).unwrap_err().0,
        "max_version"
    );
    assert_eq!(
        versions(Some("TLS10"), Some("TLS11")).unwrap_err().0,
        "max_version"
    );
    assert_eq!(versions(Some("1.2"), None).unwrap_err().0, "min_version");
}

#[test]
fn suites_are_chosen_by_their_go_names() {
    let suites = |names: &[&str], max_version: Option<&str>| {
        let cipher_suites = names.iter().map(|name| (*name).to_owned()).collect();
        let max_version = max_version.map(str::to_owned);
        let suites = TlsSection {
            cipher_suites,
            max_version,
            ..section()
        }
        .suites()?;
        Ok::<_, Refusal>(
            suites
                .into_iter()
                .filter(|suite| suite.tls13().is_none())
                .count(),
        )
    };
    assert_eq!(suites(&[], None), Ok(6));
    assert_eq!(
        suites(
            &[
                "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
                "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305"
            ],
            None
        ),
        Ok(2)
    );
    assert_eq!(suites(&["TLS_AES_128_GCM_SHA256"], None), Ok(0));
    let old = "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA";
    assert_eq!(
        suites(&[old, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"], None),
        Ok(1)
    );
    assert_eq!(suites(&[old], None), Ok(0));
    assert_eq!(
        suites(&[old], Some("TLS12")).unwrap_err().0,
        "cipher_suites"
    );
    let (key, reason) = suites(&["TLS_NONSENSE"], None).unwrap_err();
    assert!(
        key == "cipher_suites"
            && reason.starts_with("unknown suite \"TLS_NONSENSE\", expected some of TLS_"),
        "{reason}"
    );
}

#[test]
fn curves_are_chosen_by_their_go_names() {
    let groups = |names: &[&str]| {
        let curve_preferences = names.iter().map(|name| (*name).to_owned()).collect();
        TlsSection {
            curve_preferences,
            ..section()
        }
        .groups()
        .map(|groups| groups.len())
    };
    assert_eq!(groups(&[]), Ok(3));
    assert_eq!(groups(&["X25519", "CurveP521"]), Ok(1));
    assert_eq!(groups(&["CurveP521"]).unwrap_err().0, "curve_preferences");
    assert_eq!(groups(&["secp256k1"]).unwrap_err().0, "curve_preferences");
}

#[test]
fn client_authentication_needs_the_ca_that_it_verifies_by_and_no_other() {
    let (ca, _) = made();
    for (auth, has_ca, expected) in [
        (None, false, Ok(false)),
        (None, true, Err("client_auth_type")),
        (Some("NoClientCert"), true, Err("client_auth_type")),
        (Some("RequestClientCert"), false, Ok(true)),
        (Some("RequireAnyClientCert"), false, Ok(true)),
        (Some("VerifyClientCertIfGiven"), true, Ok(true)),
        (Some("RequireAndVerifyClientCert"), true, Ok(true)),
        (
            Some("RequireAndVerifyClientCert"),
            false,
            Err("client_ca_file"),
        ),
        (Some("Require"), false, Err("client_auth_type")),
    ] {
        let client_ca = has_ca.then(|| ca.clone());
        let section = TlsSection {
            client_auth_type: auth.map(str::to_owned),
            client_ca,
            ..section()
        };
        let verifier = section.client_verifier(Path::new(""), &Arc::new(ring::default_provider()));
        let result = verifier
            .map(|verifier| verifier.is_some())
            .map_err(|(key, _)| key);
        assert_eq!(result, expected, "{auth:?}");
    }
}

#[test]
fn a_certificate_without_its_key_is_refused() {
    assert!(section().server_config(Path::new("")).is_ok());
    let (_, key) = made();
    assert_eq!(
        refused(&TlsSection {
            key: Some(key),
            ..section()
        })
        .0,
        "cert_file"
    );
    assert_eq!(
        refused(&TlsSection {
            key: Some("nonsense".to_owned()),
            ..section()
        })
        .0,
        "key_file"
    );
    assert_eq!(
        refused(&TlsSection {
            key: None,
            ..section()
        }),
        ("key_file", "expected a file".to_owned())
    );
    let both = TlsSection {
        key_file: Some("key.pem".into()),
        ..section()
    };
    assert_eq!(
        refused(&both),
        (
            "key_file",
            "expected either this or key, found both".to_owned()
        )
    );
}
