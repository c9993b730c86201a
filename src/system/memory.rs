//! Returns freed memory to the system after many clients have left.

/// Returns to the system what the allocator keeps of freed memory (malloc_trim(3)). It takes about a
/// millisecond for each 10 MiB, too long for the path of a push.
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
