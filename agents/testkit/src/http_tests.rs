//! Tests of [`super`]: the forms that an answer may have, and the failures that a crash test meets.

use std::net::TcpListener;

use super::*;

/// Answers each request of one connection with the next of `answers`, then closes it.
fn serve(answers: Vec<&'static str>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut stream = BufReader::new(listener.accept().unwrap().0);
        for answer in answers {
            let mut length = 0;
            loop {
                let line = read_line(&mut stream).unwrap();
                if let Some(value) = line.strip_prefix("content-length: ") {
                    length = value.parse().unwrap();
                }
                if line.is_empty() {
                    break;
                }
            }
            read_exactly(&mut stream, length, &mut Vec::new()).unwrap();
            stream.get_mut().write_all(answer.as_bytes()).unwrap();
        }
    });
    url
}

fn error_of(answer: &'static str) -> io::ErrorKind {
    try_request("GET", &serve(vec![answer]), &[], b"")
        .unwrap_err()
        .kind()
}

#[test]
fn a_body_of_known_length_is_read_with_its_headers() {
    let url = serve(vec![
        "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nX-Why: gone \r\n\r\nno",
    ]);
    let response = get(&format!("{url}/v1/metric?limit=1"));
    assert_eq!((response.status, response.text().as_str()), (404, "no"));
    assert_eq!(response.header("x-why"), Some("gone"));
    assert_eq!(response.header("x-other"), None);
}

#[test]
fn chunks_are_joined_and_trailers_passed_over() {
    let answer = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4;x=y\r\nab\r\n\r\nb\r\n0123456789\n\r\n0\r\nt: 1\r\n\r\n";
    assert_eq!(get(&serve(vec![answer])).text(), "ab\r\n0123456789\n");
}

#[test]
fn a_body_without_length_ends_with_the_connection() {
    assert_eq!(
        get(&serve(vec!["HTTP/1.0 200 OK\r\n\r\nall of it"])).text(),
        "all of it"
    );
}

#[test]
fn one_connection_carries_many_requests() {
    let url = serve(vec![
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{\"a\": true}",
    ]);
    let mut connection = Connection::open(&url).unwrap();
    assert_eq!(
        connection
            .request("POST", "/", &[("x", "y")], b"abc")
            .unwrap()
            .status,
        202
    );
    assert_eq!(
        connection.request("DELETE", "/", &[], b"").unwrap().status,
        204
    );
    assert_eq!(
        connection
            .request("HEAD", "/", &[], b"")
            .unwrap()
            .header("content-length"),
        Some("5")
    );
    assert_eq!(
        connection.request("GET", "/", &[], b"").unwrap().json()["a"],
        true
    );
    let gone = connection.request("GET", "/", &[], b"").unwrap_err().kind();
    assert!(
        matches!(
            gone,
            io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::BrokenPipe
        ),
        "{gone:?}"
    );
}

#[test]
fn an_answer_cut_off_is_an_error_and_not_a_short_body() {
    let cut = io::ErrorKind::UnexpectedEof;
    assert_eq!(
        error_of("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort"),
        cut
    );
    assert_eq!(
        error_of("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab"),
        cut
    );
    assert_eq!(error_of("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n"), cut);
}

#[test]
fn what_is_not_http_is_refused() {
    let invalid = io::ErrorKind::InvalidData;
    assert_eq!(error_of("SSH-2.0-x\r\n\r\n"), invalid);
    assert_eq!(error_of("HTTP/1.1 OK\r\n\r\n"), invalid);
    assert_eq!(error_of("HTTP/1.1 200 OK\r\nno header\r\n\r\n"), invalid);
    assert_eq!(
        error_of("HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n"),
        invalid
    );
    assert_eq!(
        error_of("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"),
        invalid
    );
    assert_eq!(
        try_request("GET", "ftp://127.0.0.1/", &[], b"")
            .unwrap_err()
            .kind(),
        invalid
    );
}

#[test]
fn a_port_that_nobody_listens_on_is_refused() {
    let url = format!("http://127.0.0.1:{}/", crate::free_port());
    assert_eq!(
        try_request("GET", &url, &[], b"").unwrap_err().kind(),
        io::ErrorKind::ConnectionRefused
    );
}

#[test]
#[should_panic(expected = "unexpected answer: denied")]
fn an_unexpected_status_shows_the_answer() {
    let url = serve(vec![
        "HTTP/1.1 403 Forbidden\r\ncontent-length: 6\r\n\r\ndenied",
    ]);
    let _ = get(&url).expect_status(200);
}
