//! The command line: names, help and nothing else. It touches no file, resolves no default and
//! checks no server value: all three belong to [`crate::config`], because the same settings also
//! come from the environment and a file.

use std::ffi::OsString;

use clap::{
    ArgAction, Args, CommandFactory, Parser, Subcommand, error::ContextKind, error::ContextValue,
};

/// Push this machine's statistics to whoever watches.
#[derive(Parser)]
#[command(
    name = "rtstatd",
    version,
    about,
    max_term_width = 100,
    disable_help_subcommand = true
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Log nothing at all.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Log more: -v for debug, -vv for every step, -vvv for the libraries' too.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Read this TOML file instead of /etc/rtstat/rtstat.toml.
    #[arg(long, global = true, value_name = "PATH")]
    pub config: Option<String>,
}

/// The three things that the program does.
#[derive(Subcommand)]
pub enum Command {
    /// Serve clients over WebSocket or raw TCP until told to stop.
    Server(Box<ServerArgs>),
    /// Write the push to standard output, one JSON object a line.
    Sample(SampleArgs),
    /// Run one plugin once and say what is wrong with it.
    CheckPlugin(CheckPluginArgs),
}

/// `rtstatd server`: every value as it was typed. No `Debug`: a token may be among them.
#[derive(Args, Default)]
pub struct ServerArgs {
    /// Address to listen on: IPv4, IPv6 or localhost [default: 0.0.0.0].
    #[arg(short, long, value_name = "ADDR", allow_hyphen_values = true)]
    pub interface: Option<String>,
    /// Port to listen on, 1 to 65535 [default: 8000].
    #[arg(short, long, value_name = "N", allow_hyphen_values = true)]
    pub port: Option<String>,
    /// Token that clients must send. Every local user can read a command line: prefer
    /// --auth-token-file.
    #[arg(short, long, value_name = "TOKEN", allow_hyphen_values = true)]
    pub auth_token: Option<String>,
    /// How many clients are served at a time, 0 = no limit [default: 10].
    #[arg(short = 'c', long, value_name = "N", allow_hyphen_values = true)]
    pub max_clients: Option<String>,
    /// Speak WebSocket and serve the page, instead of raw TCP.
    #[arg(short, long)]
    pub web_sockets: bool,
    /// Listen on URL, repeatable, instead of -i, -p and -w: ws://ADDR:PORT, raw://ADDR:PORT,
    /// wss://ADDR:PORT, raws://ADDR:PORT, ws+unix:PATH, raw+unix:PATH. IPv6 in brackets; port 0
    /// lets the kernel choose.
    #[arg(long, value_name = "URL")]
    pub listen: Vec<String>,
    /// Read a token from this file, repeatable. Others may not be able to read it.
    #[arg(long, value_name = "PATH")]
    pub auth_token_file: Vec<String>,
    /// Check all settings, print what would run, open nothing.
    #[arg(long)]
    pub check: bool,
    /// Serve the page from this folder instead of the built-in copy.
    #[arg(long, value_name = "DIR")]
    pub public: Option<String>,
    /// End with success after so many seconds without a connection, 0 = never [default: 0].
    #[arg(long, value_name = "SECS", allow_hyphen_values = true)]
    pub exit_on_idle: Option<String>,
    /// When started by root, become this user [default: rtstat, or nobody where that does not
    /// exist].
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Let pages of this origin connect, repeatable: scheme://host or scheme://host:port, null, or * for
    /// all.
    #[arg(long, value_name = "ORIGIN")]
    pub allow_origin: Vec<String>,
    /// Accept this name in the Host header, repeatable; * for all.
    #[arg(long, value_name = "NAME")]
    pub allow_host: Vec<String>,
    /// Certificate chain in PEM; with it -i and -p listen with TLS.
    #[arg(long, value_name = "PATH")]
    pub tls_cert: Option<String>,
    /// Private key in PEM. Others may not be able to read it.
    #[arg(long, value_name = "PATH")]
    pub tls_key: Option<String>,
    /// Believe the client address that this proxy reports, repeatable: unix, an address or a
    /// network like 10.0.0.0/8.
    #[arg(long, value_name = "unix|ADDR|CIDR")]
    pub trust_proxy: Vec<String>,
    /// How many connections one address may hold, 0 = no limit [default: 0].
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub max_per_address: Option<String>,
    /// Serve /metrics for Prometheus on the WebSocket listeners.
    #[arg(long)]
    pub metrics: bool,
}

/// `rtstatd sample`.
#[derive(Args, Debug, Default)]
pub struct SampleArgs {
    /// The keys to write, separated by commas [default: those of a new session].
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub plugins: Vec<String>,
    /// Seconds between two objects, 0.05 to 86400; rates cover this time [default: 1].
    #[arg(long, value_name = "S", allow_hyphen_values = true, value_parser = interval_secs)]
    pub interval: Option<f64>,
    /// How many objects to write [default: 1, or no end when --interval is given].
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = positive)]
    pub count: Option<u64>,
    /// Indent the objects for reading.
    #[arg(long)]
    pub pretty: bool,
}

/// `rtstatd check-plugin`.
#[derive(Args, Debug)]
pub struct CheckPluginArgs {
    /// The plugin: the name of its file in the plugin folder, without .toml.
    #[arg(value_name = "NAME")]
    pub name: String,
}

impl SampleArgs {
    /// How many objects to write; `None` is without end, as `vmstat` does once an interval is
    /// given.
    pub fn times(&self) -> Option<u64> {
        match (self.count, self.interval) {
            (Some(count), _) => Some(count),
            (None, Some(_)) => None,
            (None, None) => Some(1),
        }
    }
}

fn interval_secs(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|secs| (0.05..=86400.0).contains(secs))
        .ok_or("0.05 to 86400 seconds".into())
}

fn positive(text: &str) -> Result<u64, String> {
    text.parse()
        .ok()
        .filter(|count| *count > 0)
        .ok_or("a whole number, 1 or more".into())
}

/// A command line that asks for nothing to run.
#[derive(Debug)]
pub enum EarlyExit {
    /// `--help` or `--version`: the text to print; the program ends with success.
    Answer(String),
    /// What is wrong with it, in one line without a line end.
    UsageError(String),
}

/// Reads a command line, the program's name first.
///
/// # Errors
/// [`EarlyExit::Answer`] where help or the version was asked for, [`EarlyExit::UsageError`] where an
/// option is unknown, lacks its value or does not go with another one.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Cli, EarlyExit> {
    Cli::try_parse_from(args).map_err(|error| {
        if error.use_stderr() {
            EarlyExit::UsageError(one_line(&error))
        } else {
            EarlyExit::Answer(error.to_string())
        }
    })
}

/// The program's own table of options: what man page, completions and their tests are checked
/// against.
pub fn command() -> clap::Command {
    Cli::command()
}

/// clap explains over several lines, with usage and hints; a log and a script want one.
fn one_line(error: &clap::Error) -> String {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => Some(texts.join(", ")),
        _ => None,
    };
    if let (Some(argument), Some(value), Some(expected)) = (
        text(ContextKind::InvalidArg),
        text(ContextKind::InvalidValue),
        std::error::Error::source(error),
    ) {
        let name = argument.split(' ').next().unwrap_or(&argument);
        return format!(
            "{name} {}: expected {expected}",
            crate::config::error::shown(&value)
        );
    }
    if error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return "no command: expected server, sample or check-plugin (see rtstatd --help)".into();
    }
    let rendered = error.to_string();
    let mut lines = rendered.lines().map(str::trim).take_while(|line| {
        !line.starts_with("Usage:") && !line.starts_with("For more information")
    });
    let first = lines.next().unwrap_or_default();
    let rest: Vec<&str> = lines
        .filter(|line| !line.is_empty())
        .map(|line| line.trim_start_matches("tip: "))
        .collect();
    let mut line = first.trim_start_matches("error: ").to_owned();
    if !rest.is_empty() {
        let separator = if line.ends_with(':') { " " } else { "; " };
        line = format!("{line}{separator}{}", rest.join(", "));
    }
    format!("{line} (see rtstatd --help)")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn the_definitions_are_consistent() {
        command().debug_assert();
    }

    #[test]
    fn mistakes_take_one_line() {
        for (line, message) in [
            (
                "rtstatd",
                "no command: expected server, sample or check-plugin (see rtstatd --help)",
            ),
            (
                "rtstatd server --prot 1",
                "unexpected argument '--prot' found; a similar argument exists: '--port' (see rtstatd --help)",
            ),
            (
                "rtstatd serve",
                "unrecognized subcommand 'serve'; a similar subcommand exists: 'server' (see rtstatd --help)",
            ),
            (
                "rtstatd server -p",
                "a value is required for '--port <N>' but none was supplied (see rtstatd --help)",
            ),
            (
                "rtstatd server -q -v",
                "the argument '--quiet' cannot be used with '--verbose...' (see rtstatd --help)",
            ),
            (
                "rtstatd check-plugin",
                "the following required arguments were not provided: <NAME> (see rtstatd --help)",
            ),
            (
                "rtstatd sample --interval 0",
                "--interval 0: expected 0.05 to 86400 seconds",
            ),
            (
                "rtstatd sample --interval NaN",
                "--interval NaN: expected 0.05 to 86400 seconds",
            ),
            (
                "rtstatd sample --count -1",
                "--count -1: expected a whole number, 1 or more",
            ),
            (
                "rtstatd server -p 1 -p 2",
                "the argument '--port <N>' cannot be used multiple times (see rtstatd --help)",
            ),
        ] {
            match parse(words(line)) {
                Err(EarlyExit::UsageError(text)) => assert_eq!(text, message, "{line}"),
                Err(EarlyExit::Answer(text)) => panic!("{line}: answered {text}"),
                Ok(_) => panic!("{line}: accepted"),
            }
        }
    }

    #[test]
    fn negative_numbers_reach_the_check_instead_of_looking_like_options() {
        let Ok(Cli {
            command: Command::Server(args),
            ..
        }) = parse(words("rtstatd server -c -1 -p -5"))
        else {
            panic!("not accepted")
        };
        assert_eq!(args.max_clients.as_deref(), Some("-1"));
        assert_eq!(args.port.as_deref(), Some("-5"));
    }

    #[test]
    fn verbosity_and_config_stand_before_or_behind_the_command() {
        for line in [
            "rtstatd -vv --config x server",
            "rtstatd server -vv --config x",
            "rtstatd server -v -v --config=x",
        ] {
            let Ok(cli) = parse(words(line)) else {
                panic!("{line}: not accepted")
            };
            assert_eq!(
                (cli.verbose, cli.quiet, cli.config.as_deref()),
                (2, false, Some("x")),
                "{line}"
            );
        }
    }

    #[test]
    fn a_sample_runs_once_unless_an_interval_asks_for_more() {
        for (line, times) in [
            ("rtstatd sample", Some(1)),
            ("rtstatd sample --interval 2", None),
            ("rtstatd sample --interval 2 --count 3", Some(3)),
        ] {
            let Ok(Cli {
                command: Command::Sample(args),
                ..
            }) = parse(words(line))
            else {
                panic!("{line}")
            };
            assert_eq!(args.times(), times, "{line}");
        }
    }
}
