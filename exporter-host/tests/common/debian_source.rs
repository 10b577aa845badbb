//! Gets node_exporter's own fixtures from Debian's source package, with the machine's own mirrors and without touching
//! the machine's lists: everything is kept under `target/`.
#![allow(
    clippy::unwrap_used,
    reason = "a failed assumption fails the test loudly"
)]

use std::fs;
use std::path::{Path, PathBuf};

use testkit::tools::{run, try_run};

use crate::ttar;

/// The release whose fixtures these are, as Debian's sid has it.
const VERSION: &str = "1.11.1";
const PACKAGE: &str = "prometheus-node-exporter";

/// The unpacked fixtures; fetched at the first call.
///
/// # Errors
/// Why the mirror does not have them.
pub(crate) fn fixtures() -> Result<PathBuf, String> {
    let work = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../testkit/node-exporter-src");
    let unpacked = work.join(VERSION);
    let fixtures = unpacked.join("collector/fixtures");
    if work.join(VERSION).join("done").exists() {
        return Ok(fixtures);
    }
    for name in [
        "parts",
        "lists/partial",
        "cache/archives/partial",
        "download",
    ] {
        fs::create_dir_all(work.join(name)).unwrap();
    }
    fs::create_dir_all(&unpacked).unwrap();
    let archive = fetch(&work)?;
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
    fs::write(unpacked.join("done"), "").unwrap();
    Ok(fixtures)
}

/// The archive of the sources, whose checksum is that of the signed index.
fn fetch(work: &Path) -> Result<PathBuf, String> {
    let mirror = own_mirror().ok_or("no mirror of Debian in this machine's lists")?;
    let list = format!(
        "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {mirror} sid main\n"
    );
    fs::write(work.join("parts/sid.list"), list).unwrap();
    apt(work, "apt-get", &["update"])?;
    let index = apt(work, "apt-cache", &["showsrc", PACKAGE])?;
    let name = format!("{PACKAGE}_{VERSION}.orig.tar.gz");
    // The index has several kinds of sums; SHA-256 is the one of 64 digits.
    let sums = index
        .lines()
        .filter_map(|line| line.trim().strip_suffix(&name)?.split(' ').next());
    let sum = sums
        .into_iter()
        .find(|sum| sum.len() == 64)
        .ok_or_else(|| format!("sid has no {name}"))?;
    let version = index
        .lines()
        .find_map(|line| line.strip_prefix("Version: "))
        .unwrap_or(VERSION);
    // A mirror may lack one of the package's files; only this one is needed.
    let source = format!("{PACKAGE}={version}");
    let outcome = apt(work, "apt-get", &["source", "--download-only", &source]);
    let archive = work.join("download").join(&name);
    if !archive.exists() {
        return Err(outcome
            .err()
            .unwrap_or_else(|| format!("{name} did not come")));
    }
    let found = run("sha256sum", [archive.as_os_str()]);
    if found.split(' ').next() == Some(sum) {
        Ok(archive)
    } else {
        Err(format!("{name} is not the file of the index: {found}"))
    }
}

/// The mirror that this machine installs Debian from.
fn own_mirror() -> Option<String> {
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    let more = fs::read_dir("/etc/apt/sources.list.d")
        .into_iter()
        .flatten();
    files.extend(more.map(|entry| entry.unwrap().path()));
    let texts = files
        .iter()
        .filter_map(|file| fs::read_to_string(file).ok());
    let mut mirrors = texts.filter_map(|text| mirror_of(&text).map(str::to_owned));
    mirrors.next()
}

/// The first address of Debian itself in a list of either form: lines `deb [options] URL suite …`, paragraphs with
/// `URIs: URL`.
pub(crate) fn mirror_of(list: &str) -> Option<&str> {
    let words = list
        .lines()
        .filter(|line| line.starts_with("deb ") || line.starts_with("URIs:"))
        .flat_map(str::split_ascii_whitespace);
    let mut urls = words.filter(|word| word.starts_with("http"));
    urls.find(|url| url.trim_end_matches('/').ends_with("/debian"))
}

fn apt(work: &Path, tool: &str, arguments: &[&str]) -> Result<String, String> {
    let option = |name: &str, path: &str| format!("-o{name}={}", work.join(path).display());
    let mut all = vec![
        format!("--chdir={}", work.join("download").display()),
        tool.to_owned(),
        "-oDir::Etc::sourcelist=/dev/null".to_owned(),
        // The folders are ours alone, whoever we are.
        "-oAPT::Sandbox::User=root".to_owned(),
        option("Dir::Etc::sourceparts", "parts"),
        option("Dir::State::lists", "lists"),
        option("Dir::Cache", "cache"),
    ];
    all.extend(arguments.iter().map(|argument| (*argument).to_owned()));
    // `apt-get source` leaves what it got in the folder that it runs in.
    try_run("env", all)
}
