//! Where the log goes and how its lines look: stderr, logfmt as the Prometheus programs write it, or JSON. What is
//! logged, and how often, is decided where it happens.

use std::fmt;
use std::io::IsTerminal as _;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

use crate::failure::Failure;

/// The `--log.*` flags.
#[derive(Debug, Clone, Copy)]
pub struct LogArgs {
    /// The least severe level that is logged.
    pub level: Level,
    /// The form of a line.
    pub format: LogFormat,
}

impl LogArgs {
    /// The level when no flag says so.
    pub(crate) const LEVEL: Level = Level::INFO;

    /// Sends the log of this process, panics included, to stderr.
    ///
    /// # Errors
    /// When a log was started before.
    pub fn start(&self) -> Result<(), Failure> {
        let lines = tracing_subscriber::fmt()
            .with_writer(std::io::stderr)
            .with_max_level(self.level)
            .with_ansi(false);
        let started = match self.format {
            LogFormat::Json => lines.json().flatten_event(true).try_init(),
            LogFormat::Logfmt => lines.fmt_fields(Logfmt).event_format(Logfmt).try_init(),
        };
        started.map_err(|error| Failure::start(format_args!("cannot start the log: {error}")))?;
        if !std::io::stderr().is_terminal() {
            // In the journal a panic is a line like any other; at a terminal the standard report says more.
            std::panic::set_hook(Box::new(
                |panic| tracing::error!(error = %panic, "panicked"),
            ));
        }
        Ok(())
    }
}

/// The form of a line of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// `time=… level=INFO msg=listening address=[::]:9100`
    Logfmt,
    /// One JSON object per line.
    Json,
}

/// Writes events and the fields of spans as logfmt.
struct Logfmt;

impl<S, N> FormatEvent<S, N> for Logfmt
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        line.write_str("time=")?;
        SystemTime.format_time(&mut line)?;
        let level = event.metadata().level();
        write!(line, " level={level}")?;
        if *level >= Level::DEBUG {
            write!(line, " target={}", event.metadata().target())?;
        }
        for span in context
            .event_scope()
            .into_iter()
            .flat_map(|scope| scope.from_root())
        {
            if let Some(fields) = span.extensions().get::<FormattedFields<N>>() {
                line.write_str(fields)?;
            }
        }
        let mut fields = Fields {
            line: line.by_ref(),
            result: Ok(()),
        };
        event.record(&mut fields);
        fields.result?;
        line.write_char('\n')
    }
}

impl<'w> FormatFields<'w> for Logfmt {
    fn format_fields<R: tracing_subscriber::field::RecordFields>(
        &self,
        line: Writer<'w>,
        fields: R,
    ) -> fmt::Result {
        let mut visitor = Fields {
            line,
            result: Ok(()),
        };
        fields.record(&mut visitor);
        visitor.result
    }
}

struct Fields<'w> {
    line: Writer<'w>,
    result: fmt::Result,
}

impl Fields<'_> {
    fn write(&mut self, field: &Field, value: &str) {
        let name = if field.name() == "message" {
            "msg"
        } else {
            field.name()
        };
        let written =
            write!(self.line, " {name}=").and_then(|()| write_value(&mut self.line, value));
        self.result = self.result.and(written);
    }
}

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.write(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.write(field, &format!("{value:?}"));
    }
}

/// The value, quoted where a reader could take its end for the field's.
fn write_value(line: &mut impl fmt::Write, value: &str) -> fmt::Result {
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '"' | '=' | '\\');
    if !value.is_empty() && value.chars().all(plain) {
        return line.write_str(value);
    }
    line.write_char('"')?;
    for letter in value.chars() {
        match letter {
            '"' | '\\' => write!(line, "\\{letter}")?,
            '\n' => line.write_str("\\n")?,
            '\t' => line.write_str("\\t")?,
            letter if letter.is_control() => write!(line, "\\u{:04x}", u32::from(letter))?,
            letter => line.write_char(letter)?,
        }
    }
    line.write_char('"')
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(log: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .fmt_fields(Logfmt)
            .event_format(Logfmt)
            .finish();
        tracing::subscriber::with_default(subscriber, log);
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_line_has_time_level_message_and_fields() {
        let line = logged(|| tracing::info!(address = %"127.0.0.1:1", "listening"));
        let (time, rest) = line.split_once(' ').unwrap();
        assert!(time.starts_with("time=2") && time.ends_with('Z'), "{time}");
        assert_eq!(rest, "level=INFO msg=listening address=127.0.0.1:1\n");
    }

    #[test]
    fn a_value_cannot_forge_a_field_or_a_line() {
        let line = logged(|| tracing::warn!(error = "x level=ERROR\n\"\u{7}", "it failed"));
        assert!(
            line.ends_with(" level=WARN msg=\"it failed\" error=\"x level=ERROR\\n\\\"\\u0007\"\n"),
            "{line}"
        );
    }

    #[test]
    fn the_fields_of_a_span_stand_before_the_message() {
        let line = logged(|| {
            tracing::info_span!("scrape", target = "a b").in_scope(|| tracing::info!("done"));
        });
        assert!(
            line.ends_with(" level=INFO target=\"a b\" msg=done\n"),
            "{line}"
        );
    }
}
