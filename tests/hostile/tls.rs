//! TLS in the program: versions, renewal, and handshakes that never end.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use rustls::{
    pki_types::{CertificateDer, pem::PemObject},
    version::{TLS12, TLS13},
};
use tempfile::TempDir;

use rtstat_test_support::{Client, Rtstatd, eventually};

use super::{
    tls_client::{BOTH, certificate_of, connect, try_connect},
    watcher::Watcher,
};

const WELCOME: &str = concat!("Welcome::Rt-Stat v.", env!("CARGO_PKG_VERSION"), "\n");

/// A folder with one of the pairs of the fixtures as `cert.pem` and `key.pem`.
pub struct Pair(TempDir);

impl Pair {
    pub fn new() -> Self {
        let pair = Self(tempfile::tempdir().unwrap());
        pair.put("cert.pem", "key.pem");
        pair
    }

    fn fixture(name: &str) -> Vec<u8> {
        fs::read(
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("tests/fixtures/tls")
                .join(name),
        )
        .unwrap()
    }

    fn put(&self, cert: &str, key: &str) {
        fs::write(self.cert(), Self::fixture(cert)).unwrap();
        fs::write(self.key(), Self::fixture(key)).unwrap();
        fs::set_permissions(self.key(), fs::Permissions::from_mode(0o600)).unwrap();
    }

    pub fn cert(&self) -> String {
        self.0.path().join("cert.pem").to_str().unwrap().to_owned()
    }

    pub fn key(&self) -> String {
        self.0.path().join("key.pem").to_str().unwrap().to_owned()
    }

    pub fn agent(&self, schemes: &[&str], options: &[&str]) -> Rtstatd {
        let (cert, key) = (self.cert(), self.key());
        Rtstatd::start_as_this_user(
            schemes,
            &[&["--tls-cert", &cert, "--tls-key", &key], options].concat(),
        )
    }
}

fn certificate(name: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(&Pair::fixture(name)).unwrap()
}

#[test]
fn both_transports_and_both_versions() {
    let pair = Pair::new();
    let agent = pair.agent(&["wss", "raws"], &[]);
    for version in [&TLS12, &TLS13] {
        let mut raw = connect(agent.listener("raws"), &[version]);
        assert_eq!(raw.line(), WELCOME);
        raw.send("interval::0.5\nstart\n");
        for _ in 0..2 {
            assert!(
                raw.line().starts_with("Push::{\"cpu_stat\":"),
                "{version:?}"
            );
        }
        raw.send("quit\n");
        // What was on its way, and the end as TLS wants it, by an alert.
        let rest = String::from_utf8(raw.rest()).unwrap();
        assert!(
            rest.lines().all(|line| line.starts_with("Push::")),
            "{rest}"
        );
        let mut page = connect(agent.listener("wss"), &[version]);
        page.send(format!(
            "GET / HTTP/1.1\r\nHost: {}\r\n\r\n",
            agent.listener("wss")
        ));
        assert!(page.head().starts_with("HTTP/1.1 200 "));
        let mut session = connect(agent.listener("wss"), &[version]);
        session.ask_upgrade("/", &format!("Host: {}\r\n", agent.listener("wss")));
        assert!(session.head().starts_with("HTTP/1.1 101 "));
        assert_eq!(session.text(), WELCOME);
        session.send(b"\x81\x8d\0\0\0\0interval::0.5\x81\x85\0\0\0\0start");
        assert!(session.text().starts_with("Push::{"), "{version:?}");
    }
    let Err(refused) = try_connect(agent.listener("wss"), BOTH, &[b"h2"]) else {
        panic!("h2 was accepted")
    };
    assert!(
        refused.to_string().contains("NoApplicationProtocol"),
        "{refused}"
    );
}

/// A client hello of an old version without extensions, as a scanner sends it (RFC 4346 §7.4.1.2).
fn old_hello(version: u8) -> Vec<u8> {
    let body = [
        &[3, version][..],
        &[7; 32],
        &[0],
        &[0, 4, 0xc0, 0x13, 0x00, 0x2f],
        &[1, 0],
    ]
    .concat();
    let length = u8::try_from(body.len()).unwrap();
    [&[0x16, 3, 1, 0, length + 4, 1, 0, 0, length][..], &body].concat()
}

#[test]
fn older_versions_and_other_protocols_are_refused() {
    let pair = Pair::new();
    let agent = pair.agent(&["wss"], &[]);
    for (name, hello) in [
        ("SSL 3.0", old_hello(0)),
        ("TLS 1.0", old_hello(1)),
        ("TLS 1.1", old_hello(2)),
        (
            "HTTP",
            b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        ),
        ("noise", vec![0xff; 4096]),
    ] {
        let mut client = Client::connect(agent.listener("wss"));
        client.send(&hello);
        client.half_close();
        let answer = client.rest();
        // Nothing, or one fatal alert.
        assert!(
            answer.is_empty() || (answer[0] == 0x15 && answer.len() == 7 && answer[5] == 2),
            "{name}: {answer:x?}"
        );
    }
}

#[test]
fn renewed_files_are_picked_up_and_a_bad_pair_is_not() {
    let pair = Pair::new();
    let agent = pair.agent(&["raws"], &[]);
    let address = agent.listener("raws");
    let mut session = connect(address, BOTH);
    assert_eq!(certificate_of(&session), certificate("cert.pem"));
    assert_eq!(session.line(), WELCOME);

    pair.put("other-cert.pem", "other-key.pem");
    agent.signal(Signal::SIGHUP);
    agent.logged("configuration reloaded");
    assert_eq!(
        certificate_of(&connect(address, BOTH)),
        certificate("other-cert.pem")
    );

    pair.put("cert.pem", "other-key.pem");
    agent.signal(Signal::SIGHUP);
    agent.logged("configuration not reloaded, the old one stays: --tls-key");
    assert_eq!(
        certificate_of(&connect(address, BOTH)),
        certificate("other-cert.pem")
    );

    session.send("version\n");
    assert!(
        session.line().starts_with("Version::"),
        "the session of the first certificate goes on"
    );
}

#[test]
fn handshakes_that_never_end_shut_nobody_out() {
    let pair = Pair::new();
    let agent = pair.agent(&["raws", "raw"], &[]);
    let watcher = Watcher::start(agent.listener("raw"));
    let before = agent.descriptors();
    let mut silent: Vec<Client> = (0..300)
        .map(|_| Client::connect(agent.listener("raws")))
        .collect();
    // The oldest make place for the newest.
    assert_eq!(silent[0].rest(), b"");
    assert_eq!(connect(agent.listener("raws"), BOTH).line(), WELCOME);
    assert!(
        agent.descriptors() <= before + 258,
        "{} descriptors",
        agent.descriptors()
    );
    // A hello in drops, from the last of them.
    let mut slow = silent.pop().unwrap();
    let began = Instant::now();
    slow.send(&old_hello(3)[..6]);
    assert_eq!(slow.rest(), b"");
    assert!(
        began.elapsed() > Duration::from_secs(8),
        "not before its deadline"
    );
    agent.logged("connection refused: the TLS handshake did not come within 10 s");
    eventually("the descriptors", || {
        (agent.descriptors() <= before + 2).then_some(())
    });
    watcher.finish();
}
