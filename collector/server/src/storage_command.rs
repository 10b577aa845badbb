//! `nephoscope-collector storage {check,stats,dump,repair} DIR`: looks at the series of a stopped collector, and mends
//! them. `DIR` is the storage directory or the folder `series` in it.

use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command, value_parser};
use collector_model::MetricId;
use collector_storage::{Engine, Options, ReadQuery, Store as _, StoreError, inspect};
use runtime::Failure;

use crate::app::SERIES;

const STORAGE: &str = "storage";
const CHECK: &str = "check";
const STATS: &str = "stats";
const DUMP: &str = "dump";
const REPAIR: &str = "repair";
const DIR: &str = "DIR";
const METRIC: &str = "METRIC";

/// The subcommand, for the program's command line.
pub(crate) fn command() -> Command {
    let of = |name: &'static str, about: &'static str| {
        let dir = Arg::new(DIR)
            .required(true)
            .value_parser(value_parser!(PathBuf))
            .help("The storage directory, as --storage.path names it");
        Command::new(name).about(about).arg(dir)
    };
    let metric = Arg::new(METRIC)
        .required(true)
        .value_parser(value_parser!(MetricId))
        .help("The metric's id");
    Command::new(STORAGE)
        .about("Look at the series of a stopped collector, and mend them")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(of(
            CHECK,
            "Read all files and verify every checksum; exit code 1 on damage",
        ))
        .subcommand(of(
            STATS,
            "Show snapshot, log and segments, and their bytes per value",
        ))
        .subcommand(of(DUMP, "Print all points of a metric, one per line").arg(metric))
        .subcommand(of(
            REPAIR,
            "Set what is damaged aside in quarantine/ and keep all the rest",
        ))
}

/// Does what the command line asks for; `None` if it is not about the storage.
pub(crate) fn run(matches: &ArgMatches) -> Option<Result<(), Failure>> {
    let (name, matches) = matches.subcommand_matches(STORAGE)?.subcommand()?;
    let dir = matches.get_one::<PathBuf>(DIR)?;
    let series = dir.join(SERIES);
    let dir = if series.is_dir() { &series } else { dir };
    let done = match name {
        CHECK => check(dir),
        STATS => stats(dir),
        REPAIR => repair(dir),
        _ => dump(dir, *matches.get_one::<MetricId>(METRIC)?),
    };
    Some(done)
}

fn check(dir: &Path) -> Result<(), Failure> {
    let report = inspect::check(dir).map_err(Failure::start)?;
    let mut text = checked(&report);
    match report.findings.as_slice() {
        [] => Err(Failure::Answered(text)),
        findings => {
            for finding in findings {
                let _ = writeln!(text, "{finding}");
            }
            print(&text);
            Err(Failure::start(format!(
                "{}: {} damaged places; `storage repair` sets them aside",
                dir.display(),
                findings.len()
            )))
        }
    }
}

fn checked(report: &inspect::CheckReport) -> String {
    let mut text = format!(
        "{} files, {} bytes, {} records are sound\n",
        report.files, report.bytes, report.records
    );
    if report.unfinished_bytes > 0 {
        let _ = writeln!(
            text,
            "{} bytes of an unfinished write at the end of the log, which the next start cuts off",
            report.unfinished_bytes
        );
    }
    text
}

fn stats(dir: &Path) -> Result<(), Failure> {
    let stats = inspect::stats(dir).map_err(Failure::start)?;
    let mut text = format!(
        "format {}, snapshot of entry {} with {} bytes, log of {} files with {} bytes\n",
        stats.format, stats.snapshot_entry, stats.snapshot_bytes, stats.log.0, stats.log.1
    );
    let _ = writeln!(
        text,
        "{:<32} {:>11} {:<25} {:<25} {:>9} {:>11} {:>12} {:>11}",
        "SEGMENT", "GRANULARITY", "FIRST", "LAST", "METRICS", "WINDOWS", "BYTES", "BYTES/VALUE"
    );
    let (mut windows, mut values, mut bytes) = (0, 0, 0);
    for segment in &stats.segments {
        let _ = writeln!(
            text,
            "{:<32} {:>11} {:<25} {:<25} {:>9} {:>11} {:>12} {:>11.2}",
            segment.path.display(),
            segment.granularity,
            segment.first.to_string(),
            segment.last.to_string(),
            segment.metrics,
            segment.windows,
            segment.bytes,
            per(segment.bytes, segment.values)
        );
        windows += segment.windows;
        values += segment.values;
        bytes += segment.bytes;
    }
    let _ = writeln!(
        text,
        "{} segments, {windows} windows, {values} values, {bytes} bytes, {:.2} bytes per value",
        stats.segments.len(),
        per(bytes, values)
    );
    Err(Failure::Answered(text))
}

fn per(bytes: u64, values: u64) -> f64 {
    bytes as f64 / values.max(1) as f64
}

fn repair(dir: &Path) -> Result<(), Failure> {
    let (findings, after) = inspect::repair(dir).map_err(Failure::start)?;
    let mut text = String::new();
    for finding in &findings {
        let _ = writeln!(text, "set aside: {finding}");
    }
    text.push_str(&checked(&after));
    match after.findings.first() {
        None => Err(Failure::Answered(text)),
        Some(left) => {
            print(&text);
            Err(Failure::start(format!("still damaged: {left}")))
        }
    }
}

/// Prints the points of every aggregation: aggregation, granularity in seconds, start, value.
fn dump(dir: &Path, metric: MetricId) -> Result<(), Failure> {
    // Opening a directory that is no store would make one.
    inspect::stats(dir).map_err(Failure::start)?;
    let engine = Engine::open(dir, Options::default()).map_err(Failure::start)?;
    let methods = engine.methods(metric).map_err(Failure::start)?;
    for method in methods {
        let points = engine.read(metric, &ReadQuery::all(method));
        let mut text = String::new();
        for point in points.map_err(|error: StoreError| Failure::start(error))? {
            let _ = writeln!(
                text,
                "{method} {} {} {}",
                point.granularity.seconds(),
                point.timestamp,
                point.value
            );
        }
        print(&text);
    }
    Ok(())
}

/// Writes to stdout; where that is closed nobody reads it.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}
