//! Gets node_exporter's own fixtures from Debian's source package, with the machine's own mirrors and without touching
//! the machine's lists: everything is kept under `target/`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed assumption fails the test loudly"
)]

use std::fs;
use std::path::{Path, PathBuf};

use testkit::tools::{run, try_run};

use crate::ttar;

/// The unpacked fixtures; fetched at the first call.
pub(crate) fn fixtures() -> PathBuf {
    let work = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../testkit/node-exporter-src");
    let unpacked = work.join("unpacked");
    let fixtures = unpacked.join("collector/fixtures");
    if work.join("done").exists() {
        return fixtures;
    }
    for name in [
        "parts",
        "lists/partial",
        "cache/archives/partial",
        "download",
        "unpacked",
    ] {
        fs::create_dir_all(work.join(name)).unwrap();
    }
    source_lists(&work.join("parts"));
    // A mirror without sources, such as that of another project, is no reason to stop.
    let _ = apt(&work, &["update"]);
    apt(
        &work,
        &["source", "--download-only", "prometheus-node-exporter"],
    )
    .expect("the machine's mirrors have the source package prometheus-node-exporter");
    let names = fs::read_dir(work.join("download")).unwrap();
    let archive = names
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().contains(".orig.tar"))
        .unwrap();
    run(
        "tar",
        [
            "--strip-components=1".as_ref(),
            "-xf".as_ref(),
            archive.as_os_str(),
            "-C".as_ref(),
            unpacked.as_os_str(),
        ],
    );
    for entry in fs::read_dir(&fixtures).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "ttar")
        {
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            ttar::unpack(&text, &fixtures);
        }
    }
    fs::write(work.join("done"), "").unwrap();
    fixtures
}

/// The machine's lists with `deb` turned into `deb-src`.
fn source_lists(parts: &Path) {
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    if let Ok(entries) = fs::read_dir("/etc/apt/sources.list.d") {
        files.extend(entries.map(|entry| entry.unwrap().path()));
    }
    for file in files {
        if let Ok(text) = fs::read_to_string(&file) {
            let name = file.file_name().unwrap();
            fs::write(parts.join(name), as_sources(&text)).unwrap();
        }
    }
}

/// Both forms of a list: lines that begin with `deb`, and paragraphs with `Types: deb`.
pub(crate) fn as_sources(text: &str) -> String {
    let line = |line: &str| match line.strip_prefix("deb ") {
        Some(rest) => format!("deb-src {rest}\n"),
        None if line.starts_with("Types:") => "Types: deb-src\n".to_owned(),
        None if line.starts_with("deb-src ") => String::new(),
        None => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

fn apt(work: &Path, arguments: &[&str]) -> Result<String, String> {
    let option = |name: &str, path: &str| format!("-o{name}={}", work.join(path).display());
    let mut all = vec![
        format!("--chdir={}", work.join("download").display()),
        "apt-get".to_owned(),
        "-oDir::Etc::sourcelist=/dev/null".to_owned(),
        option("Dir::Etc::sourceparts", "parts"),
        option("Dir::State::lists", "lists"),
        option("Dir::Cache", "cache"),
    ];
    all.extend(arguments.iter().map(|argument| (*argument).to_owned()));
    // `apt-get source` leaves what it got in the folder that it runs in.
    try_run("env", all)
}
