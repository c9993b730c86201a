//! See `targets::files`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rtstat_fuzz::targets::files(data));
