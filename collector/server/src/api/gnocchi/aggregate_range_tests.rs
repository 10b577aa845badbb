//! What the query string of an aggregate may say, and what it may ask for.

use super::*;

fn gaps(query: &str) -> Gaps {
    let otherwise = Gaps::Fill(Fill::Drop);
    let range = Range::of(&Params::of(query), otherwise, Compatibility::V4_4);
    range.unwrap().gaps
}

#[test]
fn a_fill_goes_before_an_overlap_and_both_before_the_default() {
    assert_eq!(gaps(""), Gaps::Fill(Fill::Drop));
    assert_eq!(gaps("needed_overlap=50"), Gaps::Overlap(50.0));
    assert_eq!(
        gaps("needed_overlap=50&fill=-1.5"),
        Gaps::Fill(Fill::Number(-1.5))
    );
    assert_eq!(gaps("fill=full_bfill"), Gaps::Fill(Fill::FullBackward));
}

#[test]
fn what_is_not_understood_is_named() {
    for (query, name) in [
        ("needed_overlap=much", "needed_overlap"),
        ("start=early", "start"),
        ("stop=late", "stop"),
        ("granularity=fine", "granularity"),
        ("fill=water", "fill"),
    ] {
        let error = Range::of(
            &Params::of(query),
            Gaps::Overlap(100.0),
            Compatibility::V4_7,
        )
        .unwrap_err();
        assert_eq!(error.detail["detail"], name, "{query}");
    }
}
