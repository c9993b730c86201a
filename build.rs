//! Compresses the files of the page and writes the table with which they are built in.

use std::{
    env, fs,
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Write},
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};

const FOLDER: &str = "public";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed={FOLDER}");
    println!("cargo::rerun-if-changed=build.rs");
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")?).join(FOLDER);
    let out = PathBuf::from(variable("OUT_DIR")?);
    let mut files = Vec::new();
    collect(&root, &root, &mut files)?;
    // The table is searched by halves.
    files.sort();
    let mut table = fs::File::create(out.join("built_in.rs"))?;
    writeln!(table, "&[")?;
    for (number, path) in files.iter().enumerate() {
        let source = root.join(path);
        let bytes = fs::read(&source)?;
        let compressed = compress(&bytes)?;
        let mut gzip = "None".to_owned();
        // What gains nothing is served as it is.
        if compressed.len() < bytes.len() {
            let copy = out.join(format!("{number}.gz"));
            fs::write(&copy, &compressed)?;
            gzip = format!("Some(include_bytes!({copy:?}))");
        }
        writeln!(table, "    BuiltIn {{")?;
        writeln!(table, "        path: {path:?},")?;
        writeln!(table, "        hash: \"{:016x}\",", hash(&bytes))?;
        writeln!(table, "        bytes: include_bytes!({source:?}),")?;
        writeln!(table, "        gzip: {gzip},")?;
        writeln!(table, "    }},")?;
    }
    writeln!(table, "]")
}

fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(io::Error::other)
}

/// Adds the paths of all files in `folder` and below, relative to `root`.
fn collect(root: &Path, folder: &Path, files: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
            continue;
        }
        let inside = path.strip_prefix(root).map_err(io::Error::other)?;
        files.push(inside.to_string_lossy().into_owned());
    }
    Ok(())
}

fn compress(bytes: &[u8]) -> io::Result<Vec<u8>> {
    // The header has no time: the same source gives the same program.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// Tells one version of a file from another; nothing is trusted because of it.
fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}
