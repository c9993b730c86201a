//! The seeds of the fuzz targets, replayed on the stable compiler: each one whole, cut short and
//! with single bytes changed.

use std::{collections::HashSet, fs, path::PathBuf};

#[path = "../../fuzz/src/seeds.rs"]
mod format;
#[path = "../../fuzz/src/targets.rs"]
mod targets;

use format::{Seed, parse};
use targets::{TARGETS, Target};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds")
}

fn seeds(target: &Target) -> Vec<Seed> {
    let path = folder().join(format!("{}.txt", target.name));
    parse(&fs::read_to_string(&path).unwrap(), &(target.readers)())
        .unwrap_or_else(|fault| panic!("{}: {fault}", path.display()))
}

#[test]
fn the_seeds_find_nothing() {
    for target in TARGETS {
        let seeds = seeds(&target);
        // As many places as make some ten thousand runs of a target.
        let step = seeds.iter().map(|seed| seed.bytes.len()).sum::<usize>() / 2000 + 1;
        for Seed { bytes, .. } in seeds {
            (target.run)(&bytes);
            for at in (0..bytes.len()).step_by(step) {
                (target.run)(&bytes[..at]);
                for value in [0, b'\n', b':', b'9', 0x7f, 0xff] {
                    let mut changed = bytes.clone();
                    changed[at] = value;
                    (target.run)(&changed);
                }
            }
        }
    }
}

/// Names, comments and their number are what [`parse`] insists on.
#[test]
fn every_target_has_seeds_for_each_of_its_readers_and_no_case_twice() {
    for target in TARGETS {
        let seeds = seeds(&target);
        let cases: HashSet<_> = seeds.iter().map(|seed| &seed.bytes).collect();
        assert!(!seeds.is_empty(), "{}", target.name);
        assert_eq!(cases.len(), seeds.len(), "{}", target.name);
        for (number, reader) in (target.readers)().iter().enumerate() {
            let chosen = |seed: &Seed| seed.bytes.first().map(|byte| usize::from(*byte));
            let read = seeds.iter().any(|seed| chosen(seed) == Some(number));
            assert!(read, "{}: no seed for {reader}", target.name);
        }
    }
}

#[test]
fn the_folder_holds_a_file_for_each_target_and_nothing_else() {
    let found: HashSet<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let wanted: HashSet<_> = TARGETS
        .iter()
        .map(|target| format!("{}.txt", target.name))
        .collect();
    assert_eq!(found, wanted);
}

#[test]
fn a_seed_is_a_comment_a_name_and_an_escaped_case() {
    let seeds = parse(
        "# Of the file.\n\n[b]\n# One\n# thing.\na-1 = x = \\n\\r\\t\\\\\\xff\n  \\{\\x00y*3} z\n",
        &["a", "b"],
    )
    .unwrap();
    let seed = Seed {
        name: "a-1".into(),
        catches: "One thing.".into(),
        bytes: b"\x01x = \n\r\t\\\xff\0y\0y\0y z".into(),
    };
    assert_eq!(seeds, [seed]);
    assert_eq!(parse("# Nothing.\nempty =\n", &[]).unwrap()[0].bytes, b"");
}

#[test]
fn what_a_person_could_not_read_is_no_seed() {
    let many: String = (0..31)
        .map(|number| format!("# One more.\nn{number} = x\n"))
        .collect();
    let refused: [(&str, &[&str], &str); 11] = [
        (
            "a = x\n",
            &[],
            "line 1: no comment above it says what it catches",
        ),
        ("# Why.\n\na = x\n", &[], "line 3: no comment"),
        ("# Why.\n = x\n", &[], "line 2: a name is made of"),
        ("# Why.\nA b = x\n", &[], "line 2: a name is made of"),
        (
            "# Why.\na = x\n# Why.\na = y\n",
            &[],
            "line 4: a name that another seed has",
        ),
        ("# Why.\na = x\n", &["r"], "line 2: no [reader] above it"),
        ("[s]\n", &["r"], "line 1: no reader of this target"),
        ("  x\n", &[], "line 1: continues no seed"),
        ("# Why.\na = x \n", &[], "line 2: a blank at the end"),
        ("# Why.\na = \\q\n", &[], "line 2: an unknown escape"),
        (&many, &[], "line 62: more seeds than a target may have"),
    ];
    for (text, readers, fault) in refused {
        let found = parse(text, readers).unwrap_err();
        assert!(found.starts_with(fault), "{text:?}: {found}");
    }
}
