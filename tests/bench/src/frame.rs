//! The client's side of WebSocket: the request, masked frames out, plain frames in.

use rtstat_test_support::websocket::upgrade_request;

/// The request of every client. Its key is always the same: servers do not care, and the answer is
/// constant.
#[must_use]
pub fn request(port: u16) -> Vec<u8> {
    upgrade_request("/", &format!("Host: 127.0.0.1:{port}\r\n")).into_bytes()
}

/// Appends a client's frame. The mask is zero: it protects proxies, and there is none here.
pub fn write(opcode: u8, payload: &[u8], out: &mut Vec<u8>) {
    out.push(0x80 | opcode);
    match u8::try_from(payload.len()) {
        Ok(short @ ..=125) => out.push(0x80 | short),
        _ => {
            out.push(0x80 | 126);
            out.extend(
                u16::try_from(payload.len())
                    .unwrap_or(u16::MAX)
                    .to_be_bytes(),
            );
        }
    }
    out.extend([0; 4]);
    out.extend_from_slice(payload);
}

/// Takes one whole frame of a server off the front of `bytes`: its opcode and payload.
pub fn take<'a>(bytes: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (&[first, second], mut rest) = bytes.split_first_chunk()?;
    let length = match second & 0x7f {
        126 => {
            let (length, tail) = rest.split_first_chunk()?;
            rest = tail;
            usize::from(u16::from_be_bytes(*length))
        }
        127 => {
            let (length, tail) = rest.split_first_chunk()?;
            rest = tail;
            usize::try_from(u64::from_be_bytes(*length)).ok()?
        }
        short => usize::from(short),
    };
    let (payload, rest) = rest.split_at_checked(length)?;
    *bytes = rest;
    Some((first & 0x0f, payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_whole_frames_only() {
        let mut bytes: &[u8] = b"\x81\x02hi\x81\x7e\x00\x7e";
        assert_eq!(take(&mut bytes), Some((1, &b"hi"[..])));
        assert_eq!(take(&mut bytes), None);
        assert_eq!(bytes, b"\x81\x7e\x00\x7e");
        let long = [&b"\x81\x7e\x00\x7e"[..], &[b'x'; 126]].concat();
        assert_eq!(take(&mut &long[..]), Some((1, &[b'x'; 126][..])));
        let longer = [
            &b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"[..],
            &[0; 65_536],
        ]
        .concat();
        assert_eq!(
            take(&mut &longer[..]).map(|(opcode, payload)| (opcode, payload.len())),
            Some((2, 65_536))
        );
    }

    #[test]
    fn writes_masked_frames() {
        let mut out = Vec::new();
        write(1, b"start", &mut out);
        assert_eq!(out, b"\x81\x85\0\0\0\0start");
    }
}
