//! InfluxDB's line protocol: `measurement,tag=value,… field=1,other=2i 1510581804179554816`, a point for each line,
//! borrowed from the text where nothing is escaped. Numbers only: strings and booleans are passed over.

use std::borrow::Cow;

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Point<'t> {
    /// Name of the measurement.
    pub(crate) measurement: Cow<'t, str>,
    /// Tags in the order of the line.
    pub(crate) tags: Vec<(Cow<'t, str>, Cow<'t, str>)>,
    /// Fields that are numbers.
    pub(crate) fields: Vec<(Cow<'t, str>, f64)>,
    /// In the unit of the request; none where the line says none.
    pub(crate) timestamp: Option<i64>,
}

/// A line that is none; its text is the whole story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LineError;

/// Reads one line, without its end; `None` for an empty one and for a comment.
pub(crate) fn parse(line: &str) -> Result<Option<Point<'_>>, LineError> {
    let line = line.trim_end_matches('\r');
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let mut reader = Reader { rest: line };
    let measurement = reader.word()?;
    let mut tags = Vec::new();
    while reader.eat(',') {
        let key = reader.word()?;
        reader.expect('=')?;
        tags.push((key, reader.word()?));
    }
    reader.spaces()?;
    let mut fields = Vec::new();
    loop {
        let key = reader.word()?;
        reader.expect('=')?;
        if let Some(number) = reader.value()? {
            fields.push((key, number));
        }
        if !reader.eat(',') {
            break;
        }
    }
    let timestamp = if reader.rest.is_empty() {
        None
    } else {
        reader.spaces()?;
        match reader.rest.trim_end_matches(' ') {
            "" => None,
            number => Some(number.parse().map_err(|_| LineError)?),
        }
    };
    Ok(Some(Point {
        measurement,
        tags,
        fields,
        timestamp,
    }))
}

struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    fn eat(&mut self, symbol: char) -> bool {
        let after = self.rest.strip_prefix(symbol);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn expect(&mut self, symbol: char) -> Result<(), LineError> {
        self.eat(symbol).then_some(()).ok_or(LineError)
    }

    /// At least one space.
    fn spaces(&mut self) -> Result<(), LineError> {
        self.expect(' ')?;
        self.rest = self.rest.trim_start_matches(' ');
        Ok(())
    }

    fn split(&mut self, at: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at_checked(at).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    /// A name or a tag's value, in quotes or with a backslash before what would end it.
    fn word(&mut self) -> Result<Cow<'t, str>, LineError> {
        if self.rest.starts_with('"') {
            return self.quoted();
        }
        let mut escaped = false;
        let end = self.rest.find(|character| {
            let ends = !escaped && matches!(character, ' ' | ',' | '=');
            escaped = character == '\\' && !escaped;
            ends
        });
        let word = self.split(end.unwrap_or(self.rest.len()));
        match word {
            "" => Err(LineError),
            _ if !word.contains('\\') => Ok(Cow::Borrowed(word)),
            _ => Ok(Cow::Owned(unescape(word, &[' ', ',', '=']))),
        }
    }

    /// A text in double quotes.
    fn quoted(&mut self) -> Result<Cow<'t, str>, LineError> {
        self.expect('"')?;
        let mut escaped = false;
        let end = self.rest.find(|character| {
            let ends = !escaped && character == '"';
            escaped = character == '\\' && !escaped;
            ends
        });
        let text = self.split(end.ok_or(LineError)?);
        self.expect('"')?;
        Ok(match text.contains('\\') {
            true => Cow::Owned(unescape(text, &['"', '\\'])),
            false => Cow::Borrowed(text),
        })
    }

    /// The value of a field; none of what is no number.
    fn value(&mut self) -> Result<Option<f64>, LineError> {
        if self.rest.starts_with('"') {
            return self.quoted().map(|_| None);
        }
        let end = self.rest.find([' ', ',']).unwrap_or(self.rest.len());
        let text = self.split(end);
        if matches!(
            text,
            "t" | "T" | "true" | "True" | "TRUE" | "f" | "F" | "false" | "False" | "FALSE"
        ) {
            return Ok(None);
        }
        let digits = text.strip_suffix(['i', 'u']);
        let whole = digits.map(|digits| digits.parse::<i128>().map(|number| number as f64));
        match whole {
            Some(whole) => whole.map(Some).map_err(|_| LineError),
            None if text
                .starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first)) =>
            {
                // Neither the words that Rust takes for infinity behind a sign, nor what is too large.
                let number = text.parse::<f64>().ok();
                let number = number.filter(|number| number.is_finite());
                number.map(Some).ok_or(LineError)
            }
            None => Err(LineError),
        }
    }
}

/// Takes the backslash from before these characters; before others it stands for itself.
fn unescape(text: &str, escapable: &[char]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match (character, characters.peek()) {
            ('\\', Some(next)) if escapable.contains(next) => out.extend(characters.next()),
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Owned = (
        String,
        Vec<(String, String)>,
        Vec<(String, f64)>,
        Option<i64>,
    );

    fn read(line: &str) -> Option<Owned> {
        let point = parse(line).ok()??;
        let own =
            |(key, value): (Cow<'_, str>, Cow<'_, str>)| (key.into_owned(), value.into_owned());
        Some((
            point.measurement.into_owned(),
            point.tags.into_iter().map(own).collect(),
            point
                .fields
                .into_iter()
                .map(|(key, value)| (key.into_owned(), value))
                .collect(),
            point.timestamp,
        ))
    }

    fn pair<V>(key: &str, value: V) -> (String, V) {
        (key.to_owned(), value)
    }

    #[test]
    fn lines_are_read_in_all_their_forms() {
        let (tag, other) = (
            pair("host", "a b".to_owned()),
            pair("x,y", "1=2".to_owned()),
        );
        for (line, expected) in [
            (
                "cpu value=1",
                ("cpu", vec![], vec![pair("value", 1.0)], None),
            ),
            (
                r#"cpu,host=a\ b,x\,y=1\=2 value=-5i,idle=2.5e1,name="a, \"b\" c",up=true 1510581804179554816"#,
                (
                    "cpu",
                    vec![tag, other],
                    vec![pair("value", -5.0), pair("idle", 25.0)],
                    Some(1_510_581_804_179_554_816),
                ),
            ),
            (
                r#""my cpu" "the value"=.5,n=7u -3 "#,
                (
                    "my cpu",
                    vec![],
                    vec![pair("the value", 0.5), pair("n", 7.0)],
                    Some(-3),
                ),
            ),
            ("a\\b text=\"only\"\r", ("a\\b", vec![], vec![], None)),
        ] {
            let (measurement, tags, fields, timestamp) = expected;
            assert_eq!(
                read(line),
                Some((measurement.to_owned(), tags, fields, timestamp)),
                "{line}"
            );
        }
        assert_eq!(parse(""), Ok(None));
        assert_eq!(parse("# a comment"), Ok(None));
    }

    #[test]
    fn what_is_no_line_is_refused() {
        for line in [
            "cpu",
            "cpu ",
            "cpu value",
            "cpu value=",
            "cpu value=x",
            "cpu value=+inf",
            "cpu value=-NaN",
            "cpu value=2.5e04179554816",
            "cpu value=1.5i",
            ",a=b value=1",
            "cpu,host value=1",
            "cpu,host= value=1",
            "cpu value=1 now",
            "cpu value=1 1 2",
            "cpu text=\"open",
            " cpu value=1",
            "cpu value=nan",
        ] {
            assert_eq!(parse(line), Err(LineError), "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(line in ".{0,80}") {
            let _ = parse(&line);
        }

        #[test]
        fn names_come_out_as_they_were_escaped(name in "[a-zé ,=]{1,20}", value in any::<i32>()) {
            let escaped: String = name.chars().map(|c| match c {
                ' ' | ',' | '=' => format!("\\{c}"),
                other => other.to_string(),
            }).collect();
            let line = format!("{escaped},{escaped}={escaped} {escaped}={value}i");
            let expected = (name.clone(), vec![(name.clone(), name.clone())], vec![(name, f64::from(value))], None);
            prop_assert_eq!(read(&line), Some(expected));
        }
    }
}
