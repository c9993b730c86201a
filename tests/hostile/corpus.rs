//! The corpora of the fuzz targets, replayed on the stable compiler: each file whole, cut short and
//! with single bytes changed.

use std::{fs, path::Path};

#[path = "../../fuzz/src/targets.rs"]
mod targets;

type Target = fn(&[u8]);

#[test]
fn the_corpora_find_nothing() {
    let all: [(&str, Target); 8] = [
        ("decoder", targets::decoder),
        ("session", targets::session),
        ("frames", targets::frames),
        ("proc", targets::proc),
        ("files", targets::files),
        ("config", targets::config),
        ("plugins", targets::plugins),
        ("proxies", targets::proxies),
    ];
    for (name, target) in all {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fuzz/corpus")
            .join(name);
        let files: Vec<_> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert!(!files.is_empty(), "no corpus for {name}");
        let files: Vec<_> = files.iter().map(|file| fs::read(file).unwrap()).collect();
        // As many places as make some ten thousand runs of a target.
        let step = files.iter().map(Vec::len).sum::<usize>() / 2000 + 1;
        for bytes in files {
            target(&bytes);
            for at in (0..bytes.len()).step_by(step) {
                target(&bytes[..at]);
                for value in [0, b'\n', b':', b'9', 0x7f, 0xff] {
                    let mut changed = bytes.clone();
                    changed[at] = value;
                    target(&changed);
                }
            }
        }
    }
}
