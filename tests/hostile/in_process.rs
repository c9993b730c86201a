//! The program's own parts over a tree of files that a test changes, with one session that watches,
//! in this process.

use std::{
    fs,
    future::Future,
    path::{Path, PathBuf},
    rc::Rc,
};

use actix::{Actor, System};
use rtstat::testing::{
    drivers::{Root, linux::host::Host},
    net::{
        connections::ConnectionCounter,
        peer::{Origin, Peer},
        stream::Stream,
    },
    plugins::registry::{self, Entry},
    push::{broadcaster::Broadcaster, frame_cache::FrameCache},
    sampling::Sampling,
    session::{
        connection::{SessionContext, SessionFactory},
        info::Info,
        raw,
        supervisor::{Rules, Supervisor},
    },
    system::clock::{Clock, Clocks},
};
use rtstat_test_support::PATIENCE;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{UnixStream, unix::OwnedReadHalf},
};

/// A captured tree, copied to where it may be changed.
pub struct Tree(pub tempfile::TempDir);

impl Tree {
    /// A copy of this folder of `tests/fixtures/proc`.
    pub fn copy_of(captured: &str) -> Self {
        let tree = Self(tempfile::tempdir().unwrap());
        tree.becomes(captured);
        tree
    }

    /// Writes the captured tree's files over those that are there, which stay open for whoever has
    /// them open.
    pub fn becomes(&self, captured: &str) {
        let from = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures/proc")
            .join(captured);
        copy(&from, self.0.path());
    }

    pub fn path(&self, relative: &str) -> PathBuf {
        self.0.path().join(relative)
    }

    pub fn write(&self, relative: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(relative), text).unwrap();
    }

    pub fn root(&self) -> Root {
        Root::at(self.0.path())
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::write(to, fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}

/// The session's client.
pub struct Watching {
    lines: BufReader<OwnedReadHalf>,
    /// The number of the newest push.
    seq: u64,
}

impl Watching {
    /// The next push, which has the next number.
    pub async fn push(&mut self) -> Value {
        let mut line = String::new();
        // Where the clock is paused these are seconds of that clock, of which a push takes half a one.
        let read = tokio::time::timeout(PATIENCE, self.lines.read_line(&mut line));
        read.await.expect("no push in time").unwrap();
        let json = line
            .strip_prefix("Push::")
            .unwrap_or_else(|| panic!("no push: {line:?}"));
        let push: Value = serde_json::from_str(&json.replace("\\\\", "\\")).unwrap();
        self.seq += 1;
        assert_eq!(push["_meta"]["seq"], self.seq, "a push was lost");
        push
    }
}

/// Runs `test` with a client that has started with these `keys` at 0.5 s, over what is offered
/// below `root` and `more`. `paused` is for plugins that are read on the spot: time passes when
/// nothing else is left to do.
pub fn watched<F: Future<Output = ()>>(
    (root, more): (&Root, Vec<Entry>),
    (dials, paused): (Clocks, bool),
    keys: &str,
    test: impl FnOnce(Watching) -> F,
) {
    let runtime = move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().start_paused(paused).build().unwrap()
    };
    System::with_tokio_rt(runtime).block_on(async {
        let clock = Clock::start();
        let mut entries = registry::built_in(root);
        entries.extend(more);
        let sampling = Rc::new(Sampling::new(entries, clock).unwrap());
        let supervisor = Supervisor::new(clock, Rules::default()).start();
        let info = Info {
            host: Host::read(root),
            max_clients: None,
        };
        let house = Rc::new(SessionContext {
            supervisor,
            sampling: Rc::clone(&sampling),
            info,
        });
        let tick = Rc::new(Broadcaster::new(
            sampling,
            FrameCache::new("boot".into()).timed_by(dials),
        ));
        let desk = SessionFactory::new(house, Rc::clone(&tick));
        actix::spawn(async move { tick.run().await });

        let (near, far) = UnixStream::pair().unwrap();
        let presence = Rc::new(ConnectionCounter::default());
        actix::spawn(raw::session(
            &desk,
            Stream::unix(near, Peer::direct(Origin::Unix(0)), presence.enter()),
        ));
        let (reading, mut writing) = far.into_split();
        let commands = format!("plugins::{keys},_meta\ninterval::0.5\nstart\n");
        writing.write_all(commands.as_bytes()).await.unwrap();
        let mut lines = BufReader::new(reading);
        let mut welcome = String::new();
        let read = tokio::time::timeout(PATIENCE, lines.read_line(&mut welcome));
        read.await.expect("no greeting in time").unwrap();
        assert!(welcome.starts_with("Welcome::"), "{welcome}");
        test(Watching { lines, seq: 0 }).await;
        drop(writing);
    });
}
