//! The raw transport: lines, however the network cuts them.

use std::{
    io::{Read, Write},
    net::Shutdown,
};

use rtstat_test_support::Rtstatd;

const WELCOME: &str = concat!("Welcome::Rt-Stat v.", env!("CARGO_PKG_VERSION"), "\n");
const VERSION: &str = concat!("Version::", env!("CARGO_PKG_VERSION"), "\n");
const UNKNOWN: &str = "Error::Unknown command\n";
const NOT_UTF8: &str = "Error::Message is not valid UTF-8\n";
const TOO_LONG: &str = "Error::Message too long\n";
const FAILED: &str = "Error::Auth failed\n";

/// Everything that a client gets that writes `bytes` in pieces of `size` and then ends its half.
fn answers(server: &Rtstatd, bytes: &[u8], size: usize) -> String {
    let mut stream = rtstat_test_support::connect(server.address()).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut got = Vec::new();
    std::thread::scope(|scope| {
        let mut writer = stream.try_clone().unwrap();
        scope.spawn(move || {
            // The server may close before it has read all.
            let _ = bytes
                .chunks(size)
                .try_for_each(|piece| writer.write_all(piece));
            let _ = writer.shutdown(Shutdown::Write);
        });
        if let Err(error) = stream.read_to_end(&mut got) {
            assert_eq!(
                error.kind(),
                std::io::ErrorKind::ConnectionReset,
                "after {} bytes",
                got.len()
            );
        }
    });
    String::from_utf8(got).unwrap()
}

#[test]
fn lines() {
    let line = |len: usize| "*".repeat(len);
    let cases: Vec<(&str, Vec<u8>, Vec<&str>)> = vec![
        ("nothing", vec![], vec![]),
        (
            "merged",
            b"version\nbogus\nversion\n".to_vec(),
            vec![VERSION, UNKNOWN, VERSION],
        ),
        (
            "CRLF",
            b"version\r\nbogus\r\n".to_vec(),
            vec![VERSION, UNKNOWN],
        ),
        ("empty lines", b"\n\r\n \n".to_vec(), vec![UNKNOWN; 3]),
        (
            "without a newline at the end",
            b"version\nversion".to_vec(),
            vec![VERSION, VERSION],
        ),
        (
            "NUL",
            b"ver\0sion\n\0version\0\n\0\n".to_vec(),
            vec![UNKNOWN, VERSION, UNKNOWN],
        ),
        (
            "not UTF-8",
            b"\xff\xfe\nversion\n\xc3".to_vec(),
            vec![NOT_UTF8, VERSION, NOT_UTF8],
        ),
        (
            "4096 bytes",
            (line(4096) + "\nversion\n").into(),
            vec![UNKNOWN, VERSION],
        ),
        (
            "4097 bytes",
            (line(4097) + "\nversion\n").into(),
            vec![TOO_LONG],
        ),
        ("4097 bytes at the end", line(4097).into(), vec![TOO_LONG]),
        (
            "behind a quit",
            b"version\nquit\nversion\n".to_vec(),
            vec![VERSION],
        ),
    ];
    let server = Rtstatd::start(&["raw"], &["-c", "0"]);
    for (name, bytes, expected) in cases {
        for size in [1, 2, 3, 1000, usize::MAX] {
            let got = answers(&server, &bytes, size);
            assert_eq!(
                got,
                WELCOME.to_owned() + &expected.concat(),
                "{name}, in pieces of {size}"
            );
        }
    }
}

#[test]
fn a_megabyte_without_a_newline() {
    let server = Rtstatd::start(&["raw"], &[]);
    let got = answers(&server, &vec![b'*'; 1 << 20], usize::MAX);
    assert_eq!(got, WELCOME.to_owned() + TOO_LONG);
    assert_eq!(
        answers(&server, b"version", 7),
        WELCOME.to_owned() + VERSION
    );
}

#[test]
fn a_hundred_thousand_commands_in_one_write() {
    let server = Rtstatd::start(&["raw"], &[]);
    let got = answers(&server, "version\n".repeat(100_000).as_bytes(), usize::MAX);
    assert_eq!(got.len(), WELCOME.len() + 100_000 * VERSION.len());
    assert!(got == WELCOME.to_owned() + &VERSION.repeat(100_000));
}

#[test]
fn what_stands_behind_an_auth_waits_for_it() {
    let server = Rtstatd::start(&["raw"], &["-a", "secret"]);
    for size in [1, usize::MAX] {
        let right = answers(
            &server,
            b"auth::secret\ninterval::1\nstart\nstop\nauth::x\nstop\nversion",
            size,
        );
        assert_eq!(
            right,
            [WELCOME, FAILED, "Error::Not authorized\n", VERSION].concat()
        );
        let wrong = answers(&server, "auth::x\nversion\n".repeat(6).as_bytes(), size);
        assert_eq!(
            wrong,
            [WELCOME, &[FAILED, VERSION].concat().repeat(4), FAILED].concat()
        );
    }
}
