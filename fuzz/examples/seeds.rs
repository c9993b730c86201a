//! Writes the seeds of every target to `corpus/TARGET/NAME`, where `cargo fuzz` starts from.

use std::{error::Error, fs, path::Path};

use rtstat_fuzz::{seeds, targets::TARGETS};

fn main() -> Result<(), Box<dyn Error>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for target in TARGETS {
        let source = here.join(format!("seeds/{}.txt", target.name));
        let seeds = seeds::parse(&fs::read_to_string(&source)?, &(target.readers)())
            .map_err(|fault| format!("{}: {fault}", source.display()))?;
        let corpus = here.join("corpus").join(target.name);
        fs::create_dir_all(&corpus)?;
        for seed in &seeds {
            fs::write(corpus.join(&seed.name), &seed.bytes)?;
        }
        println!("{}: {} seeds", target.name, seeds.len());
    }
    Ok(())
}
