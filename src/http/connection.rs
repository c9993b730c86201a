//! An HTTP/1 connection: one request after the other, until it ends or an upgrade makes it a
//! session. All limits of a connection are here, except those of a head's size.
//!
//! A request is read once the one before is answered, so that what a client sends ahead stays in
//! the kernel. Every way to close says why and lets the peer read it.

use std::{future::poll_fn, io, rc::Rc, time::Duration};

use actix_http::Request;
use actix_web::{HttpResponse, http::StatusCode};
use bytes::{Buf, BytesMut};
use tokio::{
    sync::Notify,
    task::yield_now,
    time::{Instant, timeout, timeout_at},
};

use crate::{
    http::{
        request::{Head, HeadError, lines},
        response::{Framing, MISCONFIGURED, encode, plain},
        service::Service,
        static_files::Pages,
        upgrade::{self, Upgrade},
    },
    net::{admission::ConnectionFilter, peer::Origin, stream::Stream},
    session::connection::SessionFactory,
};

/// Time limit for a head: from the start of the connection, or from the first byte of a later
/// request.
const HEAD: Duration = Duration::from_secs(10);

/// Time limit for the first byte of a later request.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// A client that reads no byte of its response for this long is disconnected.
const BLOCKED: Duration = Duration::from_secs(30);

/// Serves the connections of the WebSocket listeners.
pub struct Http {
    sessions: Rc<SessionFactory>,
    filter: Rc<ConnectionFilter>,
    service: Service,
    stopping: Notify,
}

impl Http {
    /// Upgraded connections become sessions of `sessions`; the others get `pages`.
    #[must_use]
    pub fn new(sessions: Rc<SessionFactory>, filter: Rc<ConnectionFilter>, pages: Pages) -> Self {
        let context = Rc::clone(&sessions.context);
        Self {
            sessions,
            service: Service::new(context, Rc::clone(&filter), pages),
            filter,
            stopping: Notify::new(),
        }
    }

    /// Serves other pages from the next request on.
    pub fn set_pages(&self, pages: Pages) {
        self.service.set_pages(pages);
    }

    /// Ends every connection that is not a session.
    pub fn stop(&self) {
        self.stopping.notify_waiters();
    }

    /// Serves one connection until it ends or becomes a session.
    pub async fn serve(self: Rc<Self>, stream: Stream) {
        tokio::select! {
            () = serve(&self, stream) => {}
            () = self.stopping.notified() => {}
        }
    }
}

/// What follows from the bytes received.
enum Step {
    /// The head is incomplete.
    Receive,
    /// The connection becomes a session.
    Upgrade(Upgrade),
    /// The service answers.
    Answer(Request, Framing),
    /// The connection ends with this response.
    Reject(HttpResponse, Framing),
    /// The connection ends: the client is gone, or has nothing to ask.
    Close,
}

impl Step {
    fn reject(error: HeadError) -> Self {
        let (status, text) = match error {
            HeadError::Malformed => (StatusCode::BAD_REQUEST, "this is no HTTP/1.1 request\n"),
            HeadError::TooLarge => (
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "the head of a request is at most 16384 bytes long\n",
            ),
        };
        Self::Reject(plain(HttpResponse::build(status), text), Framing::LAST)
    }
}

/// The response to a connection that exceeds the limit of its address.
pub(crate) fn too_many_connections() -> Vec<u8> {
    let text = "too many connections from this address\n";
    encode(plain(HttpResponse::TooManyRequests(), text), Framing::LAST)
}

/// The loop.
async fn serve(http: &Http, mut stream: Stream) {
    let mut received = BytesMut::new();
    let mut deadline = Instant::now() + HEAD;
    loop {
        let (response, framing) = match receive(http, &mut stream, &mut received, deadline).await {
            Step::Upgrade(upgrade) => {
                return upgrade.open(stream, &http.sessions, &http.filter.turn);
            }
            Step::Answer(request, framing) => (http.service.answer(request).await, framing),
            Step::Reject(response, framing) => (response, framing),
            Step::Receive | Step::Close => return,
        };
        if write(&stream, &encode(response, framing)).await.is_err() {
            return;
        }
        if !framing.keeps_alive {
            return stream.finish().await;
        }
        // A client that pipelines many requests takes turns with the others.
        yield_now().await;
        if received.is_empty()
            && !matches!(
                timeout(KEEP_ALIVE, read(&stream, &mut received)).await,
                Ok(Ok(1..))
            )
        {
            return;
        }
        deadline = Instant::now() + HEAD;
    }
}

/// Reads until the first head in `received` is complete, and removes it.
async fn receive(
    http: &Http,
    stream: &mut Stream,
    received: &mut BytesMut,
    deadline: Instant,
) -> Step {
    loop {
        match next(http, stream, received) {
            Step::Receive => {}
            step => return step,
        }
        match timeout_at(deadline, read(stream, received)).await {
            Ok(Ok(1..)) => {}
            Ok(Ok(0) | Err(_)) => return Step::Close,
            Err(_) => {
                let text = "the head of a request has to be complete within 10 s\n";
                return Step::Reject(plain(HttpResponse::RequestTimeout(), text), Framing::LAST);
            }
        }
    }
}

fn next(http: &Http, stream: &mut Stream, received: &mut BytesMut) -> Step {
    let mut lines = lines();
    let head = match Head::parse(received, &mut lines) {
        Ok(Some(head)) => head,
        Ok(None) => return Step::Receive,
        Err(error) => return Step::reject(error),
    };
    let framing = Framing {
        version: head.version,
        keeps_alive: head.keeps_alive(),
        without_content: head.method == "HEAD",
    };
    if upgrade::is_requested(&head) {
        let refused = if http.service.is_misconfigured() {
            plain(HttpResponse::ServiceUnavailable(), MISCONFIGURED)
        } else {
            match Upgrade::accept(&head, stream, received, &http.filter) {
                Ok(upgrade) => return Step::Upgrade(upgrade),
                Err(error) => error.response(),
            }
        };
        let framing = Framing {
            keeps_alive: false,
            ..framing
        };
        return Step::Reject(refused, framing);
    }
    let address = match stream.peer.origin {
        Origin::Tcp(address) => Some(address),
        Origin::Unix(_) => None,
    };
    let (request, length) = (head.to_request(address), head.length);
    received.advance(length);
    request.map_or_else(Step::reject, |request| Step::Answer(request, framing))
}

async fn read(stream: &Stream, received: &mut BytesMut) -> io::Result<usize> {
    poll_fn(|cx| stream.poll_receive(cx, received)).await
}

async fn write(stream: &Stream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = timeout(BLOCKED, poll_fn(|cx| stream.poll_write(cx, bytes)));
        let Ok(count) = written.await else {
            // A socket that is broken has nothing to discard.
            let _ = stream.abandon();
            return Err(io::ErrorKind::TimedOut.into());
        };
        match count? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            count => bytes = bytes.get(count..).unwrap_or_default(),
        }
    }
    timeout(BLOCKED, poll_fn(|cx| stream.poll_flush(cx))).await?
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::UnixStream,
        task::spawn_local,
    };

    use super::*;
    use crate::session::{
        supervisor::Rules,
        test_server::{TestServer, paused, socket_pair},
    };

    const REQUEST: &str = "GET /missing HTTP/1.1\r\nHost: localhost\r\n\r\n";

    fn http() -> Rc<Http> {
        let sessions = TestServer::new(Rules::default()).sessions;
        Rc::new(Http::new(sessions, Rc::default(), Pages::default()))
    }

    /// A client that has sent these bytes.
    async fn client(http: &Rc<Http>, bytes: impl AsRef<[u8]>) -> UnixStream {
        let (near, mut far) = socket_pair();
        spawn_local(Rc::clone(http).serve(near));
        far.write_all(bytes.as_ref()).await.unwrap();
        far
    }

    /// The status codes up to the end of the connection, and the seconds until then.
    async fn statuses(mut client: UnixStream) -> (Vec<String>, u64) {
        let began = Instant::now();
        let mut bytes = Vec::new();
        client.read_to_end(&mut bytes).await.unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let starts = text.split("HTTP/1.1 ").skip(1);
        let statuses = starts.map(|start| start[..3].to_owned()).collect();
        (statuses, began.elapsed().as_secs())
    }

    #[test]
    fn pipelined_requests_are_answered_in_order_until_one_closes() {
        paused(async || {
            let last = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
            let requests = [REQUEST, REQUEST, last, REQUEST].concat();
            let client = client(&http(), requests).await;
            let expected = ["404", "404", "200"].map(String::from).to_vec();
            assert_eq!(statuses(client).await.0, expected);
        });
    }

    #[test]
    fn a_head_in_pieces_is_one_request() {
        paused(async || {
            let mut client = client(&http(), "").await;
            for byte in REQUEST.bytes() {
                client.write_all(&[byte]).await.unwrap();
                yield_now().await;
            }
            assert_eq!(statuses(client).await, (vec!["404".into()], 5));
        });
    }

    #[test]
    fn a_head_that_does_not_come_is_told_so_after_ten_seconds() {
        paused(async || {
            for start in ["", "GET / HTTP/1.1\r\n"] {
                let client = client(&http(), start).await;
                assert_eq!(statuses(client).await, (vec!["408".into()], 10), "{start}");
            }
        });
    }

    #[test]
    fn a_connection_waits_five_seconds_for_another_request() {
        paused(async || {
            let client = client(&http(), REQUEST).await;
            assert_eq!(statuses(client).await, (vec!["404".into()], 5));
        });
    }

    #[test]
    fn a_later_head_has_its_own_ten_seconds() {
        paused(async || {
            let client = client(&http(), [REQUEST, "GET / "].concat()).await;
            let expected = ["404", "408"].map(String::from).to_vec();
            assert_eq!(statuses(client).await, (expected, 10));
        });
    }

    #[test]
    fn a_client_that_reads_nothing_is_disconnected() {
        paused(async || {
            let http = http();
            let (near, mut far) = socket_pair();
            let connection = spawn_local(Rc::clone(&http).serve(near));
            let began = Instant::now();
            // More responses than the two sockets hold.
            for _ in 0..2000 {
                if tokio::time::timeout(BLOCKED, far.write_all(REQUEST.as_bytes()))
                    .await
                    .is_err()
                {
                    break;
                }
            }
            connection.await.unwrap();
            assert!(began.elapsed() >= BLOCKED);
        });
    }

    #[test]
    fn a_stop_ends_a_connection_that_is_no_session() {
        paused(async || {
            let http = http();
            let client = client(&http, "GET / ").await;
            tokio::time::sleep(Duration::from_millis(1)).await;
            http.stop();
            assert_eq!(statuses(client).await, (vec![], 0));
        });
    }

    #[test]
    fn an_upgrade_becomes_a_session_with_what_came_behind_it() {
        paused(async || {
            let upgrade = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                           Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
            let quit = b"\x81\x84\0\0\0\0quit";
            let bytes = [REQUEST.as_bytes(), upgrade.as_bytes(), quit].concat();
            let mut client = client(&http(), bytes).await;
            let mut answer = Vec::new();
            client.read_to_end(&mut answer).await.unwrap();
            let text = String::from_utf8_lossy(&answer);
            assert!(
                text.contains("HTTP/1.1 101 ") && text.contains("Welcome::"),
                "{text}"
            );
            assert!(answer.ends_with(b"\x88\x02\x03\xe8"), "{text}");
        });
    }
}
