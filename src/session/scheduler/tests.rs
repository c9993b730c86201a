//! Schedulers over the raw transport, with the other end of a socket pair in place of the client, in
//! paused time.

use std::time::Duration;

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
    task::spawn_local,
};

use crate::session::{
    raw,
    supervisor::{Count, Rules, Stop},
    test_server::{TestServer, paused, socket_pair},
    tokens::{Token, Tokens},
};

impl TestServer {
    /// A client that has sent `commands`.
    async fn client(&self, commands: &str) -> Client {
        let (near, mut far) = socket_pair();
        spawn_local(raw::session(&self.sessions, near));
        far.write_all(commands.as_bytes()).await.unwrap();
        Client(BufReader::new(far))
    }

    async fn count(&self) -> usize {
        self.supervisor.send(Count).await.unwrap()
    }
}

struct Client(BufReader<UnixStream>);

impl Client {
    /// The next line without its LF.
    async fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).await.unwrap();
        line.trim_end().to_owned()
    }

    /// Everything up to the end of the connection.
    async fn rest(mut self) -> String {
        let mut rest = String::new();
        self.0.read_to_string(&mut rest).await.unwrap();
        rest
    }

    async fn send(&mut self, commands: &str) {
        self.0
            .get_mut()
            .write_all(commands.as_bytes())
            .await
            .unwrap();
    }
}

fn with_token() -> Rules {
    Rules {
        tokens: Tokens::new(vec![Token {
            name: "wall".into(),
            value: "secret".into(),
        }]),
        ..Rules::default()
    }
}

const WELCOME: &str = concat!("Welcome::Rt-Stat v.", env!("CARGO_PKG_VERSION"));

#[test]
fn a_client_is_greeted_before_it_is_answered() {
    paused(async || {
        let mut client = TestServer::new(Rules::default())
            .client("version\nno such\n")
            .await;
        assert_eq!(client.line().await, WELCOME);
        assert!(client.line().await.starts_with("Version::"));
        assert_eq!(client.line().await, "Error::Unknown command");
    });
}

#[test]
fn a_refused_client_gets_the_reason_and_no_greeting() {
    paused(async || {
        let server = TestServer::new(Rules {
            max_clients: Some(1),
            ..Rules::default()
        });
        let mut first = server.client("").await;
        assert_eq!(first.line().await, WELCOME);
        let second = server.client("version\n").await;
        assert_eq!(second.rest().await, "Error::Too many clients\n");
        assert_eq!(server.count().await, 1);
    });
}

#[test]
fn the_permit_is_free_again_after_the_session() {
    paused(async || {
        let server = TestServer::new(Rules {
            max_clients: Some(1),
            ..Rules::default()
        });
        for _ in 0..3 {
            let client = server.client("quit\n").await;
            assert!(client.rest().await.starts_with(WELCOME));
        }
        assert_eq!(server.count().await, 0);
    });
}

#[test]
fn what_follows_a_token_waits_for_the_supervisor() {
    paused(async || {
        let server = TestServer::new(with_token());
        let mut client = server
            .client("start\nauth::secret\nplugins::no\nauth::wrong\nplugins::no\n")
            .await;
        for expected in [
            WELCOME,
            "Error::Not authorized",
            "Error::Unknown plugin",
            "Error::Auth failed",
            "Error::Not authorized",
        ] {
            assert_eq!(client.line().await, expected);
        }
    });
}

#[test]
fn a_session_without_a_token_ends_at_its_deadline() {
    paused(async || {
        let server = TestServer::new(with_token());
        let began = tokio::time::Instant::now();
        let client = server.client("").await;
        let rest = client.rest().await;
        assert!(rest.starts_with(WELCOME), "{rest}");
        assert_eq!(began.elapsed().as_secs(), 10);
    });
}

#[test]
fn pushes_begin_after_one_interval_and_end_with_stop() {
    paused(async || {
        let server = TestServer::new(Rules::default());
        let mut client = server.client("plugins::_meta\ninterval::2\nstart\n").await;
        let began = tokio::time::Instant::now();
        while !client.line().await.starts_with("Push::") {}
        let after = began.elapsed();
        assert!(
            (Duration::from_secs(2)..Duration::from_millis(2100)).contains(&after),
            "{after:?}"
        );
        client.send("stop\nversion\n").await;
        while !client.line().await.starts_with("Version::") {}
        let more = tokio::time::timeout(Duration::from_secs(10), client.line()).await;
        assert!(more.is_err(), "{more:?}");
    });
}

#[test]
fn a_stop_of_the_server_ends_every_session() {
    paused(async || {
        let server = TestServer::new(Rules::default());
        let mut clients = [server.client("").await, server.client("").await];
        for client in &mut clients {
            assert_eq!(client.line().await, WELCOME);
        }
        server.supervisor.send(Stop).await.unwrap();
        for client in clients {
            assert_eq!(client.rest().await, "");
        }
        assert_eq!(server.count().await, 0);
    });
}

#[test]
fn a_client_that_disconnects_leaves_no_session() {
    paused(async || {
        let server = TestServer::new(Rules::default());
        let mut client = server.client("interval::1\nstart\n").await;
        assert_eq!(client.line().await, WELCOME);
        drop(client);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(server.count().await, 0);
    });
}
