//! The rtstatd program.

fn main() {}
