//! Forms of timespans; what each text means was asked of Gnocchi 4.4.2.

use super::*;

#[test]
fn every_written_form_gives_gnocchis_length() {
    let cases: &[(&str, f64)] = &[
        ("300", 300.0),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("1e-9", 1e-9),
        ("0:05:00", 300.0),
        ("1 day, 0:00:00", 86_400.0),
        ("30 days, 0:00:00", 2_592_000.0),
        ("5 minutes", 300.0),
        ("5 Minutes", 300.0),
        ("5m", 300.0),
        ("|5m", 300.0),
        ("5 m,", 300.0),
        ("1w 2d", 777_600.0),
        ("1w,1d,1h,1m,1s", 694_861.0),
        ("1 d/2 h", 93_600.0),
        ("1.5 hours", 5400.0),
        ("1m1.5s", 61.5),
        ("1.00001 minutes", 60.0),
        ("1:30", 90.0),
        (":22", 22.0),
        ("01:02:03:04", 93_784.0),
        ("0:00:01.500000", 1.5),
        ("1.5d 0:00:01", 129_601.0),
    ];
    for (text, seconds) in cases {
        let span: Timespan = text
            .parse()
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(span, Timespan::from_seconds(*seconds).unwrap(), "{text}");
    }
}

#[test]
fn what_gnocchi_cannot_parse_is_refused() {
    for text in [
        "",
        " ",
        "1:2:3",
        "1 day 2",
        "1.2.3 h",
        "...m",
        "5 minutes ago",
        "1 month",
        "1y",
        "1s,",
        "1 2 m",
        "1s 1m",
        "inf",
        "nan",
        "1e300",
        "1h 0:00:01",
        "1 day :22",
        "12:",
        "::",
        "1:00:00.",
        "-",
        "día",
    ] {
        assert_eq!(
            text.parse::<Timespan>(),
            Err(TimespanError::Unparsable),
            "{text}"
        );
    }
}

#[test]
fn zero_and_negative_lengths_are_refused() {
    for text in ["0", "-5m", "-1", "-:22", "0.0000000001", "- 5 m"] {
        assert_eq!(
            text.parse::<Timespan>(),
            Err(TimespanError::NotPositive),
            "{text}"
        );
    }
    assert_eq!(Timespan::from_nanos(0), None);
    assert_eq!(Granularity::from_nanos(-1), None);
}

#[test]
fn a_relative_time_may_be_negative() {
    assert_eq!(parse_signed("-5 minutes"), Ok(-300_000_000_000));
    assert_eq!(parse_signed("-1m1.5s"), Ok(-61_500_000_000));
    assert_eq!(parse_signed("-0:00:30.5"), Ok(-30_500_000_000));
}

#[test]
fn lengths_print_as_pythons_timedelta() {
    let cases = [
        (0.1, "0:00:00.100000"),
        (60.0, "0:01:00"),
        (300.0, "0:05:00"),
        (3600.0, "1:00:00"),
        (86_400.0, "1 day, 0:00:00"),
        (2_592_000.0, "30 days, 0:00:00"),
        (90_061.5, "1 day, 1:01:01.500000"),
        (1e-9, "0:00:00"),
        (1.5e-6, "0:00:00.000002"),
        (2.5e-6, "0:00:00.000002"),
    ];
    for (seconds, text) in cases {
        assert_eq!(Timespan::from_seconds(seconds).unwrap().to_string(), text);
    }
}

#[test]
fn json_takes_numbers_and_texts_and_gives_seconds() {
    let read = |json: &str| serde_json::from_str::<Granularity>(json);
    assert_eq!(read("300").unwrap(), read("\"0:05:00\"").unwrap());
    assert_eq!(
        serde_json::to_string(&read("300").unwrap()).unwrap(),
        "300.0"
    );
    assert_eq!(
        serde_json::to_string(&read("0.25").unwrap()).unwrap(),
        "0.25"
    );
    let error = read("-1").unwrap_err().to_string();
    assert!(error.starts_with("Timespan must be positive"), "{error}");
    assert!(read("null").is_err());
}
