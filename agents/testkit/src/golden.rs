//! Compares text with a golden file of the repository, line by line. `UPDATE_GOLDEN=1` in the
//! environment writes the file anew instead: look at its diff before keeping it.

use std::collections::VecDeque;
use std::path::Path;

/// Unchanged lines shown around a change.
const CONTEXT: usize = 2;
/// Past this many lines that differ in place, the search for moved lines would take too long.
const MAX_COMPARED: usize = 4000;

/// Panics with a diff if `actual` is not what the file at `path` holds (usually
/// `concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/NAME")`).
#[track_caller]
pub fn assert_golden(path: impl AsRef<Path>, actual: &str) {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1");
    if let Err(report) = compare(path.as_ref(), actual, update) {
        panic!("{report}");
    }
}

fn compare(path: &Path, actual: &str, update: bool) -> Result<(), String> {
    let expected = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && update => String::new(),
        Err(error) => {
            return Err(format!(
                "cannot read {}: {error} (UPDATE_GOLDEN=1 writes it)",
                path.display()
            ));
        }
    };
    if expected == actual {
        return Ok(());
    }
    if update {
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir).unwrap();
        }
        std::fs::write(path, actual).unwrap();
        eprintln!("wrote {}", path.display());
        return Ok(());
    }
    Err(format!(
        "{} differs (- expected, + found; UPDATE_GOLDEN=1 takes what was found):\n{}",
        path.display(),
        diff(&expected, actual)
    ))
}

/// The lines that differ between two texts, `-` for those of `expected` and `+` for those of
/// `actual`, with a little context; empty if the texts are the same.
pub fn diff(expected: &str, actual: &str) -> String {
    if expected == actual {
        return String::new();
    }
    let old: Vec<&str> = expected.split('\n').collect();
    let new: Vec<&str> = actual.split('\n').collect();
    let mut shown = String::new();
    let mut before: VecDeque<&str> = VecDeque::new();
    let mut after = 0;
    let mut skipped = false;
    for (sign, line) in changes(&old, &new) {
        if sign != ' ' {
            if skipped {
                shown.push_str("  ...\n");
                skipped = false;
            }
            for line in before.drain(..) {
                shown.push_str(&format!("  {line}\n"));
            }
            shown.push_str(&format!("{sign} {line}\n"));
            after = CONTEXT;
        } else if after > 0 {
            shown.push_str(&format!("  {line}\n"));
            after -= 1;
        } else {
            before.push_back(line);
            if before.len() > CONTEXT {
                before.pop_front();
                skipped = true;
            }
        }
    }
    shown
}

/// Every line of both, marked: the longest common subsequence of what lies between the same first
/// lines and the same last lines.
fn changes<'t>(old: &[&'t str], new: &[&'t str]) -> Vec<(char, &'t str)> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev());
    let tail = tail.take_while(|(a, b)| a == b).count();
    let (a, b) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);

    let mut marked: Vec<(char, &str)> = old[..head].iter().map(|&line| (' ', line)).collect();
    if a.len() > MAX_COMPARED || b.len() > MAX_COMPARED {
        marked.extend(a.iter().map(|&line| ('-', line)));
        marked.extend(b.iter().map(|&line| ('+', line)));
    } else {
        let common = common_lengths(a, b);
        let (mut i, mut j) = (0, 0);
        while i < a.len() || j < b.len() {
            if i < a.len() && j < b.len() && a[i] == b[j] {
                marked.push((' ', a[i]));
                (i, j) = (i + 1, j + 1);
            } else if i < a.len() && (j == b.len() || common[i + 1][j] >= common[i][j + 1]) {
                marked.push(('-', a[i]));
                i += 1;
            } else {
                marked.push(('+', b[j]));
                j += 1;
            }
        }
    }
    marked.extend(old[old.len() - tail..].iter().map(|&line| (' ', line)));
    marked
}

/// `[i][j]`: how many lines of `a[i..]` are found, in order, in `b[j..]`.
fn common_lengths(a: &[&str], b: &[&str]) -> Vec<Vec<u16>> {
    let mut lengths = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            lengths[i][j] = match a[i] == b[j] {
                true => lengths[i + 1][j + 1] + 1,
                false => lengths[i + 1][j].max(lengths[i][j + 1]),
            };
        }
    }
    lengths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_no_diff() {
        assert_eq!(diff("a\nb\n", "a\nb\n"), "");
    }

    #[test]
    fn a_changed_line_is_shown_with_its_surroundings() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let new = "1\n2\n3\n4\nfive\n6\n7\n8\n9\n";
        assert_eq!(diff(old, new), "  ...\n  3\n  4\n- 5\n+ five\n  6\n  7\n");
    }

    #[test]
    fn an_inserted_line_does_not_mark_the_rest_as_changed() {
        let shown = diff("a\nb\nc\nx\ny\nz\nd\n", "a\nnew\nb\nc\nx\ny\nz\n");
        assert_eq!(shown, "  a\n+ new\n  b\n  c\n  ...\n  y\n  z\n- d\n  \n");
    }

    #[test]
    fn a_missing_last_newline_is_a_difference() {
        assert_eq!(diff("a\n", "a"), "  a\n- \n");
    }

    #[test]
    fn texts_too_long_to_align_are_still_told_apart() {
        let old: String = (0..MAX_COMPARED + 1)
            .map(|n| format!("old {n}\n"))
            .collect();
        let shown = diff(&old, "new\n");
        assert!(shown.starts_with("- old 0\n") && shown.contains("+ new\n"));
    }

    #[test]
    fn a_golden_file_is_compared_and_written_anew_only_on_demand() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("golden/metrics.txt");
        let missing = compare(&path, "up 1\n", false).unwrap_err();
        assert!(missing.contains("UPDATE_GOLDEN=1 writes it"), "{missing}");

        compare(&path, "up 1\n", true).unwrap();
        compare(&path, "up 1\n", false).unwrap();
        let report = compare(&path, "up 0\n", false).unwrap_err();
        assert!(report.contains("- up 1\n+ up 0\n"), "{report}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "up 1\n");

        compare(&path, "up 0\n", true).unwrap();
        compare(&path, "up 0\n", false).unwrap();
    }
}
