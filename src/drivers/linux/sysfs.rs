//! Small files of /sys: one word or number a file (Documentation/filesystems/sysfs.rst).

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::drivers::linux::{
    file::read_once,
    name,
    text::{decimal, signed},
};

/// The text of a file, without blanks around it; none where it is absent, empty or refuses to be
/// read.
#[must_use]
pub fn text(path: &Path) -> Option<String> {
    let mut buffer = Vec::new();
    let bytes = read_once(path, &mut buffer).ok()?.trim_ascii();
    (!bytes.is_empty()).then(|| name::text(bytes))
}

/// The number in a file, likewise.
#[must_use]
pub fn number(path: &Path) -> Option<u64> {
    decimal(text(path)?.as_bytes())
}

/// The number in a file that may be below zero, likewise.
#[must_use]
pub fn signed_number(path: &Path) -> Option<i64> {
    signed(text(path)?.as_bytes())
}

/// The folders and files in `folder` whose name `wanted` takes, by name; numbers in names count as
/// numbers.
#[must_use]
pub fn entries(folder: &Path, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let listed = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let mut found: Vec<_> = listed.filter(|path| wanted(name(path))).collect();
    found.sort_by(|a, b| natural(name(a)).cmp(&natural(name(b))));
    found
}

/// The last part of a path, or nothing where it is not UTF-8.
#[must_use]
pub fn name(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
}

/// A key by which `temp10` stands after `temp9`.
fn natural(name: &str) -> (&str, u64, &str) {
    let (stem, rest) = name.split_at(
        name.find(|char: char| char.is_ascii_digit())
            .unwrap_or(name.len()),
    );
    let (digits, rest) = rest.split_at(
        rest.find(|char: char| !char.is_ascii_digit())
            .unwrap_or(rest.len()),
    );
    (stem, decimal(digits.as_bytes()).unwrap_or(0), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_numbers_and_their_absence() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        assert_eq!(text(&path), None);
        for (content, word, unsigned, with_sign) in [
            ("up\n", Some("up"), None, None),
            ("12\n", Some("12"), Some(12), Some(12)),
            ("-1500\n", Some("-1500"), None, Some(-1500)),
            ("\n", None, None, None),
            ("", None, None, None),
        ] {
            fs::write(&path, content).unwrap();
            assert_eq!(
                (text(&path).as_deref(), number(&path), signed_number(&path)),
                (word, unsigned, with_sign)
            );
        }
    }

    #[test]
    fn entries_stand_in_the_order_of_their_numbers() {
        let dir = tempfile::tempdir().unwrap();
        for name in [
            "temp10_input",
            "temp9_input",
            "temp1_max",
            "temp1_input",
            "fan1_input",
            "name",
        ] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        let found = entries(dir.path(), |name| name.ends_with("_input"));
        let names: Vec<_> = found.iter().map(|path| name(path)).collect();
        assert_eq!(
            names,
            ["fan1_input", "temp1_input", "temp9_input", "temp10_input"]
        );
    }
}
