//! See `targets::proc`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rtstat_fuzz::targets::proc(data));
