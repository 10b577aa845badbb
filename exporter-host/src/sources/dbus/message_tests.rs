use super::*;

const GET: Call<'_> = Call {
    destination: "a.b",
    path: "/c",
    interface: "d.e",
    member: "F",
    arguments: &["x", "yz"],
};

/// An answer with the header's fields as given and a body.
fn answer(kind: u8, fields: &[u8], body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![b'l', kind, 0, 1];
    for number in [length_of(body), 9, length_of(fields)] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(fields);
    align(&mut bytes, 8);
    bytes.extend(body);
    bytes
}

/// The fields of an answer to the call 7, whose body has this signature.
fn fields(signature: &str) -> Vec<u8> {
    let mut fields = vec![field::REPLY_SERIAL, 1, b'u', 0, 7, 0, 0, 0];
    fields.extend([
        field::SIGNATURE,
        1,
        b'g',
        0,
        u8::try_from(signature.len()).unwrap(),
    ]);
    fields.extend(signature.as_bytes());
    fields.push(0);
    fields
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

#[test]
fn a_call_is_the_bytes_of_the_specification() {
    let mut expected = vec![b'l', 1, 0, 1, 15, 0, 0, 0, 5, 0, 0, 0, 73, 0, 0, 0];
    expected.extend(b"\x01\x01o\0\x02\0\0\0/c\0\0\0\0\0\0");
    expected.extend(b"\x02\x01s\0\x03\0\0\0d.e\0\0\0\0\0");
    expected.extend(b"\x03\x01s\0\x01\0\0\0F\0\0\0\0\0\0\0");
    expected.extend(b"\x06\x01s\0\x03\0\0\0a.b\0\0\0\0\0");
    expected.extend(b"\x08\x01g\0\x02ss\0");
    expected.extend(b"\x01\0\0\0x\0\0\0\x02\0\0\0yz\0");
    let encoded = GET.encode(5);
    // The array of fields ends with the last field, not with what fills it up.
    expected[12] = 72;
    assert_eq!(encoded, expected);
    assert_eq!(length(&encoded), Some(encoded.len()));
}

#[test]
fn an_answer_has_the_values_of_its_signature() {
    let mut body = vec![4, 0, 0, 0, b'n', b'a', b'm', b'e', 0, 0, 0, 0];
    body.extend(1_u32.to_le_bytes());
    body.extend([1, b't', 0, 0, 0, 0, 0, 0]);
    body.extend(u64::MAX.to_le_bytes());
    let reply = parse(&answer(METHOD_RETURN, &fields("sbv"), &body)).unwrap();
    let expected = Reply {
        is_reply: true,
        to: 7,
        outcome: Ok(vec![
            text("name"),
            Value::Flag(true),
            Value::Number(u64::MAX),
        ]),
    };
    assert_eq!(reply, expected);
}

#[test]
fn an_array_of_structures_is_a_list_of_lists() {
    // Its length counts from the first structure, which is aligned to eight.
    let mut body = vec![28, 0, 0, 0, 0, 0, 0, 0];
    body.extend([2, 0, 0, 0, b's', b'0', 0, 0, 5, 0, 0, 0, 0, 0, 0, 0]);
    body.extend([2, 0, 0, 0, b's', b'1', 0, 0, 6, 0, 0, 0]);
    let reply = parse(&answer(METHOD_RETURN, &fields("a(su)"), &body)).unwrap();
    let values = reply.outcome.unwrap();
    let entry = |name, number| Value::List(vec![text(name), Value::Number(number)]);
    assert_eq!(values, [Value::List(vec![entry("s0", 5), entry("s1", 6)])]);
    let empty = parse(&answer(METHOD_RETURN, &fields("a(su)"), &[0; 8])).unwrap();
    assert_eq!(empty.outcome, Ok(vec![Value::List(Vec::new())]));
}

#[test]
fn the_other_order_of_bytes_is_read_too() {
    let bytes = [
        b'B', 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 8, 5, 1, b'u', 0, 0, 0, 0, 7,
    ];
    let reply = parse(&bytes).unwrap();
    assert_eq!((reply.to, reply.outcome), (7, Ok(Vec::new())));
}

#[test]
fn an_error_has_a_name() {
    let mut fields = vec![field::REPLY_SERIAL, 1, b'u', 0, 7, 0, 0, 0];
    fields.extend([field::ERROR_NAME, 1, b's', 0, 3, 0, 0, 0]);
    fields.extend(b"a.E\0");
    let reply = parse(&answer(ERROR, &fields, &[])).unwrap();
    assert_eq!(reply.outcome, Err("a.E".to_owned()));
}

#[test]
fn a_message_that_is_too_long_is_refused_before_it_is_read() {
    let mut start = answer(METHOD_RETURN, &[], &[]);
    start[7] = 0x7f;
    assert_eq!(length(&start), None);
}

#[test]
fn a_signature_is_split_into_complete_types() {
    let split = |text: &'static str| {
        split_type(text.as_bytes())
            .map(|(one, rest)| [one, rest].map(|part| std::str::from_utf8(part).unwrap()))
    };
    assert_eq!(split("a(ss)u"), Some(["a(ss)", "u"]));
    assert_eq!(split("aa{sv}(i)"), Some(["aa{sv}", "(i)"]));
    assert_eq!(split("a"), None);
    assert_eq!(split("(s"), None);
    assert_eq!(split(")"), None);
}

#[test]
fn types_that_lie_in_each_other_for_ever_are_refused() {
    let body = [1, b'v', 0].repeat(100);
    assert_eq!(parse(&answer(METHOD_RETURN, &fields("v"), &body)), None);
}

proptest::proptest! {
    #[test]
    fn a_call_is_read_as_it_was_written(one in ".{0,40}", other in ".{0,40}") {
        let arguments = [one.as_str(), other.as_str()];
        let encoded = Call { arguments: &arguments, ..GET }.encode(1);
        proptest::prop_assert_eq!(length(&encoded), Some(encoded.len()));
        let read = parse(&encoded).unwrap();
        proptest::prop_assert_eq!(read.outcome, Ok(vec![text(&one), text(&other)]));
    }

    #[test]
    fn any_bytes_are_a_message_or_none(
        signature in "[ybnqiuxtdsogvah(){}]{0,12}",
        body: Vec<u8>,
        noise: Vec<u8>,
    ) {
        let _ = parse(&answer(METHOD_RETURN, &fields(&signature), &body));
        let _ = (parse(&noise), length(&noise));
    }
}
