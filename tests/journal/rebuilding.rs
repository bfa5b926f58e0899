//! `FORMAT` and `MANIFEST`, damaged or gone: never made anew by themselves, made anew from the segments when that is
//! asked for, and only where segments and anchor leave no doubt.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use streamwarden::clock::SystemClock;
use streamwarden::journal::{Archive, Gaps, Journal, OpenError, Options, SledJournal, rebuild, repair, verify};
use streamwarden::model::Position;

use crate::damage::{Whole, copy_dir, files, hot_dir, read_all, rolling};
use crate::events::{append, channel};
use crate::load::{Load, acknowledged, check};
use crate::power::Power;
use crate::random::Random;
use crate::store::settled;

/// The two files that the segments repeat.
const LISTS: [&str; 2] = ["FORMAT", "MANIFEST"];

/// A damaged copy is refused as it stands, comes back whole when a repair is asked for, and stays so.
fn comes_back(case: &str, whole: &Whole, store: &Path) {
    assert!(verify(store).is_err(), "{case}");
    assert!(SledJournal::open(rolling(store)).is_err(), "{case}: opening must not make anything anew");
    let before = verify(&whole.path()).unwrap();
    let rebuilt = rebuild(store, None, Gaps::Refused).unwrap_or_else(|error| panic!("{case}: {error:?}"));
    assert_eq!(rebuilt.expect("there was damage").losses, [], "{case}");
    assert_eq!(verify(store).unwrap_or_else(|error| panic!("{case}: {error:?}")), before, "{case}");
    assert_eq!(rebuild(store, None, Gaps::Refused).unwrap(), None, "{case}: once is enough");
    let journal = SledJournal::open(rolling(store)).unwrap();
    journal.append(append(&channel(1), 9000..9010)).wait().unwrap();
    assert!(read_all(&journal).starts_with(&whole.events), "{case}");
    settled(&journal);
    drop(journal);
    verify(store).unwrap_or_else(|error| panic!("{case}, gone on: {error:?}"));
}

#[test]
fn each_list_comes_back_when_it_was_deleted_cut_short_or_flipped() {
    let mut random = Random::seeded("DAMAGE_SEED");
    let whole = Whole::new();
    for list in LISTS {
        let bytes = fs::read(whole.path().join(list)).unwrap();
        let uuid = bytes.windows(7).position(|word| word == b"\"store\"").map(|at| at + 12);
        let flipped = |at: usize| {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            Some(bytes)
        };
        let anywhere = random.below(bytes.len() as u64) as usize;
        let mut cases = vec![
            ("deleted", None),
            ("empty", Some(Vec::new())),
            ("cut short", Some(bytes[..bytes.len() / 2].to_vec())),
            ("flipped at its start", flipped(0)),
        ];
        match list {
            "FORMAT" => cases.push(("with the uuid of another store", flipped(uuid.expect("it has a uuid")))),
            _ => cases.push(("flipped somewhere", flipped(anywhere))),
        }
        for (case, content) in cases {
            let copy = whole.copy();
            let store = copy.path().join("store");
            match content {
                Some(content) => fs::write(store.join(list), content).unwrap(),
                None => fs::remove_file(store.join(list)).unwrap(),
            }
            comes_back(&format!("{list} {case}"), &whole, &store);
        }
    }
    let copy = whole.copy();
    let store = copy.path().join("store");
    LISTS.iter().for_each(|list| fs::remove_file(store.join(list)).unwrap());
    comes_back("both deleted", &whole, &store);
}

#[test]
fn a_manifest_lost_in_the_middle_of_a_roll_over_loses_no_acknowledged_event() {
    for point in crate::crash::ROLL_OVER {
        let power = Power::new(); // for a directory that outlives its writers; the power stays
        let load = Load { abort_at: Some((point, 2)), roll_after_events: 200, ..Load::on(&power.store()) };
        let numbers = acknowledged(&mut load.command(&[]).spawn().unwrap(), usize::MAX);
        fs::remove_file(power.store().join("MANIFEST")).unwrap();
        let rebuilt = rebuild(&power.store(), None, Gaps::Refused).unwrap_or_else(|error| panic!("{point}: {error:?}"));
        assert!(rebuilt.is_some_and(|rebuilt| rebuilt.manifest), "{point}");
        verify(&power.store()).unwrap_or_else(|error| panic!("{point}: {error:?}"));
        check(&power.store(), &numbers).unwrap_or_else(|wrong| panic!("{point}: {wrong:?}"));
    }
}

#[test]
fn a_declared_loss_is_known_from_its_event() {
    let whole = Whole::new();
    let copy = whole.copy();
    let store = copy.path().join("store");
    fs::remove_file(&files(&store.join("sealed"))[0]).unwrap();
    let repaired = repair(&store).unwrap().expect("there was damage");
    drop(SledJournal::open(rolling(&store)).unwrap()); // declares it
    let before = verify(&store).unwrap();
    fs::remove_file(store.join("MANIFEST")).unwrap();
    rebuild(&store, None, Gaps::Refused).unwrap().expect("there was damage");
    let after = verify(&store).unwrap();
    assert_eq!(after, before);
    assert_eq!(after.losses.len(), repaired.losses.len());
}

#[test]
fn a_segment_that_is_not_there_is_named_and_lost_only_if_that_is_accepted() {
    let whole = Whole::new();
    let copy = whole.copy();
    let store = copy.path().join("store");
    fs::remove_file(&files(&store.join("sealed"))[0]).unwrap();
    fs::remove_file(store.join("MANIFEST")).unwrap();
    let refused = rebuild(&store, None, Gaps::Refused).unwrap_err();
    assert!(
        refused.to_string().contains("MANIFEST") || format!("{refused:?}").contains("positions 1 to"),
        "{refused:?}"
    );
    assert!(!store.join("MANIFEST").exists(), "a refusal changes nothing");
    let rebuilt = rebuild(&store, None, Gaps::Lost).unwrap().expect("there was damage");
    assert_eq!(rebuilt.losses.iter().map(|loss| loss.from).collect::<Vec<_>>(), [Position(1)]);
    drop(SledJournal::open(rolling(&store)).unwrap()); // declares it
    let losses = verify(&store).unwrap().losses;
    assert!(losses.len() == 1 && losses[0].recorded, "{losses:?}");
}

#[test]
fn archived_segments_are_found_where_the_operator_says() {
    let dir = tempfile::tempdir().unwrap();
    let (store, archive) = (dir.path().join("store"), dir.path().join("archive"));
    let kept = || Options { archive: Some(Archive { dir: archive.clone(), keep: 0 }), ..rolling(&store) };
    let journal = SledJournal::open(kept()).unwrap();
    for turn in 0..30 {
        journal.append(append(&channel(turn % 5), turn * 20..turn * 20 + 20)).wait().unwrap();
    }
    settled(&journal);
    journal.close();
    drop(journal);
    let journal = SledJournal::open(kept()).unwrap(); // its sealer moves what the last one may have left
    settled(&journal);
    drop(journal);
    assert!(!files(&archive).is_empty());
    let before = verify(&store).unwrap();
    fs::remove_file(store.join("MANIFEST")).unwrap();
    let refused = rebuild(&store, None, Gaps::Refused).unwrap_err();
    assert!(format!("{refused:?}").contains("--archive"), "{refused:?}");
    rebuild(&store, Some(&archive), Gaps::Refused).unwrap().expect("there was damage");
    assert_eq!(verify(&store).unwrap(), before);
}

#[test]
fn another_stores_parts_and_another_format_are_left_alone() {
    let (one, other) = (Whole::new(), Whole::new());
    let copy = one.copy();
    let store = copy.path().join("store");
    let hot = hot_dir(&store);
    fs::remove_dir_all(&hot).unwrap();
    copy_dir(&hot_dir(&other.path()), &hot);
    fs::remove_file(store.join("MANIFEST")).unwrap();
    for gaps in [Gaps::Refused, Gaps::Lost] {
        let refused = rebuild(&store, None, gaps).unwrap_err();
        assert!(matches!(refused, OpenError::Unreadable { .. }), "{refused:?}");
    }
    assert!(!store.join("MANIFEST").exists());

    let copy = one.copy();
    let store = copy.path().join("store");
    let format = fs::read_to_string(store.join("FORMAT")).unwrap().replace("journal/1", "journal/2");
    fs::write(store.join("FORMAT"), &format).unwrap();
    let refused = rebuild(&store, None, Gaps::Lost).unwrap_err();
    assert!(matches!(refused, OpenError::UnknownFormat { .. }), "{refused:?}");
    assert_eq!(fs::read_to_string(store.join("FORMAT")).unwrap(), format);

    let nothing = tempfile::tempdir().unwrap();
    assert!(matches!(rebuild(nothing.path(), None, Gaps::Lost), Err(OpenError::NoStore { .. })));
}

#[test]
fn an_older_hot_segment_does_not_become_the_store_because_its_list_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    let write = |numbers: std::ops::Range<u64>| {
        let journal = SledJournal::open(rolling(&store)).unwrap();
        journal.append(append(&channel(1), numbers)).wait().unwrap();
    };
    write(0..50);
    let hot = hot_dir(&store);
    copy_dir(&hot, &dir.path().join("older"));
    write(50..60);
    fs::remove_dir_all(&hot).unwrap();
    copy_dir(&dir.path().join("older"), &hot);
    fs::remove_file(store.join("MANIFEST")).unwrap();
    let refused = rebuild(&store, None, Gaps::Refused).unwrap_err();
    assert!(matches!(refused, OpenError::BehindAnchor { .. }), "{refused:?}");
    assert!(!store.join("MANIFEST").exists());
    rebuild(&store, None, Gaps::Lost).unwrap().expect("the list is made");
    assert!(!repair(&store).unwrap().expect("and the loss accepted").losses.is_empty());
    drop(SledJournal::open(crate::store::options(&store, Arc::new(SystemClock))).unwrap());
    verify(&store).unwrap();
}
