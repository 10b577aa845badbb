//! Reads paths. The parser is one of a larger expression's, see `expression`, and stops where a path cannot go on.

use std::iter::Peekable;
use std::str::Chars;

use super::{Function, Path};

/// How deep brackets may be nested.
const MAX_DEPTH: usize = 16;

impl Path {
    /// Reads a path.
    ///
    /// # Errors
    /// What was expected, with the text.
    pub(in crate::ingest::ceilometer) fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser::new(text);
        let path = parser.path();
        let path = path.and_then(|path| parser.end().map(|()| path));
        path.map_err(|expected| format!("path {text:?}: expected {expected}"))
    }
}

/// What is left of a text. The errors of its methods are what they expected.
pub(in crate::ingest::ceilometer) struct Parser<'t> {
    rest: Peekable<Chars<'t>>,
}

fn unexpected(found: Option<char>) -> String {
    match found {
        Some(found) => format!("a name, '.', '|' or brackets, found {found:?}"),
        None => "a name at the end".to_owned(),
    }
}

impl<'t> Parser<'t> {
    pub(in crate::ingest::ceilometer) fn new(text: &'t str) -> Self {
        Self {
            rest: text.chars().peekable(),
        }
    }

    /// The path that begins here.
    pub(in crate::ingest::ceilometer) fn path(&mut self) -> Result<Path, String> {
        self.chain(0)
    }

    /// That nothing is left.
    pub(in crate::ingest::ceilometer) fn end(&mut self) -> Result<(), String> {
        match self.next() {
            None => Ok(()),
            Some(')') => Err("a bracket that was opened".to_owned()),
            Some(other) => Err(unexpected(Some(other))),
        }
    }

    /// The next character that is no space, which stays.
    pub(in crate::ingest::ceilometer) fn peek(&mut self) -> Option<char> {
        while self.rest.next_if(|one| one.is_whitespace()).is_some() {}
        self.rest.peek().copied()
    }

    /// Takes that character if it is next.
    pub(in crate::ingest::ceilometer) fn take(&mut self, wanted: char) -> bool {
        self.peek();
        self.rest.next_if_eq(&wanted).is_some()
    }

    /// Takes the characters that are of a kind.
    pub(in crate::ingest::ceilometer) fn while_some(
        &mut self,
        goes_on: impl Fn(char) -> bool,
    ) -> String {
        std::iter::from_fn(|| self.rest.next_if(|one| goes_on(*one))).collect()
    }

    /// What stands before that quote, which is taken.
    pub(in crate::ingest::ceilometer) fn quoted(&mut self, quote: char) -> Result<String, String> {
        let mut name = String::new();
        for one in self.rest.by_ref() {
            match one {
                '\\' => return Err("no backslash in a name".to_owned()),
                one if one == quote => return Ok(name),
                one => name.push(one),
            }
        }
        Err(format!("a closing {quote}"))
    }

    fn next(&mut self) -> Option<char> {
        self.peek();
        self.rest.next()
    }

    fn chain(&mut self, depth: usize) -> Result<Path, String> {
        let mut links = vec![self.either(depth)?];
        while self.take('.') {
            links.push(self.either(depth)?);
        }
        Ok(row(links))
    }

    fn either(&mut self, depth: usize) -> Result<Path, String> {
        let mut choices = vec![self.indexed(depth)?];
        while self.take('|') {
            choices.push(self.indexed(depth)?);
        }
        Ok(Path::either(choices))
    }

    /// A link with the brackets behind it.
    fn indexed(&mut self, depth: usize) -> Result<Path, String> {
        let mut links = vec![self.one(depth)?];
        while self.take('[') {
            links.push(self.entries()?);
        }
        Ok(row(links))
    }

    fn one(&mut self, depth: usize) -> Result<Path, String> {
        match self.next() {
            Some('(') if depth == MAX_DEPTH => Err(format!("at most {MAX_DEPTH} brackets")),
            Some('(') => {
                let inner = self.chain(depth + 1)?;
                match self.take(')') {
                    true => Ok(inner),
                    false => Err("a closing bracket".to_owned()),
                }
            }
            Some('$') => Ok(Path::Root),
            Some('[') => self.entries(),
            Some('`') => self.function(),
            Some(quote @ ('\'' | '"')) => self.quoted(quote).map(Path::Field),
            Some(first) if first.is_ascii_alphabetic() || first == '_' || first == '@' => {
                let rest =
                    self.while_some(|one| one.is_ascii_alphanumeric() || "_@-".contains(one));
                Ok(Path::Field(format!("{first}{rest}")))
            }
            other => Err(unexpected(other)),
        }
    }

    /// What stands in `[]`.
    fn entries(&mut self) -> Result<Path, String> {
        let entries = match self.next() {
            Some('*') => Path::Every,
            Some('?') => self.condition()?,
            Some(digit) if digit.is_ascii_digit() => {
                let digits = format!("{digit}{}", self.while_some(|one| one.is_ascii_digit()));
                Path::At(digits.parse().map_err(|_| "a smaller number".to_owned())?)
            }
            _ => return Err("a number, '*' or '?' in []".to_owned()),
        };
        match self.take(']') {
            true => Ok(entries),
            false => Err("a closing ]".to_owned()),
        }
    }

    /// `key=value` or `(@.key='value')`.
    fn condition(&mut self) -> Result<Path, String> {
        let bracket = self.take('(');
        if self.take('@') && !self.take('.') {
            return Err("'.' behind @".to_owned());
        }
        let field = self.word()?;
        if !self.take('=') {
            return Err("'=' in [?]".to_owned());
        }
        // Both ways of writing it.
        self.take('=');
        let equals = match self.peek() {
            Some(quote @ ('\'' | '"')) => {
                self.take(quote);
                self.quoted(quote)?
            }
            _ => self.word()?,
        };
        match bracket && !self.take(')') {
            true => Err("a closing bracket".to_owned()),
            false => Ok(Path::Where { field, equals }),
        }
    }

    fn word(&mut self) -> Result<String, String> {
        self.peek();
        let word = self.while_some(|one| one.is_ascii_alphanumeric() || "_-".contains(one));
        match word.is_empty() {
            true => Err("a name in [?]".to_owned()),
            false => Ok(word),
        }
    }

    /// What stands behind a backtick; there a backslash is before what stands for itself.
    fn function(&mut self) -> Result<Path, String> {
        let mut text = String::new();
        while let Some(one) = self.rest.next() {
            match one {
                '`' => return Function::read(&text).map(Path::Made),
                '\\' => text.extend(self.rest.next()),
                one => text.push(one),
            }
        }
        Err("a closing `".to_owned())
    }
}

/// One path of links in a row.
fn row(mut links: Vec<Path>) -> Path {
    match (links.pop(), links.is_empty()) {
        (Some(only), true) => only,
        (last, _) => Path::Chain(links.into_iter().chain(last).collect()),
    }
}
