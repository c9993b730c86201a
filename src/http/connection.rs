//! A connection as the HTTP service sees it, with the bounds that the service does not have: of a
//! request's head in bytes and seconds, of a client that does not read its answer, and of what is
//! read in one turn.
//!
//! What ends here ends in words: the answer is written, and what the peer still sends is read for a
//! moment, since closing over unread bytes would reset the connection and lose the answer.

use std::{
    cell::Cell,
    future::{Future, poll_fn},
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

use crate::{http::static_files, net::stream::Stream};

/// The longest head of a request, in bytes.
const LONGEST_HEAD: usize = 16 * 1024;

/// A head that began has to be complete within this time. For the first of a connection the service
/// sees to it too.
pub const HEAD: Duration = Duration::from_secs(10);

/// A client that takes no byte of its answer for this long is cut off.
const BLOCKED: Duration = Duration::from_secs(30);

/// How long the peer may take to read why the connection ends.
const LINGER: Duration = Duration::from_secs(1);

/// What the service itself says to what is no request, up to where each answer differs: it has no
/// place for the headers of everything that is served.
const OWN_WORDS: [(&[u8], &str, &str); 3] = [
    (
        b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n",
        "400 Bad Request",
        "this is no HTTP/1.1 request\n",
    ),
    (
        b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n",
        TIMEOUT,
        LATE,
    ),
    (
        b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n",
        TOO_LARGE,
        LONG,
    ),
];

const TIMEOUT: &str = "408 Request Timeout";
const LATE: &str = "the head of a request has to be complete within 10 s\n";
const TOO_LARGE: &str = "431 Request Header Fields Too Large";
const LONG: &str = "the head of a request is at most 16384 bytes long\n";

/// A connection that speaks HTTP.
pub struct HttpStream {
    /// What was read of it and the service has not had.
    first: Bytes,
    /// Gone once it speaks HTTP no longer.
    stream: Option<Stream>,
    farewell: Farewell,
    head: Head,
    asked: Asked,
    deadline: Option<Pin<Box<Sleep>>>,
    blocked: Option<Pin<Box<Sleep>>>,
    /// Something was read in this turn; the rest waits until everybody else had theirs.
    had_turn: bool,
    ending: Option<Ending>,
}

impl HttpStream {
    /// Speaks HTTP over `stream`, of which `first` was read already; `farewell` gets it when the
    /// service drops it in the middle of its last words.
    #[must_use]
    pub fn new(first: Bytes, stream: Stream, farewell: Farewell) -> Self {
        let stream = Some(stream);
        Self {
            first,
            stream,
            farewell,
            head: Head::default(),
            asked: Asked::default(),
            deadline: None,
            blocked: None,
            had_turn: false,
            ending: None,
        }
    }

    /// The connection, while it speaks HTTP.
    #[must_use]
    pub fn stream(&self) -> Option<&Stream> {
        self.stream.as_ref()
    }

    /// What of `first` was not read once more, and the connection, which speaks HTTP no longer.
    #[must_use]
    pub fn into_parts(mut self) -> Option<(Bytes, Stream)> {
        Some((std::mem::take(&mut self.first), self.stream.take()?))
    }

    fn poll_bytes(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.first.is_empty() {
            return self.stream.as_mut().map_or(Poll::Ready(Ok(())), |stream| {
                Pin::new(stream).poll_read(cx, buffer)
            });
        }
        let count = self.first.len().min(buffer.remaining());
        buffer.put_slice(&self.first.split_to(count));
        Poll::Ready(Ok(()))
    }

    /// Ends the connection with this answer.
    fn refuse(&mut self, cx: &mut Context<'_>, status: &str, text: &str) -> Poll<io::Result<()>> {
        self.deadline = None;
        self.ending = Some(Ending::new(static_files::page(status, text)));
        self.poll_end(cx)
            .map(|()| Err(io::ErrorKind::ConnectionAborted.into()))
    }

    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(stream) = &self.stream else {
            return Poll::Ready(());
        };
        ready!(
            self.ending
                .get_or_insert_with(|| Ending::new(String::new()))
                .poll(stream, cx)
        );
        self.stream = None;
        Poll::Ready(())
    }

    /// Cuts off a client that does not read.
    fn patient<T>(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.blocked = None;
            return outcome;
        }
        let timer = self.blocked.get_or_insert_with(|| Box::pin(sleep(BLOCKED)));
        ready!(timer.as_mut().poll(cx));
        // A socket that is broken already has nothing left to forget.
        if let Some(stream) = self.stream.take() {
            let _ = stream.abandon();
        }
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl Drop for HttpStream {
    fn drop(&mut self) {
        if let (Some(stream), Some(ending)) = (self.stream.take(), self.ending.take()) {
            self.farewell.0.set(Some((stream, ending)));
        }
    }
}

/// What is left to say to a client when the service is through with it.
#[derive(Clone, Default)]
pub struct Farewell(Rc<Cell<Option<(Stream, Ending)>>>);

impl Farewell {
    /// Says it.
    pub async fn say(self) {
        if let Some((stream, mut ending)) = self.0.take() {
            poll_fn(|cx| ending.poll(&stream, cx)).await;
        }
    }
}

/// Requests come to the service one at a time: it would take in, parsed, as many as a client cares
/// to send ahead of their answers, each of which is many times as long as its line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Asked {
    /// The service may read the next request.
    #[default]
    Nothing,
    /// It has one, and has not begun to answer.
    Something,
    /// It answers.
    Answering,
}

/// Follows the heads of requests in what a client sends. What a body holds counts as a head that
/// begins: nothing here takes a body.
#[derive(Debug, Default)]
struct Head {
    length: usize,
    /// Something other than the end of a line has come.
    begun: bool,
    at_line_start: bool,
}

impl Head {
    /// Passes bytes up to the end of a head; how many these are, if its end is among them.
    fn pass(&mut self, bytes: &[u8]) -> Option<usize> {
        for (at, byte) in bytes.iter().enumerate() {
            self.length += 1;
            match byte {
                b'\n' if self.at_line_start && self.begun => {
                    *self = Self::default();
                    return Some(at + 1);
                }
                b'\n' => self.at_line_start = true,
                b'\r' => {}
                _ => (self.begun, self.at_line_start) = (true, false),
            }
        }
        None
    }
}

/// The last words of a connection, and the reading until the peer has had them.
struct Ending {
    words: Vec<u8>,
    written: usize,
    closed: bool,
    timer: Pin<Box<Sleep>>,
}

impl Ending {
    fn new(words: String) -> Self {
        Self {
            words: words.into_bytes(),
            written: 0,
            closed: false,
            timer: Box::pin(sleep(LINGER)),
        }
    }

    fn poll(&mut self, stream: &Stream, cx: &mut Context<'_>) -> Poll<()> {
        if self.timer.as_mut().poll(cx).is_ready()
            || (!self.closed && self.poll_words(stream, cx).is_err())
        {
            return Poll::Ready(());
        }
        let mut buffer = [0; 1024];
        // A bounded number of reads a turn: a peer that floods does not hold the thread.
        for _ in 0..16 {
            match stream.poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(()),
                Poll::Ready(Ok(_)) => {}
                Poll::Pending => return Poll::Pending,
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Writes what the socket takes; closes our direction after the last word.
    fn poll_words(&mut self, stream: &Stream, cx: &mut Context<'_>) -> io::Result<()> {
        while let Some(rest) = self
            .words
            .get(self.written..)
            .filter(|rest| !rest.is_empty())
        {
            match stream.poll_write(cx, rest)? {
                Poll::Ready(count) => self.written += count,
                Poll::Pending => return Ok(()),
            }
        }
        if stream.poll_flush(cx)?.is_ready() && stream.poll_close(cx)?.is_ready() {
            self.closed = true;
        }
        Ok(())
    }
}

impl AsyncRead for HttpStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.ending.is_some() {
            return this
                .poll_end(cx)
                .map(|()| Err(io::ErrorKind::ConnectionAborted.into()));
        }
        if this.asked != Asked::Nothing {
            // The write that ends the answer wakes us.
            return Poll::Pending;
        }
        if std::mem::take(&mut this.had_turn) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let (before, unread) = (buffer.filled().len(), this.first.clone());
        let Poll::Ready(read) = this.poll_bytes(cx, buffer) else {
            if this.head.length == 0 {
                return Poll::Pending;
            }
            let deadline = this.deadline.get_or_insert_with(|| Box::pin(sleep(HEAD)));
            ready!(deadline.as_mut().poll(cx));
            return this.refuse(cx, TIMEOUT, LATE);
        };
        read?;
        let came = buffer.filled().get(before..).unwrap_or_default();
        this.had_turn = !came.is_empty();
        if let Some(length) = this.head.pass(came) {
            this.asked = Asked::Something;
            let (_, ahead) = came.split_at_checked(length).unwrap_or_default();
            if !ahead.is_empty() {
                this.first = if unread.is_empty() {
                    Bytes::copy_from_slice(ahead)
                } else {
                    unread.slice(length..)
                };
                buffer.set_filled(before + length);
            }
        }
        if this.head.length > LONGEST_HEAD {
            buffer.set_filled(before);
            return this.refuse(cx, TOO_LARGE, LONG);
        }
        if this.head.length == 0 {
            this.deadline = None;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for HttpStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.ending.is_some() {
            return Poll::Ready(Ok(bytes.len()));
        }
        if let Some((_, status, text)) = OWN_WORDS
            .iter()
            .find(|(start, ..)| bytes.starts_with(start))
        {
            this.ending = Some(Ending::new(static_files::page(status, text)));
            return Poll::Ready(Ok(bytes.len()));
        }
        let Some(stream) = &this.stream else {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        };
        let outcome = stream.poll_write(cx, bytes);
        if this.asked == Asked::Something {
            this.asked = Asked::Answering;
        }
        this.patient(cx, outcome)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.ending.is_some() {
            return Poll::Ready(Ok(()));
        }
        let Some(stream) = &this.stream else {
            return Poll::Ready(Ok(()));
        };
        let outcome = stream.poll_flush(cx);
        if outcome.is_ready() && this.asked == Asked::Answering {
            this.asked = Asked::Nothing;
            cx.waker().wake_by_ref();
        }
        this.patient(cx, outcome)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_end(cx).map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::UnixStream,
    };

    use super::*;
    use crate::net::{
        connections::ConnectionCounter,
        peer::{Origin, Peer},
    };

    #[test]
    fn heads_are_told_apart_however_they_are_cut() {
        for (bytes, rest) in [
            ("", 0),
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0),
            ("GET / HTTP/1.1\nHost: a\n\n", 0),
            ("GET / HTTP/1.1\r\nHost: a\r\n", 25),
            ("\r\n\r\n", 4),
            ("\r\n\r\nGET / HTTP/1.1\r\n\r\n", 0),
            ("GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n", 17),
            ("GET / HTTP/1.1\r\nA: \r\r\r\n", 23),
        ] {
            for size in [1, 2, 3, 7, 100] {
                let mut head = Head::default();
                for mut chunk in bytes.as_bytes().chunks(size) {
                    while let Some(length) = head.pass(chunk) {
                        chunk = &chunk[length..];
                    }
                }
                assert_eq!(head.length, rest, "{bytes:?} in chunks of {size}");
            }
        }
    }

    #[tokio::test]
    async fn a_request_is_read_once_the_one_before_is_answered() {
        for first in [
            &b""[..],
            b"GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\nGET /c",
        ] {
            let (ours, mut theirs) = UnixStream::pair().unwrap();
            let connections = Rc::new(ConnectionCounter::default());
            let stream = Stream::unix(ours, Peer::direct(Origin::Unix(0)), connections.enter());
            let mut http = HttpStream::new(Bytes::from_static(first), stream, Farewell::default());
            let all = b"GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\nGET /c HTTP/1.1\r\n\r\n";
            theirs.write_all(&all[first.len()..]).await.unwrap();
            for name in ["a", "b", "c"] {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    assert!(http.read_buf(&mut head).await.unwrap() > 0);
                }
                assert_eq!(
                    String::from_utf8(head).unwrap(),
                    format!("GET /{name} HTTP/1.1\r\n\r\n")
                );
                for part in ["ans", "wer"] {
                    let mut more = [0; 9];
                    let ahead =
                        tokio::time::timeout(Duration::from_millis(1), http.read(&mut more));
                    assert!(ahead.await.is_err(), "{name} is not answered");
                    http.write_all(part.as_bytes()).await.unwrap();
                }
                http.flush().await.unwrap();
            }
        }
    }

    #[tokio::test]
    async fn the_first_bytes_come_before_the_others_in_parts_of_any_size() {
        for size in [1, 3, 4, 100] {
            let (ours, mut theirs) = UnixStream::pair().unwrap();
            let connections = Rc::new(ConnectionCounter::default());
            let stream = Stream::unix(ours, Peer::direct(Origin::Unix(0)), connections.enter());
            let mut http =
                HttpStream::new(Bytes::from_static(b"once"), stream, Farewell::default());
            theirs.write_all(b" more").await.unwrap();
            theirs.shutdown().await.unwrap();
            let (mut got, mut part) = (Vec::new(), vec![0; size]);
            loop {
                let count = http.read(&mut part).await.unwrap();
                if count == 0 {
                    break;
                }
                got.extend_from_slice(&part[..count]);
            }
            assert_eq!(got, b"once more");
            http.write_all(b"answer").await.unwrap();
            http.shutdown().await.unwrap();
            let mut answer = String::new();
            theirs.read_to_string(&mut answer).await.unwrap();
            assert_eq!(answer, "answer");
        }
    }
}
