//! The seeds of a target, from the text that people read and write: `seeds/TARGET.txt`, in the
//! format that README.md describes.

/// Most seeds of one target: more is what a fuzzer keeps, not what a person reads.
pub const MAX_SEEDS: usize = 30;

/// One case that is worth starting from.
#[derive(Debug, PartialEq, Eq)]
pub struct Seed {
    /// Unique among those of its target.
    pub name: String,
    /// What it catches.
    pub catches: String,
    /// What the target is run with, the byte that chooses the reader included.
    pub bytes: Vec<u8>,
}

/// Reads the text of one file. `readers` are the target's.
///
/// # Errors
/// One line that names the line in the text: for what is no seed, a seed that has no comment of its
/// own, a name that comes twice, a reader that is unknown or missing, and more than [`MAX_SEEDS`].
pub fn parse(text: &str, readers: &[&str]) -> Result<Vec<Seed>, String> {
    let mut seeds: Vec<Seed> = Vec::new();
    let mut comment = Vec::new();
    let mut reader = None;
    for (index, line) in text.lines().enumerate() {
        let fault = |what: &str| format!("line {}: {what}", index + 1);
        if line.ends_with([' ', '\t']) {
            return Err(fault("a blank at the end, which is written \\x20 or \\t"));
        }
        if let Some(words) = line.strip_prefix('#') {
            comment.push(words.trim());
        } else if line.is_empty() {
            comment.clear();
        } else if let Some(rest) = line.strip_prefix("  ") {
            let seed = seeds.last_mut().filter(|_| comment.is_empty());
            let seed = seed.ok_or_else(|| fault("continues no seed"))?;
            unescape(rest, &mut seed.bytes).map_err(|what| fault(&what))?;
        } else if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            let known = readers.iter().position(|known| *known == name);
            let known = known.and_then(|known| u8::try_from(known).ok());
            reader = Some(known.ok_or_else(|| fault("no reader of this target"))?);
            comment.clear();
        } else {
            let (name, case) = line
                .split_once(" =")
                .ok_or_else(|| fault("neither `name = case` nor `# comment`"))?;
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            if name.is_empty() || !name.bytes().all(|byte| plain(byte) || byte == b'-') {
                return Err(fault("a name is made of a-z, 0-9 and -"));
            }
            if seeds.iter().any(|seed| seed.name == name) {
                return Err(fault("a name that another seed has"));
            }
            if comment.is_empty() {
                return Err(fault("no comment above it says what it catches"));
            }
            let mut bytes = Vec::new();
            if !readers.is_empty() {
                bytes.push(reader.ok_or_else(|| fault("no [reader] above it"))?);
            }
            let case = case.strip_prefix(' ').unwrap_or(case);
            unescape(case, &mut bytes).map_err(|what| fault(&what))?;
            seeds.push(Seed {
                name: name.into(),
                catches: comment.join(" "),
                bytes,
            });
            comment.clear();
        }
        if seeds.len() > MAX_SEEDS {
            return Err(fault("more seeds than a target may have"));
        }
    }
    Ok(seeds)
}

/// Appends what `text` stands for: `\n \r \t \\`, `\xNN`, `\{TEXT*COUNT}` and everything else as it
/// is.
fn unescape(text: &str, out: &mut Vec<u8>) -> Result<(), String> {
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (plain, escape) = rest.split_at(at);
        out.extend_from_slice(plain.as_bytes());
        let unknown = || format!("an unknown escape: {escape}");
        let mut chars = escape.chars();
        let kind = chars.nth(1).ok_or_else(unknown)?;
        let after = chars.as_str();
        rest = after;
        match kind {
            'n' => out.push(b'\n'),
            'r' => out.push(b'\r'),
            't' => out.push(b'\t'),
            '\\' => out.push(b'\\'),
            'x' => {
                let (digits, tail) = after.split_at_checked(2).ok_or_else(unknown)?;
                out.push(u8::from_str_radix(digits, 16).map_err(|_| unknown())?);
                rest = tail;
            }
            '{' => {
                let (repeated, tail) = after.split_once('}').ok_or_else(unknown)?;
                let (part, count) = repeated.rsplit_once('*').ok_or_else(unknown)?;
                let count = count.parse().map_err(|_| unknown())?;
                let mut once = Vec::new();
                unescape(part, &mut once)?;
                out.extend(once.repeat(count));
                rest = tail;
            }
            _ => return Err(unknown()),
        }
    }
    out.extend_from_slice(rest.as_bytes());
    Ok(())
}
