//! The rtstatd program: the order of starting, and an exit code.
//!
//! The environment and the user change before any thread is started, so this is no async function.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use rtstat::{
    config::{
        Config, Environment,
        cli::{self, Cli, Command, EarlyExit, ServerArgs},
        error::ConfigError,
    },
    oneshot,
    plugins::{exec, registry},
    server::{self, Start, listeners, reload::Load, startup_error::StartupError},
    system::{
        logging, privileges, signals,
        sysexits::{EX_CONFIG, EX_USAGE},
        systemd::{self, Handover},
    },
};

fn main() -> ExitCode {
    let handover = systemd::take_over();
    let cli = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(EarlyExit::Answer(text)) => return print(&text),
        Err(EarlyExit::UsageError(text)) if handover.sockets.is_empty() => {
            logging::fatal(&text);
            return EX_USAGE.into();
        }
        Err(EarlyExit::UsageError(text)) => {
            logging::init(false, 0);
            return ended(serve(
                Box::new(move || Err(ConfigError::Usage(text.clone()))),
                handover,
            ));
        }
    };
    logging::init(cli.quiet, cli.verbose);
    run(cli, handover)
}

fn run(cli: Cli, handover: Handover) -> ExitCode {
    let environment = Environment::of_process();
    let path = cli.config;
    let config =
        || Config::load_without_secrets(path.as_deref(), &environment).map_err(StartupError::from);
    match cli.command {
        Command::Server(args) if args.check => {
            ended(check(&args, path.as_deref(), &environment, &handover))
        }
        Command::Server(args) => ended(serve(
            Box::new(move || {
                Config::load(&args, path.as_deref(), &environment, &registry::names())
            }),
            handover,
        )),
        Command::Sample(args) => ended(config().map(|config| oneshot::sample(&config, &args))),
        Command::CheckPlugin(args) => {
            ended(config().and_then(|config| oneshot::check_plugin(&config, &args)))
        }
    }
}

/// Everything up to the first connection. With passed sockets a wrong configuration does not end
/// the program: systemd would start it again for the next connection until it closes the port for
/// good.
fn serve(load: Load, handover: Handover) -> Result<ExitCode, StartupError> {
    if let Some(fault) = &handover.fault {
        tracing::error!("{fault}");
    }
    let watchdog_interval = handover.watchdog_interval();
    let passed = !handover.sockets.is_empty();
    let load = with_tls_for(&handover, load);
    let (config, fault) = match load() {
        Ok(config) => (config, None),
        Err(error) if passed => (Config::default(), Some(error)),
        Err(error) => return Err(error.into()),
    };
    let account = privileges::choose(config.user.as_deref())?;
    let (bound, oddities) = if passed {
        listeners::passed(handover.sockets)?
    } else {
        (listeners::bind(&config.listen)?, Vec::new())
    };
    let _ = privileges::raise_descriptor_limit();
    privileges::become_user(&account)?;

    for oddity in config.warnings.iter().chain(&oddities) {
        tracing::warn!("{oddity}");
    }
    if let privileges::Account::Root = account {
        tracing::warn!("--user root: serving with all rights of root");
    }
    if let (true, Some(place)) = (passed, &config.listen_place) {
        tracing::warn!(
            "{place}: without effect, systemd passed the sockets; change them with: systemctl edit rtstat.socket"
        );
    }
    if !passed && config.exit_on_idle.is_some() {
        tracing::warn!(
            "exit_on_idle: systemd passed no sockets, so nothing starts the program again when it has ended"
        );
    }
    if let Some(fault) = &fault {
        tracing::error!(
            "wrong configuration, every connection is refused until a reload succeeds: {fault}"
        );
    }
    let ignored = signals::signals_ignored();
    Ok(server::run(Start {
        config,
        bound,
        load,
        passed,
        fault,
        watchdog_interval,
        ignored,
    }))
}

/// Refuses a configuration without a certificate where a passed socket needs one, at the start and
/// at each reload.
fn with_tls_for(handover: &Handover, load: Load) -> Load {
    let Some((_, name)) = handover
        .sockets
        .iter()
        .find(|(_, name)| listeners::is_tls_name(name))
    else {
        return load;
    };
    let name = name.clone();
    Box::new(move || match load()? {
        config if config.tls.is_none() => Err(ConfigError::Usage(format!(
            "FileDescriptorName={name} needs a certificate: set tls_cert and tls_key"
        ))),
        config => Ok(config),
    })
}

/// `--check`: everything but opening ports.
fn check(
    args: &ServerArgs,
    path: Option<&str>,
    environment: &Environment,
    handover: &Handover,
) -> Result<ExitCode, StartupError> {
    let config = Config::load(args, path, environment, &registry::names())?;
    privileges::choose(config.user.as_deref())?;
    let wrong = exec::fit(&config.plugins.dir).1;
    for line in config.warnings.iter().chain(&wrong) {
        tracing::warn!("{line}");
    }
    print(&config.report(!handover.sockets.is_empty()));
    Ok(if wrong.is_empty() {
        ExitCode::SUCCESS
    } else {
        EX_CONFIG.into()
    })
}

fn ended(result: Result<ExitCode, StartupError>) -> ExitCode {
    result.unwrap_or_else(|error| {
        logging::fatal(&error);
        error.exit_code().into()
    })
}

/// A reader that closed standard output does not want the rest.
fn print(text: &str) -> ExitCode {
    let _ = io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}
