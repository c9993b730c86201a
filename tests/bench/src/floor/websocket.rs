//! As much WebSocket as the floor needs: the accept key, one frame out, small masked frames in.

use base64::{Engine, engine::general_purpose::STANDARD};
use sha1::{Digest, Sha1};

/// The constant of RFC 6455, section 1.3.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The answer to an upgrade request, once the request is complete.
pub fn handshake(request: &[u8]) -> Option<Vec<u8>> {
    if !request.ends_with(b"\r\n\r\n") {
        return None;
    }
    let key = request.split(|byte| *byte == b'\n').find_map(|line| {
        let (name, value) = line.split_at_checked(18)?;
        name.eq_ignore_ascii_case(b"sec-websocket-key:")
            .then(|| value.trim_ascii())
    })?;
    let accept = STANDARD.encode(Sha1::new().chain_update(key).chain_update(GUID).finalize());
    let mut answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: {accept}\r\n\r\n"
    )
    .into_bytes();
    answer.extend(frame(b"Welcome::Rt-Stat v.1.0.0\n"));
    Some(answer)
}

/// One unmasked text frame; `payload` is shorter than 64 KiB.
pub fn frame(payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(payload.len() + 4);
    frame.push(0x81);
    match u8::try_from(payload.len()) {
        Ok(short @ ..=125) => frame.push(short),
        _ => {
            frame.push(126);
            frame.extend(
                u16::try_from(payload.len())
                    .unwrap_or(u16::MAX)
                    .to_be_bytes(),
            );
        }
    }
    frame.extend_from_slice(payload);
    frame
}

/// What a peer sent.
pub enum Incoming {
    /// A text frame, unmasked.
    Text(Vec<u8>),
    /// A pong, a ping or something else without meaning here.
    Other,
    /// The end.
    Close,
}

/// Takes one masked frame of at most 125 bytes off the front of `bytes`; none when it is not
/// complete.
pub fn take(bytes: &mut &[u8]) -> Option<Incoming> {
    let (&[first, second, a, b, c, d], rest) = bytes.split_first_chunk()?;
    let (payload, rest) = rest.split_at_checked(usize::from(second & 0x7f))?;
    *bytes = rest;
    Some(match first & 0x0f {
        1 => Incoming::Text(
            payload
                .iter()
                .zip([a, b, c, d].iter().cycle())
                .map(|(byte, mask)| byte ^ mask)
                .collect(),
        ),
        8 => Incoming::Close,
        _ => Incoming::Other,
    })
}
