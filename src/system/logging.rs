//! What the program says while it runs, through `tracing`: to the journal with its fields when
//! systemd started it, as plain lines on standard error otherwise.
//!
//! Logging never stops the server: a standard error that is gone or that nobody reads loses lines,
//! no more. Nothing that a client sends can start a line of its own. A
//! [rate limit](crate::system::rate_limit) keeps clients from making the log grow.

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, Write},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::fs::MetadataExt,
    },
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tracing::{Event, Level, Subscriber, level_filters::LevelFilter};
use tracing_journald::{Priority, PriorityMappings};
use tracing_subscriber::{
    Layer,
    filter::Targets,
    fmt::{
        FmtContext, FormatEvent, FormatFields, MakeWriter,
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    layer::SubscriberExt,
    registry::LookupSpan,
    util::SubscriberInitExt,
};

/// A panic at one place in the source is logged again after this time.
const PANIC_QUIET: Duration = Duration::from_secs(600);

/// Starts logging. `quiet` is `-q`, `verbose` counts the `-v`. Call it once; later calls change
/// nothing.
pub fn init(quiet: bool, verbose: u8) {
    let filter = filter(quiet, verbose);
    let to_journal = stderr_is_journal();
    let journal = if to_journal { journal().ok() } else { None };
    let lines = journal.is_none().then(|| {
        tracing_subscriber::fmt::layer()
            // The default would report a failed write on standard error, and panic because that is
            // what failed.
            .log_internal_errors(false)
            .with_ansi(false)
            .event_format(Lines { to_journal })
            .with_writer(Stderr)
    });
    // A second call finds a subscriber in place, which is fine.
    let _ = tracing_subscriber::registry()
        .with(journal.with_filter(filter.clone()))
        .with(lines.with_filter(filter))
        .try_init();
    std::panic::set_hook(Box::new(|panic| {
        let payload = panic.payload();
        let owned = || payload.downcast_ref::<String>().map(String::as_str);
        let what = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(owned)
            .unwrap_or("without a message");
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        if is_due(&place, Instant::now()) {
            tracing::error!(place, "panic: {what}");
        }
    }));
}

/// Whether no panic at this place of the source was logged within [`PANIC_QUIET`]: a plugin that
/// panics in every slot is one line.
fn is_due(place: &str, now: Instant) -> bool {
    static LOGGED: Mutex<BTreeMap<String, Instant>> = Mutex::new(BTreeMap::new());
    let mut logged = LOGGED.lock().unwrap_or_else(PoisonError::into_inner);
    let recent = logged
        .get(place)
        .is_some_and(|last| now.saturating_duration_since(*last) < PANIC_QUIET);
    if !recent {
        logged.insert(place.into(), now);
    }
    !recent
}

/// Our own events by verbosity, the libraries' at a higher level. actix logs each broken request as
/// an error: below -vv this is off, or any peer could make the log grow.
fn filter(quiet: bool, verbose: u8) -> Targets {
    let (ours, theirs, actix) = match (quiet, verbose) {
        (true, _) => (LevelFilter::OFF, LevelFilter::OFF, LevelFilter::OFF),
        (_, 0) => (LevelFilter::INFO, LevelFilter::WARN, LevelFilter::OFF),
        (_, 1) => (LevelFilter::DEBUG, LevelFilter::WARN, LevelFilter::OFF),
        (_, 2) => (LevelFilter::TRACE, LevelFilter::INFO, LevelFilter::INFO),
        _ => (LevelFilter::TRACE, LevelFilter::TRACE, LevelFilter::TRACE),
    };
    Targets::new()
        .with_default(theirs)
        .with_target("actix", actix)
        .with_target("rtstat", ours)
}

/// Fields keep their names, so that `journalctl SESSION=7` finds them; info is priority 6, as
/// everywhere else.
fn journal() -> io::Result<tracing_journald::Layer> {
    let priorities = PriorityMappings {
        info: Priority::Informational,
        debug: Priority::Debug,
        ..PriorityMappings::new()
    };
    let layer = tracing_journald::layer()?;
    Ok(layer
        .with_field_prefix(None)
        .with_priority_mappings(priorities)
        .with_syslog_identifier("rtstatd".into()))
}

/// Whether standard error is the stream that systemd connected to the journal: `JOURNAL_STREAM`
/// holds its device and inode, systemd.exec(5). A variable inherited from a session's parent does
/// not match.
pub(crate) fn stderr_is_journal() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else {
        return false;
    };
    let Ok(descriptor) = io::stderr().as_fd().try_clone_to_owned() else {
        return false;
    };
    let Ok(metadata) = std::fs::File::from(descriptor).metadata() else {
        return false;
    };
    stream == format!("{}:{}", metadata.dev(), metadata.ino())
}

/// The one line that a failed start leaves on standard error, whatever the verbosity.
pub fn fatal(error: &dyn fmt::Display) {
    let priority = if stderr_is_journal() { "<3>" } else { "" };
    // Nobody may be left to read it.
    let _ = Stderr.write(format!("{priority}error: {error}").as_bytes());
}

/// One line an event: time and level for people, the priority in front for a journal that takes
/// only lines.
struct Lines {
    to_journal: bool,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let level = *event.metadata().level();
        if self.to_journal {
            write!(out, "<{}>", priority(level))?;
        } else {
            SystemTime.format_time(&mut out)?;
            write!(out, " {level:5} ")?;
        }
        context.format_fields(out.by_ref(), event)?;
        writeln!(out)
    }
}

/// syslog(3) priorities.
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    }
}

/// Standard error, losing what it would not take at once.
#[derive(Clone, Copy)]
struct Stderr;

/// What a pipe that reports itself writable takes without blocking: PIPE_BUF, pipe(7).
const LONGEST_LINE_BYTES: usize = 4096;

impl Write for Stderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // The lock keeps lines of several threads whole.
        write_if_ready(io::stderr().lock().as_fd(), &single_line(line));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes what the descriptor takes without waiting, and forgets the rest.
fn write_if_ready(descriptor: BorrowedFd<'_>, line: &[u8]) {
    let mut ready = [PollFd::new(descriptor, PollFlags::POLLOUT)];
    let writable = poll(&mut ready, PollTimeout::ZERO).is_ok_and(|count| count > 0)
        && ready.iter().all(|fd| {
            fd.revents()
                .is_some_and(|events| events.contains(PollFlags::POLLOUT))
        });
    if writable {
        let _ = nix::unistd::write(descriptor, line);
    }
}

impl<'a> MakeWriter<'a> for Stderr {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        *self
    }
}

/// Control characters become blanks, and the line ends once.
fn single_line(text: &[u8]) -> Vec<u8> {
    let content = text.strip_suffix(b"\n").unwrap_or(text);
    let harmless = |byte: &u8| if byte.is_ascii_control() { b' ' } else { *byte };
    content
        .iter()
        .take(LONGEST_LINE_BYTES - 1)
        .map(harmless)
        .chain([b'\n'])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbosity_is_ours_first() {
        for (quiet, verbose, ours, theirs, actix) in [
            (true, 0, None, None, None),
            (false, 0, Some(Level::INFO), Some(Level::WARN), None),
            (false, 1, Some(Level::DEBUG), Some(Level::WARN), None),
            (
                false,
                2,
                Some(Level::TRACE),
                Some(Level::INFO),
                Some(Level::INFO),
            ),
            (
                false,
                3,
                Some(Level::TRACE),
                Some(Level::TRACE),
                Some(Level::TRACE),
            ),
        ] {
            let filter = filter(quiet, verbose);
            let targets = [
                ("rtstat::server", ours),
                ("rtstatd", ours),
                ("rustls::conn", theirs),
                ("actix_http::h1", actix),
            ];
            for (target, most) in targets {
                for level in [
                    Level::ERROR,
                    Level::WARN,
                    Level::INFO,
                    Level::DEBUG,
                    Level::TRACE,
                ] {
                    let wanted = most.is_some_and(|most| level <= most);
                    assert_eq!(
                        filter.would_enable(target, &level),
                        wanted,
                        "{verbose} {target} {level}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_reader_that_stopped_or_left_holds_nobody_up() {
        use std::io::Read;
        let (mut reader, writer) = io::pipe().unwrap();
        let line = [b'a'; LONGEST_LINE_BYTES];
        // More than a pipe holds: without the check this would wait for ever.
        for _ in 0..100 {
            write_if_ready(writer.as_fd(), &line);
        }
        let mut taken = vec![0; LONGEST_LINE_BYTES];
        reader.read_exact(&mut taken).unwrap();
        assert_eq!(taken, line);
        drop(reader);
        write_if_ready(writer.as_fd(), &line);
    }

    #[test]
    fn a_line_cannot_start_another() {
        assert_eq!(
            single_line(b"origin=a\nERROR b\x1b[2J\r\n"),
            b"origin=a ERROR b [2J \n"
        );
        assert_eq!(single_line(b""), b"\n");
        assert_eq!(single_line(&[b'a'; 9000]).len(), LONGEST_LINE_BYTES);
    }
}
