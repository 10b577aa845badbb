//! Ways into what reads filters and measures, for the fuzz targets; compiled for them alone.

use std::sync::Arc;

use super::auth::Caller;
use super::batch_agreement::agree;
use super::batch_body::{decode_by_metric, decode_by_resource, decode_list};
use super::filter::{read_filter, read_filter_text};
use super::json::{decode, quote_nan};
use super::value_query::ValueQuery;
use crate::api::{ApiConfig, AuthMode};
use crate::auth::policy::Policy;
use crate::auth::{Auth, AuthConfig, Identity};

const DEPTH: usize = 56;

/// Any text as a filter in either form, and as a condition on values: read or refused; what is read becomes SQL of
/// both databases or is refused there.
pub fn filter(text: &str) {
    let auth = Auth::new(
        AuthMode::Noauth,
        AuthConfig::default(),
        Policy::default(),
        None,
    );
    let Ok(auth) = auth else { return };
    let config = ApiConfig {
        max_filter_depth: DEPTH,
        ..ApiConfig::default()
    };
    let identity = Arc::new(Identity::of_name("admin"));
    let caller = Caller::new(identity, Arc::new(auth), &config);
    let mut found = vec![read_filter_text(text, &caller)];
    if let Ok(body) = decode(text.as_bytes(), 127) {
        found.push(read_filter(&body, &caller));
        if let Ok(condition) = ValueQuery::read(&body, DEPTH) {
            for value in [0.0, -1.5, f64::NAN] {
                let _ = condition.holds(value);
            }
        }
    }
    for filter in found.into_iter().flatten().flatten() {
        collector_index::fuzz::filter(&filter);
    }
}

/// Any bytes as measures, alone, by metric and by resource: what the quick reader takes the other one takes too, and
/// finds the same.
pub fn measures(bytes: &[u8]) {
    agree(bytes);
    // With NaN in quotes, as a body comes to the reader that knows all forms.
    let quoted = quote_nan(bytes);
    agree(&quoted);
    let _ = decode_list(&quoted);
    let _ = decode_by_metric(&quoted);
    let _ = decode_by_resource(&quoted, |_| Ok(()));
}
