//! Coverage-guided fuzzing of everything that reads bytes which others chose. Run one with
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run --sanitizer none decoder`; `tests/hostile` replays the corpora
//! on stable.

pub mod targets;
