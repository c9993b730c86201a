//! Gives memory back after many clients have left; the module's one unsafe line is the call that
//! libc has for it.

/// Returns to the system what the allocator keeps of freed memory (malloc_trim(3)). Takes about a
/// millisecond for each 10 MiB; for the quiet after a crowd, not for the way of a push.
#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "glibc offers this as a C function only")]
pub fn trim() {
    // SAFETY: malloc_trim takes the allocator's own locks, touches only memory that is free, and
    // has no precondition.
    unsafe { nix::libc::malloc_trim(0) };
}

/// Other C libraries return memory by themselves.
#[cfg(not(target_env = "gnu"))]
pub fn trim() {}
