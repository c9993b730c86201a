//! Cuts the bytes of a WebSocket client into frames (RFC 6455 §5.2) and refuses those that no client
//! may send, by a reason that names the close code.
//!
//! A frame's length is checked as soon as its header has come. The codec would check it once the
//! whole frame is there, and wait for a claim of 2^62 bytes.

use bytes::{Bytes, BytesMut};

use crate::protocol::{CloseReason, MAX_MESSAGE};

/// Maximum payload of a control frame (RFC 6455 §5.5).
const MAX_CONTROL: usize = 125;

/// The first byte of a whole text message, and of a close frame.
const WHOLE_TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;

/// The bit of the first byte that only control frames have, and those that no frame has.
const CONTROL: u8 = 0x08;
const RESERVED: u8 = 0x70;

/// Length of the mask between header and payload.
const MASK: usize = 4;

/// Removes the first frame from `received`; none while it is incomplete.
///
/// # Errors
/// When the frame is refused. What follows it has no meaning.
pub fn take_frame(received: &mut BytesMut) -> Result<Option<Bytes>, CloseReason> {
    let Some(header) = Header::parse(received) else {
        return Ok(None);
    };
    header.check()?;
    let length = header.length + MASK + header.payload;
    if received.len() < length {
        return Ok(None);
    }
    let frame = received.split_to(length);
    if received.is_empty() {
        // An idle session owns no buffer.
        *received = BytesMut::new();
    }
    let is_text = match header.first {
        WHOLE_TEXT => is_utf8(&frame, header.length, 0),
        // Two bytes of code precede the reason.
        CLOSE => is_utf8(&frame, header.length, 2),
        _ => true,
    };
    is_text
        .then(|| Some(frame.freeze()))
        .ok_or(CloseReason::NotUtf8)
}

/// The start of a frame up to its mask.
struct Header {
    first: u8,
    masked: bool,
    length: usize,
    payload: usize,
}

impl Header {
    /// None while the header is incomplete.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let ([first, second], rest) = bytes.split_first_chunk()?;
        let (extended, payload) = match second & 0x7f {
            126 => (2, u16::from_be_bytes(*rest.first_chunk()?).into()),
            127 => (8, u64::from_be_bytes(*rest.first_chunk()?)),
            short => (0, short.into()),
        };
        Some(Self {
            first: *first,
            masked: second & 0x80 != 0,
            length: 2 + extended,
            payload: usize::try_from(payload).unwrap_or(usize::MAX),
        })
    }

    /// The opcode is left to the codec.
    fn check(&self) -> Result<(), CloseReason> {
        let is_control = self.first & CONTROL != 0;
        if is_control && self.payload > MAX_CONTROL {
            return Err(CloseReason::BadFrame);
        }
        if self.payload > MAX_MESSAGE {
            return Err(CloseReason::TooLong);
        }
        if self.first & RESERVED != 0 || !self.masked {
            return Err(CloseReason::BadFrame);
        }
        Ok(())
    }
}

/// Whether a frame's payload, without its first `skipped` bytes, is UTF-8.
fn is_utf8(frame: &[u8], header: usize, skipped: usize) -> bool {
    let (mask, payload) = frame
        .get(header..)
        .unwrap_or_default()
        .split_at_checked(MASK)
        .unwrap_or_default();
    let unmasked = payload
        .iter()
        .zip(mask.iter().cycle())
        .map(|(byte, mask)| byte ^ mask);
    std::str::from_utf8(&unmasked.skip(skipped).collect::<Vec<_>>()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A masked frame with this first byte.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let length = payload.len();
        let mut bytes = vec![first];
        match length {
            0..=125 => bytes.push(0x80 | u8::try_from(length).unwrap()),
            126..=65_535 => {
                bytes.push(0x80 | 126);
                bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
            _ => {
                bytes.push(0x80 | 127);
                bytes.extend((length as u64).to_be_bytes());
            }
        }
        let mask = [1, 2, 3, 4];
        bytes.extend(mask);
        bytes.extend(
            payload
                .iter()
                .zip(mask.iter().cycle())
                .map(|(byte, mask)| byte ^ mask),
        );
        bytes
    }

    /// The frames of `bytes`, which come in chunks of `size`, and why the rest is refused.
    fn frames(bytes: &[u8], size: usize) -> (Vec<Bytes>, Option<CloseReason>) {
        let (mut received, mut frames) = (BytesMut::new(), Vec::new());
        for chunk in bytes.chunks(size) {
            received.extend_from_slice(chunk);
            loop {
                match take_frame(&mut received) {
                    Ok(Some(frame)) => frames.push(frame),
                    Ok(None) => break,
                    Err(reason) => return (frames, Some(reason)),
                }
            }
        }
        assert_eq!(received.len(), 0);
        (frames, None)
    }

    #[test]
    fn frames_up_to_the_limit_pass_one_by_one_however_they_are_cut() {
        let good: Vec<_> = [0, 1, 125, 126, 4096]
            .iter()
            .flat_map(|length| {
                let payload = vec![b'x'; *length];
                [
                    frame(0x81, &payload),
                    frame(0x89, &payload[..125.min(*length)]),
                ]
            })
            .collect();
        let bytes = good.concat();
        for size in [1, 2, 3, 7, 100, bytes.len()] {
            let (found, refused) = frames(&bytes, size);
            assert_eq!(found, good, "chunks of {size}");
            assert_eq!(refused, None);
        }
    }

    #[test]
    fn a_frame_that_is_too_long_is_refused_at_its_header() {
        let good = frame(0x81, b"before");
        for (first, length, reason) in [
            (0x81, 4097, CloseReason::TooLong),
            (0x01, 5000, CloseReason::TooLong),
            (0x80, 65_535, CloseReason::TooLong),
            (0x82, 1 << 62, CloseReason::TooLong),
            (0x81, u64::MAX, CloseReason::TooLong),
            (0x89, 126, CloseReason::BadFrame),
            (0x8f, 1 << 63, CloseReason::BadFrame),
        ] {
            let header = match u16::try_from(length) {
                Ok(length) => [&[first, 0xfe][..], &length.to_be_bytes()].concat(),
                Err(_) => [&[first, 0xff][..], &length.to_be_bytes()].concat(),
            };
            let bytes = [&good[..], &header].concat();
            for size in [1, 2, 3, 11, bytes.len()] {
                let (found, refused) = frames(&bytes, size);
                assert_eq!(found, [&good[..]], "{length} in chunks of {size}");
                assert_eq!(refused, Some(reason), "{length} in chunks of {size}");
            }
        }
    }

    #[test]
    fn what_no_client_may_send_is_refused_at_its_header() {
        for header in [[0x81, 0x05], [0x89, 0x00], [0xc1, 0x85], [0x91, 0x85]] {
            assert_eq!(frames(&header, 2), (vec![], Some(CloseReason::BadFrame)));
        }
    }

    #[test]
    fn texts_and_reasons_of_a_close_are_utf8() {
        let close = |reason: &[u8]| frame(0x88, &[&[0x03, 0xe8], reason].concat());
        for (bytes, refused) in [
            (frame(0x81, b"\xc3\xa9"), false),
            (frame(0x81, b"\xc3"), true),
            // A part of a message may end within a character.
            (frame(0x01, b"\xc3"), false),
            (frame(0x80, b"\xa9"), false),
            (frame(0x82, b"\xff"), false),
            (frame(0x88, b""), false),
            (frame(0x88, b"\xff"), false),
            (close(b""), false),
            (close(b"\xc3\xa9"), false),
            (close(b"\xed\xa0\x80"), true),
        ] {
            let expected = refused.then_some(CloseReason::NotUtf8);
            assert_eq!(frames(&bytes, bytes.len()).1, expected, "{bytes:x?}");
        }
    }
}
