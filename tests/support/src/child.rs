//! Children: the waits of the standard library, each with an end.

use std::{
    io::{self, BufRead, BufReader, ErrorKind, Read},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use crate::PATIENCE;

/// How often a child is asked whether it has ended: no test notices the difference.
const POLL: Duration = Duration::from_millis(5);

/// Commands that are run to their end.
pub trait CommandInTime {
    /// As [`Command::output`].
    ///
    /// # Errors
    /// When it cannot be started, or does not end within [`PATIENCE`]; then it is killed.
    fn output_in_time(&mut self) -> io::Result<Output>;

    /// As [`Command::output`], for a command that may need longer.
    ///
    /// # Errors
    /// When it cannot be started, or does not end within `limit`; then it is killed.
    fn output_within(&mut self, limit: Duration) -> io::Result<Output>;

    /// As [`Command::status`].
    ///
    /// # Errors
    /// When it cannot be started, or does not end within [`PATIENCE`]; then it is killed.
    fn status_in_time(&mut self) -> io::Result<ExitStatus>;
}

impl CommandInTime for Command {
    fn output_in_time(&mut self) -> io::Result<Output> {
        self.output_within(PATIENCE)
    }

    fn output_within(&mut self, limit: Duration) -> io::Result<Output> {
        let child = self.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        output(child, limit)
    }

    fn status_in_time(&mut self) -> io::Result<ExitStatus> {
        self.spawn()?.wait_in_time()
    }
}

/// Children that are waited for.
pub trait ChildInTime {
    /// As [`Child::wait`].
    ///
    /// # Errors
    /// When it does not end within [`PATIENCE`]; then it is killed.
    fn wait_in_time(&mut self) -> io::Result<ExitStatus>;

    /// As [`Child::wait_with_output`].
    ///
    /// # Errors
    /// When it does not end within [`PATIENCE`]; then it is killed.
    fn output_in_time(self) -> io::Result<Output>;

    /// The next line of its standard output, which is closed then.
    ///
    /// # Errors
    /// When none comes within [`PATIENCE`].
    fn line_in_time(&mut self) -> io::Result<String>;

    /// Kills and reaps it. One that cannot even be killed is left behind.
    fn end(&mut self);
}

impl ChildInTime for Child {
    fn wait_in_time(&mut self) -> io::Result<ExitStatus> {
        wait(self, PATIENCE)
    }

    fn output_in_time(self) -> io::Result<Output> {
        output(self, PATIENCE)
    }

    fn line_in_time(&mut self) -> io::Result<String> {
        let Some(stdout) = self.stdout.take() else {
            return Err(io::Error::other("its standard output is no pipe"));
        };
        let (sender, line) = mpsc::channel();
        thread::spawn(move || {
            let mut line = String::new();
            let read = BufReader::new(stdout).read_line(&mut line).map(|_| line);
            // Nobody listens after the deadline.
            let _ = sender.send(read);
        });
        receive(&line, PATIENCE)
    }

    fn end(&mut self) {
        // It may have ended by itself.
        let _ = self.kill();
        let _ = wait(self, PATIENCE);
    }
}

/// Reads all, on a thread of its own.
///
/// # Errors
/// When reading fails, or the end does not come within [`PATIENCE`].
pub fn read_in_time(reader: impl Read + Send + 'static) -> io::Result<Vec<u8>> {
    receive(&read(reader), PATIENCE)
}

fn read(mut reader: impl Read + Send + 'static) -> mpsc::Receiver<io::Result<Vec<u8>>> {
    let (sender, all) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = reader.read_to_end(&mut bytes).map(|_| bytes);
        // Nobody listens after the deadline.
        let _ = sender.send(read);
    });
    all
}

fn receive<T>(channel: &mpsc::Receiver<io::Result<T>>, limit: Duration) -> io::Result<T> {
    channel
        .recv_timeout(limit)
        .unwrap_or_else(|_| Err(late("nothing more was written", limit)))
}

fn late(what: &str, limit: Duration) -> io::Error {
    let text = format!("{what} within {} s", limit.as_secs());
    io::Error::new(ErrorKind::TimedOut, text)
}

fn wait(child: &mut Child, limit: Duration) -> io::Result<ExitStatus> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if Instant::now() > deadline {
            child.kill()?;
            return Err(late("the child did not end", limit));
        }
        thread::sleep(POLL);
    }
}

fn output(mut child: Child, limit: Duration) -> io::Result<Output> {
    drop(child.stdin.take());
    let stdout = child.stdout.take().map(read);
    let stderr = child.stderr.take().map(read);
    let status = wait(&mut child, limit)?;
    // A grandchild may hold a pipe open for longer than its parent lives.
    let bytes = |pipe: Option<mpsc::Receiver<_>>| match pipe {
        Some(pipe) => receive(&pipe, PATIENCE),
        None => Ok(Vec::new()),
    };
    Ok(Output {
        status,
        stdout: bytes(stdout)?,
        stderr: bytes(stderr)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn what_ends_in_time_is_as_the_standard_library_has_it() {
        let output = sh("echo out; echo err >&2; exit 3")
            .output_in_time()
            .unwrap();
        assert_eq!(
            (output.status.code(), &output.stdout[..], &output.stderr[..]),
            (Some(3), &b"out\n"[..], &b"err\n"[..])
        );
        assert_eq!(sh("exit 4").status_in_time().unwrap().code(), Some(4));
        let mut child = sh("echo one; echo two")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        assert_eq!(child.line_in_time().unwrap(), "one\n");
        child.wait_in_time().unwrap();
    }

    #[test]
    fn what_does_not_end_is_killed_and_an_error() {
        let error = sh("exec sleep 1000")
            .output_within(Duration::from_millis(50))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        let mut child = sh("exec sleep 1000").spawn().unwrap();
        child.end();
        assert!(child.try_wait().unwrap().is_some());
    }
}
