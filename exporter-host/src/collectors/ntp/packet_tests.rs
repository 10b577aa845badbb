use super::*;

fn seconds(seconds: f64) -> Timestamp {
    Timestamp(0xe000_0000 << 32).after(Duration::from_secs_f64(seconds))
}

/// An answer to a question of second 0 that came at second 1 and was sent at second 3.
fn answer() -> Vec<u8> {
    let mut bytes = vec![0x24, 2, 6, 0xec];
    bytes.extend(0x8000_u32.to_be_bytes());
    bytes.extend(0x4000_u32.to_be_bytes());
    bytes.extend([127, 0, 0, 1]);
    for moment in [seconds(0.5), seconds(0.0), seconds(1.0), seconds(3.0)] {
        bytes.extend(moment.0.to_be_bytes());
    }
    bytes
}

fn parsed(received: f64) -> Answer {
    parse(&answer(), seconds(0.0), seconds(received)).unwrap()
}

#[test]
fn a_question_has_its_version_and_its_time() {
    let packet = question(4, Timestamp(0x0102_0304_0506_0708));
    assert_eq!((packet.len(), packet[0]), (LENGTH, 0x23));
    assert_eq!(packet[40..], [1, 2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn an_answer_tells_how_far_the_clocks_are_apart() {
    let answer = parsed(4.0);
    assert_eq!((answer.stratum, answer.leap), (2, 0));
    assert_eq!((answer.root_delay, answer.root_dispersion), (0.5, 0.25));
    assert_eq!((answer.round_trip(), answer.offset()), (2.0, 0.0));
    assert_eq!(answer.root_distance(), 1.5);
    assert_eq!(answer.least_error(), 0.0);
    // It came before it was sent: the clocks are half a second apart at least.
    let answer = parsed(2.5);
    assert_eq!(
        (answer.round_trip(), answer.offset(), answer.least_error()),
        (0.5, 0.75, 0.5)
    );
}

#[test]
fn a_server_without_the_time_is_not_valid() {
    assert!(parsed(4.0).is_valid());
    let worse: [fn(&mut Answer); 6] = [
        |answer| answer.stratum = 0,
        |answer| answer.stratum = 16,
        |answer| answer.leap = 3,
        |answer| answer.reference = Timestamp::default(),
        |answer| answer.reference = seconds(60.0),
        |answer| answer.root_dispersion = 17.0,
    ];
    for (index, make) in worse.iter().enumerate() {
        let mut answer = parsed(4.0);
        make(&mut answer);
        assert!(!answer.is_valid(), "{index}");
    }
}

#[test]
fn what_is_no_answer_to_the_question_is_refused_by_its_reason() {
    let refused = |change: fn(&mut Vec<u8>)| {
        let mut bytes = answer();
        change(&mut bytes);
        parse(&bytes, seconds(0.0), seconds(4.0)).unwrap_err()
    };
    assert_eq!(refused(|bytes| bytes.truncate(47)), "packet too short");
    assert_eq!(
        refused(|bytes| bytes[0] = 0x23),
        "packet that is no answer of a server"
    );
    assert_eq!(refused(|bytes| bytes[31] = 1), "answer to another question");
    assert_eq!(
        refused(|bytes| bytes[40..].fill(0)),
        "answer without a time"
    );
    assert_eq!(
        refused(|bytes| bytes[32] = 0xff),
        "answer sent before its question came"
    );
}

#[test]
fn moments_are_those_of_unix_to_the_microsecond() {
    let moment = SystemTime::UNIX_EPOCH + Duration::from_micros(1_700_000_000_250_000);
    assert!((Timestamp::of(moment).unix() - 1_700_000_000.25).abs() < 1e-6);
    assert!(Timestamp::default().unix() < 0.0);
}

proptest::proptest! {
    #[test]
    fn any_packet_is_an_answer_or_refused(mut bytes: Vec<u8>, sent: u64, received: u64) {
        let _ = parse(&bytes, Timestamp(sent), Timestamp(received));
        // One that is let through, whatever it says.
        bytes.resize(LENGTH, 7);
        bytes[0] = 0x24;
        bytes[24..32].copy_from_slice(&sent.to_be_bytes());
        if let Ok(answer) = parse(&bytes, Timestamp(sent), Timestamp(received)) {
            proptest::prop_assert!(answer.round_trip() >= 0.0 && answer.least_error() >= 0.0);
            let _ = (answer.is_valid(), answer.offset(), answer.root_distance());
        }
    }
}
