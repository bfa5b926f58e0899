//! The command line: arguments in, the rooms asked, answers written. No rules of its own.
//!
//! Data goes to standard output, everything else to standard error; an error is followed by a `hint:` line where
//! there is something to try.

mod alive;
mod cloud;
mod compare;
mod demo;
pub mod doctor;
pub mod event_text;
mod interrupt;
pub mod journal;
mod journal_erase;
mod journal_failure;
mod journal_stats;
mod judges;
mod laboratory;
mod play;
pub mod policy;
mod print;
mod publish;
pub mod reputation;
mod serve;
mod server;
mod show;
mod token;
mod watch;

use std::io::Write;
use std::sync::Arc;

use clap::{Parser, Subcommand};

use crate::clock::SystemClock;
use crate::telemetry::{LogFormat, start_logging};

/// Watches live channels and can prove afterwards what it did and why.
#[derive(Debug, Parser)]
#[command(name = "streamwarden", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Play the bundled footage into wardens and print what they decide.
    ///
    /// Exit code 0: every frame has its outcome; 1: not carried out; 3: played to its end, but of some channel nothing was
    /// judged, as without a model; 130: interrupted, and closed in order.
    Demo(demo::DemoArgs),
    /// Watch your own videos and folders of pictures.
    ///
    /// Exit code 0: every frame has its outcome; 1: not carried out; 3: watched to the end, but of some channel nothing was
    /// judged, as without a model; 130: interrupted, and closed in order.
    Watch(watch::WatchArgs),
    /// Take frames and questions over HTTP until asked to end.
    Serve(serve::ServeArgs),
    /// Ask a server whether it is up, as a container's health check does.
    ///
    /// Exit code 0: it is up; 1: it does not say so within seconds.
    Alive(alive::AliveArgs),
    /// Look at AWS from here, and say of each thing that is needed what is wrong and what to do.
    ///
    /// Changes nothing. Exit code 0: nothing that was looked at is wrong; 1: something is.
    Doctor(doctor::DoctorArgs),
    /// Check, explain, import, publish and compare policies, and run them in shadow.
    Policy(policy::PolicyArgs),
    /// Say what a policy would have done to what was recorded, without a call to any provider.
    ///
    /// Reads a store that no process is writing. Exit code 0: answered; 1: not carried out; 130: interrupted, and nothing
    /// was written.
    Backtest(laboratory::BacktestArgs),
    /// Say what watching would cost at each cadence, and how soon it would see: on a dense recording.
    ///
    /// Reads a store that no process is writing. Exit code 0: answered; 1: not carried out; 130: interrupted, and nothing
    /// was written.
    Frontier(laboratory::FrontierArgs),
    /// Hold providers against each other: calls, cost, latency, agreement, what people said to their warnings, and which
    /// threshold a wanted upheld rate would take.
    ///
    /// Reads a store that no process is writing; asks no provider. Exit code 0: answered; 1: not carried out; 130:
    /// interrupted, and nothing was written.
    Arena(laboratory::ArenaArgs),
    /// Create, list and revoke bearer tokens.
    Token(token::TokenArgs),
    /// Look into a journal, verify it, export, import and repair it.
    Journal(journal::JournalArgs),
    Reputation(reputation::ReputationArgs),
}

/// Runs the program; returns its exit code.
pub fn run(cli: Cli) -> u8 {
    if !matches!(cli.command, Command::Serve(_)) {
        start_logging(LogFormat::Text, LOG_FILTER); // serving, the configuration says how
    }
    // Not locked for the whole run: other threads log.
    let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
    let answered = match cli.command {
        Command::Token(args) => token::run(&args, &SystemClock, &mut out, &mut err),
        Command::Policy(args) => policy::run(&args, &mut out, &mut err),
        Command::Doctor(args) => doctor::run(&args, &mut out),
        Command::Journal(args) => journal::run(&args, Arc::new(SystemClock), &mut out, &mut err),
        Command::Reputation(args) => reputation::run(&args, Arc::new(SystemClock), &mut out, &mut err),
        Command::Backtest(args) => return played(laboratory::backtest(&args)),
        Command::Frontier(args) => return played(laboratory::frontier(&args)),
        Command::Arena(args) => return played(laboratory::arena(&args)),
        Command::Demo(args) => return played(demo::run(&args)),
        Command::Watch(args) => return played(watch::run(&args)),
        Command::Serve(args) => return played(serve::run(&args)),
        Command::Alive(args) => return played(alive::run(&args)),
    };
    // A reader that has seen enough (`| head`) is no failure.
    let answered = match answered {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(Outcome::Fine),
        answered => answered,
    };
    answered.map_or_else(|error| complain(&error.into()), |outcome| outcome as u8)
}

fn played(result: anyhow::Result<()>) -> u8 {
    let seen_enough = |error: &anyhow::Error| {
        let io = error.chain().find_map(|cause| cause.downcast_ref::<std::io::Error>());
        io.is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
    };
    match result {
        Ok(()) => 0,
        Err(error) if seen_enough(&error) => 0,
        Err(error) => complain(&error),
    }
}

/// How a question ended; its number is the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// As hoped for: 0.
    Fine = 0,
    /// Answered, and the answer is bad: 1.
    Found = 1,
    /// Not answered: 2.
    Unanswered = 2,
}

/// What is logged where nobody says otherwise.
const LOG_FILTER: &str = "warn";
/// Exit code of a command that could not be carried out.
const EXIT_FAILED: u8 = 1;

/// The error, its causes, and what to try.
fn complain(error: &anyhow::Error) -> u8 {
    let mut err = std::io::stderr().lock();
    let _ = writeln!(err, "error: {error}"); // nobody is left to tell that standard error is closed
    for cause in error.chain().skip(1) {
        let _ = writeln!(err, "  because: {cause}");
    }
    if let Some(hint) = error.chain().find_map(hint) {
        let _ = writeln!(err, "hint: {hint}");
    }
    match error {
        error if error.is::<laboratory::CalledOff>() => interrupt::EXIT_INTERRUPTED,
        error if error.is::<interrupt::Interrupted>() => interrupt::EXIT_INTERRUPTED,
        error if error.is::<show::NothingJudged>() => show::EXIT_NOTHING_JUDGED,
        _ => EXIT_FAILED,
    }
}

fn hint(cause: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    if let Some(error) = cause.downcast_ref::<crate::journal::OpenError>() {
        return Some(error.hint());
    }
    if let Some(error) = cause.downcast_ref::<crate::config::ConfigError>() {
        return Some(error.hint());
    }
    cause.downcast_ref::<crate::intake::SourceError>()?.hint()
}
