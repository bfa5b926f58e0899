//! Round trips against a plain list, and every way a file can be wrong.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use sha2::{Digest, Sha256 as Hasher};
use tempfile::TempDir;

use super::layout::TRAILER_BYTES;
use super::*;
use crate::events::{Actor, Event, FrameFailed, FrameSkipped, NewEvent, PolicyPublished, Recorded, Skip};
use crate::journal::{ChainValue, StoredRecord};
use crate::model::{
    ChannelId, ContentRef, Epoch, EventId, Fingerprint, FrameId, HashScheme, LumaDelta, PerceptualHash, PolicyId,
    PolicyRef, Scope, Sequence, Sha256, Similarity, SystemScope, Timestamp,
};

const STORE: [u8; 16] = [7; 16];

fn channel(n: u64) -> ChannelId {
    ChannelId::new(format!("arn:aws:ivs:eu-west-1:123456789012:channel/c{n:04}")).expect("a sound id")
}

/// The `n`th event of a made-up history: mostly skipped frames, now and then a failure or a policy with content.
fn event(n: u64) -> (Scope, Event) {
    let channel = channel(n % 5);
    let frame = FrameId::of(&channel, &[&n.to_be_bytes()]);
    let print = Fingerprint::of(&[&n.to_be_bytes()]);
    match n % 13 {
        6 => {
            let text = content_of(n);
            let policy = PolicyRef { id: PolicyId::new("nudity").expect("a sound id"), version: n as u32 };
            (SystemScope::Policies.into(), PolicyPublished { policy, text, why: None }.into())
        }
        9 => {
            let reason = format!("the picture ends after {n} bytes");
            let failed = FrameFailed {
                medium: Default::default(),
                frame,
                print,
                stage: crate::events::FailedStage::Decode,
                reason,
                attempts: 1,
            };
            (channel.into(), failed.into())
        }
        _ => {
            let hash =
                PerceptualHash { scheme: HashScheme::MedianDctFromDc, bits: n.wrapping_mul(0x9e37_79b9_7f4a_7c15) };
            let distance = Similarity((n % 7) as u8, Some(LumaDelta((n % 300) as u16)));
            let because = Skip::Similar { hash, distance, to: Sequence(n / 5) };
            (channel.into(), FrameSkipped { medium: Default::default(), frame, print, because }.into())
        }
    }
}

fn content_of(n: u64) -> ContentRef {
    ContentRef { subject: "policy/nudity".to_owned(), digest: Sha256::of(&n.to_be_bytes()), bytes: n as u32 }
}

fn id(n: u64) -> EventId {
    EventId::of_command("sealed test", &[&n.to_be_bytes()])
}

fn streamed(segment: &Segment) -> Result<Vec<StoredRecord>, SealedError> {
    let mut records = Vec::new();
    segment.stream::<SealedError>(|record| {
        records.push(record.to_stored());
        Ok(())
    })?;
    Ok(records)
}

fn read(segment: &Segment, after: Position, limit: usize) -> Result<Vec<StoredRecord>, SealedError> {
    let mut records = Vec::new();
    segment.read::<SealedError>(after, limit, |record| {
        records.push(record.to_stored());
        Ok(())
    })?;
    Ok(records)
}

/// A history with the positions `first..first + count`, but for those of `holes`.
struct History {
    records: Vec<StoredRecord>,
    recorded: Vec<Recorded>,
    chain_before: ChainValue,
}

fn history(first: u64, count: u64, holes: &[(u64, u64)]) -> History {
    let chain_before = ChainValue::genesis(&STORE).after(&first.to_be_bytes());
    let mut chain = chain_before;
    let mut sequences = std::collections::HashMap::new();
    let (mut records, mut all) = (Vec::new(), Vec::new());
    for n in first..first + count {
        let (scope, event) = event(n);
        let sequence = sequences.entry(scope.clone()).or_insert(Sequence(n / 50));
        *sequence = sequence.next();
        let new = NewEvent {
            id: id(n),
            event,
            captured_at: n.is_multiple_of(2).then(|| Timestamp::from_millis(n as i64 * 40)),
            actor: Actor::service("test"),
            causation: n.is_multiple_of(3).then(|| id(n - 1)),
            correlation: None,
        };
        let at = Timestamp::from_millis(1_700_000_000_000 + n as i64);
        let recorded = Recorded::seal(&new, scope, Position(n), *sequence, at, Epoch(1)).expect("a sound event");
        let bytes = recorded.to_bytes().expect("a sound envelope");
        chain = chain.after(&bytes);
        if !holes.iter().any(|(from, to)| (*from..=*to).contains(&n)) {
            records.push(StoredRecord { position: Position(n), bytes, chain });
            all.push(recorded);
        }
    }
    History { records, recorded: all, chain_before }
}

/// Seals the history into `directory` in blocks of `block_raw_bytes`. Where it has a hole the chain goes on with
/// what it was before the record after the hole, as the hot segment's chunks state it.
fn seal(directory: &Path, history: &History, block_raw_bytes: usize) -> (PathBuf, Sealed) {
    let first = history.records[0].position;
    let writer = Writer::create(directory, STORE, first, history.chain_before).expect("an empty directory");
    let mut writer = writer.with_block_raw_bytes(block_raw_bytes);
    let whole = super::tests::history(first.0, history.records.last().expect("events").position.0 - first.0 + 1, &[]);
    let mut next = first;
    for record in &history.records {
        if record.position != next {
            let before = whole.records[(record.position.0 - first.0 - 1) as usize].chain;
            writer.skip_to(record.position, before).expect("a hole ahead");
        }
        writer.push(record).expect("it follows");
        next = record.position.next();
    }
    let sealed = writer.finish().expect("sealing");
    (directory.join(&sealed.name), sealed)
}

fn hundred() -> (TempDir, PathBuf, History) {
    let directory = TempDir::new().expect("a directory");
    let history = history(41, 100, &[]);
    let (path, _) = seal(directory.path(), &history, 4096);
    (directory, path, history)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_sealed_is_read_back(
        first in 1u64..1_000_000,
        count in 1u64..400,
        block in 200usize..20_000,
        hole in proptest::option::of((1u64..300, 0u64..60)),
        after in 0u64..420,
        limit in 1usize..100,
    ) {
        let holes: Vec<(u64, u64)> = hole
            .map(|(at, len)| (first + at, first + at + len))
            .filter(|(_, to)| *to < first + count - 1)
            .into_iter()
            .collect();
        let history = history(first, count, &holes);
        let directory = TempDir::new().expect("a directory");
        let (path, sealed) = seal(directory.path(), &history, block);
        prop_assert_eq!(Sha256::of(&fs::read(&path).expect("the file")), sealed.file);

        let segment = Segment::open(&path, &STORE).expect("opening");
        let summary = segment.verify().expect("verifying");
        prop_assert_eq!(&summary, &sealed.summary);
        prop_assert_eq!(summary.count, history.records.len() as u64);
        let expected: Vec<Hole> =
            holes.iter().map(|(from, to)| Hole { from: Position(*from), to: Position(*to) }).collect();
        prop_assert_eq!(summary.holes, expected);

        let all = streamed(&segment).expect("sound");
        prop_assert_eq!(&all, &history.records);
        let after = Position(first - 1 + after);
        let wanted: Vec<StoredRecord> =
            history.records.iter().filter(|record| record.position > after).take(limit).cloned().collect();
        prop_assert_eq!(read(&segment, after, limit).expect("sound"), wanted);

        for n in (first..first + count).step_by(7) {
            let there = history.records.iter().find(|record| record.position.0 == n);
            let there = there.map(|record| (record.position, record.bytes.clone()));
            prop_assert_eq!(segment.find(id(n)).expect("sound"), there);
        }
        prop_assert_eq!(segment.find(id(first + count)).expect("sound"), None);
    }

    #[test]
    fn a_scope_is_read_in_order_after_any_sequence(
        count in 1u64..300,
        hole in proptest::option::of((1u64..250, 0u64..60)),
        after in 0u64..80,
        limit in 1usize..50,
    ) {
        let holes: Vec<(u64, u64)> =
            hole.map(|(at, len)| (1 + at, 1 + at + len)).filter(|(_, to)| *to < count).into_iter().collect();
        let history = history(1, count, &holes);
        let directory = TempDir::new().expect("a directory");
        let (path, _) = seal(directory.path(), &history, 2_000);
        let segment = Segment::open(&path, &STORE).expect("opening");
        let scopes = (0..6).map(|n| Scope::from(channel(n))).chain([SystemScope::Policies.into()]);
        for scope in scopes {
            let of_scope = || history.recorded.iter().filter(|recorded| recorded.envelope.scope == scope);
            let wanted: Vec<Position> = of_scope()
                .filter(|recorded| recorded.envelope.sequence.0 > after)
                .map(|recorded| recorded.envelope.position)
                .take(limit)
                .collect();
            let found = segment.read_scope(&scope, Sequence(after), limit).expect("sound");
            prop_assert_eq!(found.iter().map(|(position, _)| *position).collect::<Vec<_>>(), wanted);
            for (position, bytes) in found {
                let sealed = history.records.iter().find(|record| record.position == position);
                prop_assert_eq!(Some(&bytes), sealed.map(|record| &record.bytes));
            }
            let last = of_scope().map(|recorded| recorded.envelope.sequence).max();
            prop_assert_eq!(segment.scope_last(&scope).expect("sound"), last);
        }
    }

    #[test]
    fn hostile_bytes_never_panic(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in any::<prop::sample::Index>(),
    ) {
        let (_directory, path, _) = hundred();
        let mut bytes = fs::read(&path).expect("the file");
        let footer = footer_of(&bytes);
        for (index, value) in damage {
            // Half of the damage goes to the footer, where the lengths are, and its digest is made to fit.
            let at = if value % 2 == 0 { footer.start + index.index(footer.len()) } else { index.index(bytes.len()) };
            bytes[at] = value;
        }
        forge_digest(&mut bytes, footer);
        if cut.index(3) == 0 {
            bytes.truncate(cut.index(bytes.len()));
        }
        fs::write(&path, &bytes).expect("writing");
        use_everything(&path);
    }
}

fn footer_of(bytes: &[u8]) -> std::ops::Range<usize> {
    let trailer = bytes.len() - TRAILER_BYTES;
    let len = u32::from_be_bytes(bytes[trailer..trailer + 4].try_into().expect("four bytes"));
    trailer - len as usize..trailer
}

fn forge_digest(bytes: &mut [u8], footer: std::ops::Range<usize>) {
    let digest = Hasher::digest(&bytes[footer.clone()]);
    bytes[footer.end + 4..footer.end + 36].copy_from_slice(&digest);
}

/// Opens and reads in every way; errors are welcome, panics are not. Whether anything was refused.
fn use_everything(path: &Path) -> bool {
    let Ok(segment) = Segment::open(path, &STORE) else { return true };
    let results = [
        segment.verify().is_err(),
        read(&segment, Position(0), 1000).is_err(),
        streamed(&segment).is_err(),
        segment.read_scope(&channel(1).into(), Sequence(0), 1000).is_err(),
        segment.find(id(77)).is_err(),
        segment.contents().is_err(),
    ];
    segment.block_at(Timestamp::from_millis(1_700_000_000_050));
    results.contains(&true)
}

#[test]
fn every_flipped_byte_is_found_and_named_to_its_block() {
    let (_directory, path, _) = hundred();
    let sound = fs::read(&path).expect("the file");
    let blocks = Segment::open(&path, &STORE).expect("opening").footer().blocks.clone();
    assert!(blocks.len() > 3, "{} blocks", blocks.len());
    for at in 0..sound.len() {
        let mut bytes = sound.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(&path, &bytes).expect("writing");
        let found = Segment::open(&path, &STORE).and_then(|segment| segment.verify());
        let error = found.expect_err(&format!("byte {at} of {} went unnoticed", sound.len()));
        let hit =
            blocks.iter().find(|block| (block.offset..block.offset + u64::from(block.bytes)).contains(&(at as u64)));
        match (hit, error.first_bad_position()) {
            (Some(block), Some(position)) => {
                assert!((block.first..=block.last()).contains(&position), "byte {at}: {error}");
            }
            (Some(_), None) => panic!("byte {at} is in a block, but no position is named: {error}"),
            (None, _) => (),
        }
    }
}

#[test]
fn a_changed_record_is_named_to_the_position_even_where_every_checksum_fits() {
    let (_directory, path, history) = hundred();
    let mut bytes = fs::read(&path).expect("the file");
    let footer = Segment::open(&path, &STORE).expect("opening").footer().clone();
    let target = Position(footer.blocks[1].first.0 + 5);
    let entry = &footer.blocks[1];
    let compressed = entry.offset as usize..entry.offset as usize + entry.bytes as usize;
    let mut raw = zstd::bulk::decompress(&bytes[compressed.clone()], entry.raw_bytes as usize).expect("sound");
    let record = &history.records[(target.0 - 41) as usize].bytes;
    let at = raw.windows(record.len()).position(|window| window == record).expect("it is there");
    raw[at + record.len() - 1] ^= 1;
    let forged = zstd::bulk::compress(&raw, 3).expect("compressing");

    // A forger moves everything behind the block and makes every checksum and the footer's digest fit.
    let mut forged_footer = footer.clone();
    forged_footer.blocks[1].bytes = forged.len() as u32;
    forged_footer.blocks[1].crc = crc32fast::hash(&forged);
    let end = footer_of(&bytes).start;
    bytes.truncate(end);
    bytes.splice(compressed, forged);
    bytes.extend(forged_footer.to_bytes());
    fs::write(&path, &bytes).expect("writing");

    let segment = Segment::open(&path, &STORE).expect("the footer was made to fit");
    let error = segment.verify().expect_err("a changed record");
    assert_eq!(error.first_bad_position(), Some(target), "{error}");
    let before =
        read(&segment, Position(0), (footer.blocks[1].first.0 - 41) as usize).expect("blocks before it are sound");
    assert_eq!(before.last().map(|record| record.position.next()), Some(footer.blocks[1].first));
    let alone = segment.find(id(target.0)).expect_err("a changed record, read alone");
    assert_eq!(alone.first_bad_position(), Some(target), "{alone}");
    let beside = target.next();
    let sound = history.records.iter().find(|record| record.position == beside).map(|record| record.bytes.clone());
    assert_eq!(segment.find(id(beside.0)).expect("its own hash fits").map(|(_, bytes)| bytes), sound);
}

#[test]
fn a_flipped_byte_of_a_block_is_named_by_every_read_of_a_single_event_in_it() {
    let (_directory, path, history) = hundred();
    let mut bytes = fs::read(&path).expect("the file");
    let block = Segment::open(&path, &STORE).expect("opening").footer().blocks[1].clone();
    bytes[block.offset as usize + block.bytes as usize / 2] ^= 1;
    fs::write(&path, &bytes).expect("writing");
    let segment = Segment::open(&path, &STORE).expect("opening");
    for record in &history.records {
        let within = (block.first..=block.last()).contains(&record.position);
        let read = segment.find(id(record.position.0));
        let named = read.as_ref().err().and_then(SealedError::first_bad_position);
        assert_eq!(named.is_some_and(|at| (block.first..=block.last()).contains(&at)), within, "{read:?}");
    }
}

#[test]
fn a_forged_footer_is_refused_though_its_digest_fits() {
    let (_directory, path, _) = hundred();
    let sound = fs::read(&path).expect("the file");
    let footer = footer_of(&sound);
    for at in footer.clone() {
        let mut bytes = sound.clone();
        bytes[at] ^= 1 << (at % 8);
        forge_digest(&mut bytes, footer.clone());
        fs::write(&path, &bytes).expect("writing");
        assert!(use_everything(&path), "byte {} of the footer went unnoticed", at - footer.start);
    }
}

#[test]
fn a_truncated_file_is_refused_at_every_length() {
    let (_directory, path, _) = hundred();
    let sound = fs::read(&path).expect("the file");
    for len in 0..sound.len() {
        fs::File::options().write(true).open(&path).and_then(|file| file.set_len(0)).expect("truncating");
        fs::write(&path, &sound[..len]).expect("writing");
        assert!(Segment::open(&path, &STORE).is_err(), "{len} of {} bytes", sound.len());
    }
}

#[test]
fn bytes_after_the_end_are_refused() {
    let (_directory, path, _) = hundred();
    let mut bytes = fs::read(&path).expect("the file");
    bytes.push(0);
    fs::write(&path, &bytes).expect("writing");
    assert!(matches!(Segment::open(&path, &STORE), Err(SealedError::Damaged { part: "trailer", .. })));
}

#[test]
fn the_segment_of_another_store_is_refused_as_such() {
    let (_directory, path, _) = hundred();
    let refused = Segment::open(&path, &[8; 16]).map(|_| ());
    assert!(matches!(&refused, Err(SealedError::Foreign { finding, .. }) if finding.contains("another store")));
}

#[test]
fn a_newer_version_is_refused_as_such() {
    let (_directory, path, _) = hundred();
    let mut bytes = fs::read(&path).expect("the file");
    bytes[9] = 2;
    fs::write(&path, &bytes).expect("writing");
    let refused = Segment::open(&path, &STORE).map(|_| ());
    assert!(matches!(&refused, Err(SealedError::Foreign { finding, .. }) if finding.contains("version 2")));
}

#[test]
fn a_record_that_does_not_follow_is_not_sealed() {
    let directory = TempDir::new().expect("a directory");
    let history = history(1, 10, &[]);
    let mut writer = Writer::create(directory.path(), STORE, Position(1), history.chain_before).expect("creating");
    let mut wrong_chain = history.records[0].clone();
    wrong_chain.chain = ChainValue::genesis(&STORE);
    for unfit in [&history.records[1], &wrong_chain] {
        assert!(matches!(writer.push(unfit), Err(SealedError::Unfit { .. })));
    }
    writer.push(&history.records[0]).expect("it follows");
}

#[test]
fn an_unfinished_segment_leaves_nothing_behind() {
    let directory = TempDir::new().expect("a directory");
    let history = history(1, 10, &[]);
    let mut writer = Writer::create(directory.path(), STORE, Position(1), history.chain_before).expect("creating");
    history.records.iter().for_each(|record| writer.push(record).expect("it follows"));
    drop(writer);
    let empty = Writer::create(directory.path(), STORE, Position(1), history.chain_before).expect("creating");
    assert!(matches!(empty.finish(), Err(SealedError::Unfit { .. })));
    assert_eq!(fs::read_dir(directory.path()).expect("listing").count(), 0);
}

#[test]
fn content_references_are_listed_in_order() {
    let (_directory, path, _) = hundred();
    let expected: Vec<ContentRef> = (41..141).filter(|n| n % 13 == 6).map(content_of).collect();
    assert_eq!(Segment::open(&path, &STORE).expect("opening").contents().expect("sound"), expected);
}

#[test]
fn reading_by_time_begins_in_the_right_block() {
    let (_directory, path, history) = hundred();
    let segment = Segment::open(&path, &STORE).expect("opening");
    for recorded in &history.recorded {
        let from = segment.block_at(recorded.envelope.recorded_at).expect("it is within the segment");
        let block = segment.footer().blocks.iter().find(|block| block.first == from).expect("a block's first");
        assert!((block.first..=block.last()).contains(&recorded.envelope.position));
    }
    assert_eq!(segment.block_at(Timestamp::from_millis(1_700_000_000_141)), None);
}

#[test]
fn tables_take_below_two_megabytes_per_million_events() {
    let directory = TempDir::new().expect("a directory");
    let history = history(1, 20_000, &[]);
    let (path, sealed) = seal(directory.path(), &history, BLOCK_RAW_BYTES);
    let segment = Segment::open(&path, &STORE).expect("opening");
    let per_event = segment.memory_bytes() as f64 / 20_000.0;
    assert!(per_event < 2.0, "{per_event} bytes per event");
    let raw: usize = history.records.iter().map(|record| record.bytes.len()).sum();
    assert!(sealed.bytes < raw as u64, "{} bytes sealed of {raw}", sealed.bytes);
}
