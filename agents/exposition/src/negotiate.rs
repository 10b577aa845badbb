//! Which format a scraper gets, by its `Accept` header. Only the two formats of this crate are offered; whoever asks for
//! nothing that we know gets text 0.0.4, which everything reads.

/// One of the exposition formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Prometheus text 0.0.4.
    Text,
    /// OpenMetrics text 1.0.0.
    OpenMetrics,
}

impl Format {
    /// The format that the header prefers: the highest q-value wins, on a tie a named type before a wildcard, then the
    /// one named first. A q of 0 forbids; without a usable entry it is [`Format::Text`].
    #[must_use]
    pub fn negotiate(accept: Option<&str>) -> Self {
        let mut best: Option<(Preference, Self)> = None;
        for (preference, format) in accept.unwrap_or_default().split(',').filter_map(entry) {
            if best.is_none_or(|(so_far, _)| preference.beats(so_far)) {
                best = Some((preference, format));
            }
        }
        best.map_or(Self::Text, |(_, format)| format)
    }

    /// The value of the `Content-Type` header for a body of this format.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// The format of a body by its `Content-Type` header: OpenMetrics when it says so, else text 0.0.4, as Prometheus
    /// takes what names no type.
    #[must_use]
    pub fn of_content_type(content_type: Option<&str>) -> Self {
        let media = content_type
            .unwrap_or_default()
            .split(';')
            .next()
            .unwrap_or_default();
        if media
            .trim()
            .eq_ignore_ascii_case("application/openmetrics-text")
        {
            Self::OpenMetrics
        } else {
            Self::Text
        }
    }
}

#[derive(Clone, Copy)]
struct Preference {
    q: f32,
    named: bool,
}

impl Preference {
    fn beats(self, other: Self) -> bool {
        self.q > other.q || (self.q >= other.q && self.named && !other.named)
    }
}

/// One entry of the header, if it is a type and version that we write and not forbidden.
fn entry(text: &str) -> Option<(Preference, Format)> {
    let mut parts = text.split(';').map(str::trim);
    let media = parts.next()?.to_ascii_lowercase();
    let (mut q, mut version) = (1.0, None);
    for (key, value) in parts.filter_map(|part| part.split_once('=')) {
        match key.trim().to_ascii_lowercase().as_str() {
            "q" => q = weight(value)?,
            "version" => version = Some(value.trim().trim_matches('"')),
            _ => {}
        }
    }
    let (format, named) = match (media.as_str(), version) {
        ("application/openmetrics-text", None | Some("1.0.0")) => (Format::OpenMetrics, true),
        ("text/plain", None | Some("0.0.4")) => (Format::Text, true),
        ("text/*" | "*/*", _) => (Format::Text, false),
        _ => return None,
    };
    (q > 0.0).then_some((Preference { q, named }, format))
}

/// A weight between 0 and 1.
fn weight(text: &str) -> Option<f32> {
    let weight = text.trim().parse().ok();
    weight.filter(|weight| (0.0..=1.0).contains(weight))
}

#[cfg(test)]
mod tests {
    use super::Format::{self, OpenMetrics, Text};

    #[test]
    fn prometheus_gets_openmetrics() {
        let header = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                      text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        assert_eq!(Format::negotiate(Some(header)), OpenMetrics);
        let header = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,\
                      application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                      text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
        assert_eq!(Format::negotiate(Some(header)), OpenMetrics);
    }

    #[test]
    fn the_highest_q_wins_then_the_named_type_then_the_first() {
        for (header, expected) in [
            ("application/openmetrics-text;q=0.4, text/plain;q=0.5", Text),
            (
                "text/plain;q=0.5, application/openmetrics-text; q=0.6",
                OpenMetrics,
            ),
            ("*/*, application/openmetrics-text", OpenMetrics),
            ("text/plain, application/openmetrics-text", Text),
            ("application/openmetrics-text, text/plain", OpenMetrics),
            (
                "APPLICATION/OpenMetrics-Text; Version=\"1.0.0\"",
                OpenMetrics,
            ),
        ] {
            assert_eq!(Format::negotiate(Some(header)), expected, "{header}");
        }
    }

    #[test]
    fn what_we_do_not_know_falls_back_to_text() {
        assert_eq!(Format::negotiate(None), Text);
        for header in [
            "",
            ",;,=",
            "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8",
            "application/openmetrics-text;version=9.9.9",
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;q=nonsense",
            "application/openmetrics-text;q=7",
        ] {
            assert_eq!(Format::negotiate(Some(header)), Text, "{header}");
        }
    }

    #[test]
    fn a_body_is_read_by_its_content_type() {
        assert_eq!(
            Format::of_content_type(Some(OpenMetrics.content_type())),
            OpenMetrics
        );
        assert_eq!(Format::of_content_type(Some(Text.content_type())), Text);
        assert_eq!(Format::of_content_type(Some("text/html")), Text);
        assert_eq!(Format::of_content_type(None), Text);
    }
}
