//! `streamwarden policy`: check, explain, import, compare, publish, shadow, schema. Reads the files, asks [`crate::policy`], writes to what it is
//! given: the answer to `out`, everything else to `err`.

pub use super::Outcome;

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::model::{Action, Approval, ChannelId, OnUnavailable};
use crate::policy::check::{Checked, check};
use crate::policy::diagnostic::Severity;
use crate::policy::import::{self, Imported};
use crate::policy::standing::standings;
use crate::policy::{AutomaticStops, Category, Policy, Window, bounds, schema};

/// Check, explain, import, publish and compare policies, and run them in shadow.
#[derive(Debug, Args)]
pub struct PolicyArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: PolicyCommand,
}

/// What can be done with policies.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Say what is wrong with policy files, and what in them can never work.
    ///
    /// Exit code 0: no error; 1: an error, or a warning with --deny-warnings; 2: a file could not be read.
    Check {
        /// Channels that should be watched: says which policies are for none of them, and which are watched by none.
        #[arg(long = "channel", value_name = "ID")]
        channels: Vec<ChannelId>,
        /// Fail on warnings too.
        #[arg(long)]
        deny_warnings: bool,
        /// Policy files, read as one set.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Say which policy applies to a channel, and why the others do not.
    ///
    /// Exit code 0: a policy applies; 1: none does, the channel is not watched; 2: the files hold errors or cannot be
    /// read.
    Explain {
        /// The channel.
        #[arg(long, value_name = "ID")]
        channel: ChannelId,
        /// Policy files, read as one set.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Translate the configuration of aws-ai-content-moderation-livestream into policies.
    ///
    /// The policies are written to the standard output, notes of every change to the standard error.
    /// Exit code 0: translated; 1: items cannot be translated; 2: the file cannot be read.
    Import {
        /// JSON: one configuration item, a list of them, or the output of `aws dynamodb scan`; plain or DynamoDB-typed.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Hold what a policy said in shadow against what was decided.
    ///
    /// Reads the journal of a data directory that no process is writing. Exit code 0: compared; 1: the policy never ran in
    /// shadow, or something is wrong with the journal; 2: the question could not be answered.
    Compare(super::compare::CompareArgs),
    /// Put a policy file in force on a server that runs.
    ///
    /// It is checked first, and sent only if it holds no mistake. Exit code 0: in force; 1: it holds mistakes, or the
    /// server refuses; 2: the file cannot be read, or the server gives no answer.
    Publish(super::publish::PublishArgs),
    /// Run a policy file in shadow on a server that runs, or end a shadow.
    ///
    /// It judges beside the policy in force, and nothing follows from what it says. Exit codes as of `publish`.
    Shadow(super::publish::ShadowArgs),
    /// Write the JSON Schema of policy files, for editors.
    Schema,
}

/// Runs a command. Fails only if it cannot write.
pub fn run(args: &PolicyArgs, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<Outcome> {
    match &args.command {
        PolicyCommand::Check { channels, deny_warnings, files } => {
            let strictness = if *deny_warnings { Severity::Warning } else { Severity::Error };
            run_check(files, channels, strictness, out, err)
        }
        PolicyCommand::Explain { channel, files } => run_explain(files, channel, out, err),
        PolicyCommand::Import { file } => run_import(file, out, err),
        PolicyCommand::Compare(args) => super::compare::run(args, out, err),
        PolicyCommand::Publish(args) => super::publish::publish(args, out, err),
        PolicyCommand::Shadow(args) => super::publish::shadow(args, out, err),
        PolicyCommand::Schema => {
            let schema = serde_json::to_string_pretty(&schema()).expect("a schema is JSON");
            writeln!(out, "{schema}")?;
            Ok(Outcome::Fine)
        }
    }
}

fn run_check(
    files: &[PathBuf],
    channels: &[ChannelId],
    strictness: Severity,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Outcome> {
    let Some(texts) = read_all(files, err)? else { return Ok(Outcome::Unanswered) };
    let checked = checked(&texts, channels);
    for said in &checked.diagnostics {
        writeln!(out, "{said}")?;
    }
    for channel in &checked.unwatched {
        writeln!(
            out,
            "warning: channel {channel} is watched by no policy\n  hint: add a policy whose channels hold it"
        )?;
    }
    let errors = checked.count(Severity::Error);
    let warnings = checked.count(Severity::Warning) + checked.unwatched.len();
    let policies = checked.policies.len();
    writeln!(err, "{policies} policies are sound; {errors} errors, {warnings} warnings in {} files", files.len())?;
    let failed = errors > 0 || (strictness == Severity::Warning && warnings > 0);
    Ok(if failed { Outcome::Found } else { Outcome::Fine })
}

fn run_explain(
    files: &[PathBuf],
    channel: &ChannelId,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Outcome> {
    let Some(texts) = read_all(files, err)? else { return Ok(Outcome::Unanswered) };
    let checked = checked(&texts, &[]);
    if checked.count(Severity::Error) > 0 {
        for said in checked.diagnostics.iter().filter(|said| said.severity == Severity::Error) {
            writeln!(err, "{said}")?;
        }
        writeln!(err, "error: no answer while the files hold errors\nhint: run streamwarden policy check")?;
        return Ok(Outcome::Unanswered);
    }
    let policies = || checked.policies.iter().map(|loaded| &loaded.policy);
    let mut standings: Vec<_> = standings(policies(), channel).into_iter().zip(&checked.policies).collect();
    standings.sort_by_key(|(standing, _)| !standing.because.applies());
    let mut outcome = Outcome::Found;
    for (standing, loaded) in standings {
        writeln!(out, "{standing} ({}:{})", loaded.file, loaded.places.channels.line)?;
        if standing.because.applies() {
            outcome = Outcome::Fine;
            write!(out, "{}", InForce(&loaded.policy, loaded.taxonomy.name()))?;
        }
    }
    if outcome == Outcome::Found {
        writeln!(
            out,
            "channel {channel} is watched by no policy: its frames are skipped and it is reported as unwatched"
        )?;
    }
    Ok(outcome)
}

fn run_import(file: &Path, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<Outcome> {
    let Some(text) = read_file(file, import::BYTES_MAX, err)? else { return Ok(Outcome::Unanswered) };
    match import::import(&text) {
        Ok(Imported { yaml, notes }) => {
            for note in notes {
                writeln!(err, "note: {note}")?;
            }
            write!(out, "{yaml}")?;
            Ok(Outcome::Fine)
        }
        Err(error) => {
            writeln!(err, "error: importing {}: {error}", file.display())?;
            writeln!(err, "hint: correct the items in a copy of the file and import again; nothing was written")?;
            Ok(Outcome::Found)
        }
    }
}

pub(super) fn checked(texts: &[(String, String)], channels: &[ChannelId]) -> Checked {
    let files: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    check(&files, channels)
}

/// Names and texts of all files, or none if one cannot be read; every one that cannot is named.
pub(super) fn read_all(files: &[PathBuf], err: &mut dyn Write) -> io::Result<Option<Vec<(String, String)>>> {
    let mut texts = Some(Vec::with_capacity(files.len()));
    for file in files {
        match read_file(file, bounds::FILE_BYTES_MAX, err)? {
            Some(text) => texts.iter_mut().for_each(|texts| texts.push((file.display().to_string(), text.clone()))),
            None => texts = None,
        }
    }
    Ok(texts)
}

fn read_file(file: &Path, bytes_max: usize, err: &mut dyn Write) -> io::Result<Option<String>> {
    let mut text = String::new();
    let read = File::open(file).and_then(|open| open.take(bytes_max as u64 + 1).read_to_string(&mut text));
    match read {
        Ok(_) => Ok(Some(text)), // one byte too many is refused by whoever reads the text
        Err(error) => {
            writeln!(err, "error: reading {}: {error}", file.display())?;
            writeln!(err, "hint: name files of UTF-8 text that exist and may be read")?;
            Ok(None)
        }
    }
}

/// A policy in the words of its file, defaults filled in.
struct InForce<'a>(&'a Policy, &'a str);

impl fmt::Display for InForce<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(policy, taxonomy) = self;
        let seconds = |ms: u32| f64::from(ms) / 1000.0;
        let sampling = &policy.sampling;
        let every = match policy.reputation {
            None => format!("{} s (−{} s)", seconds(sampling.fastest_ms), seconds(sampling.closest().tolerance_ms)),
            Some(_) => format!(
                "{} s to {} s by the channel's reputation",
                seconds(sampling.fastest_ms),
                seconds(sampling.slowest_ms)
            ),
        };
        writeln!(
            f,
            "  a frame every {every}, assessed again after {} s though similar, stale after {} s",
            seconds(sampling.reassess_after_ms),
            seconds(sampling.max_age_ms)
        )?;
        match &policy.similarity {
            Some(limits) => {
                writeln!(
                    f,
                    "  similar up to {} hash bits and {} grey levels",
                    limits.hash_distance_max, limits.luma_delta_max
                )?;
            }
            None => writeln!(f, "  no frame is skipped as similar")?,
        }
        f.write_str(match policy.on_unavailable {
            OnUnavailable::Record => "  where nobody can judge that is recorded, and nobody is asked\n",
            OnUnavailable::Warn => "  where nobody can judge a moderator is asked to look\n",
            OnUnavailable::Page => "  where nobody can judge whoever is on duty is told, as of the gravest\n",
        })?;
        match policy.automatic_stops {
            AutomaticStops::OneRule => {}
            AutomaticStops::SeveralRules { .. } => {
                writeln!(f, "  a stop without a person takes {}; else it is proposed", policy.automatic_stops)?;
            }
            AutomaticStops::ProposeOnly => {
                writeln!(f, "  no stop goes ahead without a person, whatever the rules say")?
            }
        }
        for rule in &policy.rules {
            let window = match rule.window {
                Window::Frames { hits, of } => format!("{hits} of {of} frames"),
                Window::Time { hits, within_ms } => format!("{hits} within {} s", seconds(within_ms)),
            };
            let then = match (rule.action, rule.approval) {
                (Action::Warn, _) => "a moderator is asked",
                (Action::Stop, Approval::None) => "the stream is stopped, without a person",
                (Action::Stop, Approval::Person) => "a moderator is asked to stop the stream",
                (Action::Suspend, Approval::None) => "keys are revoked and the stream is stopped, without a person",
                (Action::Suspend, Approval::Person) => "a moderator is asked to revoke keys and stop the stream",
            };
            let categories: Vec<&str> = rule.categories.iter().map(Category::as_str).collect();
            let categories = categories.join(", ");
            let words = rule.taxonomy.as_deref().map_or((*taxonomy).to_owned(), |own| format!("{own} only"));
            writeln!(f, "  {}: {categories} from {} in {window} ({words}): {then}", rule.id, rule.threshold())?;
        }
        Ok(())
    }
}
