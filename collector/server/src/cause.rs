//! What went wrong at the bottom of an error: HTTP clients say at the top what they did, and the reason last.

use std::error::Error;

/// The text of the last error in the chain.
pub(crate) fn root_cause(error: &dyn Error) -> String {
    let mut deepest = error;
    while let Some(deeper) = deepest.source() {
        deepest = deeper;
    }
    deepest.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{what}")]
    struct Step {
        what: &'static str,
        source: Option<Box<Step>>,
    }

    #[test]
    fn the_last_error_of_a_chain_is_the_cause() {
        let step = |what, source: Option<Step>| Step {
            what,
            source: source.map(Box::new),
        };
        let chain = step("send", Some(step("connect", Some(step("no route", None)))));
        assert_eq!(root_cause(&chain), "no route");
        assert_eq!(root_cause(&step("alone", None)), "alone");
    }
}
