//! What is written by hand around the program agrees with its own tables: manuals, packaged
//! configuration, completions, package metadata. `RTSTAT_UPDATE=1 cargo test --test packaging`
//! writes the completions anew.
#![cfg(test)]

mod constants;
mod dependencies;
mod documents;
mod imports;
mod metrics;

use std::{collections::BTreeSet, fs, path::PathBuf};

use clap_complete::{Shell, generate};
use rtstat::testing::{
    config::{
        Config, Environment, Trusted,
        cli::{ServerArgs, command},
        settings::SETTINGS,
    },
    plugins::registry,
};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A manual without the escapes and font changes of roff.
fn manual(path: &str) -> String {
    ["\\fB", "\\fI", "\\fP", "\\fR"]
        .iter()
        .fold(text(path), |text, font| text.replace(font, ""))
        .replace("\\-", "-")
}

/// The lines that follow a `.TP`: what each entry is about, without its font macro and quotes.
fn entries(manual: &str) -> Vec<String> {
    let mut lines = manual.lines();
    let mut entries = Vec::new();
    while let Some(line) = lines.next() {
        if line == ".TP" {
            let tag = lines.next().unwrap_or_default();
            entries.push(
                tag.trim_start_matches(".BR ")
                    .trim_start_matches(".B ")
                    .replace('"', ""),
            );
        }
    }
    entries
}

fn words(entry: &str) -> impl Iterator<Item = &str> {
    entry.split([' ', ',', '[']).filter(|word| !word.is_empty())
}

#[test]
fn every_option_has_its_entry_in_the_manual_and_every_entry_its_option() {
    let mut table = command();
    table.build();
    let mut expected = BTreeSet::new();
    let commands = std::iter::once(&table).chain(table.get_subcommands());
    for argument in commands
        .flat_map(clap::Command::get_arguments)
        .filter(|argument| !argument.is_positional())
    {
        let long = argument.get_long().map(|long| format!("--{long}"));
        expected.extend(
            [long, argument.get_short().map(|short| format!("-{short}"))]
                .into_iter()
                .flatten(),
        );
    }
    assert!(
        expected.contains("--web-sockets"),
        "the table was not walked: {expected:?}"
    );
    let manual = manual("man/rtstatd.8");
    let (from, to) = (
        manual.find(".SH OPTIONS").unwrap(),
        manual.find(".SH SIGNALS").unwrap(),
    );
    let entries = entries(&manual[from..to]);
    let documented: BTreeSet<String> = entries
        .iter()
        .flat_map(|entry| words(entry))
        .filter(|word| word.starts_with('-'))
        .map(str::to_owned)
        .collect();
    assert_eq!(documented, expected);
}

#[test]
fn every_command_has_its_entry_in_the_manual() {
    let entries = entries(&manual("man/rtstatd.8"));
    for command in command().get_subcommands() {
        assert!(
            entries
                .iter()
                .any(|entry| words(entry).next() == Some(command.get_name())),
            "{}",
            command.get_name()
        );
    }
}

#[test]
fn every_key_has_its_entry_with_its_default_in_the_manual_of_the_file() {
    let manual = manual("man/rtstat.toml.5");
    let documented: BTreeSet<String> = entries(&manual).into_iter().collect();
    let keys: BTreeSet<String> = SETTINGS
        .iter()
        .map(|setting| setting.key.to_owned())
        .collect();
    assert_eq!(documented, keys);
    for setting in SETTINGS {
        let (_, entry) = manual
            .split_once(&format!(".TP\n.B {}\n", setting.key))
            .unwrap();
        let entry = entry.split("\n.TP").next().unwrap_or_default();
        match setting.default {
            "" => assert!(
                entry.contains("\nNo default") || entry.contains("\nDefault: "),
                "{}",
                setting.key
            ),
            default => assert!(
                [".", ";"]
                    .iter()
                    .any(|end| entry.contains(&format!("\nDefault: {default}{end}"))),
                "{}: its default is {default}",
                setting.key
            ),
        }
    }
}

#[test]
fn the_packaged_file_has_every_key_with_its_default() {
    let file = text("packaging/rtstat.toml");
    let mut table = String::new();
    let mut found = BTreeSet::new();
    for line in file.lines() {
        let bare = line.trim_start_matches('#');
        if let Some(name) = bare
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            table = format!("{name}.");
        }
        let Some((key, value)) = bare.split_once(" = ").filter(|(key, _)| !key.contains(' '))
        else {
            continue;
        };
        let key = format!("{table}{key}");
        if key.starts_with("tokens.") {
            continue;
        }
        let setting = rtstat::testing::config::settings::find(&key)
            .unwrap_or_else(|| panic!("no setting {key}"));
        if line.starts_with('#') && !setting.default.is_empty() {
            assert_eq!(value, setting.default, "{key}");
        }
        assert!(found.insert(key.clone()), "{key} twice");
    }
    let keys: BTreeSet<String> = SETTINGS
        .iter()
        .map(|setting| setting.key.to_owned())
        .collect();
    assert_eq!(found, keys);
}

#[test]
fn the_packaged_file_is_accepted_and_changes_just_two_settings() {
    let path = root().join("packaging/rtstat.toml");
    let load = |path: &str| {
        Config::load(
            &ServerArgs::default(),
            Some(path),
            &Environment::default(),
            &registry::names(),
        )
        .unwrap()
    };
    let packaged = load(path.to_str().unwrap());
    assert_eq!(packaged.exit_on_idle.map(|time| time.as_secs()), Some(300));
    assert_eq!(packaged.trust_proxy, [Trusted::Unix]);
    assert_eq!(packaged.warnings, Vec::<String>::new());
    let rest = Config {
        exit_on_idle: None,
        trust_proxy: Vec::new(),
        file: None,
        ..packaged
    };
    assert_eq!(
        format!("{rest:?}"),
        format!(
            "{:?}",
            Config {
                file: None,
                ..load("/dev/null")
            }
        )
    );
}

#[test]
fn the_packaged_file_is_accepted_with_every_example_in_force() {
    let skipped = [
        "listen = []",
        "tls_cert",
        "tls_key",
        "public",
        "user = ",
        "wall = ",
    ];
    let file: String = text("packaging/rtstat.toml")
        .lines()
        .filter(|line| !line.starts_with("# "))
        .map(|line| line.trim_start_matches('#'))
        .filter(|line| !skipped.iter().any(|skip| line.starts_with(skip)))
        .map(|line| format!("{line}\n"))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rtstat.toml");
    fs::write(&path, &file).unwrap();
    let config = Config::load(
        &ServerArgs::default(),
        path.to_str(),
        &Environment::default(),
        &registry::names(),
    )
    .unwrap();
    assert_eq!(config.tokens.len(), 2, "{file}");
}

#[test]
fn completions_are_those_of_the_option_table() {
    for (shell, path) in [
        (Shell::Bash, "packaging/completions/rtstatd.bash"),
        (Shell::Zsh, "packaging/completions/_rtstatd"),
        (Shell::Fish, "packaging/completions/rtstatd.fish"),
    ] {
        let mut table = command();
        let mut completions = Vec::new();
        generate(shell, &mut table, "rtstatd", &mut completions);
        let completions = String::from_utf8(completions).unwrap();
        if std::env::var_os("RTSTAT_UPDATE").is_some() {
            fs::write(root().join(path), &completions).unwrap();
        }
        assert!(
            text(path) == completions,
            "{path} is old: RTSTAT_UPDATE=1 cargo test --test packaging"
        );
    }
}

#[test]
fn every_manual_names_the_others() {
    let files: Vec<_> = fs::read_dir(root().join("man"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for file in &files {
        let manual = manual(&format!("man/{file}"));
        let (_, see_also) = manual.split_once(".SH SEE ALSO\n").unwrap();
        for other in files.iter().filter(|other| *other != file) {
            let (name, section) = other.rsplit_once('.').unwrap();
            assert!(
                see_also.contains(&format!(".BR {name} ({section})")),
                "{file}: {other}"
            );
        }
    }
}

#[test]
fn manuals_and_changelogs_name_this_version() {
    let version = env!("CARGO_PKG_VERSION");
    for entry in fs::read_dir(root().join("man")).unwrap() {
        let path = entry.unwrap().path();
        let manual = fs::read_to_string(&path).unwrap();
        let title = manual.lines().next().unwrap_or_default();
        assert!(
            title.contains(&format!("\"rtstat {version}\"")),
            "{}: {title}",
            path.display()
        );
    }
    assert!(text("packaging/deb/changelog").starts_with(&format!("rtstat ({version}-1) ")));
    assert!(text("CHANGELOG.md").contains(&format!("\n## {version}\n")));
}

/// Both packages hold the same files, except for what only one of the two formats knows.
#[test]
fn both_packages_are_made_of_the_same_files() {
    let manifest: toml::Table = text("Cargo.toml").parse().unwrap();
    let sources = |format: &str| -> BTreeSet<String> {
        manifest["package"]["metadata"][format]["assets"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|asset| asset.get("source")?.as_str().map(str::to_owned))
            .collect()
    };
    let only_deb = [
        "packaging/deb/README.Debian",
        "packaging/deb/lintian-overrides",
        "packaging/nginx/rtstat.conf",
        "packaging/nginx/nginx-tls.conf",
    ];
    let only_rpm = ["CHANGELOG.md", "LICENSE", "packaging/nginx/*.conf"];
    let (deb, rpm) = (sources("deb"), sources("generate-rpm"));
    assert_eq!(
        deb.difference(&rpm)
            .map(String::as_str)
            .collect::<BTreeSet<_>>(),
        only_deb.into_iter().collect::<BTreeSet<_>>()
    );
    assert_eq!(
        rpm.difference(&deb)
            .map(String::as_str)
            .collect::<BTreeSet<_>>(),
        only_rpm.into_iter().collect::<BTreeSet<_>>()
    );
}

/// The transport of a passed socket follows its name, and the raw one stays off until it is asked
/// for.
#[test]
fn socket_units_name_their_transport_and_only_one_is_pulled_in() {
    for (unit, name) in [
        ("systemd/rtstat.socket", "websocket"),
        ("systemd/rtstat-raw.socket", "raw"),
    ] {
        assert!(
            text(unit).contains(&format!("\nFileDescriptorName={name}\n")),
            "{unit}"
        );
    }
    let service = text("systemd/rtstat.service");
    assert!(service.contains("\nAlso=rtstat.socket\n"));
    assert!(
        service
            .lines()
            .all(|line| line.starts_with('#') || !line.contains("rtstat-raw")),
        "pulls the raw socket in"
    );
}
