//! Sessions as the tests of the real program need them: started at once, read to their end.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
};

use rtstat_test_support::{Lifetime, connect};

const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// A connection that is read line by line: pushes and answers end with LF over WebSocket, too.
pub struct Client(BufReader<TcpStream>, Lifetime);

impl Client {
    /// A raw session that has sent these lines.
    pub fn raw(address: &str, lines: &str) -> Self {
        let mut stream = connect(address).unwrap();
        stream.write_all(lines.as_bytes()).unwrap();
        Self(BufReader::with_capacity(1024, stream), Lifetime::start())
    }

    /// A WebSocket session that has sent these lines, a message each, behind its request.
    pub fn websocket(address: &str, lines: &str) -> Self {
        let client = Self::raw(address, UPGRADE);
        let mut stream = client.0.get_ref();
        for line in lines.lines() {
            // The mask of zeros is a mask, too.
            let head = [0x81, 0x80 | u8::try_from(line.len()).unwrap(), 0, 0, 0, 0];
            stream
                .write_all(&[&head, line.as_bytes()].concat())
                .unwrap();
        }
        client
    }

    /// Sends more lines.
    pub fn send(&mut self, lines: &str) {
        self.0.get_ref().write_all(lines.as_bytes()).unwrap();
    }

    /// Reads until a line contains this, and gives the line.
    pub fn line_with(&mut self, what: &str) -> String {
        loop {
            self.1.check();
            let mut line = Vec::new();
            assert_ne!(
                self.0.read_until(b'\n', &mut line).unwrap(),
                0,
                "the end, and no {what}"
            );
            let line = String::from_utf8_lossy(&line);
            if line.contains(what) {
                return line.trim_end().to_owned();
            }
        }
    }

    /// The JSON of the next push.
    pub fn push(&mut self) -> serde_json::Value {
        let line = self.line_with("Push::");
        let (_, json) = line.split_once("Push::").unwrap();
        serde_json::from_str(json).unwrap()
    }

    /// Everything up to the end.
    pub fn rest(mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let mut chunk = [0; 4096];
        loop {
            self.1.check();
            match self.0.read(&mut chunk).unwrap() {
                0 => return rest,
                length => rest.extend_from_slice(&chunk[..length]),
            }
        }
    }
}
