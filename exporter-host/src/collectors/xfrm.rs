//! Packets that IPsec dropped, by reason. Source: `/proc/net/xfrm_stat`.

use exposition::Families;
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::KernelFile;
use crate::text::ParseError;

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "xfrm",
    default_on: false,
    help: "dropped packets of IPsec from /proc/net/xfrm_stat",
    build,
};

/// The kernel's field, the metric and its HELP.
const FIELDS: [(&str, &str, &str); 28] = [
    (
        "XfrmInError",
        "node_xfrm_in_error_packets_total",
        "All errors not matched by other",
    ),
    (
        "XfrmInBufferError",
        "node_xfrm_in_buffer_error_packets_total",
        "No buffer is left",
    ),
    (
        "XfrmInHdrError",
        "node_xfrm_in_hdr_error_packets_total",
        "Header error",
    ),
    (
        "XfrmInNoStates",
        "node_xfrm_in_no_states_packets_total",
        "No state is found i.e. Either inbound SPI, address, or IPsec protocol at SA is wrong",
    ),
    (
        "XfrmInStateProtoError",
        "node_xfrm_in_state_proto_error_packets_total",
        "Transformation protocol specific error e.g. SA key is wrong",
    ),
    (
        "XfrmInStateModeError",
        "node_xfrm_in_state_mode_error_packets_total",
        "Transformation mode specific error",
    ),
    (
        "XfrmInStateSeqError",
        "node_xfrm_in_state_seq_error_packets_total",
        "Sequence error i.e. Sequence number is out of window",
    ),
    (
        "XfrmInStateExpired",
        "node_xfrm_in_state_expired_packets_total",
        "State is expired",
    ),
    (
        "XfrmInStateMismatch",
        "node_xfrm_in_state_mismatch_packets_total",
        "State has mismatch option e.g. UDP encapsulation type is mismatch",
    ),
    (
        "XfrmInStateInvalid",
        "node_xfrm_in_state_invalid_packets_total",
        "State is invalid",
    ),
    (
        "XfrmInTmplMismatch",
        "node_xfrm_in_tmpl_mismatch_packets_total",
        "No matching template for states e.g. Inbound SAs are correct but SP rule is wrong",
    ),
    (
        "XfrmInNoPols",
        "node_xfrm_in_no_pols_packets_total",
        "No policy is found for states e.g. Inbound SAs are correct but no SP is found",
    ),
    (
        "XfrmInPolBlock",
        "node_xfrm_in_pol_block_packets_total",
        "Policy discards",
    ),
    (
        "XfrmInPolError",
        "node_xfrm_in_pol_error_packets_total",
        "Policy error",
    ),
    (
        "XfrmOutError",
        "node_xfrm_out_error_packets_total",
        "All errors which is not matched others",
    ),
    (
        "XfrmOutBundleGenError",
        "node_xfrm_out_bundle_gen_error_packets_total",
        "Bundle generation error",
    ),
    (
        "XfrmOutBundleCheckError",
        "node_xfrm_out_bundle_check_error_packets_total",
        "Bundle check error",
    ),
    (
        "XfrmOutNoStates",
        "node_xfrm_out_no_states_packets_total",
        "No state is found",
    ),
    (
        "XfrmOutStateProtoError",
        "node_xfrm_out_state_proto_error_packets_total",
        "Transformation protocol specific error",
    ),
    (
        "XfrmOutStateModeError",
        "node_xfrm_out_state_mode_error_packets_total",
        "Transformation mode specific error",
    ),
    (
        "XfrmOutStateSeqError",
        "node_xfrm_out_state_seq_error_packets_total",
        "Sequence error i.e. Sequence number overflow",
    ),
    (
        "XfrmOutStateExpired",
        "node_xfrm_out_state_expired_packets_total",
        "State is expired",
    ),
    (
        "XfrmOutPolBlock",
        "node_xfrm_out_pol_block_packets_total",
        "Policy discards",
    ),
    (
        "XfrmOutPolDead",
        "node_xfrm_out_pol_dead_packets_total",
        "Policy is dead",
    ),
    (
        "XfrmOutPolError",
        "node_xfrm_out_pol_error_packets_total",
        "Policy error",
    ),
    (
        "XfrmFwdHdrError",
        "node_xfrm_fwd_hdr_error_packets_total",
        "Forward routing of a packet is not allowed",
    ),
    (
        "XfrmOutStateInvalid",
        "node_xfrm_out_state_invalid_packets_total",
        "State is invalid, perhaps expired",
    ),
    (
        "XfrmAcquireError",
        "node_xfrm_acquire_error_packets_total",
        "State hasn’t been fully acquired before use",
    ),
];

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(Xfrm(config.roots.proc("net/xfrm_stat"))))
}

struct Xfrm(KernelFile);

impl Collector for Xfrm {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        if !self.0.exists() {
            return Err(CollectError::NoData("the kernel has no IPsec".to_owned()));
        }
        let counts = self.0.parse(parse)?;
        for ((_, name, help), count) in FIELDS.iter().zip(counts) {
            if let Some(count) = count {
                out.counter(name, help, count as f64);
            }
        }
        Ok(())
    }
}

/// `field number` per line; a field that is not known here is passed over, and one that this kernel lacks is `None`.
fn parse(text: &str) -> Result<[Option<u64>; FIELDS.len()], ParseError> {
    let mut counts = [None; FIELDS.len()];
    for (index, line) in text.lines().enumerate() {
        let (field, count) = line
            .split_once(char::is_whitespace)
            .and_then(|(field, count)| Some((field, count.trim().parse().ok()?)))
            .ok_or_else(|| ParseError::at(index, "`field number`", line))?;
        let known = counts.iter_mut().zip(FIELDS);
        if let Some((slot, _)) = known.into_iter().find(|(_, (name, _, _))| *name == field) {
            *slot = Some(count);
        }
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_name_and_new_ones_are_passed_over() {
        let counts = parse("XfrmInError \t1\nXfrmNew 2\nXfrmInHdrError 4\n").unwrap();
        assert_eq!(counts.iter().flatten().sum::<u64>(), 5);
        assert!(parse("XfrmInError many").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_counters_or_refused(text in ".*|((Xfrm)?[A-Za-z]{0,12}[ \t]{0,3}[0-9]{0,25}\n){0,9}") {
            let _ = parse(&text);
        }
    }
}
