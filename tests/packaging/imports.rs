//! The modules import one way, in the order of `ORDER`, and no two files import each other in a
//! circle. What only tests import does not count.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use super::{root, text};

/// The modules of the crate, in layers: a module may import what stands in a later layer.
const ORDER: [&[&str]; 11] = [
    &["main"],
    &["oneshot"],
    &["server"],
    &["http"],
    &["session"],
    &["push"],
    &["sampling"],
    &["plugins", "net"],
    &["config"],
    &["drivers"],
    &["protocol", "system", "pretty_json"],
];

/// A module's path without `crate`: `["net", "peer"]`.
type Module = Vec<String>;

/// A path that a file names, and whether it passes it on by `pub use`.
struct Named {
    path: Vec<String>,
    /// What the last part is called in the file, where `as` gives it another name.
    alias: String,
    passed_on: bool,
}

struct File {
    path: PathBuf,
    named: Vec<Named>,
}

/// The source without comments, the content of literals and the items of `#[cfg(test)]`.
fn program_of(source: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let raw_quotes = rest.strip_prefix('b').unwrap_or(rest).strip_prefix('r');
        let hashes = raw_quotes.map_or(0, |raw| raw.len() - raw.trim_start_matches('#').len());
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(raw) = raw_quotes.filter(|raw| raw[hashes..].starts_with('"')) {
            let end = format!("\"{}", "#".repeat(hashes));
            let body = &raw[hashes + 1..];
            rest.len() - body.len() + body.find(&end).unwrap() + end.len()
        } else if first == '"' {
            end_of_literal(rest, '"')
        } else if first == '\'' && !is_lifetime(rest) {
            end_of_literal(rest, '\'')
        } else if first.is_alphabetic() || first == '_' {
            let word = |char: char| char.is_alphanumeric() || char == '_';
            let length = rest.find(|char| !word(char)).unwrap_or(rest.len());
            tokens.push(rest[..length].to_owned());
            length
        } else if rest.starts_with("::") {
            tokens.push("::".into());
            2
        } else {
            if !first.is_whitespace() {
                tokens.push(first.into());
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    without_tests(&tokens)
}

fn end_of_literal(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, char) in text.char_indices().skip(1) {
        if char == quote && !escaped {
            return at + 1;
        }
        escaped = char == '\\' && !escaped;
    }
    panic!("a literal without an end: {}", &text[..20]);
}

fn is_lifetime(text: &str) -> bool {
    let mut chars = text.chars().skip(1);
    let (first, second) = (chars.next(), chars.next());
    first.is_some_and(|char| char.is_alphabetic() || char == '_') && second != Some('\'')
}

fn without_tests(tokens: &[String]) -> Vec<String> {
    const TEST_ONLY: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at..].starts_with(&TEST_ONLY.map(String::from)) {
            at = end_of_item(tokens, at + TEST_ONLY.len());
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

/// Behind the semicolon or the closing brace of the item that begins at `at`.
fn end_of_item(tokens: &[String], mut at: usize) -> usize {
    let mut depth = 0;
    loop {
        match tokens[at].as_str() {
            "{" | "[" | "(" => depth += 1,
            "]" | ")" => depth -= 1,
            "}" => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            ";" if depth == 0 => return at + 1,
            _ => {}
        }
        at += 1;
    }
}

/// The modules that a file declares.
fn children(tokens: &[String]) -> Vec<&str> {
    tokens
        .windows(3)
        .filter(|words| words[0] == "mod" && words[2] == ";")
        .map(|words| words[1].as_str())
        .collect()
}

/// The paths below the crate that the file of `module` names, whole in a `use` or in an expression.
fn named(tokens: &[String], module: &Module) -> Vec<Named> {
    let children = children(tokens);
    let mut found = Vec::new();
    for at in 0..tokens.len().saturating_sub(1) {
        if tokens[at + 1] != "::" || (at > 0 && tokens[at - 1] == "::") {
            continue;
        }
        let base = match tokens[at].as_str() {
            "crate" | "rtstat" => Vec::new(),
            "super" => module[..module.len() - 1].to_vec(),
            "self" => module.clone(),
            name if children.contains(&name) => [module.as_slice(), &[name.to_owned()]].concat(),
            _ => continue,
        };
        let before = &tokens[..at];
        // `pub use` and `pub(crate) use`.
        let passed_on = matches!(before, [.., visible, word]
            if word == "use" && matches!(visible.as_str(), "pub" | ")"));
        let mut next = at + 2;
        tree(tokens, &mut next, base, passed_on, &mut found);
    }
    found
}

/// Reads what may stand behind a `::`: a name, and what is behind that, or a list in braces.
fn tree(
    tokens: &[String],
    at: &mut usize,
    mut path: Vec<String>,
    passed_on: bool,
    found: &mut Vec<Named>,
) {
    if tokens[*at] == "{" {
        *at += 1;
        while tokens[*at] != "}" {
            tree(tokens, at, path.clone(), passed_on, found);
            if tokens[*at] == "," {
                *at += 1;
            }
        }
        *at += 1;
        return;
    }
    match tokens[*at].as_str() {
        "super" => {
            path.pop();
        }
        "self" | "*" | "<" => {}
        name => path.push(name.to_owned()),
    }
    *at += 1;
    if tokens.get(*at).is_some_and(|next| next == "::") && tokens[*at + 1] != "<" {
        *at += 1;
        return tree(tokens, at, path, passed_on, found);
    }
    let mut alias = path.last().cloned().unwrap_or_default();
    if tokens.get(*at).is_some_and(|next| next == "as") {
        alias = tokens[*at + 1].clone();
        *at += 2;
    }
    found.push(Named {
        path,
        alias,
        passed_on,
    });
}

/// Adds the file of `module` and those of the modules that it declares.
fn add(files: &mut BTreeMap<Module, File>, module: Module, path: PathBuf) {
    let tokens = program_of(&text(path.to_str().unwrap()));
    let folder = match path.file_stem().unwrap().to_str().unwrap() {
        "mod" | "lib" | "main" => path.parent().unwrap().to_owned(),
        stem => path.with_file_name(stem),
    };
    for child in children(&tokens) {
        let mut inner = module.clone();
        inner.push(child.to_owned());
        let flat = folder.join(format!("{child}.rs"));
        let exists = root().join(&flat).exists();
        let path = if exists {
            flat
        } else {
            folder.join(child).join("mod.rs")
        };
        add(files, inner, path);
    }
    let named = named(&tokens, &module);
    files.insert(module, File { path, named });
}

fn all_files() -> BTreeMap<Module, File> {
    let mut files = BTreeMap::new();
    add(&mut files, Vec::new(), "src/lib.rs".into());
    add(&mut files, vec!["main".into()], "src/main.rs".into());
    files
}

/// The module that defines what `path` names: re-exports are followed to their source.
fn source_of(files: &BTreeMap<Module, File>, path: &[String]) -> Module {
    let length = (0..=path.len())
        .rev()
        .find(|length| files.contains_key(&path[..*length]))
        .unwrap_or(0);
    let module = &path[..length];
    let passed_on = path.get(length).and_then(|name| {
        files[module]
            .named
            .iter()
            .find(|named| named.passed_on && named.alias == *name)
    });
    match passed_on {
        Some(named) => source_of(files, &named.path),
        None => module.to_vec(),
    }
}

/// For each file, the files that it imports.
fn imports(files: &BTreeMap<Module, File>) -> BTreeMap<&Path, BTreeSet<&Path>> {
    let targets = |module: &Module, file: &File| {
        file.named
            .iter()
            .filter(|named| !named.passed_on)
            .map(|named| source_of(files, &named.path))
            .filter(|source| source != module && !source.is_empty())
            .map(|source| files[&source].path.as_path())
            .collect()
    };
    files
        .iter()
        .map(|(module, file)| (file.path.as_path(), targets(module, file)))
        .collect()
}

/// The layer of a file in `ORDER`, and the module by which it stands there.
fn layer(path: &Path) -> (usize, String) {
    let inside = path.strip_prefix("src").unwrap().with_extension("");
    let module = inside.iter().next().unwrap().to_str().unwrap().to_owned();
    let layer = ORDER
        .iter()
        .position(|layer| layer.contains(&module.as_str()));
    let layer = layer.unwrap_or_else(|| panic!("{module}: it stands in no layer"));
    (layer, module)
}

#[test]
fn no_import_climbs() {
    let files = all_files();
    let mut climbing = Vec::new();
    for (path, targets) in imports(&files) {
        // These declare and pass on all modules.
        if ["src/lib.rs", "src/testing.rs"]
            .iter()
            .any(|whole| path == Path::new(whole))
        {
            continue;
        }
        let (from, module) = layer(path);
        for target in targets {
            let (to, other) = layer(target);
            if module != other && to <= from {
                climbing.push(format!("{} imports {}", path.display(), target.display()));
            }
        }
    }
    assert!(climbing.is_empty(), "{climbing:#?}");
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let files = all_files();
    let direct = imports(&files);
    let reached: BTreeMap<_, _> = direct
        .keys()
        .map(|path| (path, all_behind(path, &direct)))
        .collect();
    let circles: BTreeSet<Vec<_>> = reached
        .iter()
        .filter(|(path, behind)| behind.contains(**path))
        .map(|(path, behind)| {
            let same = |other: &&&Path| reached[*other].contains(**path);
            behind.iter().filter(same).copied().collect()
        })
        .collect();
    assert!(circles.is_empty(), "{circles:#?}");
}

/// What `path` imports, and what those files import, and so on.
fn all_behind<'a>(path: &Path, direct: &BTreeMap<&Path, BTreeSet<&'a Path>>) -> BTreeSet<&'a Path> {
    let mut behind = BTreeSet::new();
    let mut next: Vec<&Path> = direct[path].iter().copied().collect();
    while let Some(path) = next.pop() {
        if behind.insert(path) {
            next.extend(&direct[path]);
        }
    }
    behind
}

#[test]
fn the_reader_sees_every_form_of_an_import() {
    let source = r##"
        //! crate::comment
        pub use crate::passed::On;
        use crate::{a::{B, c::{self, D as E}}, f::*};
        const TEXT: &str = "crate::text \" ";
        const RAW: &str = r#"crate::raw " "#;
        fn long<'a>(x: &'a str) -> char { crate::expression::call::<u8>(x, '"', '\'') }
        #[cfg(test)]
        mod tests { use crate::test_only; fn f() { [0; 3] } }
        mod child;
        use super::sibling;
        fn relative() { child::call(other::call()) }
    "##;
    let module = ["one", "two"].map(String::from).to_vec();
    let found: Vec<_> = named(&program_of(source), &module)
        .iter()
        .map(|named| (named.path.join("::"), named.alias.clone(), named.passed_on))
        .collect();
    let expected = [
        ("passed::On", "On", true),
        ("a::B", "B", false),
        ("a::c", "c", false),
        ("a::c::D", "E", false),
        ("f", "f", false),
        ("expression::call", "call", false),
        ("one::sibling", "sibling", false),
        ("one::two::child::call", "call", false),
    ]
    .map(|(path, alias, passed_on)| (path.into(), alias.into(), passed_on));
    assert_eq!(found, expected);
}
