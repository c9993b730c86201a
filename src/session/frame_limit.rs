//! Watches the sizes of incoming WebSocket frames before anything buffers them.
//!
//! The codec refuses a frame that is too long only after it has arrived whole; a length claim of
//! 2^62 would be waited for. So the headers (RFC 6455 §5.2) are followed here as the bytes pass.

use bytes::BytesMut;

use crate::protocol::MAX_MESSAGE;

/// Longest control frame payload (RFC 6455 §5.5).
const MAX_CONTROL: u64 = 125;

/// The opcode of a close frame.
const CLOSE: u8 = 0x08;

/// A frame is longer than its kind may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong {
    /// It is a ping, a pong or a close.
    pub control: bool,
}

/// Follows the frame headers in a byte stream.
#[derive(Debug, Default)]
pub struct FrameLimiter {
    /// Bytes of the frame under way that still belong to its mask and payload.
    rest: u64,
    /// The header bytes seen so far of the next frame.
    head: [u8; 10],
    seen: usize,
    /// Mask and payload of the first close frame, as far as they have come.
    closing: Vec<u8>,
    in_closing: bool,
    /// Frames that have passed whole, until they are asked for.
    complete: u32,
}

impl FrameLimiter {
    /// Appends to `out` what may pass of `bytes`: everything up to the header of a frame that is
    /// too long. A header passes once it is complete and judged.
    ///
    /// # Errors
    /// When such a header came. What follows it is nobody's.
    pub fn filter(&mut self, mut bytes: &[u8], out: &mut BytesMut) -> Result<(), TooLong> {
        while let Some((first, others)) = bytes.split_first() {
            if self.rest > 0 {
                let length = usize::try_from(self.rest)
                    .unwrap_or(usize::MAX)
                    .min(bytes.len());
                let (payload, rest) = bytes.split_at_checked(length).unwrap_or((bytes, &[]));
                out.extend_from_slice(payload);
                if self.in_closing {
                    self.closing.extend_from_slice(payload);
                }
                self.rest -= payload.len() as u64;
                self.complete += u32::from(self.rest == 0);
                bytes = rest;
                continue;
            }
            if let Some(slot) = self.head.get_mut(self.seen) {
                *slot = *first;
            }
            self.seen += 1;
            bytes = others;
            let Some((length, masked)) = self.length() else {
                continue;
            };
            let control = self.head.first().is_some_and(|first| first & 0x08 != 0);
            if length
                > if control {
                    MAX_CONTROL
                } else {
                    MAX_MESSAGE as u64
                }
            {
                return Err(TooLong { control });
            }
            out.extend_from_slice(self.head.get(..self.seen).unwrap_or_default());
            self.rest = length + if masked { 4 } else { 0 };
            self.complete += u32::from(self.rest == 0);
            self.seen = 0;
            self.in_closing = self.closing.is_empty()
                && self.head.first().is_some_and(|first| first & 0x0f == CLOSE);
        }
        Ok(())
    }

    /// How many frames have passed whole since this was last asked.
    pub fn take_complete(&mut self) -> u32 {
        std::mem::take(&mut self.complete)
    }

    /// Whether a close frame's reason is not UTF-8, which the codec reports like a close code that
    /// does not exist.
    #[must_use]
    pub fn close_reason_is_garbled(&self) -> bool {
        let Some((mask, payload)) = self.closing.split_first_chunk::<4>() else {
            return false;
        };
        let bytes = payload
            .iter()
            .zip(mask.iter().cycle())
            .map(|(byte, mask)| byte ^ mask);
        std::str::from_utf8(&bytes.skip(2).collect::<Vec<_>>()).is_err()
    }

    /// The payload's length and whether a mask precedes it, once the header is complete.
    fn length(&self) -> Option<(u64, bool)> {
        let [_, second, ..] = self.head;
        let masked = second & 0x80 != 0;
        let extended = match second & 0x7f {
            126 => 2,
            127 => 8,
            short => return (self.seen == 2).then_some((u64::from(short), masked)),
        };
        if self.seen != 2 + extended {
            return None;
        }
        let bytes = self.head.iter().skip(2).take(extended);
        Some((
            bytes.fold(0, |length, byte| length << 8 | u64::from(*byte)),
            masked,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(opcode: u8, length: usize) -> Vec<u8> {
        let mut bytes = vec![0x80 | opcode];
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
        bytes.extend([1, 2, 3, 4]);
        bytes.resize(bytes.len() + length.min(70_000), b'x');
        bytes
    }

    #[test]
    fn frames_up_to_the_bound_pass_however_they_are_cut() {
        let mut bytes = Vec::new();
        for length in [0, 1, 125, 126, 4096] {
            bytes.extend(frame(1, length));
            bytes.extend(frame(9, length.min(125)));
        }
        for size in [1, 2, 3, 7, 100, bytes.len()] {
            let (mut guard, mut passed) = (FrameLimiter::default(), BytesMut::new());
            for chunk in bytes.chunks(size) {
                guard.filter(chunk, &mut passed).unwrap();
            }
            assert_eq!(passed, bytes, "chunks of {size}");
        }
    }

    #[test]
    fn a_close_reason_that_is_no_text_is_noticed_however_it_is_cut() {
        let close = |reason: &[u8]| {
            let payload = [&[0x03, 0xe8], reason].concat();
            let mask = [1, 2, 3, 4];
            let masked = payload
                .iter()
                .zip(mask.iter().cycle())
                .map(|(byte, mask)| byte ^ mask);
            [
                &[0x88, 0x80 | u8::try_from(payload.len()).unwrap()],
                &mask[..],
                &masked.collect::<Vec<_>>(),
            ]
            .concat()
        };
        for (reason, garbled) in [
            (&b""[..], false),
            (b"bye", false),
            (b"\xc3\xa9", false),
            (b"\xed\xa0\x80", true),
        ] {
            let bytes = [frame(9, 3), close(reason), close(b"\xff"), frame(1, 9)].concat();
            for size in [1, 2, 5, bytes.len()] {
                let mut guard = FrameLimiter::default();
                for chunk in bytes.chunks(size) {
                    guard.filter(chunk, &mut BytesMut::new()).unwrap();
                }
                assert_eq!(
                    guard.close_reason_is_garbled(),
                    garbled,
                    "{reason:?} in chunks of {size}"
                );
            }
        }
    }

    #[test]
    fn a_frame_that_is_too_long_stops_at_its_header() {
        for (opcode, length) in [(1, 4097), (1, 65_536), (2, 1 << 62), (9, 126), (0, 5000)] {
            let good = frame(1, 10);
            let bytes = [good.clone(), frame(opcode, length)].concat();
            for size in [1, 2, 3, 11, bytes.len()] {
                let (mut guard, mut passed) = (FrameLimiter::default(), BytesMut::new());
                let outcome = bytes
                    .chunks(size)
                    .try_for_each(|chunk| guard.filter(chunk, &mut passed));
                assert_eq!(
                    outcome,
                    Err(TooLong {
                        control: opcode == 9
                    }),
                    "{length}"
                );
                assert_eq!(passed, good, "{length} in chunks of {size}");
            }
        }
    }
}
