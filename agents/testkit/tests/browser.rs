//! The real browser on a page served here.

use testkit::{Peer, chromium};

#[test]
fn a_page_is_seen_as_its_scripts_left_it() {
    let dir = tempfile::tempdir().unwrap();
    let page = "<p id='p'>before</p><script>setTimeout(() => {
        document.getElementById('p').textContent = 'sum ' + (20 + 22);
    }, 500)</script>";
    std::fs::write(dir.path().join("index.html"), page).unwrap();
    let server = Peer::new("busybox")
        .args(["httpd", "-f", "-p", "127.0.0.1:{port}", "-h", "."])
        .current_dir(dir.path())
        .start();

    let dom = chromium::dump_dom(&server.url("/"), 2000);
    assert!(dom.contains("<p id=\"p\">sum 42</p>"), "{dom}");

    let picture = dir.path().join("page.png");
    chromium::screenshot(&server.url("/"), &picture, 2000);
    assert!(std::fs::read(&picture).unwrap().starts_with(b"\x89PNG"));
}
