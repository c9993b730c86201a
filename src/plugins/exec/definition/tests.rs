use super::*;

fn parse(text: &str) -> Result<Definition, String> {
    Definition::parse(Path::new("/p/queue.toml"), text).map_err(|error| error.to_string())
}

#[test]
fn two_lines_are_a_plugin() {
    let plugin = parse("command = 'echo 1'\n").unwrap();
    assert_eq!(plugin.name, "queue");
    assert_eq!(
        (plugin.mode, plugin.words.join(" ").as_str()),
        (Mode::Once, "/bin/sh -c echo 1")
    );
    assert_eq!(
        (plugin.interval, plugin.timeout),
        (Duration::from_secs(5), Duration::from_secs(10))
    );
    assert_eq!(plugin.about(), About::new(Kind::Gauge, "", 5.0));
}

#[test]
fn every_key_has_its_effect() {
    let plugin = parse(
        "command = ['/usr/bin/queue', '-n']\nmode = 'stream'\ninterval = 0.5\ntimeout = 3\ndefault = true\n\
         unit = 'jobs'\nmax = 1_000\nwarn = 9.5\n[env]\nA = 'b c'\n",
    )
    .unwrap();
    assert_eq!(
        (plugin.mode, plugin.words.join(" ").as_str()),
        (Mode::Stream, "/usr/bin/queue -n")
    );
    assert_eq!(
        (plugin.interval, plugin.timeout),
        (Duration::from_millis(500), Duration::from_secs(3))
    );
    assert_eq!(plugin.env, [("A".to_owned(), "b c".to_owned())]);
    let about = About {
        default: true,
        max: Some(1000.0),
        warn: Some(9.5),
        ..About::new(Kind::Gauge, "jobs", 0.5)
    };
    assert_eq!(plugin.about(), about);
    let munin = parse("munin = '/usr/share/munin/plugins/df'\n").unwrap();
    assert_eq!(
        (munin.mode, munin.words.join(" ").as_str()),
        (Mode::Munin, "/usr/share/munin/plugins/df")
    );
    assert_eq!(munin.about().kind, Kind::Table);
}

#[test]
fn a_slow_stream_may_be_silent_for_three_intervals() {
    let timeout = |text| parse(text).unwrap().timeout.as_secs();
    assert_eq!(
        timeout("command = 'a'\nmode = 'stream'\ninterval = 60"),
        180
    );
    assert_eq!(timeout("command = 'a'\nmode = 'stream'"), 10);
}

#[test]
fn mistakes_name_file_line_and_what_is_accepted() {
    for (text, message) in [
        (
            "\ncomand = 'x'",
            "/p/queue.toml:2: unknown key comand; the nearest known key is command",
        ),
        (
            "interval = 1",
            "/p/queue.toml:1: command: is missing: set it to the program to run, or munin to a Munin plugin",
        ),
        (
            "command = 'a'\nmunin = '/b'",
            "/p/queue.toml:2: munin: does not go with command: set one of them",
        ),
        (
            "mode = 'once'\nmunin = '/b'",
            "/p/queue.toml:1: mode: does not go with munin",
        ),
        (
            "command = 'a'\nmode = 'twice'",
            "/p/queue.toml:2: mode twice: expected \"once\" or \"stream\"",
        ),
        (
            "command = 3",
            "/p/queue.toml:1: command 3: expected a line for the shell or a list of words",
        ),
        (
            "command = []",
            "/p/queue.toml:1: command […]: expected a line for the shell or a list of words",
        ),
        (
            "command = ['a', 1]",
            "/p/queue.toml:1: command […]: expected a line for the shell or a list of words",
        ),
        (
            "command = ' '",
            "/p/queue.toml:1: command \" \": expected a line for the shell or a list of words",
        ),
        (
            "munin = 'df'",
            "/p/queue.toml:1: munin df: expected the absolute path of a Munin plugin",
        ),
        (
            "command='a'\ninterval=0",
            "/p/queue.toml:2: interval 0: expected 0.05 to 86400 seconds",
        ),
        (
            "command='a'\ninterval='1'",
            "/p/queue.toml:2: interval 1: expected 0.05 to 86400 seconds",
        ),
        (
            "command='a'\ntimeout=nan",
            "/p/queue.toml:2: timeout nan: expected 0.05 to 300000 seconds",
        ),
        (
            "command='a'\ndefault=1",
            "/p/queue.toml:2: default 1: expected true or false",
        ),
        (
            "command='a'\nmax=inf",
            "/p/queue.toml:2: max inf: expected a number",
        ),
        (
            "command='a'\nenv=1",
            "/p/queue.toml:2: env 1: expected a table of variables with their values in quotes",
        ),
        (
            "command='a'\n[env]\nA='b'\nC=2",
            "/p/queue.toml:4: env.C 2: expected a table of variables with their values in quotes",
        ),
        (
            "command = 'a",
            "/p/queue.toml:1: invalid literal string, expected `'`",
        ),
    ] {
        assert_eq!(parse(text), Err(message.into()), "{text}");
    }
}

#[test]
fn a_folder_gives_what_is_good_and_says_what_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    write("b.toml", "command = 'true'");
    write("a.toml", "comand = 'true'");
    write(".hidden.toml", "x");
    write("c.toml.dpkg-new", "x");
    write("d.toml", "command = 'true'");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    fs::set_permissions(dir.path().join("d.toml"), open).unwrap();
    let read: Vec<_> = read_all(dir.path())
        .into_iter()
        .map(|read| read.map(|plugin| plugin.name))
        .collect();
    let [Err(wrong), Ok(name), Err(writable)] = &read[..] else {
        panic!("{read:?}")
    };
    assert!(
        wrong.to_string().contains("a.toml:1: unknown key comand"),
        "{wrong}"
    );
    assert_eq!(name, "b");
    assert!(
        writable.to_string().contains("everybody can write it"),
        "{writable}"
    );
    assert!(read_all(&dir.path().join("none")).is_empty());
}
