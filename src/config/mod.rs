//! Command line, environment and file become one checked [`Config`]; no raw flag travels further.
//!
//! The command line wins over the environment (`RTSTAT_…`), that over the file, that over the
//! default. Loading opens nothing but the files that the settings name, and can be done again at
//! any time: that is what a reload is.

pub mod cli;
pub mod error;
mod file;
mod layers;
mod listen_url;
mod report;
pub mod settings;
mod tls;
mod token;
pub mod toml_text;
mod trust;

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    num::NonZeroU32,
    path::{Path, PathBuf},
    time::Duration,
};

pub use crate::config::{
    layers::Environment,
    listen_url::{Endpoint, ListenUrl, Transport},
    tls::Tls,
    token::Token,
    trust::Trusted,
};

use crate::config::{
    cli::ServerArgs,
    error::{ConfigError, Place, nearest},
    layers::{Layer, Layers},
};

/// Read when it exists and no other file was named.
pub(crate) const DEFAULT_FILE: &str = "/etc/rtstat/rtstat.toml";

/// Everything that was decided before the program starts, each value checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen; without effect when systemd passed sockets.
    pub listen: Vec<ListenUrl>,
    /// Who asked for a place to listen, if anybody did: with passed sockets that deserves a
    /// warning.
    pub listen_place: Option<Place>,
    /// How many clients are served at a time; `None` is without limit.
    pub max_clients: Option<NonZeroU32>,
    /// How many connections one address may hold; `None` is without limit.
    pub max_per_address: Option<NonZeroU32>,
    /// The tokens of which a client must send one; empty means that everybody is let in.
    pub tokens: Vec<Token>,
    /// Whether a token stands on the command line, where every local user can read it.
    pub token_in_argv: bool,
    /// The folder to serve the page from, instead of the built-in copy.
    pub public: Option<PathBuf>,
    /// End after so long without a connection; `None` is never.
    pub exit_on_idle: Option<Duration>,
    /// The user to become when started by root; `None` lets [`crate::system::privileges`] choose.
    pub user: Option<String>,
    /// Origins of pages that may connect: `scheme://host[:port]` in lower case, `null` or `*`.
    pub allow_origin: Vec<String>,
    /// Host names that are accepted beside the machine's own, in lower case and without port, or
    /// `*`.
    pub allow_host: Vec<String>,
    /// Certificate and key.
    pub tls: Option<Tls>,
    /// Proxies that are believed about the client's address.
    pub trust_proxy: Vec<Trusted>,
    /// Whether `/metrics` is served.
    pub metrics: bool,
    /// How plugins are set up.
    pub plugins: PluginSettings,
    /// The file that was read, if any.
    pub file: Option<PathBuf>,
    /// What is odd but no error, a line each, to be logged once.
    pub warnings: Vec<String>,
}

/// The `[plugins]` table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginSettings {
    /// Keys that a new session gets beside the four legacy ones.
    pub default: Vec<String>,
    /// The folder of the operator's own plugins.
    pub dir: PathBuf,
    /// Whether `top` shows command lines, which may hold secrets.
    pub top_command_lines: bool,
    /// Whether `fs` shows file systems of other machines too.
    pub network_filesystems: bool,
    /// Sensor chips that `sens` leaves alone.
    pub sensors_off: Vec<String>,
    /// The units that `units` shows; all services where there are none.
    pub units: Vec<String>,
}

impl Default for PluginSettings {
    fn default() -> Self {
        Self {
            default: Vec::new(),
            dir: "/etc/rtstat/plugins.d".into(),
            top_command_lines: false,
            network_filesystems: false,
            sensors_off: Vec::new(),
            units: Vec::new(),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: vec![ListenUrl::tcp(
                Transport::Raw,
                false,
                SocketAddr::new(DEFAULT_INTERFACE, DEFAULT_PORT),
            )],
            listen_place: None,
            max_clients: NonZeroU32::new(10),
            max_per_address: None,
            tokens: Vec::new(),
            token_in_argv: false,
            public: None,
            exit_on_idle: None,
            user: None,
            allow_origin: Vec::new(),
            allow_host: Vec::new(),
            tls: None,
            trust_proxy: Vec::new(),
            metrics: false,
            plugins: PluginSettings::default(),
            file: None,
            warnings: Vec::new(),
        }
    }
}

const DEFAULT_INTERFACE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
const DEFAULT_PORT: u16 = 8000;

impl Config {
    /// The configuration of `rtstatd server`. `config_path` is what `--config` named, `built_in` are
    /// the names of the built-in plugins.
    ///
    /// # Errors
    /// The first setting that cannot be used, with its place, its value and what is accepted.
    pub fn load(
        args: &ServerArgs,
        config_path: Option<&str>,
        environment: &Environment,
        built_in: &[&str],
    ) -> Result<Self, ConfigError> {
        let (path, text) = read_file(config_path, environment)?;
        let layers = layers(args, environment, path.as_deref(), &text)?;
        let mut config = Self {
            file: path,
            ..resolve(&layers)?
        };
        config.tokens = token::load(&layers, environment)?;
        config.token_in_argv = args.auth_token.is_some();
        config.tls = tls::load(&layers)?;
        check_user(&layers)?;
        check_plugins(&layers, &config.plugins.dir, built_in)?;
        (config.listen, config.listen_place) = resolve_listen(&layers, config.tls.is_some())?;
        config.warnings = warnings(&config, &layers, environment);
        Ok(config)
    }

    /// The configuration for the commands that serve nobody: without tokens and keys, which the
    /// user who calls them may not be allowed to read. A default file that is closed to that user
    /// counts as absent.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load_without_secrets(
        config_path: Option<&str>,
        environment: &Environment,
    ) -> Result<Self, ConfigError> {
        let (path, text) = match read_file(config_path, environment) {
            Err(ConfigError::File { path, source })
                if source.kind() == io::ErrorKind::PermissionDenied
                    && path == Path::new(DEFAULT_FILE) =>
            {
                (None, String::new())
            }
            other => other?,
        };
        let layers = layers(&ServerArgs::default(), environment, path.as_deref(), &text)?;
        Ok(Self {
            file: path,
            ..resolve(&layers)?
        })
    }
}

impl Config {
    /// The configuration that one file's text alone would give, without the tokens, keys and users
    /// that it names. For tests and fuzzing.
    ///
    /// # Errors
    /// As [`Config::load`], less what only those files can have.
    pub fn from_text(text: &str) -> Result<Self, ConfigError> {
        let layers = Layers(vec![file::parse(Path::new(DEFAULT_FILE), text)?]);
        let (listen, listen_place) = resolve_listen(&layers, layers.said("tls_cert").is_some())?;
        Ok(Self {
            listen,
            listen_place,
            ..resolve(&layers)?
        })
    }

    /// The settings of a newer configuration that only a restart brings into effect, by their keys:
    /// sockets and the user are settled before the first connection.
    pub(crate) fn waiting_for_restart(&self, newer: &Self) -> Vec<&'static str> {
        let (ours, theirs) = (&self.plugins, &newer.plugins);
        let fixed = [
            ("listen", self.listen != newer.listen),
            ("user", self.user != newer.user),
            (
                "plugins.top_command_lines",
                ours.top_command_lines != theirs.top_command_lines,
            ),
            (
                "plugins.network_filesystems",
                ours.network_filesystems != theirs.network_filesystems,
            ),
            (
                "plugins.sensors_off",
                ours.sensors_off != theirs.sensors_off,
            ),
            ("plugins.units", ours.units != theirs.units),
        ];
        fixed
            .into_iter()
            .filter_map(|(key, differs)| differs.then_some(key))
            .collect()
    }
}

/// The file that is named by option or variable, or else the default one where it exists.
fn read_file(
    option: Option<&str>,
    environment: &Environment,
) -> Result<(Option<PathBuf>, String), ConfigError> {
    let named = option
        .map(PathBuf::from)
        .or_else(|| environment.get("RTSTAT_CONFIG").map(PathBuf::from));
    let path = named.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
    match fs::read_to_string(&path) {
        Ok(text) => Ok((Some(path), text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => {
            Ok((None, String::new()))
        }
        Err(source) => Err(ConfigError::File { path, source }),
    }
}

fn layers(
    args: &ServerArgs,
    environment: &Environment,
    path: Option<&Path>,
    text: &str,
) -> Result<Layers, ConfigError> {
    let file = path
        .map(|path| file::parse(path, text))
        .transpose()?
        .unwrap_or_default();
    Ok(Layers(vec![
        layers::from_cli(args),
        layers::from_environment(environment)?,
        file,
    ]))
}

/// All settings that need no file of their own.
fn resolve(layers: &Layers) -> Result<Config, ConfigError> {
    let default = Config::default();
    let public = layers.one("public", path)?;
    if let (Some(said), Some(path)) = (layers.said("public"), &public)
        && !path.is_dir()
    {
        let problem = "is not a folder that can be read".into();
        return Err(ConfigError::Unusable {
            place: said.place.clone(),
            value: said.text.clone(),
            problem,
        });
    }
    Ok(Config {
        max_clients: layers
            .one("max_clients", count)?
            .unwrap_or(default.max_clients),
        max_per_address: layers
            .one("max_per_address", count)?
            .unwrap_or(default.max_per_address),
        public,
        exit_on_idle: layers
            .one("exit_on_idle", seconds)?
            .unwrap_or(default.exit_on_idle),
        user: layers.one("user", name)?,
        allow_origin: layers.many("allow_origin", origin)?.unwrap_or_default(),
        allow_host: layers.many("allow_host", host)?.unwrap_or_default(),
        trust_proxy: layers
            .many("trust_proxy", |text| text.parse().ok())?
            .unwrap_or_default(),
        metrics: layers.one("metrics", boolean)?.unwrap_or(default.metrics),
        plugins: PluginSettings {
            default: layers
                .many("plugins.default", plugin_name)?
                .unwrap_or_default(),
            dir: layers
                .one("plugins.dir", path)?
                .unwrap_or(default.plugins.dir.clone()),
            top_command_lines: layers
                .one("plugins.top_command_lines", boolean)?
                .unwrap_or(false),
            network_filesystems: layers
                .one("plugins.network_filesystems", boolean)?
                .unwrap_or(false),
            sensors_off: layers
                .many("plugins.sensors_off", name)?
                .unwrap_or_default(),
            units: layers.many("plugins.units", name)?.unwrap_or_default(),
        },
        ..default
    })
}

/// The user must exist before anything is opened; whether it can be become is decided later.
fn check_user(layers: &Layers) -> Result<(), ConfigError> {
    match layers.said("user") {
        Some(said) if !matches!(nix::unistd::User::from_name(&said.text), Ok(Some(_))) => {
            let problem = "there is no such user".into();
            Err(ConfigError::Unusable {
                place: said.place.clone(),
                value: said.text.clone(),
                problem,
            })
        }
        _ => Ok(()),
    }
}

/// A default plugin must be built in or have its file in the plugin folder, or its key would be
/// missing in silence.
fn check_plugins(layers: &Layers, folder: &Path, built_in: &[&str]) -> Result<(), ConfigError> {
    let Some(wanted) = layers
        .said_all("plugins.default")
        .filter(|wanted| !wanted.is_empty())
    else {
        return Ok(());
    };
    let built_in = built_in.iter().map(|name| (*name).to_owned());
    let known: Vec<String> = built_in
        .chain(plugin_files(folder).filter_map(|path| stem(&path)))
        .collect();
    match wanted.iter().find(|said| !known.contains(&said.text)) {
        None => Ok(()),
        Some(said) => {
            let nearest = nearest(&said.text, known.iter().map(String::as_str));
            let problem = format!("there is no such plugin; the nearest is {nearest}");
            Err(ConfigError::Unusable {
                place: said.place.clone(),
                value: said.text.clone(),
                problem,
            })
        }
    }
}

/// The definitions in a plugin folder.
fn plugin_files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
}

/// Any name but none.
fn name(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn stem(path: &Path) -> Option<String> {
    path.file_stem()?.to_str().map(str::to_owned)
}

/// The highest layer that says anything about listening decides between URLs and the three plain
/// settings; these are then each taken from the highest layer that has them.
fn resolve_listen(
    layers: &Layers,
    tls: bool,
) -> Result<(Vec<ListenUrl>, Option<Place>), ConfigError> {
    const PLAIN: [&str; 3] = ["interface", "port", "web_sockets"];
    let plain_of = |layer: &Layer| {
        PLAIN
            .iter()
            .find_map(|key| layer.first(key))
            .map(|said| said.place.clone())
    };
    let mut decider = None;
    for layer in &layers.0 {
        match (layer.first("listen"), plain_of(layer)) {
            (Some(listen), Some(plain)) => {
                let problem = format!(
                    "does not go with {plain}: set either listen, or interface, port and web_sockets"
                );
                return Err(ConfigError::Conflict {
                    place: listen.place.clone(),
                    problem,
                });
            }
            (Some(listen), None) => decider = decider.or(Some((listen.place.clone(), true))),
            (None, plain) => decider = decider.or(plain.map(|place| (place, false))),
        }
    }
    let interface = layers
        .one("interface", listen_url::interface)?
        .unwrap_or(DEFAULT_INTERFACE);
    let port = layers.one("port", port)?.unwrap_or(DEFAULT_PORT);
    let web_sockets = layers.one("web_sockets", boolean)?.unwrap_or(false);
    let urls = layers
        .many("listen", |text| text.parse::<ListenUrl>().ok())?
        .unwrap_or_default();
    let place = decider.as_ref().map(|(place, _)| place.clone());
    if !matches!(decider, Some((_, true))) {
        let transport = if web_sockets {
            Transport::WebSocket
        } else {
            Transport::Raw
        };
        return Ok((
            vec![ListenUrl::tcp(
                transport,
                tls,
                SocketAddr::new(interface, port),
            )],
            place,
        ));
    }
    if let (Some(url), Some(place), false) = (urls.iter().find(|url| url.tls), &place, tls) {
        let problem = "needs a certificate: set --tls-cert and --tls-key".into();
        return Err(ConfigError::Unusable {
            place: place.clone(),
            value: url.to_string(),
            problem,
        });
    }
    Ok((urls, place))
}

fn warnings(config: &Config, layers: &Layers, environment: &Environment) -> Vec<String> {
    let mut warnings = Vec::new();
    if config.token_in_argv {
        warnings.push(
            "--auth-token: every local user can read a command line; use --auth-token-file".into(),
        );
    }
    let in_file = layers.0.last().is_some_and(|file| {
        file.first("auth_token").is_some() || file.tokens.iter().any(|token| !token.in_file)
    });
    if let (true, Some(path)) = (in_file, &config.file)
        && others_can_read(path)
    {
        warnings.push(format!(
            "{}: holds a token and others can read it: chmod 0640 it",
            path.display()
        ));
    }
    if config.tls.is_some() && !config.listen.iter().any(|url| url.tls) {
        warnings
            .push("--tls-cert: no listener speaks TLS; use wss:// or raws:// in --listen".into());
    }
    warnings.extend(
        environment
            .unknown()
            .map(|name| format!("{name}: no setting has this name; it has no effect")),
    );
    warnings
}

fn others_can_read(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o004 != 0)
}

/// Decimal digits and nothing else: Rust's own parser would take a sign.
fn number(text: &str) -> Option<u32> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}

fn port(text: &str) -> Option<u16> {
    number(text)?.try_into().ok().filter(|port| *port > 0)
}

/// A limit, of which 0 is none.
fn count(text: &str) -> Option<Option<NonZeroU32>> {
    number(text)
        .filter(|count| *count <= 1_000_000)
        .map(NonZeroU32::new)
}

fn seconds(text: &str) -> Option<Option<Duration>> {
    const YEAR_SECS: u32 = 31_536_000;
    number(text)
        .filter(|secs| *secs <= YEAR_SECS)
        .map(|secs| (secs > 0).then(|| Duration::from_secs(secs.into())))
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

fn path(text: &str) -> Option<PathBuf> {
    (!text.is_empty() && !text.contains('\0')).then(|| text.into())
}

/// An origin as browsers send it, in lower case.
fn origin(text: &str) -> Option<String> {
    if matches!(text, "*" | "null") {
        return Some(text.into());
    }
    let (scheme, authority) = text.split_once("://")?;
    let scheme_fits = scheme
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    let authority_fits = authority
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"/?#@\\\"'*".contains(&byte));
    let filled = !scheme.is_empty() && !authority.is_empty();
    if !(filled && scheme_fits && authority_fits) {
        return None;
    }
    let text = text.to_ascii_lowercase();
    // Browsers leave the scheme's own port out.
    let own_port = match text.split_once("://")?.0 {
        "http" => ":80",
        "https" => ":443",
        _ => return Some(text),
    };
    Some(
        text.strip_suffix(own_port)
            .map(str::to_owned)
            .unwrap_or(text),
    )
}

/// A host as it stands in a request, without its port, in lower case; IPv6 in brackets.
fn host(text: &str) -> Option<String> {
    let name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let v6 = || {
        text.strip_prefix('[')?
            .strip_suffix(']')?
            .parse::<std::net::Ipv6Addr>()
            .ok()
    };
    let fits = text == "*" || (!text.is_empty() && text.bytes().all(name)) || v6().is_some();
    fits.then(|| text.to_ascii_lowercase())
}

fn plugin_name(text: &str) -> Option<String> {
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (!text.is_empty() && text.bytes().all(fine)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests;
