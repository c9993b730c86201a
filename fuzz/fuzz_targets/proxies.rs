//! See `targets::proxies`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rtstat_fuzz::targets::proxies(data));
