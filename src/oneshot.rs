//! The commands without clients, `sample` and `check-plugin`: they write to standard output and end.

use std::{
    io::{self, Write},
    process::ExitCode,
    rc::Rc,
    time::Duration,
};

use actix::System;

use crate::{
    config::{
        Config,
        cli::{CheckPluginArgs, SampleArgs},
    },
    drivers::{Root, linux::host::boot_id},
    plugins::{
        catalog::Catalog,
        exec::{self, definition::Definition},
    },
    pretty_json::indent,
    protocol::key_set::PluginSet,
    sampling::{
        Sampling,
        plugin_manager::PluginManager,
        schedule::{Cadence, SLOT},
        snapshot::{Push, PushTime},
    },
    server::startup_error::StartupError,
    system::{
        clock::{self, Clock},
        logging, privileges, signals,
        sysexits::{EX_CONFIG, EX_OSERR, EX_UNAVAILABLE, EX_USAGE},
    },
};

/// `rtstatd sample`: the push on standard output, one object a line, over windows of the given
/// interval.
pub fn sample(config: &Config, args: &SampleArgs) -> ExitCode {
    if let Err(fault) = signals::before_the_end(exec::child::end_all) {
        logging::fatal(&fault);
        return EX_OSERR.into();
    }
    System::new().block_on(async {
        let sampling = match PluginManager::start(config, Clock::start()) {
            Ok(plugins) => plugins.sampling,
            Err(fault) => {
                logging::fatal(&fault);
                return EX_CONFIG.into();
            }
        };
        match choice(&sampling.catalog(), &args.plugins) {
            Ok(set) => {
                let code = write_samples(&sampling, set, args).await;
                exec::child::end_all();
                code
            }
            Err(fault) => {
                logging::fatal(&fault);
                EX_USAGE.into()
            }
        }
    })
}

/// The keys of `--plugins`; those of a new session where there are none.
fn choice(catalog: &Catalog, names: &[String]) -> Result<PluginSet, String> {
    let mut set = PluginSet::new();
    for name in names {
        let Some(index) = catalog.index(name) else {
            let known: Vec<_> = catalog.abouts().map(|(name, _)| name).collect();
            return Err(format!(
                "--plugins {name}: expected one of {}",
                known.join(", ")
            ));
        };
        set.insert(index);
    }
    Ok(if set.is_empty() {
        catalog.default_set()
    } else {
        set
    })
}

async fn write_samples(sampling: &Rc<Sampling>, set: PluginSet, args: &SampleArgs) -> ExitCode {
    let interval = args.interval.unwrap_or(1.0);
    let interval = Duration::try_from_secs_f64(interval).unwrap_or(Duration::from_secs(1));
    let boot = boot_id(&Root::host());
    let catalog = sampling.catalog();
    sampling.watch(set, true);
    let mut before = sampling.snapshot(set);
    let mut cadence = Cadence::new(sampling.clock.now(), interval);
    let mut json = Vec::new();
    let mut seq = 0;
    while args.times().is_none_or(|times| seq < times) {
        seq += 1;
        let slot = cadence.next_after(sampling.clock.now());
        sampling.clock.sleep_until(slot.begins()).await;
        let now = sampling.snapshot(set);
        let time = PushTime {
            ts: clock::wall_secs(),
            mono: clock::boot_secs(),
            boot: &boot,
        };
        let push = Push {
            catalog: &catalog,
            set,
            seq,
            before: &before,
            now: &now,
            time,
        };
        push.write(&mut json);
        if args.pretty {
            json = indent(&json);
        }
        json.push(b'\n');
        let mut stdout = io::stdout().lock();
        match stdout.write_all(&json).and_then(|()| stdout.flush()) {
            Ok(()) => {}
            // The reader has closed the pipe, as head(1) does.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return ExitCode::SUCCESS,
            Err(error) => {
                logging::fatal(&format!("standard output: {error}"));
                return EX_UNAVAILABLE.into();
            }
        }
        before = now;
    }
    ExitCode::SUCCESS
}

/// `rtstatd check-plugin`: runs one plugin as the server would, and says what a page would get.
///
/// # Errors
/// When the definition is wrong, or the rights of root cannot be given up first.
pub fn check_plugin(config: &Config, args: &CheckPluginArgs) -> Result<ExitCode, StartupError> {
    privileges::become_user(&privileges::choose(config.user.as_deref())?)?;
    if let Err(fault) = signals::before_the_end(exec::child::end_all) {
        logging::fatal(&fault);
        return Ok(EX_OSERR.into());
    }
    let path = config.plugins.dir.join(format!("{}.toml", args.name));
    let definition = Definition::read(&path)?;
    if let Some(problem) = exec::unfit(&definition) {
        logging::fatal(&format!("{}: {problem}", path.display()));
        return Ok(EX_CONFIG.into());
    }
    let (report, usable) = exec::check::report(&definition, SLOT);
    signals::give_way_to_the_end();
    // A reader that closed standard output does not want the rest.
    let _ = io::stdout().write_all(report.as_bytes());
    Ok(if usable {
        ExitCode::SUCCESS
    } else {
        EX_UNAVAILABLE.into()
    })
}
