//! The `streamwarden` program.

use std::process::ExitCode;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc; // glibc keeps what 100,000 resting wardens gave back

fn main() -> ExitCode {
    ExitCode::from(streamwarden::cli::run(streamwarden::cli::Cli::parse()))
}
