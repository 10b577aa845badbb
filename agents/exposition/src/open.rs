//! Opening a family: finding it by name, checking the name of a new one, and telling what does not fit one that is there.

use crate::hash;
use crate::kind::{MetricType, Suffix};
use crate::label::is_metric_name;
use crate::model::{Families, Family, NONE, Span};
use crate::problem::Problem;

impl Families {
    /// Index of the family called `base` and `suffix` put together, or where it would stand in the order.
    pub(crate) fn locate(&self, base: &str, suffix: &str) -> Result<u32, usize> {
        let found = self.order.binary_search_by(|&at| {
            let name = self.name_at(at).as_bytes();
            if suffix.is_empty() {
                return name.cmp(base.as_bytes());
            }
            let (head, tail) = name.split_at(name.len().min(base.len()));
            head.cmp(base.as_bytes())
                .then_with(|| tail.cmp(suffix.as_bytes()))
        });
        found.map(|position| self.order.get(position).copied().unwrap_or(NONE))
    }

    /// The type of the family whose name is `base` and `suffix` put together.
    pub(crate) fn kind_of(&self, base: &str, suffix: &str) -> Option<MetricType> {
        let at = self.locate(base, suffix).ok()?;
        self.family_at(at).map(|family| family.kind)
    }

    pub(crate) fn open(
        &mut self,
        name: &str,
        help: &str,
        kind: MetricType,
    ) -> Result<u32, Problem> {
        // The one written last is asked for again more often than any other.
        let latest = (self.families.len() as u32).wrapping_sub(1);
        if !name.is_empty() && self.name_at(latest) == name {
            self.reopen(latest, help, kind);
            return Ok(latest);
        }
        let position = match self.locate(name, "") {
            Ok(at) => {
                self.reopen(at, help, kind);
                return Ok(at);
            }
            Err(position) => position,
        };
        if !is_metric_name(name) {
            return Err(Problem::InvalidName {
                name: name.to_owned(),
            });
        }
        if let Some(other) = self.clash(name, kind) {
            return Err(Problem::NameClash {
                name: name.to_owned(),
                other,
            });
        }
        let at = latest.wrapping_add(1);
        let full = || Problem::Full {
            family: name.to_owned(),
        };
        let family = Family {
            name: self.store(name).ok_or_else(full)?,
            help: self.store(help).ok_or_else(full)?,
            unit: Span::default(),
            kind,
            name_hash: hash::hash(name),
            first: NONE,
            last: NONE,
        };
        self.families.push(family);
        self.order.insert(position, at);
        Ok(at)
    }

    fn reopen(&mut self, at: u32, help: &str, kind: MetricType) {
        let Some(family) = self.family_at(at) else {
            return;
        };
        let (first, has_help) = (family.kind, family.help.end > family.help.start);
        if first != kind {
            let family = self.name_at(at).to_owned();
            self.report(Problem::TypeConflict {
                family,
                first,
                then: kind,
            });
        }
        if !has_help
            && !help.is_empty()
            && let Some(span) = self.store(help)
            && let Some(family) = self.families.get_mut(at as usize)
        {
            family.help = span;
        }
    }

    /// The family with which one of this name and type would share a sample's name.
    fn clash(&self, name: &str, kind: MetricType) -> Option<String> {
        const PARTS: [Suffix; 3] = [Suffix::Bucket, Suffix::Sum, Suffix::Count];
        if let Some((base, suffix)) = Suffix::split(name)
            && PARTS.contains(&suffix)
            && self
                .kind_of(base, "")
                .is_some_and(|kind| kind.allows(suffix))
        {
            return Some(base.to_owned());
        }
        let part = PARTS
            .into_iter()
            .find(|part| kind.allows(*part) && self.kind_of(name, part.as_str()).is_some())?;
        Some(format!("{name}{}", part.as_str()))
    }

    /// Puts a text into the arena; `None` when that is full.
    fn store(&mut self, text: &str) -> Option<Span> {
        let start = self.text.len();
        self.text.push_str(text);
        self.span_from(start)
    }

    /// The text from there to the end; takes it out again when the arena has grown too large for a span.
    pub(crate) fn span_from(&mut self, start: usize) -> Option<Span> {
        let span = u32::try_from(start)
            .ok()
            .zip(u32::try_from(self.text.len()).ok());
        if span.is_none() {
            self.text.truncate(start);
        }
        span.map(|(start, end)| Span { start, end })
    }

    /// Sets the unit, which the name has to end in.
    pub(crate) fn set_unit(&mut self, at: u32, unit: &str) -> Result<(), Problem> {
        let name = self.name_at(at);
        let plain = self
            .family_at(at)
            .map_or("", |family| family.kind.openmetrics_suffix());
        let base = name.strip_suffix(plain).unwrap_or(name);
        if base
            .strip_suffix(unit)
            .is_none_or(|rest| !rest.ends_with('_'))
        {
            let (family, unit) = (name.to_owned(), unit.to_owned());
            return Err(Problem::WrongUnit { family, unit });
        }
        let span = self.store(unit).unwrap_or_default();
        if let Some(family) = self.families.get_mut(at as usize) {
            family.unit = span;
        }
        Ok(())
    }
}
