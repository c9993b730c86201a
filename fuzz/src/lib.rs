//! Coverage-guided fuzzing of everything that reads bytes which others chose. README.md says how it
//! is run; `tests/hostile/seeds.rs` replays the seeds on the stable compiler.

pub mod seeds;
pub mod targets;
