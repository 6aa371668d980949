//! Counts, sizes, durations and lists in words, and lines on standard error.

use std::fmt::Write as _;
use std::io::{Write as _, stderr};

use indicatif::HumanCount;

/// Writes a line to standard error. A failure to write, to a lost terminal or a full disk, is ignored: it is no reason
/// to stop.
pub fn complain(line: &str) {
    writeln!(stderr().lock(), "{}", line.trim_end()).ok();
}

/// `1 shard`, `1,024 shards`.
#[must_use]
pub fn count(number: u64, one: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{} {one}s", HumanCount(number)),
    }
}

/// A name that stays on one line: control characters are escaped as in Rust.
#[must_use]
pub fn printable(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for letter in name.chars() {
        match letter.is_control() {
            true => text.extend(letter.escape_default()),
            false => text.push(letter),
        }
    }
    text
}

/// `140.2 GB`: decimal units, as disks and networks are sold.
#[must_use]
pub fn bytes(number: u64) -> String {
    indicatif::DecimalBytes(number).to_string()
}

/// `9 s`, `3 min 20 s`, `2 h 05 min`.
#[must_use]
pub fn seconds(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..10 => format!("{seconds:.1} s"),
        10..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole / 60 % 60),
    }
}

/// A bar of at most `width` cells, proportional to `part` of `whole`. It is empty only if `part` or `whole` is 0.
#[must_use]
pub fn bar(part: u64, whole: u64, width: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    if part == 0 || whole == 0 {
        return String::new();
    }
    let eighths = ((part as f64 / whole as f64 * width as f64 * 8.0).round() as usize).max(1);
    let mut bar = "█".repeat(eighths / 8);
    bar.push_str(EIGHTHS.get(eighths % 8).copied().unwrap_or_default());
    bar
}

/// The first `limit` items, one per line, and how many more there are.
#[must_use]
pub fn shorten(items: impl ExactSizeIterator<Item = String>, limit: usize) -> String {
    let beyond = items.len().saturating_sub(limit);
    let mut text = String::new();
    for item in items.take(limit) {
        let _ = writeln!(text, "  {item}");
    }
    if beyond > 0 {
        let _ = writeln!(text, "  … and {} more", HumanCount(beyond as u64));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_follow_their_numbers() {
        assert_eq!(count(1, "shard"), "1 shard");
        assert_eq!(count(1024, "shard"), "1,024 shards");
        assert_eq!(seconds(2.34), "2.3 s");
        assert_eq!(seconds(59.6), "1 min 00 s");
        assert_eq!(seconds(7500.0), "2 h 05 min");
    }

    #[test]
    fn names_stay_on_one_line() {
        assert_eq!(printable("ünï/a b.jpg"), "ünï/a b.jpg");
        assert_eq!(printable("new\nline\u{1b}[31m"), "new\\nline\\u{1b}[31m");
    }

    #[test]
    fn bars_show_even_the_smallest_part() {
        assert_eq!(bar(0, 10, 20), "");
        assert_eq!(bar(1, 1_000_000, 20), "▏");
        assert_eq!(bar(10, 10, 4), "████");
        assert_eq!(bar(5, 10, 3), "█▌");
    }

    #[test]
    fn long_lists_say_what_they_leave_out() {
        let items = |n: usize| {
            (0..n)
                .map(|i| i.to_string())
                .collect::<Vec<_>>()
                .into_iter()
        };
        assert_eq!(shorten(items(2), 2), "  0\n  1\n");
        assert_eq!(shorten(items(3), 2), "  0\n  1\n  … and 1 more\n");
    }
}
