//! `streamwarden journal`: tail, show, stats, verify, export, import, repair, erase. Asks [`crate::journal`] and writes to
//! what it is given: the answer to `out`, everything else to `err`.
//!
//! All of it works offline, on a directory that no process is writing: sled lets nobody read beside a writer.

pub use super::Outcome;

use std::collections::HashSet;
use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::event_text::{full_json, one_line, printable};
use super::journal_erase::{self, EraseArgs};
use super::journal_failure::{Failed, Failure};
use super::journal_stats::Stats;
use crate::audit::decision::{self, Sources};
use crate::clock::Clock;
use crate::events::{Event, Recorded};
use crate::journal::content::{self, ContentError, references_in};
use crate::journal::export::{ExportManifest, MANIFEST_FILE, Source, export};
use crate::journal::import::import;
use crate::journal::{
    Gaps, Inspection, Journal, Loss, OpenError, Options, READ_LIMIT_MAX, ReadError, rebuild, repair, verify,
};
use crate::model::{ContentRef, EventId, FrameId, Position, Scope, Sequence, Sha256, Transcript};

/// sled's cache while a store is looked at, in bytes.
const CACHE_BYTES: u64 = 16 << 20;
/// Findings that a verification prints; it counts the others.
const FINDINGS_SHOWN_MAX: usize = 20;

/// Read, verify, copy, repair and erase from a journal that no process is writing.
///
/// Exit code 0: done, or nothing is wrong; 1: something is wrong with the journal, or what was asked for is not in it;
/// 2: the question could not be answered.
#[derive(Debug, Args)]
pub struct JournalArgs {
    /// The data directory.
    #[arg(long, global = true, value_name = "DIR", default_value = "data")]
    pub data: PathBuf,
    /// What to do.
    #[command(subcommand)]
    pub command: JournalCommand,
}

/// What can be done with a journal.
#[derive(Debug, Subcommand)]
pub enum JournalCommand {
    /// Print the newest events, one line each.
    Tail {
        /// How many.
        #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 20)]
        last: u64,
        /// Only those of a channel, or of a system scope such as $store.
        #[arg(long, value_name = "SCOPE")]
        scope: Option<Scope>,
        /// Begin after this position instead, and print all that follow.
        #[arg(long, value_name = "POSITION", conflicts_with_all = ["last", "scope"])]
        after: Option<u64>,
        /// Print each event whole, as JSON on one line.
        #[arg(long)]
        json: bool,
    },
    /// Print one event whole, as JSON.
    Show {
        /// A position, an event id, or `frame:` and a frame id for the outcome of a frame.
        #[arg(value_name = "EVENT")]
        event: Wanted,
    },
    /// Print what the journal holds: events by type, busiest scopes, segments, consumers, disk.
    Stats {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Read and hash everything again: every event, index and segment, the anchor, and all content.
    Verify,
    /// Copy events with their content into a directory of its own. It holds keys: keep it as safe as the store.
    Export {
        /// Where to; made, or empty.
        #[arg(value_name = "DIR")]
        to_dir: PathBuf,
        /// First position.
        #[arg(long, value_name = "POSITION")]
        from: Option<u64>,
        /// Last position.
        #[arg(long, value_name = "POSITION")]
        to: Option<u64>,
        /// An earlier export that this one continues: it begins where that one ends, and names it.
        #[arg(long, value_name = "DIR", conflicts_with = "from")]
        continues: Option<PathBuf>,
    },
    /// Make a store in an empty data directory from exports, after verifying all of them.
    Import {
        /// Exports in order; the first begins at position 1.
        #[arg(required = true, value_name = "DIR")]
        exports: Vec<PathBuf>,
    },
    /// Go on after damage. The lists `FORMAT` and `MANIFEST` are made anew from the segments; events that do not verify
    /// are declared lost, in the journal itself, and never used again, if that is accepted.
    Repair {
        /// That events are lost for good is accepted.
        #[arg(long)]
        accept_loss: bool,
        /// Where sealed segments were moved to, should the list that said so be gone.
        #[arg(long, value_name = "DIR")]
        archive: Option<PathBuf>,
    },
    /// Destroy the keys under which what is kept of a channel or a person lies. Nobody can undo it. Events stay.
    Erase(EraseArgs),
}

/// Which event is to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// The one at this position.
    At(Position),
    /// The one of this id.
    Id(EventId),
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(frame) = text.strip_prefix("frame:") {
            let frame: FrameId = frame.parse().map_err(|error| format!("{error}"))?;
            return Ok(Self::Id(EventId::outcome_of(frame)));
        }
        match (text.parse().map(Position), text.parse()) {
            // 32 digits may be an id without letters; no journal has so many events
            (_, Ok(id)) => Ok(Self::Id(id)),
            (Ok(position), _) => Ok(Self::At(position)),
            _ => {
                Err("an event is named by its position, by its id of 32 hexadecimal digits, or by frame:ID".to_owned())
            }
        }
    }
}

/// Runs a command. Fails only if it cannot write.
pub fn run(args: &JournalArgs, clock: Arc<dyn Clock>, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<Outcome> {
    let options = Options { cache_bytes: CACHE_BYTES, ..Options::new(&args.data, clock) };
    let done = match &args.command {
        JournalCommand::Tail { last, scope, after, json } => {
            tail(&options, *last, scope.as_ref(), after.map(Position), *json, out)
        }
        JournalCommand::Show { event } => show(&options, event, out),
        JournalCommand::Stats { json } => stats(&options, *json, out),
        JournalCommand::Verify => verify_all(&options, out),
        JournalCommand::Export { to_dir, from, to, continues } => {
            export_to(&options, to_dir, from.map(Position), to.map(Position), continues.as_deref(), out)
        }
        JournalCommand::Import { exports } => import_from(&options, exports, out),
        JournalCommand::Repair { accept_loss, archive } => {
            let gaps = if *accept_loss { Gaps::Lost } else { Gaps::Refused };
            repair_with(&options, archive.as_deref(), gaps, out)
        }
        JournalCommand::Erase(args) => journal_erase::erase(args, options, out),
    };
    match done {
        Ok(outcome) => Ok(outcome),
        Err(Failed::Writing(error)) => Err(error),
        Err(Failed::Here(failure)) => {
            failure.print(err)?;
            Ok(failure.outcome)
        }
    }
}

fn tail(
    options: &Options,
    last: u64,
    scope: Option<&Scope>,
    after: Option<Position>,
    json: bool,
    out: &mut dyn Write,
) -> Result<Outcome, Failed> {
    let journal = Inspection::open(options)?;
    let mut print = |events: Vec<Recorded>| {
        events.iter().try_for_each(|event| match json {
            true => writeln!(out, "{}", full_json(event)),
            false => writeln!(out, "{}", one_line(event)),
        })
    };
    if let Some(scope) = scope {
        let mut after = Sequence(journal.scope_head(scope).0.saturating_sub(last));
        loop {
            let page = journal.read_scope(scope, after, READ_LIMIT_MAX)?;
            let Some(newest) = page.last() else { return Ok(Outcome::Fine) };
            after = newest.envelope.sequence;
            print(page)?;
        }
    }
    let mut after = after.unwrap_or(Position(journal.head().0.saturating_sub(last)));
    loop {
        let page = journal.read(after, READ_LIMIT_MAX)?;
        let Some(newest) = page.last() else { return Ok(Outcome::Fine) };
        after = newest.envelope.position;
        print(page)?;
    }
}

fn show(options: &Options, wanted: &Wanted, out: &mut dyn Write) -> Result<Outcome, Failed> {
    let journal = Inspection::open(options)?;
    let found = match wanted {
        Wanted::Id(id) => journal.find(*id)?,
        Wanted::At(position) => {
            let page = journal.read(Position(position.0.saturating_sub(1)), 1)?;
            page.into_iter().next().filter(|event| event.envelope.position == *position)
        }
    };
    let Some(event) = found else {
        let lost = match wanted {
            Wanted::At(position) => journal.manifest().lost(*position).map(|loss| loss.finding.clone()),
            Wanted::Id(_) => None,
        };
        let error = match lost {
            Some(finding) => format!("the event was lost, and accepted as lost: {finding}"),
            None => format!("there is no such event; the journal ends at position {}", journal.head()),
        };
        return Err(Failed::Here(Failure {
            error: error.into(),
            hint: "`journal tail` lists the newest events with their positions",
            outcome: Outcome::Found,
        }));
    };
    let mut shown = full_json(&event);
    if let (Ok(Event::FrameAssessed(_)), Some(fields)) = (event.event(), shown.as_object_mut()) {
        fields.insert("explanation".to_owned(), explanation(&journal, &options.data_dir, event).into());
    }
    let text = serde_json::to_string_pretty(&shown).unwrap_or_else(|error| error.to_string());
    writeln!(out, "{text}")?;
    Ok(Outcome::Fine)
}

/// One line for the verdict and one per rule of the policy version that judged, in its order; then what cannot be shown.
fn explanation(journal: &Inspection, data_dir: &Path, assessed: Recorded) -> Vec<String> {
    let explained = open_content(data_dir).map_err(|error| error.to_string()).and_then(|content| {
        let sources = Sources { journal, content: &content };
        decision::decision(sources, assessed).map_err(|error| error.to_string())
    });
    match explained {
        Ok(decided) => decided.map_or(Vec::new(), |decided| decided.lines()),
        Err(reason) => vec![format!("cannot be explained: {reason}")],
    }
}

fn stats(options: &Options, json: bool, out: &mut dyn Write) -> Result<Outcome, Failed> {
    let journal = Inspection::open(options)?;
    let mut stats = Stats::of(&journal);
    stats.disk_bytes = Inspection::disk_bytes(&options.data_dir).map_err(|error| Failed::reading(options, error))?;
    for event in Events::of(&journal) {
        stats.count(&event?);
    }
    match json {
        true => writeln!(out, "{:#}", stats.to_json())?,
        false => stats.print(out)?,
    }
    Ok(Outcome::Fine)
}

fn verify_all(options: &Options, out: &mut dyn Write) -> Result<Outcome, Failed> {
    let verified = verify(&options.data_dir)?;
    let [sealed, full, hot] = verified.segments;
    writeln!(
        out,
        "{} events verified up to position {} in {sealed} sealed, {full} full and {hot} hot segments",
        verified.events, verified.head
    )?;
    writeln!(out, "chain {}", verified.chain)?;
    for loss in &verified.losses {
        writeln!(out, "positions {} to {} were accepted as lost: {}", loss.from, loss.to, printable(&loss.finding))?;
    }
    if !verified.clean {
        writeln!(out, "the last writer did not close it in order; nothing acknowledged is missing")?;
    }
    journal_erase::unfinished(&Inspection::open(options)?, out)?;
    let report = verify_content(options)?;
    writeln!(
        out,
        "{} contents verified, {} erased, {} expired, {} damaged, {} orphans",
        report.sound,
        report.erased,
        report.expired,
        report.damaged,
        report.orphans.len()
    )?;
    for (content, finding) in report.findings.iter().take(FINDINGS_SHOWN_MAX) {
        writeln!(out, "damaged: {} of {}: {}", content.digest, printable(&content.subject), printable(finding))?;
    }
    if report.damaged == 0 {
        return Ok(Outcome::Fine);
    }
    Err(Failed::Here(Failure {
        error: format!("{} contents are damaged or missing; the events themselves are whole", report.damaged).into(),
        hint: "an export made before may still hold them: import it elsewhere and compare",
        outcome: Outcome::Found,
    }))
}

/// Verifies every content that an event refers to.
fn verify_content(options: &Options) -> Result<content::Report, Failed> {
    let journal = Inspection::open(options)?;
    let store = open_content(&options.data_dir)?;
    let mut contents: Vec<(Position, ContentRef)> = Vec::new();
    let mut known = HashSet::new();
    // Of pictures, and of what was said.
    let mut expired_through = [Position(0); 2];
    let is_said = |content: &ContentRef| content.subject.starts_with(Transcript::SUBJECT);
    for event in Events::of(&journal) {
        let event = event?;
        let position = event.envelope.position;
        // Whoever looks at a content later refers to it again; what says when it was kept is the first.
        let new = references_in(&event.payload).into_iter().filter(|content| known.insert(content.digest));
        contents.extend(new.map(|content| (position, content)));
        if let Ok(Event::EvidenceExpired(expired)) = event.event() {
            let through = &mut expired_through[usize::from(expired.transcripts > 0)];
            *through = (*through).max(expired.through);
        }
    }
    let mut unexplained = Vec::new();
    let is_young =
        |(position, content): &&(Position, ContentRef)| *position > expired_through[usize::from(is_said(content))];
    for (_, content) in contents.iter().filter(is_young) {
        if store.is_expired(content)? {
            unexplained.push((content.clone(), "it is gone as if its time were over, and no event says so".to_owned()));
        }
    }
    let mut report = store.verify(contents.into_iter().map(|(_, content)| content))?;
    report.expired -= unexplained.len() as u64;
    report.damaged += unexplained.len() as u64;
    report.findings.extend(unexplained);
    Ok(report)
}

fn export_to(
    options: &Options,
    directory: &Path,
    from: Option<Position>,
    to: Option<Position>,
    continues: Option<&Path>,
    out: &mut dyn Write,
) -> Result<Outcome, Failed> {
    let journal = Inspection::open(options)?;
    journal_erase::keys_left(&journal)?;
    let content = open_content(&options.data_dir)?;
    let (from, previous) = match continues {
        None => (from.unwrap_or(Position(1)), None),
        Some(earlier) => {
            let (last, digest) = end_of_export(earlier)?;
            (last.next(), Some(digest))
        }
    };
    let to = to.unwrap_or_else(|| journal.head());
    let manifest = export(&Source::of(&journal, &content), from, to, previous, directory)?;
    writeln!(
        out,
        "{} events from position {} to {} in {} segments, {} files of content",
        manifest.count,
        manifest.first,
        manifest.last,
        manifest.segments.len(),
        manifest.content.len()
    )?;
    writeln!(out, "chain {}", manifest.chain)?;
    Ok(Outcome::Fine)
}

fn import_from(options: &Options, exports: &[PathBuf], out: &mut dyn Write) -> Result<Outcome, Failed> {
    let imported = import(exports, &options.data_dir, options.clock.now())?;
    let content = &imported.content;
    writeln!(out, "{} events up to position {} imported and verified", imported.count, imported.last)?;
    writeln!(out, "{} contents verified, {} erased, {} expired", content.sound, content.erased, content.expired)?;
    writeln!(out, "chain {}", imported.chain)?;
    Ok(Outcome::Fine)
}

fn repair_with(options: &Options, archive: Option<&Path>, gaps: Gaps, out: &mut dyn Write) -> Result<Outcome, Failed> {
    let rebuilt = rebuild(&options.data_dir, archive, gaps)?;
    if let Some(rebuilt) = &rebuilt {
        for (name, anew) in [("FORMAT", rebuilt.format), ("MANIFEST", rebuilt.manifest)] {
            if anew {
                writeln!(out, "{name} was made anew from the segments")?;
            }
        }
        declare(&rebuilt.losses, out)?;
    }
    match (verify(&options.data_dir), gaps) {
        (Ok(verified), _) => {
            match rebuilt {
                None => writeln!(out, "everything verifies; nothing was done")?,
                Some(_) => writeln!(out, "{} events verified up to position {}", verified.events, verified.head)?,
            }
            return Ok(Outcome::Fine);
        }
        (Err(OpenError::NoStore { path }), _) => return Err(OpenError::NoStore { path }.into()),
        (Err(OpenError::Locked { path, holder }), _) => return Err(OpenError::Locked { path, holder }.into()),
        (Err(_), Gaps::Lost) => {}
        (Err(error), Gaps::Refused) => {
            return Err(Failed::Here(Failure {
                error: Box::new(LossNotAccepted(error)),
                hint: "`journal verify` names what is wrong; --accept-loss goes on without it",
                outcome: Outcome::Unanswered,
            }));
        }
    }
    if let Some(repaired) = repair(&options.data_dir)? {
        declare(&repaired.losses, out)?;
        writeln!(out, "the journal goes on at position {}; what was damaged is in damaged/", repaired.next)?;
    }
    Ok(Outcome::Fine)
}

/// A repair that would lose events, and was not told that it may.
#[derive(Debug, thiserror::Error)]
#[error("a repair declares events lost for good; it must be asked for")]
struct LossNotAccepted(#[source] OpenError);

fn declare(losses: &[Loss], out: &mut dyn Write) -> io::Result<()> {
    losses.iter().try_for_each(|loss| {
        writeln!(out, "positions {} to {} are declared lost: {}", loss.from, loss.to, printable(&loss.finding))
    })
}

/// Last position and manifest digest of an export.
fn end_of_export(directory: &Path) -> Result<(Position, Sha256), Failed> {
    let unreadable = |error: Box<dyn Error>| {
        Failed::Here(Failure {
            error,
            hint: "--continues takes the directory of a complete earlier export",
            outcome: Outcome::Unanswered,
        })
    };
    let json = fs::read(directory.join(MANIFEST_FILE)).map_err(|error| {
        unreadable(format!("the manifest of the export in {} cannot be read: {error}", directory.display()).into())
    })?;
    let manifest: ExportManifest = serde_json::from_slice(&json).map_err(|error| unreadable(error.into()))?;
    Ok((manifest.last, Sha256::of(&json)))
}

fn open_content(data_dir: &Path) -> Result<content::Store, ContentError> {
    content::Store::open(&data_dir.join("content"), &data_dir.join("keys"))
}

/// All events in order, a page in memory at a time. Ends after the first error.
struct Events<'a> {
    journal: &'a dyn Journal,
    page: std::vec::IntoIter<Recorded>,
    after: Option<Position>,
}

impl<'a> Events<'a> {
    fn of(journal: &'a dyn Journal) -> Self {
        Self { journal, page: Vec::new().into_iter(), after: Some(Position(0)) }
    }
}

impl Iterator for Events<'_> {
    type Item = Result<Recorded, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(event) = self.page.next() {
            self.after = Some(event.envelope.position);
            return Some(Ok(event));
        }
        match self.journal.read(self.after?, READ_LIMIT_MAX) {
            Ok(page) => self.page = page.into_iter(),
            Err(error) => {
                self.after = None;
                return Some(Err(error));
            }
        }
        let event = self.page.next()?;
        self.after = Some(event.envelope.position);
        Some(Ok(event))
    }
}
