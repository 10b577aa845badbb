//! The labels of one target or sample: few, so they stand in a list, borrowed from the text that they came in for as long
//! as nobody changes them. As in Prometheus an empty value is no label.

use std::borrow::Cow;

use super::mapping::Labels;

/// Names and values, each name once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct LabelSet<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> LabelSet<'a> {
    /// The value; empty where there is no such label.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.find(name).unwrap_or("")
    }

    /// The value, if there is such a label.
    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        let mut labels = self.0.iter();
        let found = labels.find(|(label, _)| label == name);
        found.map(|(_, value)| value.as_ref())
    }

    /// Gives a label a value; an empty one takes the label away.
    pub(crate) fn set(&mut self, name: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) {
        let (name, value) = (name.into(), value.into());
        if value.is_empty() {
            self.remove(&name);
        } else if let Some((_, old)) = self.0.iter_mut().find(|(label, _)| *label == name) {
            *old = value;
        } else {
            self.0.push((name, value));
        }
    }

    /// Takes a label away and gives its value.
    pub(crate) fn remove(&mut self, name: &str) -> Option<Cow<'a, str>> {
        let at = self.0.iter().position(|(label, _)| label == name)?;
        Some(self.0.swap_remove(at).1)
    }

    /// Keeps the labels whose name passes.
    pub(crate) fn retain(&mut self, mut passes: impl FnMut(&str) -> bool) {
        self.0.retain(|(name, _)| passes(name));
    }

    /// Names and values in no certain order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_ref(), value.as_ref()))
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The same labels in the order of their names, owned.
    pub(crate) fn to_labels(&self) -> Labels {
        let labels = self.iter();
        labels
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }
}

impl<'a, N: Into<Cow<'a, str>>, V: Into<Cow<'a, str>>> FromIterator<(N, V)> for LabelSet<'a> {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(labels: I) -> Self {
        let mut set = Self::default();
        for (name, value) in labels {
            set.set(name, value);
        }
        set
    }
}

/// Whether labels may have that name.
pub(crate) fn is_label_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    let first = bytes.next();
    first.is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_once_and_an_empty_value_is_no_label() {
        let mut labels: LabelSet<'_> = [("a", "1"), ("b", ""), ("a", "2")].into_iter().collect();
        assert_eq!(
            (labels.get("a"), labels.find("b"), labels.len()),
            ("2", None, 1)
        );
        labels.set("c", "3".to_owned());
        labels.set("a", "");
        assert_eq!(labels.iter().collect::<Vec<_>>(), [("c", "3")]);
    }
}
