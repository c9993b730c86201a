//! The D-Bus wire (D-Bus Specification, sections Message Protocol and Authentication Protocol), as
//! much as one call without arguments beyond a list of words needs. Nothing here reads or writes
//! files or sockets.

/// A message that does not follow the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invalid;

/// Longer messages are refused.
pub const LONGEST_BYTES: usize = 1 << 20;

/// Bytes at the beginning of a message that tell how long it is.
pub const PREFIX_BYTES: usize = 16;

const METHOD_CALL: u8 = 1;
const METHOD_RETURN: u8 = 2;
const ERROR: u8 = 3;

/// Do not start the service if it is not there.
const NO_AUTO_START: u8 = 2;

/// A call of a method.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// Whose.
    pub destination: &'a str,
    /// On what.
    pub path: &'a str,
    /// The group of the method.
    pub interface: &'a str,
    /// The method.
    pub member: &'a str,
    /// The argument: a list of words, if there is one.
    pub words: Option<&'a [&'a str]>,
}

impl Call<'_> {
    /// The message, little-endian, with the number `serial`.
    #[must_use]
    pub fn encode(&self, serial: u32) -> Vec<u8> {
        let mut body = Vec::new();
        if let Some(words) = self.words {
            let mut list = Vec::new();
            words.iter().for_each(|word| push_string(&mut list, word));
            push_u32(&mut body, list.len());
            body.extend(list);
        }
        let mut fields = Vec::new();
        let mut field = |code: u8, kind: u8, value: &str| {
            pad(&mut fields, 8);
            fields.extend([code, 1, kind, 0]);
            if kind == b'g' {
                fields.push(u8::try_from(value.len()).unwrap_or(0));
                fields.extend(value.bytes().chain([0]));
            } else {
                push_string(&mut fields, value);
            }
        };
        field(1, b'o', self.path);
        field(2, b's', self.interface);
        field(3, b's', self.member);
        field(6, b's', self.destination);
        if self.words.is_some() {
            field(8, b'g', "as");
        }
        let mut message = vec![b'l', METHOD_CALL, NO_AUTO_START, 1];
        push_u32(&mut message, body.len());
        message.extend(serial.to_le_bytes());
        push_u32(&mut message, fields.len());
        message.extend(fields);
        pad(&mut message, 8);
        message.extend(body);
        message
    }
}

fn pad(bytes: &mut Vec<u8>, to: usize) {
    bytes.resize(bytes.len().next_multiple_of(to), 0);
}

fn push_u32(bytes: &mut Vec<u8>, value: usize) {
    pad(bytes, 4);
    bytes.extend(u32::try_from(value).unwrap_or(0).to_le_bytes());
}

fn push_string(bytes: &mut Vec<u8>, value: &str) {
    push_u32(bytes, value.len());
    bytes.extend(value.bytes().chain([0]));
}

/// How many bytes the message has that begins with `prefix`.
///
/// # Errors
/// When that is no message, or one beyond [`LONGEST_BYTES`].
pub fn length(prefix: &[u8; PREFIX_BYTES]) -> Result<usize, Invalid> {
    let mut cursor = Cursor::new(prefix)?;
    cursor.at = 4;
    let body = cursor.u32()? as usize;
    cursor.at = 12;
    let fields = cursor.u32()? as usize;
    if body > LONGEST_BYTES || fields > LONGEST_BYTES {
        return Err(Invalid);
    }
    Some(PREFIX_BYTES + fields.next_multiple_of(8) + body)
        .filter(|&length| length <= LONGEST_BYTES)
        .ok_or(Invalid)
}

/// A whole message that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming<'a> {
    /// The answer to the call with this number, and its body.
    Return(u32, Cursor<'a>),
    /// The refusal of the call with this number.
    Error(u32),
    /// A signal, or a call.
    Other,
}

/// Reads what stands around the body of a whole message.
///
/// # Errors
/// When it does not follow the specification.
pub fn decode(message: &[u8]) -> Result<Incoming<'_>, Invalid> {
    let mut cursor = Cursor::new(message)?;
    let kind = *message.get(1).ok_or(Invalid)?;
    cursor.at = 12;
    let fields_end = PREFIX_BYTES + cursor.u32()? as usize;
    let mut reply_to = None;
    while cursor.at < fields_end {
        cursor.align(8)?;
        let code = cursor.u8()?;
        match cursor.signature()? {
            b"s" | b"o" => drop(cursor.string()?),
            b"g" => drop(cursor.signature()?),
            b"u" => {
                let value = cursor.u32()?;
                reply_to = if code == 5 { Some(value) } else { reply_to };
            }
            _ => return Err(Invalid),
        }
    }
    cursor.align(8)?;
    match (kind, reply_to) {
        (METHOD_RETURN, Some(serial)) => Ok(Incoming::Return(serial, cursor)),
        (ERROR, Some(serial)) => Ok(Incoming::Error(serial)),
        (METHOD_RETURN | ERROR, None) => Err(Invalid),
        _ => Ok(Incoming::Other),
    }
}

/// Reads values one after the other, each where its alignment wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    big_endian: bool,
}

impl<'a> Cursor<'a> {
    fn new(message: &'a [u8]) -> Result<Self, Invalid> {
        let big_endian = match message.first() {
            Some(b'l') => false,
            Some(b'B') => true,
            _ => return Err(Invalid),
        };
        Ok(Self {
            bytes: message,
            at: 0,
            big_endian,
        })
    }

    /// Where the next value begins.
    #[must_use]
    pub fn position(&self) -> usize {
        self.at
    }

    /// Steps over the bytes that the alignment leaves out.
    ///
    /// # Errors
    /// When the message ends before.
    pub fn align(&mut self, to: usize) -> Result<(), Invalid> {
        self.at = self.at.next_multiple_of(to);
        if self.at > self.bytes.len() {
            Err(Invalid)
        } else {
            Ok(())
        }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Invalid> {
        let end = self.at.checked_add(length).ok_or(Invalid)?;
        let taken = self.bytes.get(self.at..end).ok_or(Invalid)?;
        self.at = end;
        Ok(taken)
    }

    fn u8(&mut self) -> Result<u8, Invalid> {
        self.take(1)?.first().copied().ok_or(Invalid)
    }

    /// A number of 32 bits.
    ///
    /// # Errors
    /// When the message ends before.
    pub fn u32(&mut self) -> Result<u32, Invalid> {
        self.align(4)?;
        let bytes = *self.take(4)?.first_chunk().ok_or(Invalid)?;
        Ok(if self.big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        })
    }

    /// A string, or the path of an object.
    ///
    /// # Errors
    /// When the message ends before, or the string is not UTF-8 and a zero.
    pub fn string(&mut self) -> Result<&'a str, Invalid> {
        let length = self.u32()? as usize;
        let bytes = self.take(length)?;
        if self.u8()? != 0 {
            return Err(Invalid);
        }
        std::str::from_utf8(bytes).map_err(|_| Invalid)
    }

    fn signature(&mut self) -> Result<&'a [u8], Invalid> {
        let length = usize::from(self.u8()?);
        let bytes = self.take(length)?;
        if self.u8()? == 0 {
            Ok(bytes)
        } else {
            Err(Invalid)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CALL: Call<'_> = Call {
        destination: "a.b",
        path: "/x",
        interface: "c.d",
        member: "Get",
        words: Some(&["failed", "é"]),
    };

    #[test]
    fn a_call_has_its_length_and_its_words() {
        let message = CALL.encode(7);
        assert_eq!(length(message.first_chunk().unwrap()), Ok(message.len()));
        assert_eq!(decode(&message), Ok(Incoming::Other));
        let (head, body) = message.split_at(message.len() - 23);
        assert_eq!(
            (head.len() % 8, &head[..12]),
            (0, &b"l\x01\x02\x01\x17\0\0\0\x07\0\0\0"[..])
        );
        assert_eq!(body, b"\x13\0\0\0\x06\0\0\0failed\0\0\x02\0\0\0\xc3\xa9\0");
        let no_words = Call {
            words: None,
            ..CALL
        }
        .encode(1);
        assert_eq!(&no_words[4..8], [0; 4]);
    }

    #[test]
    fn answers_are_read_in_both_byte_orders() {
        let little = b"l\x02\x01\x01\x04\0\0\0\x09\0\0\0\x08\0\0\0\x05\x01u\0\x07\0\0\0\x2a\0\0\0";
        let big = b"B\x02\x01\x01\0\0\0\x04\0\0\0\x09\0\0\0\x08\x05\x01u\0\0\0\0\x07\0\0\0\x2a";
        for message in [little, big] {
            assert_eq!(length(message.first_chunk().unwrap()), Ok(message.len()));
            let Ok(Incoming::Return(7, mut body)) = decode(message) else {
                panic!("{:?}", decode(message))
            };
            assert_eq!(
                (body.position(), body.u32(), body.u32()),
                (24, Ok(42), Err(Invalid))
            );
        }
        let refused = b"l\x03\x01\x01\0\0\0\0\x09\0\0\0\x08\0\0\0\x05\x01u\0\x07\0\0\0";
        assert_eq!(decode(refused), Ok(Incoming::Error(7)));
    }

    #[test]
    fn lengths_beyond_reason_are_refused() {
        assert_eq!(
            length(b"l\x02\x01\x01\xff\xff\xff\xff\0\0\0\0\0\0\0\0"),
            Err(Invalid)
        );
        assert_eq!(
            length(b"l\x02\x01\x01\0\0\0\0\0\0\0\0\xff\xff\xff\xff"),
            Err(Invalid)
        );
        assert_eq!(
            length(b"x\x02\x01\x01\0\0\0\0\0\0\0\0\0\0\0\0"),
            Err(Invalid)
        );
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, cut in 0..100_usize, flip in 0..100_usize, to: u8) {
            let _ = decode(&bytes);
            let _ = decode(&[b"l\x02\x01\x01", &bytes[..]].concat());
            let mut message = CALL.encode(7);
            if let Some(byte) = message.get_mut(flip) {
                *byte = to;
            }
            let _ = message.first_chunk().map(length);
            let _ = decode(message.get(..cut).unwrap_or_default());
            if let Ok(Incoming::Return(_, mut body)) = decode(&message) {
                let _ = (body.string(), body.u32(), body.align(8));
            }
        }
    }
}
