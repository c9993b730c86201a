//! The documents for people agree with the tree: a path that is named is there.

use std::path::Path;

use super::{root, text};

const DOCUMENTS: [&str; 2] = ["CONTRIBUTING.md", "docs/architecture.md"];

/// The words between backticks, outside blocks of code.
fn quoted(markdown: &str) -> impl Iterator<Item = &str> {
    markdown
        .split("```")
        .step_by(2)
        .flat_map(|prose| prose.split('`').skip(1).step_by(2))
}

/// Whether a word is the name of a file or folder of ours: `a/b`, `name.ext` at the root.
fn is_path(word: &str) -> bool {
    let plain = word
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"._/-".contains(&byte));
    let ours = word.contains('/') && !word.starts_with('/') && !word.starts_with("target/");
    plain && (ours || word.ends_with(".md"))
}

fn is_below(folder: &Path, name: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        path.file_name().is_some_and(|found| found == name)
            || path.is_dir() && is_below(&path, name)
    })
}

#[test]
fn every_path_that_is_named_exists() {
    for document in DOCUMENTS {
        let markdown = text(document);
        let mut paths = 0;
        for path in quoted(&markdown).filter(|word| is_path(word)) {
            let places = [root().join(path), root().join("src").join(path)];
            assert!(
                places.iter().any(|place| place.exists()),
                "{document}: {path} is not there"
            );
            paths += 1;
        }
        assert!(paths > 20, "{document}: {paths} paths");
        for script in quoted(&markdown).filter(|word| word.ends_with(".js") && !word.contains('/'))
        {
            assert!(
                is_below(&root().join("public"), script),
                "{document}: {script} is not below public"
            );
        }
    }
}

#[test]
fn every_link_leads_somewhere() {
    for document in [
        "CONTRIBUTING.md",
        "README.md",
        "SECURITY.md",
        "docs/architecture.md",
        "docs/scale.md",
    ] {
        let folder = root().join(document);
        for link in text(document).split("](").skip(1) {
            let target = link.split([')', '#']).next().unwrap();
            let place = folder.parent().unwrap().join(target);
            assert!(
                target.is_empty() || target.contains("://") || place.exists(),
                "{document}: {target}"
            );
        }
    }
}

/// The modules in the sentence are the folders, and each has its row.
#[test]
fn the_architecture_names_every_module() {
    let markdown = text("docs/architecture.md");
    for entry in std::fs::read_dir(root().join("src")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let listed = markdown.contains(&format!("| `src/{name}/` |"));
        assert!(
            listed || entry.file_type().unwrap().is_file(),
            "no row of src/{name}"
        );
    }
}
