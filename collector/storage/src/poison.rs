//! The one-way switch that a failed write or fsync of the log throws: afterwards nobody knows what is on disk, so no
//! write is taken until a restart has read it again. A full disk does not throw it.

use std::sync::OnceLock;

use crate::StoreError;

/// Whether and why writes are refused until a restart.
#[derive(Debug, Default)]
pub(crate) struct Poison {
    reason: OnceLock<String>,
}

impl Poison {
    /// Refuses writes from now on; the first reason stays.
    pub(crate) fn set(&self, reason: impl Into<String>) {
        let reason = reason.into();
        if self.reason.set(reason.clone()).is_ok() {
            tracing::error!(reason, "store refuses writes until it is restarted");
        }
    }

    /// The reason, if there is one.
    pub(crate) fn reason(&self) -> Option<&str> {
        self.reason.get().map(String::as_str)
    }

    /// # Errors
    /// [`StoreError::Poisoned`] once the switch is thrown.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        match self.reason() {
            Some(reason) => Err(StoreError::Poisoned(reason.to_owned())),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_stays_and_is_what_writers_read() {
        let poison = Poison::default();
        assert!(poison.check().is_ok());
        poison.set("cannot sync x: i/o error");
        poison.set("another");
        let error = poison.check().unwrap_err().to_string();
        assert_eq!(
            error,
            "store refuses writes until it is restarted: cannot sync x: i/o error"
        );
    }
}
