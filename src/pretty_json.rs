//! Indents JSON without reading it into values, so that keys and numbers stay as they were written.

/// The same JSON, one member a line, two blanks a level.
#[must_use]
pub fn indent(json: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len() * 2);
    let mut depth: usize = 0;
    let (mut in_string, mut escaped) = (false, false);
    let newline = |out: &mut Vec<u8>, depth: usize| {
        out.push(b'\n');
        out.resize(out.len() + 2 * depth, b' ');
    };
    let mut bytes = json.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            out.push(byte);
            continue;
        }
        match byte {
            b'{' | b'[' => {
                out.push(byte);
                if bytes
                    .peek()
                    .is_some_and(|next| !matches!(next, b'}' | b']'))
                {
                    depth += 1;
                    newline(&mut out, depth);
                } else {
                    out.extend(bytes.next());
                }
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                newline(&mut out, depth);
                out.push(byte);
            }
            b',' => {
                out.push(byte);
                newline(&mut out, depth);
            }
            b':' => out.extend(b": "),
            byte if byte.is_ascii_whitespace() => {}
            byte => {
                in_string = byte == b'"';
                out.push(byte);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_get_lines_and_strings_stay() {
        let json = br#"{"a":1,"b":[],"c":{},"d":["x,{\"}\\",2.50],"e":{"f":null}}"#;
        let expected = "{\n  \"a\": 1,\n  \"b\": [],\n  \"c\": {},\n  \"d\": [\n    \"x,{\\\"}\\\\\",\n    2.50\n  ],\n  \
                        \"e\": {\n    \"f\": null\n  }\n}";
        assert_eq!(String::from_utf8(indent(json)).unwrap(), expected);
    }
}
