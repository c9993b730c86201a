//! A stream whose first bytes were read already, and are read once more.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::stream::Stream;

/// A stream for a reader that knows nothing of what was read before.
pub struct Reread {
    /// What comes first.
    pub first: Bytes,
    /// What comes then, and takes what is written.
    pub stream: Stream,
}

impl AsyncRead for Reread {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.first.is_empty() {
            return Pin::new(&mut this.stream).poll_read(cx, buffer);
        }
        let count = this.first.len().min(buffer.remaining());
        buffer.put_slice(&this.first.split_to(count));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Reread {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.stream.poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::UnixStream,
    };

    use super::*;
    use crate::{
        peer::{Origin, Peer},
        presence::Presence,
    };

    #[tokio::test]
    async fn the_first_bytes_come_before_the_others_in_parts_of_any_size() {
        for size in [1, 3, 4, 100] {
            let (ours, mut theirs) = UnixStream::pair().unwrap();
            let presence = Rc::new(Presence::default());
            let stream = Stream::unix(ours, Peer::direct(Origin::Unix(0)), presence.enter());
            let mut reread = Reread { first: Bytes::from_static(b"once"), stream };
            theirs.write_all(b" more").await.unwrap();
            theirs.shutdown().await.unwrap();
            let (mut got, mut part) = (Vec::new(), vec![0; size]);
            loop {
                let count = reread.read(&mut part).await.unwrap();
                if count == 0 {
                    break;
                }
                got.extend_from_slice(&part[..count]);
            }
            assert_eq!(got, b"once more");
            reread.write_all(b"answer").await.unwrap();
            reread.shutdown().await.unwrap();
            let mut answer = String::new();
            theirs.read_to_string(&mut answer).await.unwrap();
            assert_eq!(answer, "answer");
        }
    }
}
