//! The Prometheus exposition formats, both ways: a model of metric families in an arena, writers for text 0.0.4 and
//! OpenMetrics 1.0, a borrowing parser for both, content negotiation and a naming lint. No I/O lives here: bytes come in
//! and go out through the caller.
//!
//! ```
//! use exposition::{Families, Format, MetricType, encode};
//!
//! let mut families = Families::new();
//! families.gauge("node_load1", "1m load average.", 0.25);
//! families
//!     .family("node_cpu_seconds_total", "Seconds the CPUs spent in each mode.", MetricType::Counter)
//!     .sample(&[("cpu", "0"), ("mode", "idle")], 1e6);
//! let mut out = String::new();
//! encode(&families, Format::Text, &mut out);
//! assert!(out.contains("node_cpu_seconds_total{cpu=\"0\",mode=\"idle\"} 1e+06\n"));
//! ```
#![forbid(unsafe_code)]

mod encode;
mod hash;
mod kind;
mod label;
pub mod lint;
mod model;
mod negotiate;
mod number;
mod open;
mod parser;
mod problem;
mod view;
mod writer;

pub use encode::{Progress, encode, encode_part};
pub use kind::{MetricType, Suffix, Timestamp};
pub use label::Labels;
pub use model::Families;
pub use negotiate::Format;
pub use parser::{Event, ParseError, ParsedSample, Parser, parse, parse_families};
pub use problem::Problem;
pub use view::{FamilyRef, SampleRef};
pub use writer::FamilyWriter;
