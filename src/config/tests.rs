use std::{ffi::OsString, os::unix::fs::PermissionsExt};

use tempfile::TempDir;

use crate::config::{cli, *};

/// A folder with a configuration file, and the way from words to a configuration.
struct Fixture {
    folder: TempDir,
    variables: Vec<(OsString, OsString)>,
}

impl Fixture {
    fn new(toml: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("rtstat.toml"), toml).unwrap();
        Self {
            folder,
            variables: Vec::new(),
        }
    }

    fn set(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.into(), self.here(value).into()));
        self
    }

    fn file(self, name: &str, content: &str, mode: u32) -> Self {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    /// `@` stands for the folder.
    fn here(&self, text: &str) -> String {
        text.replace('@', self.folder.path().to_str().unwrap())
    }

    fn load(&self, words: &str) -> Result<Config, ConfigError> {
        let words = self.here(&format!("rtstatd server --config @/rtstat.toml {words}"));
        let cli =
            match cli::parse(words.split(' ').filter(|word| !word.is_empty()).map(
                |word| match word {
                    "''" => OsString::new(),
                    word => word.into(),
                },
            )) {
                Ok(cli) => cli,
                Err(refusal) => panic!("{words}: {refusal:?}"),
            };
        let cli::Command::Server(args) = cli.command else {
            panic!("{words}")
        };
        Config::load(
            &args,
            cli.config.as_deref(),
            &self.variables.iter().cloned().collect(),
            &["uptime", "disk", "net", "sock"],
        )
    }

    fn good(&self, words: &str) -> Config {
        self.load(words)
            .unwrap_or_else(|error| panic!("{words}: {error}"))
    }

    /// The error line, with the folder as `@` again.
    fn bad(&self, words: &str) -> String {
        let error = self.load(words).expect_err(words).to_string();
        assert!(!error.contains('\n'), "one line: {error}");
        error.replace(self.folder.path().to_str().unwrap(), "@")
    }
}

fn urls(config: &Config) -> String {
    config
        .listen
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn options_decide_where_to_listen() {
    let fixture = Fixture::new("");
    for (words, listen) in [
        ("", "raw://0.0.0.0:8000"),
        ("-w", "ws://0.0.0.0:8000"),
        ("-i 127.0.0.1 -p 9", "raw://127.0.0.1:9"),
        ("-i ::1 -w", "ws://[::1]:8000"),
        ("-i [::] -p 65535", "raw://[::]:65535"),
        (
            "--interface=localhost --port=1 --web-sockets",
            "ws://127.0.0.1:1",
        ),
        (
            "--listen ws://[::1]:0 --listen raw+unix:/x",
            "ws://[::1]:0 raw+unix:/x",
        ),
    ] {
        assert_eq!(urls(&fixture.good(words)), listen, "{words}");
    }
}

#[test]
fn wrong_options_are_told_in_one_line() {
    let fixture = Fixture::new("")
        .file("open", "secret\n", 0o644)
        .file("empty", "\n", 0o600)
        .file("two", "a\nb\n", 0o600);
    let listen = "expected ws://ADDR:PORT, raw://ADDR:PORT, wss://ADDR:PORT, raws://ADDR:PORT, ws+unix:PATH or \
                  raw+unix:PATH, IPv6 in brackets";
    for (words, line) in [
        ("-p 0", "--port 0: expected 1 to 65535".to_owned()),
        ("-p 70000", "--port 70000: expected 1 to 65535".into()),
        ("--port abc", "--port abc: expected 1 to 65535".into()),
        ("--port +80", "--port +80: expected 1 to 65535".into()),
        ("--port ''", "--port \"\": expected 1 to 65535".into()),
        ("-c -1", "--max-clients -1: expected 0 to 1000000, 0 = no limit".into()),
        ("-c 1000001", "--max-clients 1000001: expected 0 to 1000000, 0 = no limit".into()),
        ("--max-per-address x", "--max-per-address x: expected 0 to 1000000, 0 = no limit".into()),
        ("--exit-on-idle 1.5", "--exit-on-idle 1.5: expected 0 to 31536000 seconds, 0 = never".into()),
        ("-i eth77", "--interface eth77: expected an IPv4 address, an IPv6 address or localhost".into()),
        ("-i 1.2.3", "--interface 1.2.3: expected an IPv4 address, an IPv6 address or localhost".into()),
        ("--listen http://1.2.3.4:1", format!("--listen http://1.2.3.4:1: {listen}")),
        (
            "--listen wss://1.2.3.4:1",
            "--listen wss://1.2.3.4:1: needs a certificate: set --tls-cert and --tls-key".into(),
        ),
        (
            "--listen ws://1.2.3.4:1 -w",
            "--listen: does not go with --web-sockets: set either listen, or interface, port and web_sockets".into(),
        ),
        ("-a ''", "--auth-token: the token is empty: leave it out to serve without a token".into()),
        (
            "--auth-token-file @/none",
            "--auth-token-file @/none: cannot be read: No such file or directory (os error 2)".into(),
        ),
        ("--auth-token-file @", "--auth-token-file @: is a folder: expected a file".into()),
        ("--auth-token-file @/open", "--auth-token-file @/open: others have access (mode 0644): chmod 0640 it".into()),
        (
            "--auth-token-file @/empty",
            "--auth-token-file @/empty: the token is empty: leave it out to serve without a token".into(),
        ),
        (
            "--auth-token-file @/two",
            "--auth-token-file @/two: the token has more than one line: expected one".into(),
        ),
        ("--public @/none", "--public @/none: is not a folder that can be read".into()),
        ("--tls-cert @/c", "--tls-cert: a certificate needs its key: set --tls-key too".into()),
        ("--tls-key @/c", "--tls-key: a key needs its certificate: set --tls-cert too".into()),
        (
            "--tls-cert @/c --tls-key @/k",
            "--tls-cert @/c: cannot be read: No such file or directory (os error 2)".into(),
        ),
        ("--tls-cert @/open --tls-key @/k", "--tls-cert @/open: holds no certificate: expected a PEM file".into()),
        (
            "--trust-proxy 10.0.0.0/33",
            "--trust-proxy 10.0.0.0/33: expected unix, an address or a network like 10.0.0.0/8 or fd00::/8".into(),
        ),
        (
            "--allow-origin example.org",
            "--allow-origin example.org: expected scheme://host[:port], null or *".into(),
        ),
        (
            "--allow-origin https://example.org/",
            "--allow-origin https://example.org/: expected scheme://host[:port], null or *".into(),
        ),
        (
            "--allow-host example.org:80",
            "--allow-host example.org:80: expected a host name or address without a port, or *".into(),
        ),
    ] {
        let said = fixture.bad(words);
        assert_eq!(said, line);
    }
}

#[test]
fn exit_codes_tell_the_command_line_from_the_rest() {
    let fixture = Fixture::new("port = 0");
    assert_eq!(fixture.load("-p 0").expect_err("refused").exit_code(), 64);
    assert_eq!(fixture.load("").expect_err("refused").exit_code(), 78);
    assert_eq!(
        fixture
            .load("-p 1 --auth-token-file /none")
            .expect_err("refused")
            .exit_code(),
        78
    );
}

#[test]
fn the_higher_source_wins() {
    let toml = "port = 1\ninterface = '127.0.0.1'\nmax_clients = 5\nallow_host = ['a', 'b']";
    let fixture = Fixture::new(toml)
        .set("RTSTAT_PORT", "2")
        .set("RTSTAT_MAX_CLIENTS", "0")
        .set("RTSTAT_WEB_SOCKETS", "yes");
    let config = fixture.good("");
    assert_eq!(urls(&config), "ws://127.0.0.1:2");
    assert_eq!(config.max_clients, None);
    assert_eq!(config.allow_host, ["a", "b"]);
    let config = fixture.good("-p 3 -c 7 --allow-host C");
    assert_eq!(urls(&config), "ws://127.0.0.1:3");
    assert_eq!(config.max_clients.map(NonZeroU32::get), Some(7));
    assert_eq!(config.allow_host, ["c"]);
}

#[test]
fn listen_and_port_override_each_other_across_sources() {
    let fixture = Fixture::new("listen = ['ws://127.0.0.1:1', 'raw://127.0.0.1:2']");
    assert_eq!(
        urls(&fixture.good("")),
        "ws://127.0.0.1:1 raw://127.0.0.1:2"
    );
    assert_eq!(urls(&fixture.good("-p 3")), "raw://0.0.0.0:3");
    assert_eq!(
        urls(&fixture.good("--listen raw://[::1]:4")),
        "raw://[::1]:4"
    );
    assert_eq!(
        urls(&fixture.set("RTSTAT_WEB_SOCKETS", "1").good("")),
        "ws://0.0.0.0:8000"
    );
    let fixture = Fixture::new("port = 1\nweb_sockets = true")
        .set("RTSTAT_LISTEN", "raw://127.0.0.1:5, raw+unix:/x");
    let config = fixture.good("");
    assert_eq!(urls(&config), "raw://127.0.0.1:5 raw+unix:/x");
    assert_eq!(
        config
            .listen_place
            .map(|place| place.to_string())
            .as_deref(),
        Some("RTSTAT_LISTEN")
    );
    assert_eq!(Fixture::new("").good("").listen_place, None);
}

#[test]
fn wrong_variables_are_named() {
    for (name, value, line) in [
        (
            "RTSTAT_PORT",
            "tcp://10.0.0.1:8000",
            "RTSTAT_PORT tcp://10.0.0.1:8000: expected 1 to 65535",
        ),
        (
            "RTSTAT_WEB_SOCKETS",
            "maybe",
            "RTSTAT_WEB_SOCKETS maybe: expected true or false",
        ),
        (
            "RTSTAT_AUTH_TOKEN",
            "",
            "RTSTAT_AUTH_TOKEN: the token is empty: leave it out to serve without a token",
        ),
        (
            "RTSTAT_PLUGINS_DEFAULT",
            "a,b/c",
            "RTSTAT_PLUGINS_DEFAULT b/c: expected the name of a plugin: letters, digits, _ and -",
        ),
    ] {
        assert_eq!(Fixture::new("").set(name, value).bad(""), line);
    }
    let config = Fixture::new("")
        .set("RTSTAT_SERVICE_HOST", "10.0.0.1")
        .good("");
    assert_eq!(
        config.warnings,
        ["RTSTAT_SERVICE_HOST: no setting has this name; it has no effect"]
    );
}

#[test]
fn the_file_is_checked_with_its_lines() {
    for (toml, line) in [
        (
            "# one\nmax-clients = 3",
            "@/rtstat.toml:2: unknown key max-clients; the nearest known key is max_clients",
        ),
        (
            "prot = 1",
            "@/rtstat.toml:1: unknown key prot; the nearest known key is port",
        ),
        (
            "[plugins]\n\ndri = 'x'",
            "@/rtstat.toml:3: unknown key plugins.dri; the nearest known key is plugins.dir",
        ),
        (
            "[plugin]\ndir = 'x'",
            "@/rtstat.toml:1: unknown key plugin; the nearest known key is plugins",
        ),
        (
            "\n\nport = 70000",
            "@/rtstat.toml:3: port 70000: expected 1 to 65535",
        ),
        ("port = 0x0", "@/rtstat.toml:1: port 0: expected 1 to 65535"),
        (
            "port = [1]",
            "@/rtstat.toml:1: port […]: expected 1 to 65535",
        ),
        (
            "metrics = 'maybe'",
            "@/rtstat.toml:1: metrics maybe: expected true or false",
        ),
        (
            "trust_proxy = [\n'unix',\n'10.0.0.0/40']",
            "@/rtstat.toml:3: trust_proxy 10.0.0.0/40: expected unix, an address or a network like 10.0.0.0/8 or fd00::/8",
        ),
        (
            "auth_token = 5",
            "@/rtstat.toml:1: auth_token: a token is written in quotes",
        ),
        (
            "auth_token = 'geheim '",
            "@/rtstat.toml:1: auth_token: the token ends in a blank, which no client can send",
        ),
        (
            "[tokens]\na = 1",
            "@/rtstat.toml:2: tokens.a: expected \"VALUE\" or { file = \"PATH\" }",
        ),
        (
            "[tokens]\na = { flie = 'x' }",
            "@/rtstat.toml:2: tokens.a: expected \"VALUE\" or { file = \"PATH\" }",
        ),
        (
            "[tokens]\n\"a\\nb\" = 'x'",
            "@/rtstat.toml:2: \"tokens.a\\nb\": \"a\\nb\" cannot name a token: expected up to 64 letters, digits, _, . or -",
        ),
        (
            "tokens = 1",
            "@/rtstat.toml:1: tokens 1: expected a table, as in [plugins] or [tokens]",
        ),
        (
            "auth_token = 'x'\n[tokens]\ndefault = 'y'",
            "@/rtstat.toml:3: tokens.default: a second token of the name default; the first is @/rtstat.toml:1: auth_token",
        ),
        (
            "web_sockets = true\nlisten = ['ws://1.2.3.4:5']",
            "@/rtstat.toml:2: listen: does not go with @/rtstat.toml:1: web_sockets: set either listen, or interface, port and web_sockets",
        ),
    ] {
        assert_eq!(Fixture::new(toml).bad(""), line, "{toml}");
    }
    assert!(
        Fixture::new("a = 1\nport = \n")
            .bad("")
            .starts_with("@/rtstat.toml:2: "),
        "a syntax error names its line"
    );
}

#[test]
fn a_named_file_must_exist() {
    let missing = Config::load_without_secrets(Some("/none/rtstat.toml"), &Environment::default());
    let line = missing.expect_err("refused").to_string();
    assert_eq!(
        line,
        "/none/rtstat.toml: cannot be read: No such file or directory (os error 2)"
    );
}

#[test]
fn tokens_have_names_and_stay_hidden() {
    let fixture = Fixture::new("[tokens]\nalice = 'a1'\nbob = { file = '@/bob' }");
    let toml = fixture.here("[tokens]\nalice = 'a1'\nbob = { file = '@/bob' }");
    let fixture = fixture
        .file("rtstat.toml", &toml, 0o640)
        .file("bob", "b1\r\n", 0o640)
        .file("first", "f1", 0o600)
        .file("second.token", "s1\n", 0o400);
    let names = |config: &Config| {
        config
            .tokens
            .iter()
            .map(|token| format!("{}={}", token.name, token.value))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let config = fixture.good("");
    assert_eq!(names(&config), "alice=a1 bob=b1");
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    assert_eq!(
        names(&fixture.good("--auth-token-file @/first --auth-token-file @/second.token")),
        "default=f1 second=s1"
    );
    let config = fixture.good("-a x1 --auth-token-file @/first");
    assert_eq!(names(&config), "default=x1 first=f1");
    assert_eq!(
        config.warnings,
        ["--auth-token: every local user can read a command line; use --auth-token-file"]
    );
    let shown = format!("{config:?}{}", config.report(false));
    assert!(!shown.contains("x1") && !shown.contains("f1"), "{shown}");
    let fixture = fixture
        .file("rtstat.token", "c1\n", 0o400)
        .set("CREDENTIALS_DIRECTORY", "@");
    assert_eq!(names(&fixture.good("")), "alice=a1 bob=b1 credential=c1");
}

#[test]
fn a_token_in_a_file_for_all_is_worth_a_warning() {
    let config = Fixture::new("")
        .file("rtstat.toml", "auth_token = 'x'", 0o644)
        .good("");
    assert_eq!(config.warnings.len(), 1);
    assert!(
        config.warnings[0]
            .ends_with("rtstat.toml: holds a token and others can read it: chmod 0640 it")
    );
}

#[test]
fn every_setting_reaches_its_field() {
    let fixture = Fixture::new("");
    let config = fixture.good(
        "--exit-on-idle 300 --public @ --user nobody --allow-origin HTTPS://Example.org:8443 --allow-origin null \
         --allow-host [::1] --trust-proxy unix --trust-proxy 10.0.0.0/8 --max-per-address 4 --metrics",
    );
    assert_eq!(config.exit_on_idle, Some(Duration::from_secs(300)));
    assert_eq!(config.public.as_deref(), Some(fixture.folder.path()));
    assert_eq!(config.user.as_deref(), Some("nobody"));
    assert_eq!(config.allow_origin, ["https://example.org:8443", "null"]);
    assert_eq!(config.allow_host, ["[::1]"]);
    assert_eq!(config.trust_proxy.len(), 2);
    assert_eq!(config.max_per_address.map(NonZeroU32::get), Some(4));
    assert!(config.metrics);
    let config = Fixture::new(
        "[plugins]\ndefault = ['disk', 'net']\ndir = '/p'\ntop_command_lines = true\nnetwork_filesystems = true\n\
         sensors_off = ['nvme']\nunits = ['nginx.service']",
    )
    .good("");
    let wanted = PluginSettings {
        default: vec!["disk".into(), "net".into()],
        dir: "/p".into(),
        top_command_lines: true,
        network_filesystems: true,
        sensors_off: vec!["nvme".into()],
        units: vec!["nginx.service".into()],
    };
    assert_eq!(config.plugins, wanted);
}

#[test]
fn default_plugins_must_exist() {
    let fixture = Fixture::new("[plugins]\ndefault = [\n'disk',\n'upime',\n'sokc']\n");
    let toml = fixture.here("[plugins]\ndir = '@'\ndefault = [\n'disk',\n'upime',\n'sokc']\n");
    let fixture = fixture.file("rtstat.toml", &toml, 0o644);
    assert_eq!(
        fixture.bad(""),
        "@/rtstat.toml:5: plugins.default upime: there is no such plugin; the nearest is uptime"
    );
    let fixture = fixture.file("upime.toml", "", 0o644);
    assert_eq!(
        fixture.bad(""),
        "@/rtstat.toml:6: plugins.default sokc: there is no such plugin; the nearest is sock"
    );
    assert!(fixture.file("sokc.toml", "", 0o644).load("").is_ok());
}

#[test]
fn origins_are_kept_as_browsers_send_them() {
    for (said, kept) in [
        ("HTTPS://Example.org", "https://example.org"),
        ("https://example.org:443", "https://example.org"),
        ("http://example.org:443", "http://example.org:443"),
        ("http://[::1]:80", "http://[::1]"),
        ("moz-extension://abc", "moz-extension://abc"),
        ("*", "*"),
    ] {
        assert_eq!(origin(said).as_deref(), Some(kept), "{said}");
    }
}

#[test]
fn the_table_of_defaults_is_what_holds() {
    let mut toml = String::new();
    for setting in settings::SETTINGS
        .iter()
        .filter(|setting| !setting.default.is_empty() && setting.key != "listen")
    {
        toml += &format!("{} = {}\n", setting.key, setting.default);
    }
    let written = Fixture::new(&toml).good("");
    let unwritten = Fixture::new("").good("");
    let comparable = |config: Config| {
        format!(
            "{:?}",
            Config {
                file: None,
                listen_place: None,
                ..config
            }
        )
    };
    assert_eq!(comparable(written), comparable(unwritten));
}

#[test]
fn every_option_has_its_setting_and_the_other_way_round() {
    let command = cli::command();
    let server = command.find_subcommand("server").unwrap();
    let mut options: Vec<String> = server
        .get_arguments()
        .filter_map(|arg| arg.get_long())
        .map(|long| format!("--{long}"))
        .collect();
    options.retain(|option| {
        ![
            "--check",
            "--quiet",
            "--verbose",
            "--config",
            "--help",
            "--version",
        ]
        .contains(&option.as_str())
    });
    let mut settings: Vec<&str> = settings::SETTINGS
        .iter()
        .filter_map(|setting| setting.option)
        .collect();
    options.sort();
    settings.sort_unstable();
    assert_eq!(options, settings);
}

#[test]
fn tools_need_no_secrets() {
    let fixture = Fixture::new("auth_token_file = '/none'\n[plugins]\ndir = '/p'");
    let path = fixture.here("@/rtstat.toml");
    assert!(fixture.load("").is_err());
    let config = Config::load_without_secrets(Some(&path), &Environment::default()).unwrap();
    assert_eq!(config.plugins.dir, Path::new("/p"));
}

/// The test pair, with the modes that are asked for.
fn with_pair(key: &str, key_mode: u32) -> Fixture {
    let fixture = |name: &str| {
        fs::read_to_string(
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("tests/fixtures/tls")
                .join(name),
        )
        .unwrap()
    };
    Fixture::new("")
        .file("cert.pem", &fixture("cert.pem"), 0o644)
        .file("key.pem", &fixture(key), key_mode)
}

#[test]
fn a_pair_turns_tls_on_where_no_url_says_otherwise() {
    let fixture = with_pair("key.pem", 0o640);
    let pair = "--tls-cert @/cert.pem --tls-key @/key.pem";
    for (words, listen, warnings) in [
        ("", "raws://0.0.0.0:8000", 0),
        ("-w -p 443", "wss://0.0.0.0:443", 0),
        (
            "--listen wss://[::1]:1 --listen ws://[::1]:2",
            "wss://[::1]:1 ws://[::1]:2",
            0,
        ),
        ("--listen ws://[::1]:2", "ws://[::1]:2", 1),
    ] {
        let config = fixture.good(&format!("{words} {pair}"));
        assert_eq!(urls(&config), listen);
        assert_eq!(config.warnings.len(), warnings, "{:?}", config.warnings);
        let tls = config.tls.expect("a pair");
        assert_eq!(tls.server.alpn_protocols, [b"http/1.1"]);
    }
}

#[test]
fn pairs_that_do_not_work_are_refused() {
    let pair = "--tls-cert @/cert.pem --tls-key @/key.pem";
    let line = with_pair("key.pem", 0o644).bad(pair);
    assert_eq!(
        line,
        "--tls-key @/key.pem: others have access (mode 0644): chmod 0640 it"
    );
    let line = with_pair("other-key.pem", 0o600).bad(pair);
    assert!(
        line.starts_with("--tls-key @/key.pem: does not go with @/cert.pem: "),
        "{line}"
    );
    let line = with_pair("cert.pem", 0o600).bad(pair);
    assert!(
        line.starts_with("--tls-key @/key.pem: holds no private key: "),
        "{line}"
    );
}

#[test]
fn a_restart_is_asked_for_only_where_it_is_needed() {
    let fixture = Fixture::new("");
    let old = fixture.good("-p 1");
    assert_eq!(
        old.waiting_for_restart(&fixture.good("-p 1 -c 7 --metrics")),
        [""; 0]
    );
    assert_eq!(
        old.waiting_for_restart(&fixture.good("-p 2 --user nobody")),
        ["listen", "user"]
    );
}

mod any_input {
    use proptest::prelude::*;

    use super::*;

    /// Texts that look like a configuration, with something wrong in most.
    fn toml_like() -> impl Strategy<Value = String> {
        let key = prop_oneof![
            prop::sample::select(settings::SETTINGS)
                .prop_map(|setting| setting.key.replace("plugins.", "")),
            Just("[tokens]\na".to_owned()),
            Just("[plugins]\ndir".to_owned()),
            "[a-z_.]{0,12}",
        ];
        let value = prop_oneof![
            "-?[0-9_]{0,12}",
            "'[ -~]{0,12}'",
            "\\[.{0,12}\\]",
            "\\{.{0,12}\\}",
            "true|false|.{0,12}"
        ];
        let lines = prop::collection::vec(
            (key, value).prop_map(|(key, value)| format!("{key} = {value}\n")),
            0..6,
        );
        lines.prop_map(|lines| lines.concat())
    }

    proptest! {
        #[test]
        fn every_file_is_a_layer_or_one_line_with_its_place(text in prop_oneof![toml_like(), ".*"]) {
            let path = Path::new("/x.toml");
            let _ = Config::from_text(&text);
            if let Err(error) = file::parse(path, &text) {
                let line = error.to_string();
                prop_assert!(line.starts_with("/x.toml:") && !line.contains('\n'), "{line}");
            }
        }

        #[test]
        fn every_value_is_taken_or_told_in_one_line(key in prop::sample::select(settings::SETTINGS), text in ".*") {
            let variable = (OsString::from(key.variable()), OsString::from(text.replace('\0', "")));
            let environment: Environment = [variable].into_iter().collect();
            let layers = Layers(vec![layers::from_environment(&environment).unwrap()]);
            if let Err(error) = resolve(&layers).and_then(|_| resolve_listen(&layers, true)) {
                let line = error.to_string();
                prop_assert!(line.starts_with(&key.variable()) && !line.contains('\n'), "{line}");
            }
        }
    }
}
