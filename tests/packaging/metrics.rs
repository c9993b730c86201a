//! rtstat-metrics(7) agrees with what is serialised: every field of the structs behind the keys
//! and `info` has its entry with the sentence of its doc comment, and every entry its field. Units
//! and shortest intervals are those of `info`, and paths those of real samples.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    time::Duration,
};

use rtstat::testing::{
    drivers::{Root, linux::host::Host},
    plugins::{
        catalog::{Catalog, META},
        registry::{Entry as Key, Options, built_in_with},
    },
    protocol::key_set::PluginSet,
    sampling::{
        latest_reading::ReadingPair,
        snapshot::{Push, PushTime, Snapshot},
    },
    session::info::Info,
};
use serde_json::Value;

use crate::{root, text};

const MANUAL: &str = "man/rtstat-metrics.7";

/// Where the structs of each section stand, below `src`.
const SOURCES: [(&str, &[&str]); 20] = [
    ("cpu_stat", &["plugins/builtin/cpu_stat.rs"]),
    ("meminfo", &["plugins/builtin/meminfo.rs"]),
    ("processes", &["plugins/builtin/processes.rs"]),
    ("uptime", &["plugins/builtin/uptime.rs"]),
    ("cpu", &["plugins/builtin/cpu.rs"]),
    ("mem", &["plugins/builtin/mem.rs"]),
    ("psi", &["plugins/builtin/pressure.rs"]),
    ("disk", &["plugins/builtin/disk.rs"]),
    ("fs", &["plugins/builtin/filesystems.rs"]),
    ("net", &["plugins/builtin/net.rs"]),
    ("sock", &["plugins/builtin/sockets.rs"]),
    ("sens", &["plugins/builtin/sensors.rs"]),
    ("procs", &["plugins/builtin/procs.rs"]),
    ("top", &["plugins/builtin/top.rs"]),
    (
        "units",
        &[
            "plugins/builtin/units.rs",
            "plugins/builtin/cgroup_usage.rs",
        ],
    ),
    (
        "ct",
        &[
            "plugins/builtin/containers.rs",
            "plugins/builtin/cgroup_usage.rs",
        ],
    ),
    ("gpu", &["plugins/builtin/gpu.rs"]),
    ("self", &["plugins/builtin/self_stats.rs"]),
    (META, &["sampling/snapshot.rs"]),
    (
        INFO,
        &["session/info.rs", "plugins/mod.rs", "drivers/linux/host.rs"],
    ),
];

/// The section of what is no key.
const INFO: &str = "info";

/// Where the tests of a module begin.
const TESTS: &str = "\n#[cfg(test)]\nmod tests";

/// What rtstat-plugins(7) describes.
const ELSEWHERE: [&str; 1] = ["plugins/exec/munin.rs"];

/// A field as the manual has it.
struct Entry {
    paths: Vec<String>,
    unit: String,
    text: String,
}

/// A section of the manual.
#[derive(Default)]
struct Section {
    head: String,
    entries: Vec<Entry>,
}

impl Section {
    fn paths(&self) -> impl Iterator<Item = (&str, &Entry)> {
        let each = |entry| Entry::paths(entry).map(move |path| (path, entry));
        self.entries.iter().flat_map(each)
    }
}

impl Entry {
    fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(String::as_str)
    }
}

/// The sections of the keys, in their order, and that of `info`.
fn sections() -> Vec<(String, Section)> {
    let manual = text(MANUAL);
    let (_, keys) = manual.split_once("\n.SH KEYS\n").unwrap();
    let (keys, info) = keys.split_once("\n.SH INFO\n").unwrap();
    let (info, _) = info.split_once("\n.SH ").unwrap();
    let mut sections: Vec<_> = keys.split("\n.SS ").skip(1).map(section).collect();
    sections.push((INFO.into(), section(&format!("{INFO}\n{info}")).1));
    sections
}

fn section(roff: &str) -> (String, Section) {
    let (name, roff) = roff.split_once('\n').unwrap();
    let mut parts = roff.split("\n.TP\n");
    let head = plain(parts.next().unwrap());
    let entries = parts.map(entry).collect();
    (name.into(), Section { head, entries })
}

fn entry(roff: &str) -> Entry {
    let (tag, roff) = roff.split_once('\n').unwrap();
    let arguments = arguments(tag);
    let (paths, unit) = match &arguments[..] {
        [font, paths] if font == ".B" => (paths, String::new()),
        [font, paths, unit] if font == ".BI" => (paths, unit.trim().to_string()),
        _ => panic!("{tag}: the tag of a field is .B PATHS or .BI PATHS UNIT"),
    };
    Entry {
        paths: paths.split(", ").map(str::to_string).collect(),
        unit,
        text: plain(roff),
    }
}

/// The words of a line of roff, without quotes and escapes.
fn arguments(line: &str) -> Vec<String> {
    let mut arguments = Vec::new();
    let mut rest = line;
    while let Some(start) = rest.find(|char| char != ' ') {
        rest = &rest[start..];
        let (argument, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap(),
            None => rest.split_at(rest.find(' ').unwrap_or(rest.len())),
        };
        arguments.push(unescaped(argument));
        rest = after;
    }
    arguments
}

fn unescaped(text: &str) -> String {
    let escapes = [
        ("\\-", "-"),
        ("\\(dq", "\""),
        ("\\(de", "°"),
        ("\\(mc", "µ"),
    ];
    let plain = |text: String, (escape, char): (&str, &str)| text.replace(escape, char);
    escapes.into_iter().fold(text.to_string(), plain)
}

/// The text of lines of roff, with one blank between words.
fn plain(roff: &str) -> String {
    let line = |line: &str| match line.strip_prefix('.') {
        None => unescaped(line),
        Some(_) => {
            let arguments = arguments(line);
            // Of two fonts in turn, the parts are joined.
            let between = if arguments[0].len() == 3 { "" } else { " " };
            arguments[1..].join(between)
        }
    };
    words(&roff.lines().map(line).collect::<Vec<_>>().join(" "))
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A field as the code has it.
#[derive(Debug)]
struct Field {
    name: String,
    about: String,
    may: May,
}

/// What JSON may have in a field's place.
#[derive(Debug, PartialEq, Eq)]
enum May {
    BeNull,
    BeAbsent,
    Neither,
    /// A type of our own decides.
    Nest,
}

/// The fields of the structs in a file that derive Serialize, in the form that rustfmt gives them.
fn fields(path: &str) -> Vec<Field> {
    let source = text(&format!("src/{path}"));
    let source = source.split(TESTS).next().unwrap();
    let mut fields = Vec::new();
    for item in derived(source) {
        let (head, body) = item.split_once("{\n").unwrap();
        if head.contains("enum ") {
            continue;
        }
        assert!(head.contains("struct "), "{path}: {head}");
        let camel = head.contains("rename_all");
        let (mut about, mut attributes) = (String::new(), String::new());
        for line in body.lines().map(str::trim) {
            if let Some(doc) = line.strip_prefix("///") {
                about.push_str(doc);
            } else if line.starts_with("#[")
                || attributes.matches('[').count() > attributes.matches(']').count()
            {
                attributes.push_str(line);
            } else {
                let (name, kind) = line.trim_end_matches(',').split_once(": ").unwrap();
                let name = name.rsplit(' ').next().unwrap();
                let name = if camel { camel_case(name) } else { name.into() };
                fields.extend(field(name, kind, &attributes, &about));
                about.clear();
                attributes.clear();
            }
        }
    }
    fields
}

/// The items that derive Serialize, from the derive to the last field.
fn derived(source: &str) -> impl Iterator<Item = &str> {
    let derives = source
        .match_indices("#[derive(")
        .map(|(at, _)| &source[at..]);
    derives
        .filter(|item| item.lines().next().unwrap().contains("Serialize"))
        .map(|item| item.split("\n}").next().unwrap())
}

/// None for what is no field of the JSON, or is its struct's fields.
fn field(name: String, kind: &str, attributes: &str, about: &str) -> Option<Field> {
    if ["serde(skip)", "serde(flatten)"]
        .iter()
        .any(|other| attributes.contains(other))
    {
        return None;
    }
    let renamed = attributes
        .split_once("rename = \"")
        .map(|(_, name)| name.split('"').next().unwrap());
    let scalars = [
        "u32", "u64", "usize", "f64", "bool", "char", "String", "Decimal", "Celsius", "Name",
        "Kind",
    ];
    let may = if attributes.contains("skip_serializing_if") {
        May::BeAbsent
    } else if kind.starts_with("Option<") {
        May::BeNull
    } else if scalars.contains(&kind) || kind.starts_with("Text<") || kind.ends_with(" str") {
        May::Neither
    } else {
        May::Nest
    };
    let about = words(&about.replace('`', ""));
    Some(Field {
        name: renamed.map_or(name, str::to_string),
        about,
        may,
    })
}

fn camel_case(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap().to_string();
    parts.fold(first, |name, part| {
        name + &part[..1].to_uppercase() + &part[1..]
    })
}

/// The last name in a path.
fn name(path: &str) -> &str {
    path.trim_end_matches(".*").rsplit('.').next().unwrap()
}

#[test]
fn every_field_has_its_sentence_in_the_manual_and_every_sentence_its_field() {
    let mut sections: BTreeMap<_, _> = sections().into_iter().collect();
    let mut wrong = Vec::new();
    for (key, files) in SOURCES {
        let section = sections.remove(key).unwrap_or_default();
        let documented: BTreeSet<_> = section
            .paths()
            .map(|(path, entry)| (name(path).to_string(), entry.text.clone()))
            .collect();
        let fields: BTreeSet<_> = files
            .iter()
            .flat_map(|file| fields(file))
            .map(|field| (field.name, field.about))
            .collect();
        assert!(!fields.is_empty(), "{key}: no struct was found");
        let lacking = fields.difference(&documented);
        wrong.extend(lacking.map(|field| format!("{MANUAL} lacks, in {key}: {field:?}")));
        let lacking = documented.difference(&fields);
        wrong.extend(lacking.map(|entry| format!("src lacks, in {key}: {entry:?}")));
    }
    assert_eq!(sections.keys().collect::<Vec<_>>(), Vec::<&String>::new());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_sentence_says_when_its_field_is_null_or_absent() {
    let mut wrong = Vec::new();
    for (key, files) in SOURCES {
        for Field { name, about, may } in files.iter().flat_map(|file| fields(file)) {
            let said = match (about.contains("Null "), about.contains("Absent ")) {
                (true, false) => May::BeNull,
                (false, true) => May::BeAbsent,
                _ => May::Neither,
            };
            if may != May::Nest && may != said {
                wrong.push(format!("{key} {name}: {may:?}, and not {said:?}: {about}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A struct in a file that nobody compares would be described by nobody.
#[test]
fn every_file_with_a_serialised_struct_is_compared() {
    let mut files = vec![root().join("src")];
    let mut found = BTreeSet::new();
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(
                fs::read_dir(path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
            continue;
        }
        let source = fs::read_to_string(&path).unwrap();
        if derived(source.split(TESTS).next().unwrap())
            .next()
            .is_some()
        {
            let path = path.strip_prefix(root().join("src")).unwrap();
            found.insert(path.to_str().unwrap().to_string());
        }
    }
    let compared = SOURCES
        .iter()
        .flat_map(|(_, files)| *files)
        .chain(&ELSEWHERE);
    assert_eq!(found, compared.map(|file| file.to_string()).collect());
}

fn keys(root: &Root) -> Vec<Key> {
    let options = Options {
        command_lines: true,
        network_filesystems: true,
        ..Options::default()
    };
    built_in_with(root, &options)
}

/// Whether the path, or the beginning of it that is as long as `path`, is one of `pattern`.
fn begins(pattern: &str, path: &str) -> bool {
    let mut pattern = pattern.split('.');
    path.split('.').all(|name| {
        pattern
            .next()
            .is_some_and(|other| other == "*" || other == name)
    })
}

fn matches(pattern: &str, path: &str) -> bool {
    begins(pattern, path) && pattern.split('.').count() == path.split('.').count()
}

#[test]
fn units_and_intervals_are_those_that_info_says() {
    let sections = sections();
    let catalog = Catalog::new(&keys(&Root::host())).unwrap();
    let names: Vec<_> = catalog
        .abouts()
        .map(|(name, _)| name)
        .chain([INFO])
        .collect();
    let documented: Vec<_> = sections.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(documented, names, "the sections, in their order");
    for ((key, about), (_, section)) in catalog.abouts().zip(&sections) {
        for (path, entry) in section.paths() {
            let matching = |unit: &&(&str, &str)| matches(unit.0, path);
            let units: Vec<_> = about
                .units
                .iter()
                .filter(matching)
                .map(|unit| unit.1)
                .collect();
            let documented: Vec<_> = Some(&*entry.unit)
                .filter(|unit| !unit.is_empty())
                .into_iter()
                .collect();
            assert_eq!(units, documented, "{key} {path}");
        }
        for (pattern, _) in about.units {
            assert!(
                section.paths().any(|(path, _)| matches(pattern, path)),
                "{key} {pattern}"
            );
        }
        let plural = if about.min_interval == 1.0 { "" } else { "s" };
        let interval = format!("Shortest interval: {} second{plural}.", about.min_interval);
        assert!(
            key == META || section.head.contains(&interval),
            "{key}: {interval}"
        );
        assert!(section.head.contains("Source"), "{key}");
    }
}

/// Checks that every path of `value` is in the section, and takes those that are from `unseen`.
fn walk<'a>(
    value: &Value,
    path: &str,
    section: &'a Section,
    unseen: &mut BTreeSet<&'a str>,
    wrong: &mut BTreeSet<String>,
) {
    let fits: Vec<_> = section
        .paths()
        .filter(|(pattern, _)| matches(pattern, path))
        .collect();
    let leads = path.is_empty() || section.paths().any(|(pattern, _)| begins(pattern, path));
    for (pattern, _) in &fits {
        unseen.remove(pattern);
    }
    let join = |name: &str| {
        if path.is_empty() {
            name.to_string()
        } else {
            format!("{path}.{name}")
        }
    };
    let nests = |items: &[Value]| items.iter().any(|item| item.is_object() || item.is_array());
    match value {
        _ if fits.is_empty() && !leads => {
            wrong.insert(path.to_string());
        }
        Value::Object(members) => {
            for (name, member) in members {
                // A name of a device may have dots.
                walk(
                    member,
                    &join(&name.replace('.', "_")),
                    section,
                    unseen,
                    wrong,
                );
            }
        }
        Value::Array(items) if nests(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, &join(&index.to_string()), section, unseen, wrong);
            }
        }
        Value::Null | Value::Array(_) => {}
        _ if fits.is_empty() => {
            wrong.insert(path.to_string());
        }
        _ => {}
    }
}

fn trees() -> Vec<(Root, Root)> {
    let folders = fs::read_dir(root().join("tests/fixtures/proc")).unwrap();
    let tree = |path: PathBuf| match path.join("now") {
        now if now.is_dir() => (Root::at(path.join("before")), Root::at(now)),
        _ => (Root::at(&path), Root::at(&path)),
    };
    let trees = folders.map(|entry| tree(entry.unwrap().path()));
    trees.chain([(Root::host(), Root::host())]).collect()
}

/// The JSON of every key of a machine, with a reading before and without.
fn samples(before: &Root, now: &Root) -> Vec<(String, Value)> {
    let mut values = Vec::new();
    for (mut before, mut now) in keys(before).into_iter().zip(keys(now)) {
        let before = before.execution.sample(Duration::from_secs(1)).ok();
        let Ok(reading) = now.execution.sample(Duration::from_secs(2)) else {
            continue;
        };
        for before in [before.as_deref(), None] {
            let mut json = Vec::new();
            reading.write_json(before, &mut json).unwrap();
            values.push((now.name.clone(), serde_json::from_slice(&json).unwrap()));
        }
    }
    values
}

/// The JSON of a push about itself, with an old reading of the first key and a failure.
fn meta(catalog: &Catalog) -> Value {
    let mut set = PluginSet::new();
    set.insert(0);
    set.insert(catalog.index(META).unwrap());
    let first = &mut keys(&Root::host())[0];
    let reading = ReadingPair {
        now: first.execution.sample(Duration::ZERO).unwrap(),
        before: None,
    };
    let before = Snapshot::default();
    let now = Snapshot {
        at: Duration::from_secs(100),
        pairs: vec![Some(reading)],
        faults: vec![Some("no such file".into())],
        ..Snapshot::default()
    };
    let push = Push {
        catalog,
        set,
        seq: 1,
        before: &before,
        now: &now,
        time: PushTime {
            ts: 1.5,
            mono: 2.5,
            boot: "boot",
        },
    };
    let mut json = Vec::new();
    push.write(&mut json);
    serde_json::from_slice::<Value>(&json).unwrap()[META].take()
}

#[test]
fn the_paths_of_real_samples_are_those_of_the_manual() {
    let sections = sections();
    let catalog = Catalog::new(&keys(&Root::host())).unwrap();
    let info = Info {
        host: Host::read(&Root::host()),
        max_clients: None,
    };
    let mut values: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    values.insert(META.into(), vec![meta(&catalog)]);
    let info = info.json(&catalog, Some("name"));
    values.insert(INFO.into(), vec![serde_json::from_slice(&info).unwrap()]);
    for (before, now) in trees() {
        for (key, value) in samples(&before, &now) {
            values.entry(key).or_default().push(value);
        }
    }
    for (key, section) in &sections {
        let mut unseen: BTreeSet<_> = section.paths().map(|(path, _)| path).collect();
        let mut wrong = BTreeSet::new();
        for value in &values[key] {
            walk(value, "", section, &mut unseen, &mut wrong);
        }
        assert!(
            wrong.is_empty(),
            "{key} of the push has what {MANUAL} has not: {wrong:?}"
        );
        unseen.retain(|path| {
            let absent =
                |(other, entry): (&str, &Entry)| other == *path && entry.text.contains("Absent ");
            !section.paths().any(absent)
        });
        assert!(unseen.is_empty(), "no machine has, in {key}: {unseen:?}");
    }
}
