//! The nginx example before two collectors, with TLS, asked by clients of several addresses.

use std::path::Path;

use serde_json::Value;
use testkit::{Peer, Running, Shipped, free_port, http, tools};

use crate::examples::{example, replace};

/// Asks over TLS from several addresses of this machine; prints what was answered as JSON.
const CLIENTS: &str = r#"
import http.client, json, ssl, sys
port, path, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
answers = []
for last in range(1, count + 1):
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=60, source_address=(f"127.0.9.{last}", 0),
                                             context=ssl._create_unverified_context())
    connection.request("GET", path, headers={"Host": "cloud.example.com", "Authorization": "basic YWRtaW46"})
    answer = connection.getresponse()
    answers.append({"status": answer.status, "location": answer.getheader("Location"), "body": answer.read().decode()})
print(json.dumps(answers))
"#;

fn collector(dir: &Path, name: &str) -> Running {
    let config = dir.join(format!("{name}.yml"));
    let store = dir.join(name);
    let text = format!(
        "storage: {{path: {store:?}}}\napi: {{enable_proxy_headers_parsing: true}}\nscrape: {{static_configs: []}}\n"
    );
    std::fs::write(&config, text).unwrap();
    let collector = Shipped::new("nephoscope-collector")
        .arg(format!("--config.file={}", config.display()))
        .start();
    let policy =
        format!(r#"{{"name": "{name}", "definition": [{{"granularity": "1s", "points": 10}}]}}"#);
    let url = collector.url("/v1/archive_policy");
    let headers = [
        ("content-type", "application/json"),
        ("authorization", "basic YWRtaW46"),
    ];
    http::request("POST", &url, &headers, policy.as_bytes()).expect_status(201);
    collector
}

/// nginx with the example, its addresses and certificates in place of the example's.
fn nginx(dir: &Path, collectors: [&Running; 2], aodh: &Running) -> (Running, u16) {
    let [pem, key] = ["tls.pem", "tls.key"].map(|it| dir.join(it).display().to_string());
    let subject = ["-subj", "/CN=cloud.example.com", "-days", "1"];
    let new = [
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-out", &pem, "-keyout", &key,
    ];
    tools::run("openssl", [&new[..], &subject].concat());
    let plain = free_port();
    let text = replace(
        &example("nginx/nephoscope.conf"),
        &[
            (
                "server 127.0.0.1:8041",
                &format!("server {}", collectors[0].address()),
            ),
            (
                "server 127.0.0.2:8041",
                &format!("server {}", collectors[1].address()),
            ),
            (
                "server 127.0.0.1:8042",
                &format!("server {}", aodh.address()),
            ),
            ("listen 80;", &format!("listen 127.0.0.1:{plain};")),
            ("listen 443 ssl;", "listen 127.0.0.1:{port} ssl;"),
            ("/etc/nginx/tls/cloud.example.com.pem", &pem),
            ("/etc/nginx/tls/cloud.example.com.key", &key),
        ],
    );
    let at = dir.display();
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = temporary
        .map(|it| format!("{it}_temp_path {at}/{it};"))
        .concat();
    let main = |site: &str| {
        format!(
            "worker_processes 1; pid {at}/nginx.pid; error_log stderr notice; events {{}}\n\
             http {{ access_log off; {temporary}\n{site}\n}}\n"
        )
    };
    // The port is chosen at the start: a shell writes it into the file.
    std::fs::write(dir.join("template.conf"), main(&text)).unwrap();
    let start = r#"sed "s/{[p]ort}/$1/" "$0/template.conf" >"$0/nginx.conf" && exec nginx -c "$0/nginx.conf" -g 'daemon off;'"#;
    let nginx = Peer::new("sh")
        .args(["-ec", start, dir.to_str().unwrap(), "{port}"])
        .with_children()
        .start();
    (nginx, plain)
}

fn ask(nginx: &Running, path: &str, clients: usize) -> Vec<Value> {
    let port = nginx.port().to_string();
    let said = tools::run(
        "python3",
        ["-c", CLIENTS, &port, path, &clients.to_string()],
    );
    let answers: Value = serde_json::from_str(&said).unwrap();
    answers.as_array().unwrap().clone()
}

#[test]
fn nginx_spreads_clients_over_two_collectors_and_goes_on_with_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = collector(dir.path(), "first");
    let second = collector(dir.path(), "second");
    let page = dir.path().join("aodh/v2");
    std::fs::create_dir_all(&page).unwrap();
    std::fs::write(page.join("alarms"), "[]").unwrap();
    let aodh = Peer::new("busybox")
        .args([
            "httpd",
            "-f",
            "-p",
            "127.0.0.1:{port}",
            "-h",
            dir.path().join("aodh").to_str().unwrap(),
        ])
        .start();
    let (nginx, plain) = nginx(dir.path(), [&first, &second], &aodh);

    // Each client finds one collector, and not all the same.
    let clients = 24;
    let of_first = ask(&nginx, "/api/gnocchi/v1/archive_policy/first", clients);
    let of_second = ask(&nginx, "/api/gnocchi/v1/archive_policy/second", clients);
    for (one, other) in of_first.iter().zip(&of_second) {
        let statuses = [one, other].map(|it| it["status"].as_u64().unwrap());
        assert!(
            statuses == [200, 404] || statuses == [404, 200],
            "{one} {other}"
        );
    }
    let with_first = of_first.iter().filter(|it| it["status"] == 200).count();
    assert!(
        with_first > 0 && with_first < clients,
        "{with_first} of {clients}"
    );

    // Links lead back through nginx, under its prefix.
    let root = ask(&nginx, "/api/gnocchi/v1/", 1);
    let port = nginx.port();
    for prefix in ["gnocchi", "ceilometer"] {
        let root = ask(&nginx, &format!("/api/{prefix}/v1/"), 1);
        let link = format!("https://cloud.example.com/api/{prefix}/v1/resource");
        assert!(
            root[0]["body"].as_str().unwrap().contains(&link),
            "{root:?} on {port}"
        );
    }
    assert_eq!(root[0]["status"], 200);
    assert_eq!(ask(&nginx, "/api/aodh/v2/alarms", 1)[0]["body"], "[]");

    // The page, and what is nobody's business.
    let console = ask(&nginx, "/console", 1);
    let location = console[0]["location"].as_str().unwrap();
    assert!(location.ends_with("/api/gnocchi/console"), "{location}");
    let console = ask(&nginx, "/api/gnocchi/console", 1);
    assert!(
        console[0]["body"]
            .as_str()
            .unwrap()
            .contains("console/console.js")
    );
    assert_eq!(
        ask(&nginx, "/api/gnocchi/console/console.js", 1)[0]["status"],
        200
    );
    for hidden in [
        "/api/gnocchi/metrics",
        "/api/gnocchi/-/reload",
        "/api/ceilometer/metrics",
        "/",
    ] {
        let status = &ask(&nginx, hidden, 1)[0]["status"];
        assert_eq!(status, 404, "{hidden}");
    }
    let answer = http::get(&format!("http://127.0.0.1:{plain}/api/gnocchi/v1/"));
    assert_eq!(answer.status, 301);

    // One goes away: all of its clients are served by the other.
    first.kill();
    let all = ask(&nginx, "/api/gnocchi/v1/archive_policy/second", clients);
    assert!(all.iter().all(|it| it["status"] == 200), "{all:?}");
}
