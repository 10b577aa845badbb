//! Requests of Prometheus' remote write 1.0, as a sender encodes them.

/// A number in protobuf.
pub(crate) fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A field of bytes in protobuf.
pub(crate) fn bytes(out: &mut Vec<u8>, field: u8, content: &[u8]) {
    out.push(field << 3 | 2);
    varint(out, content.len() as u64);
    out.extend_from_slice(content);
}

/// The body of a request with these series: labels in their order, and values with their milliseconds.
pub(crate) fn request<const L: usize>(
    series: impl Iterator<Item = ([(&'static str, String); L], Vec<(f64, u64)>)>,
) -> Vec<u8> {
    let mut request = Vec::new();
    let (mut message, mut part) = (Vec::new(), Vec::new());
    for (labels, samples) in series {
        message.clear();
        for (name, value) in labels {
            part.clear();
            bytes(&mut part, 1, name.as_bytes());
            bytes(&mut part, 2, value.as_bytes());
            bytes(&mut message, 1, &part);
        }
        for (value, millis) in samples {
            part.clear();
            part.push(1 << 3 | 1);
            part.extend_from_slice(&value.to_le_bytes());
            part.push(2 << 3);
            varint(&mut part, millis);
            bytes(&mut message, 2, &part);
        }
        bytes(&mut request, 1, &message);
    }
    snap::raw::Encoder::new().compress_vec(&request).unwrap()
}
