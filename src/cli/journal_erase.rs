//! `streamwarden journal erase`: what is kept of a channel or a person, destroyed on a data directory that no process is
//! writing. Reads what is asked for and says what came of it; what erasing is, [`Erasures`] knows.

use std::io::Write;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::Outcome;
use super::event_text::printable;
use super::journal_failure::{Failed, Failure};
use crate::actors::{ErasureError, Erasures};
use crate::events::{Actor, ErasedContent, Erasing};
use crate::journal::{Inspection, Journal, Options, SledJournal, content};
use crate::model::{ChannelId, ErasureReason, EventId, ModeratorId};

/// What to erase, and why.
#[derive(Debug, Args)]
pub struct EraseArgs {
    /// The channel whose content is erased.
    #[arg(long, value_name = "CHANNEL", required_unless_present = "person", conflicts_with = "person")]
    channel: Option<ChannelId>,
    /// Which of what is kept of the channel.
    #[arg(long, value_enum, default_value = "everything", conflicts_with = "person")]
    content: Which,
    /// The person whose notes and reasons are erased, by the name that events know them by.
    #[arg(long, value_name = "PERSON")]
    person: Option<ModeratorId>,
    /// Why, as a short code without blanks. It stays in the journal for good, so it must name nobody.
    #[arg(long, value_name = "CODE")]
    reason: ErasureReason,
}

/// Which of a channel's content.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Which {
    /// All of it.
    Everything,
    /// Pictures, their copies, and answers that were too long for an event.
    Pictures,
    /// What was said.
    Transcripts,
}

impl EraseArgs {
    fn what(&self) -> Option<Erasing> {
        let content = match self.content {
            Which::Everything => ErasedContent::Everything,
            Which::Pictures => ErasedContent::Pictures,
            Which::Transcripts => ErasedContent::Transcripts,
        };
        let channel = self.channel.clone().map(|channel| Erasing::Channel { channel, content });
        channel.or_else(|| self.person.clone().map(Erasing::Person))
    }
}

/// Erases, and closes the journal in order.
pub(super) fn erase(args: &EraseArgs, options: Options, out: &mut dyn Write) -> Result<Outcome, Failed> {
    let Some(what) = args.what() else {
        return Err(Failed::Here(Failure {
            error: "neither a channel nor a person is named".into(),
            hint: "name one with --channel or --person",
            outcome: Outcome::Unanswered,
        }));
    };
    drop(Inspection::open(&options)?); // opened for writing, a store would be made where there is none
    let (data, now) = (options.data_dir.clone(), options.clock.now());
    let journal = Arc::new(SledJournal::open(options)?);
    let content = Arc::new(content::Store::open(&data.join("content"), &data.join("keys"))?);
    // The same again is meant again: something may have been kept since.
    let request = EventId::of_command("journal erase", &[&now.as_micros().to_be_bytes()]);
    let (by, reason) = (Actor::service("operator"), &args.reason);
    let done = Erasures::open(journal.clone(), content)
        .and_then(|erasures| erasures.erase(request, &what, reason, &by).map(|(erasure, _)| erasure));
    journal.close();
    let erasure = done?;
    for erased in &erasure.subjects {
        let subject = printable(&erased.subject);
        match erased.held {
            Some(held) if held.contents == 0 => {
                writeln!(out, "{subject}: had no key, or nothing that could be read lay under it")?
            }
            Some(held) => writeln!(out, "{subject}: destroyed, {} contents, {} bytes", held.contents, held.bytes)?,
            None => writeln!(out, "{subject}: destroyed")?,
        }
    }
    if erasure.leaves_copies() {
        writeln!(
            out,
            "copies in buckets are deleted by the next `serve`; streamwarden_erasures_unfinished says until when"
        )?;
    }
    for left in Erasures::remains(&what) {
        writeln!(out, "stays: {}: {}", left.what, left.why)?;
    }
    Ok(Outcome::Fine)
}

/// What is asked for and not carried out to its end, in a line each.
pub(super) fn unfinished(journal: &dyn Journal, out: &mut dyn Write) -> Result<(), Failed> {
    for erasure in Erasures::asked_for(journal)?.iter().filter(|erasure| !erasure.is_finished()) {
        let left = match erasure.subjects_left().is_empty() {
            true => "copies in buckets are left: the next `serve` deletes them",
            false => "keys are left: the next `serve` or `journal erase` destroys them",
        };
        writeln!(out, "the erasure asked for at position {} is not finished: {left}", erasure.position)?;
    }
    Ok(())
}

/// Refuses while a key is still there that was to be destroyed: a copy of it would outlive its end.
pub(super) fn keys_left(journal: &dyn Journal) -> Result<(), Failed> {
    let asked_for = Erasures::asked_for(journal)?;
    let Some(left) = asked_for.iter().find(|erasure| !erasure.subjects_left().is_empty()) else { return Ok(()) };
    let at = left.position;
    Err(Failed::Here(Failure {
        error: format!("the erasure asked for at position {at} has not destroyed its keys, which an export would hold")
            .into(),
        hint: "start `serve`, or run `journal erase` again: the next opening destroys them",
        outcome: Outcome::Found,
    }))
}

impl From<ErasureError> for Failed {
    fn from(error: ErasureError) -> Self {
        let (hint, outcome) = match &error {
            ErasureError::Unknown(_) => {
                ("`journal stats` lists the channels; a person is named as in events", Outcome::Found)
            }
            _ => (
                "once the cause is gone, do it again: what was asked for is carried out at the next opening",
                Outcome::Unanswered,
            ),
        };
        Self::Here(Failure { error: error.into(), hint, outcome })
    }
}
