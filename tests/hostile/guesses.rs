//! Tokens that are guessed: the guesser's address waits, nobody else does.

use std::{net::SocketAddr, time::Duration};

use rtstat_test_support::{Client, Got, Rtstatd, eventually};

const WRONG: &str = "Error::Auth failed\n";
const VERSION: &str = concat!("Version::", env!("CARGO_PKG_VERSION"), "\n");

fn session(source: &str, address: SocketAddr) -> Client {
    let mut client = Client::connect_from(source, address);
    assert!(client.line().starts_with("Welcome::"));
    client
}

/// Five wrong tokens, after which the session is over.
fn guess(source: &str, address: SocketAddr) {
    let mut client = session(source, address);
    client.send("auth::guess\n".repeat(5));
    for _ in 0..5 {
        assert_eq!(client.line(), WRONG);
    }
    while !client.line().is_empty() {}
}

/// Whether the right token is taken. What follows an `auth` is answered after it.
fn opens(client: &mut Client) {
    client.send("auth::right\nversion\n");
    assert_eq!(client.line(), VERSION);
}

#[test]
fn after_twenty_guesses_an_address_waits_and_no_other_does() {
    let agent = Rtstatd::start_as_this_user(&["raw"], &["--auth-token", "right"]);
    let address = agent.listener("raw");
    for _ in 0..4 {
        guess("127.0.9.1", address);
    }
    // The answer there waits a second; every other address is served meanwhile. A machine that is
    // busy for longer than that between two lines of this test may try again.
    eventually("others served while the guesser waits", || {
        let mut guesser = session("127.0.9.1", address);
        guesser.send("auth::right\nversion\n");
        for other in ["127.0.9.2", "127.0.0.1", "127.9.9.1"] {
            opens(&mut session(other, address));
        }
        let waits = guesser.read_for(Duration::ZERO, |bytes| bytes.first().map(|_| ((), 0)));
        let waits = waits == Got::Nothing;
        if waits {
            assert_eq!(
                guesser.line(),
                VERSION,
                "in the end the right token is right there too"
            );
        }
        waits.then_some(())
    });
}

#[test]
fn guesses_from_many_addresses_neither_open_nor_cost_anything() {
    let agent = Rtstatd::start_as_this_user(&["raw"], &["--auth-token", "right"]);
    let address = agent.listener("raw");
    let mut waiting = session("127.0.0.1", address);
    let (descriptors, before) = (agent.descriptors(), agent.resident_kib());
    for number in 0..2000 {
        guess(
            &format!("127.0.{}.{}", 10 + number / 200, 1 + number % 200),
            address,
        );
    }
    opens(&mut waiting);
    eventually("the descriptors of the guessers", || {
        (agent.descriptors() <= descriptors).then_some(())
    });
    let grown = agent.resident_kib().saturating_sub(before);
    assert!(grown < 4096, "{grown} KiB more");
    // Told are the first few of each second, and how many were not.
    assert!(
        agent.log().lines().count() < 1000,
        "{}",
        agent.log().lines().count()
    );
}
