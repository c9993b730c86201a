//! The real program on a port that the kernel picks, ended with the test.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::Duration,
};

use rtstat_test_support::ChildInTime;

/// A running rtstatd with one listener on the loopback address.
pub struct Server {
    /// The program.
    pub child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// What it has logged so far.
    pub log: Arc<Mutex<String>>,
    /// Whether the test has ended it.
    pub stopped: bool,
    _config: tempfile::NamedTempFile,
}

impl Server {
    /// Starts `rtstatd server` with a listener of `scheme` (`raw`, `ws`) and more options, and
    /// waits until it listens.
    pub fn start(scheme: &str, options: &[&str]) -> Self {
        Self::start_with(scheme, options, &[])
    }

    /// As [`Self::start`], with variables of the environment.
    pub fn start_with(scheme: &str, options: &[&str], env: &[(&str, &str)]) -> Self {
        // No configuration of the machine may leak into the test.
        let config = tempfile::NamedTempFile::new().unwrap();
        // It is read again after root has become another user.
        let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        std::fs::set_permissions(config.path(), readable).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_rtstatd"));
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("RTSTAT_"))
        {
            command.env_remove(name);
        }
        let mut child = command
            .arg("server")
            .args(["--listen", &format!("{scheme}://127.0.0.1:0"), "--config"])
            .arg(config.path())
            .args(options)
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(String::new()));
        let (found, address) = mpsc::channel();
        let copy = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some(address) = listening_address(&line) {
                    // The receiver is gone once it has its address.
                    let _ = found.send(address);
                }
                let mut log = copy.lock().unwrap_or_else(PoisonError::into_inner);
                log.push_str(&line);
                log.push('\n');
            }
        });
        let address = address.recv_timeout(Duration::from_secs(20));
        let mut server = Self {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            log,
            stopped: false,
            _config: config,
        };
        server.address = address.expect("the server logs where it listens");
        server
    }
}

/// The first address of the loopback with a port in a line of the log.
fn listening_address(line: &str) -> Option<SocketAddr> {
    line.match_indices("127.0.0.1:").find_map(|(at, _)| {
        let rest = &line[at..];
        let end = rest
            .find(|char: char| !char.is_ascii_digit() && char != '.' && char != ':')
            .unwrap_or(rest.len());
        rest[..end]
            .trim_end_matches(['.', ':'])
            .parse()
            .ok()
            .filter(|address: &SocketAddr| address.port() != 0)
    })
}

impl Drop for Server {
    fn drop(&mut self) {
        let ended = self.child.try_wait();
        self.child.end();
        if std::thread::panicking() {
            let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
            eprintln!("-- server (ended by itself: {ended:?}) --\n{log}");
        } else {
            // A server that died under a test has failed it, whatever the clients saw.
            assert!(
                self.stopped || matches!(ended, Ok(None)),
                "the server ended by itself: {ended:?}"
            );
        }
    }
}
