//! Debian's Chromium without a window: the page as a user's browser made it, as text or as a
//! picture.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::running::Running;
use crate::tools::find_program;

/// How long the browser may take in all; a page that never rests is cut off by its own budget.
const TIMEOUT: Duration = Duration::from_secs(120);

/// The page's DOM as HTML after its scripts have had `budget_ms` milliseconds of the page's time,
/// which the browser passes as fast as it can whenever nothing is being loaded. The window is so tall that all of
/// the page is in view: what is not, pages need not draw.
pub fn dump_dom(url: &str, budget_ms: u32) -> String {
    browse(budget_ms, &["--dump-dom", "--window-size=1280,4000", url])
}

/// A PNG of the page's top, 1280 × 800, after `budget_ms` milliseconds of the page's time.
pub fn screenshot(url: &str, path: &Path, budget_ms: u32) {
    let screenshot = format!("--screenshot={}", path.to_str().unwrap());
    browse(
        budget_ms,
        &[
            &screenshot,
            "--window-size=1280,800",
            "--hide-scrollbars",
            url,
        ],
    );
    assert!(path.is_file(), "the browser wrote no {}", path.display());
}

fn browse(budget_ms: u32, args: &[&str]) -> String {
    let profile = tempfile::Builder::new()
        .prefix("nephoscope-chromium-")
        .tempdir()
        .unwrap();
    let mut command = Command::new(find_program("chromium"));
    command
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("--virtual-time-budget={budget_ms}"))
        .args(args)
        // Its crash reporter keeps files in the home folder, whatever the profile's folder is.
        .env("HOME", profile.path())
        .stdin(Stdio::null());
    let mut browser = Running::spawn("chromium", &mut command);
    match browser.wait(TIMEOUT) {
        Some(status) if status.success() => browser.stdout(),
        Some(status) => panic!("chromium failed: {status}"),
        None => panic!("chromium still runs after {TIMEOUT:?}"),
    }
}
