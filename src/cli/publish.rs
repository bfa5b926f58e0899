//! `streamwarden policy publish` and `streamwarden policy shadow`: a policy file is checked here, then handed to a server
//! that runs. Says which versions came of it, or why none did.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Outcome;
use super::policy::{checked, read_all};
use super::server::{ServerArgs, ServerError};
use crate::model::{PolicyId, PolicyRef};
use crate::policy::diagnostic::Severity;

/// What is to be in force, and why.
#[derive(Debug, Args)]
pub struct PublishArgs {
    /// The policy file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Why, in 1 to 2000 bytes. Recorded.
    #[arg(long, value_name = "TEXT")]
    why: String,
    /// The version that was in force when the file was written, 0 if none was: refused if it is another by now. For a file
    /// with one policy.
    #[arg(long, value_name = "VERSION")]
    expect: Option<u32>,
    #[command(flatten)]
    server: ServerArgs,
}

/// What is to run in shadow, or no more, and why.
#[derive(Debug, Args)]
pub struct ShadowArgs {
    /// The policy file that is to run in shadow.
    #[arg(value_name = "FILE", required_unless_present = "stop", conflicts_with = "stop")]
    file: Option<PathBuf>,
    /// End the shadow of this policy.
    #[arg(long, value_name = "POLICY")]
    stop: Option<PolicyId>,
    /// Why, in 1 to 2000 bytes. Recorded.
    #[arg(long, value_name = "TEXT")]
    why: String,
    #[command(flatten)]
    server: ServerArgs,
}

/// What the server says that stands now.
#[derive(Deserialize)]
struct Stands {
    policies: Vec<One>,
}

#[derive(Deserialize)]
struct One {
    policy: PolicyRef,
    before: Option<PolicyRef>,
    beside: Option<PolicyRef>,
    unchanged: bool,
}

#[derive(Deserialize)]
struct Ended {
    policy: PolicyRef,
}

/// Puts a file in force. Fails only if it cannot write.
pub(super) fn publish(args: &PublishArgs, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<Outcome> {
    let text = match sound(&args.file, out, err)? {
        Ok(text) => text,
        Err(outcome) => return Ok(outcome),
    };
    let mut body = json!({ "text": text, "why": args.why });
    if let Some(expect) = args.expect {
        body["expected_version"] = Value::from(expect);
    }
    match args.server.post::<Stands>(&["v1", "policies"], &body) {
        Ok(Stands { policies }) => {
            for One { policy, before, unchanged, .. } in policies {
                match before {
                    _ if unchanged => writeln!(out, "{policy} was in force with this text already")?,
                    Some(before) => writeln!(out, "{policy} is in force, in place of {before}")?,
                    None => writeln!(out, "{policy} is in force")?,
                }
            }
            Ok(Outcome::Fine)
        }
        Err(error) => refused(&error, err),
    }
}

/// Puts a file in shadow, or ends a shadow. Fails only if it cannot write.
pub(super) fn shadow(args: &ShadowArgs, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<Outcome> {
    if let Some(policy) = &args.stop {
        let path = ["v1", "policies", policy.as_str(), "unshadow"];
        return match args.server.post::<Ended>(&path, &json!({ "why": args.why })) {
            Ok(Ended { policy }) => {
                writeln!(out, "{policy} runs in shadow no more")?;
                Ok(Outcome::Fine)
            }
            Err(error) => refused(&error, err),
        };
    }
    let Some(file) = &args.file else { return Ok(Outcome::Unanswered) }; // the arguments have one of the two
    let text = match sound(file, out, err)? {
        Ok(text) => text,
        Err(outcome) => return Ok(outcome),
    };
    match args.server.post::<Stands>(&["v1", "policies", "shadow"], &json!({ "text": text, "why": args.why })) {
        Ok(Stands { policies }) => {
            for One { policy, beside, unchanged, .. } in policies {
                match beside {
                    _ if unchanged => writeln!(out, "{policy} was in shadow with this text already")?,
                    Some(beside) => writeln!(out, "{policy} runs in shadow, beside {beside}")?,
                    None => writeln!(out, "{policy} runs in shadow; no version of it is in force")?,
                }
            }
            Ok(Outcome::Fine)
        }
        Err(error) => refused(&error, err),
    }
}

/// The file's text, if it is sound: what is wrong with it is said as `policy check` says it, and nothing is sent.
fn sound(file: &Path, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<Result<String, Outcome>> {
    let Some(mut texts) = read_all(&[file.to_owned()], err)? else { return Ok(Err(Outcome::Unanswered)) };
    let found = checked(&texts, &[]);
    for said in &found.diagnostics {
        writeln!(out, "{said}")?;
    }
    if found.count(Severity::Error) > 0 {
        writeln!(err, "error: {} holds mistakes, and nothing was sent", file.display())?;
        return Ok(Err(Outcome::Found));
    }
    Ok(texts.pop().map(|(_, text)| text).ok_or(Outcome::Unanswered))
}

fn refused(error: &ServerError, err: &mut dyn Write) -> io::Result<Outcome> {
    writeln!(err, "error: {error}")?;
    writeln!(err, "hint: {}", error.hint())?;
    Ok(match error {
        ServerError::Refused { .. } => Outcome::Found,
        ServerError::Address(_) | ServerError::Token(_) | ServerError::NoAnswer { .. } => Outcome::Unanswered,
    })
}
