//! Forms of timestamps; what each means was asked of Gnocchi 4.4.2 (numpy 1.24).

use proptest::prelude::{any, proptest};

use super::*;

const NOW: Timestamp = Timestamp(1_767_225_600_000_000_000); // 2026-01-01T00:00:00

fn shown(text: &str) -> String {
    match Timestamp::parse(text, NOW) {
        Ok(timestamp) => timestamp.to_string(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn every_form_is_read_as_gnocchi_reads_it() {
    let cases = [
        ("2026-01-01T00:00:00+02:00", "2025-12-31T22:00:00+00:00"),
        ("2026-01-01 00:00:00Z", "2026-01-01T00:00:00+00:00"),
        ("2026-01-01", "2026-01-01T00:00:00+00:00"),
        ("2026-02", "2026-02-01T00:00:00+00:00"),
        ("2026", "1970-01-01T00:33:46+00:00"),
        ("1.5", "1970-01-01T00:00:01.500000+00:00"),
        ("1e3", "1970-01-01T00:16:40+00:00"),
        ("now", "2026-01-01T00:00:00+00:00"),
        ("Today", "2026-01-01T00:00:00+00:00"),
        ("-5 minutes", "2025-12-31T23:55:00+00:00"),
        ("5 minutes", "2026-01-01T00:05:00+00:00"),
        ("12:00:00", "2026-01-01T12:00:00+00:00"),
        (
            "2026-01-01T00:00:00.123456789",
            "2026-01-01T00:00:00.123456789+00:00",
        ),
        (
            "2026-01-01T00:00:00.1234567891",
            "2026-01-01T00:00:00.123456789+00:00",
        ),
        ("2026-01-01T00:00:00.", "2026-01-01T00:00:00+00:00"),
        (" 2026-01-01T10:00:00 ", "2026-01-01T10:00:00+00:00"),
        ("2026-01-01T10", "2026-01-01T10:00:00+00:00"),
        ("2026-01-01T10:30-0530", "2026-01-01T16:00:00+00:00"),
        ("2026-01-01T10+01", "2026-01-01T09:00:00+00:00"),
        ("2024-02-29T23:59:59.5Z", "2024-02-29T23:59:59.500000+00:00"),
    ];
    for (text, expected) in cases {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn what_gnocchi_refuses_is_refused_in_its_words() {
    for text in [
        "",
        "garbage",
        "2026-1-1",
        "2026-13-01",
        "2026-02-30",
        "2026-01-01T24:00:00",
        "2026-01-01T23:59:60",
        "2026-01-01T00:00:00 UTC",
        "2026-01-01T00:00:00 +02:00",
        "2026-01-01T10:0",
        "2026-01-01T",
        "2026-01-01Z",
        "2026-01Z",
        "20260101T000000",
        "2026-01-01T00:00:00+2",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01t00:00:00",
        "inf",
        "NaN",
        "0x10",
        "٢٠٢٦-01-01",
    ] {
        assert_eq!(shown(text), "Unable to convert timestamps", "{text}");
    }
    for text in [
        "1969-12-31",
        "-1",
        "2300-01-01",
        "-100 weeks, -1",
        "-3000 weeks",
    ] {
        let expected = if text.contains(", -") {
            "Unable to convert timestamps"
        } else {
            "Timestamp must be after Epoch"
        };
        assert_eq!(shown(text), expected, "{text}");
    }
    assert_eq!(
        Timestamp::from_seconds(1e19),
        Err(TimestampError::BeforeEpoch)
    );
}

#[test]
fn the_first_of_a_list_decides_how_all_are_read() {
    let read = |json: &str| {
        let inputs: Vec<TimestampInput<'_>> = serde_json::from_str(json).unwrap();
        Timestamp::parse_all(&inputs, NOW)
    };
    assert_eq!(
        read("[5, \"6\", 7.5]").unwrap(),
        [5_000_000_000, 6_000_000_000, 7_500_000_000].map(Timestamp)
    );
    assert_eq!(
        read("[\"-1 minute\", 5]").unwrap().last(),
        Some(&Timestamp(NOW.0 + 5_000_000_000))
    );
    assert_eq!(
        read("[\"2026-01-01\", \"5\"]"),
        Err(TimestampError::Unparsable)
    );
    assert_eq!(read("[5, \"2026-01-01\"]"), Err(TimestampError::Unparsable));
    assert_eq!(read("[]"), Ok(Vec::new()));
    assert!(serde_json::from_str::<TimestampInput<'_>>("null").is_err());
}

#[test]
fn the_clock_of_the_system_converts() {
    let later = UNIX_EPOCH + std::time::Duration::from_nanos(1_500);
    assert_eq!(Timestamp::from(later), Timestamp(1_500));
    assert_eq!(
        Timestamp::from(UNIX_EPOCH - std::time::Duration::from_secs(1)),
        Timestamp(-1_000_000_000)
    );
}

proptest! {
    #[test]
    fn what_is_printed_reads_back_as_the_same_moment(nanos in 0..=i64::MAX) {
        let timestamp = Timestamp(nanos);
        assert_eq!(Timestamp::parse(&timestamp.to_string(), NOW), Ok(timestamp));
    }

    #[test]
    fn what_is_printed_is_what_the_calendar_says(nanos in any::<i64>()) {
        let moment = time::OffsetDateTime::from_unix_timestamp_nanos(nanos.into()).unwrap();
        let (year, month, day) = moment.to_calendar_date();
        let (hour, minute, second, fraction) = moment.to_hms_nano();
        let month = u8::from(month);
        let expected = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
        let fraction = match fraction {
            0 => String::new(),
            nanos if nanos % 1_000 == 0 => format!(".{:06}", nanos / 1_000),
            nanos => format!(".{nanos:09}"),
        };
        assert_eq!(Timestamp(nanos).to_string(), format!("{expected}{fraction}+00:00"));
    }

    #[test]
    fn any_text_is_read_or_refused_without_a_panic(text in any::<String>()) {
        let _ = Timestamp::parse(&text, NOW);
    }

    #[test]
    fn text_near_the_form_is_read_or_refused_without_a_panic(text in "[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.+Z-]{0,20}") {
        let _ = Timestamp::parse(&text, NOW);
    }
}
