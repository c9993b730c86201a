//! The exit codes of sysexits(3) that say to a script why the program did not start.

/// The command line is wrong.
pub const EX_USAGE: u8 = 64;
/// What was asked for is not there: an address in use, a socket that cannot be served.
pub(crate) const EX_UNAVAILABLE: u8 = 69;
/// The operating system refused something that should work.
pub(crate) const EX_OSERR: u8 = 71;
/// Not allowed.
pub(crate) const EX_NOPERM: u8 = 77;
/// The configuration is wrong.
pub const EX_CONFIG: u8 = 78;
