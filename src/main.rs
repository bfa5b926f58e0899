//! The `streamwarden` program.

fn main() {}
