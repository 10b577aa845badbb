//! Garbage is an error or is read, never a panic; and whatever is read can be written and read again.

mod common;

use common::{carried, families};
use exposition::{Families, Format, Parser, encode, lint, parse_families};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::sample::{Index, select};
use proptest::test_runner::TestCaseError;

const FORMATS: [Format; 2] = [Format::Text, Format::OpenMetrics];

fn survives(text: &str) -> Result<(), TestCaseError> {
    for format in FORMATS {
        let mut parser = Parser::new(text, format);
        let error = parser.find_map(Result::err);
        prop_assert!(parser.next().is_none());
        if let Some(error) = &error {
            prop_assert!(
                (1..=text.lines().count() + 1).contains(&error.line),
                "{error}"
            );
            prop_assert!(!error.to_string().contains('\n'));
        }
        let families = parse_families(text, format);
        prop_assert_eq!(families.as_ref().err(), error.as_ref());
        prop_assert_eq!(lint::check_text(text, format).err(), error);
        if let Ok(families) = families {
            for problem in families.problems() {
                prop_assert!(!problem.to_string().contains('\n'), "{problem}");
            }
            readable(&families)?;
        }
    }
    Ok(())
}

fn readable(families: &Families) -> Result<(), TestCaseError> {
    let mut text = String::new();
    for format in FORMATS {
        encode(families, format, &mut text);
        let read = parse_families(&text, format);
        prop_assert!(read.is_ok(), "{:?} in {text}", read.err());
        if let (Ok(read), Format::Text) = (read, format) {
            prop_assert_eq!(carried(&read, format), carried(families, format));
        }
    }
    Ok(())
}

#[derive(Debug, Clone)]
enum Change {
    Insert(u8),
    Overwrite(u8),
    Remove,
}

fn change() -> impl Strategy<Value = Change> {
    let grammar = select(b" \t\n\r#{}\",=\\+-.0123456789eNaI_abt:".to_vec());
    let byte = prop_oneof![grammar, any::<u8>()].boxed();
    prop_oneof![
        byte.clone().prop_map(Change::Insert),
        byte.prop_map(Change::Overwrite),
        Just(Change::Remove)
    ]
}

/// Text in a format, some of its bytes overwritten, put in or taken out.
fn mangled() -> impl Strategy<Value = String> {
    let changes = vec((any::<Index>(), change()), 1..6);
    (families(), select(FORMATS.to_vec()), changes).prop_map(|(families, format, changes)| {
        let mut text = String::new();
        encode(&families, format, &mut text);
        let mut bytes = text.into_bytes();
        for (at, change) in changes {
            let at = at.index(bytes.len() + 1);
            match (change, bytes.get_mut(at)) {
                (Change::Insert(byte), _) => bytes.insert(at, byte),
                (Change::Overwrite(byte), Some(old)) => *old = byte,
                (Change::Remove, Some(_)) => drop(bytes.remove(at)),
                (_, None) => {}
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        survives(&text)?;
    }

    #[test]
    fn any_mix_of_the_grammars_pieces_is_read_or_refused(
        text in "(# |HELP |TYPE |UNIT |EOF|a|b_total|b |_sum|_count|_bucket|\\{|\\}|=|\"|,|\\\\|\n|1|e|\\.| |counter|histogram|summary|le=\"1\"){0,40}"
    ) {
        survives(&text)?;
    }

    #[test]
    fn a_mangled_scrape_is_read_or_refused(text in mangled()) {
        survives(&text)?;
    }
}

#[test]
fn a_scrape_cut_anywhere_is_read_or_refused() {
    let whole = "# HELP a_total x\\ny\n# TYPE a_total counter\na_total{b=\"\\\"\\\\é\",c=\"\"} 1e+06 1500\n# EOF\n";
    for end in 0..=whole.len() {
        survives(&String::from_utf8_lossy(&whole.as_bytes()[..end])).unwrap();
    }
}
