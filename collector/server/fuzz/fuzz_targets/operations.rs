//! Any text as operations, in the text form and as JSON: what is read is the same again after it was printed.
#![no_main]

use collector_model::operations::Operation;
use serde_json::Value;

fn check(value: &Value) {
    if let Ok(operation) = Operation::read(value) {
        let again = Operation::read(&operation.to_value());
        assert_eq!(again.as_ref(), Ok(&operation), "{value}");
    }
}

libfuzzer_sys::fuzz_target!(|text: &str| {
    check(&Value::String(text.to_owned()));
    if let Ok(lists) = serde_json::from_str(text) {
        check(&lists);
    }
});
