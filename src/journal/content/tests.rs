//! What is put is read back by those who may, and by nobody after an erasure.

use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;

const SECRET: &[u8] = b"the moderator Jane Doe wrote this note";

struct Place {
    directory: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { directory: TempDir::new().expect("a directory") }
    }

    fn open(&self) -> Store {
        Store::open(&self.directory.path().join("content"), &self.keys()).expect("opening")
    }

    fn keys(&self) -> PathBuf {
        self.directory.path().join("keys")
    }

    /// Every file below the place.
    fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut open = vec![self.directory.path().to_owned()];
        while let Some(directory) = open.pop() {
            for path in list(&directory).expect("listing") {
                if path.is_dir() { open.push(path) } else { found.push(path) }
            }
        }
        found
    }

    fn key_file(&self, subject: &str) -> PathBuf {
        self.keys().join(format!("{}.key", subject_digest(subject)))
    }
}

#[test]
fn content_is_read_back_after_reopening() {
    let place = Place::new();
    let note = place.open().put("moderator/m1", SECRET).expect("putting");
    let empty = place.open().put("moderator/m1", b"").expect("putting");
    let store = place.open();
    assert_eq!(store.get(&note).expect("sound"), Content::Plain(SECRET.to_vec()));
    assert_eq!(store.get(&empty).expect("sound"), Content::Plain(Vec::new()));
    assert_eq!(note.bytes as usize, SECRET.len());
}

#[test]
fn the_same_content_twice_has_two_digests() {
    let store = Place::new();
    let store = store.open();
    let one = store.put("moderator/m1", b"yes").expect("putting");
    let two = store.put("moderator/m1", b"yes").expect("putting");
    assert_ne!(one.digest, two.digest, "a bare digest of a short note could be guessed");
    assert_ne!(one.digest, Sha256::of(b"yes"));
}

#[test]
fn no_file_holds_plain_text_or_the_subject_and_only_the_owner_may_read() {
    let place = Place::new();
    place.open().put("moderator/jane-doe", SECRET).expect("putting");
    let files = place.files();
    assert_eq!(files.len(), 2, "{files:?}");
    for file in files {
        let bytes = fs::read(&file).expect("reading");
        for needle in [SECRET, b"Jane", b"jane-doe"] {
            assert!(!bytes.windows(needle.len()).any(|window| window == needle), "{}", file.display());
            assert!(!file.to_string_lossy().contains("jane-doe"));
        }
        assert_eq!(fs::metadata(&file).expect("metadata").permissions().mode() & 0o777, 0o600, "{}", file.display());
    }
}

#[test]
fn what_is_erased_is_erased_for_good_and_verifies_as_such() {
    let place = Place::new();
    let store = place.open();
    let gone = store.put("moderator/m1", SECRET).expect("putting");
    let kept = store.put("moderator/m2", SECRET).expect("putting");
    let key = fs::read(place.key_file("moderator/m1")).expect("the key");
    assert_eq!(store.erase("moderator/m1").expect("erasing"), Erasure::Destroyed);
    for store in [store, place.open()] {
        assert_eq!(store.get(&gone).expect("erased"), Content::Erased);
        assert_eq!(store.get(&kept).expect("sound"), Content::Plain(SECRET.to_vec()));
        let report = store.verify([gone.clone(), kept.clone()]).expect("verifying");
        assert_eq!(report, Report { sound: 1, erased: 1, ..Report::default() });
    }
    let secret_part = &key[1 + keys::ID_BYTES..key.len() - 4];
    for file in place.files() {
        let bytes = fs::read(&file).expect("reading");
        assert!(!bytes.windows(secret_part.len()).any(|window| window == secret_part), "{}", file.display());
    }
    assert_eq!(place.open().erase("moderator/m1").expect("nothing left"), Erasure::NothingToErase);
}

#[test]
fn what_has_expired_is_gone_from_the_disk_and_is_told_from_what_was_lost() {
    let place = Place::new();
    let store = place.open();
    let expired = store.put("channel/c1", SECRET).expect("putting");
    let kept = store.put("channel/c1", SECRET).expect("putting");
    assert!(!store.is_expired(&expired).expect("asking"));
    assert!(store.expire(&expired).expect("deleting"));
    assert!(!store.expire(&expired).expect("deleting again"), "it has expired already");
    for store in [store, place.open()] {
        assert_eq!(store.get(&expired).expect("expired"), Content::Expired);
        assert!(store.is_expired(&expired).expect("asking"));
        assert_eq!(store.get(&kept).expect("sound"), Content::Plain(SECRET.to_vec()));
        let report = store.verify([expired.clone(), kept.clone()]).expect("verifying");
        assert_eq!(report, Report { sound: 1, expired: 1, ..Report::default() });
    }
    let sizes = place.files().iter().filter(|file| fs::metadata(file).expect("metadata").len() == 1).count();
    assert_eq!(sizes, 1, "the byte that says so is all that is left of it");
    // A file that is empty was never written so.
    let path = place.files().into_iter().find(|file| fs::metadata(file).expect("metadata").len() == 1).expect("there");
    fs::write(path, []).expect("emptying");
    assert!(matches!(place.open().get(&expired), Err(ContentError::Damaged { .. })));
}

#[test]
fn what_lies_under_a_key_is_counted_also_when_the_key_is_gone_and_what_has_expired_is_not() {
    let place = Place::new();
    let store = place.open();
    assert_eq!(store.key_of("channel/c1").expect("asking"), None);
    let [expired, ..] = [1, 2, 3].map(|_| store.put("channel/c1", SECRET).expect("putting"));
    store.put("channel/c2", SECRET).expect("another's");
    store.expire(&expired).expect("deleting");
    let key = store.key_of("channel/c1").expect("asking").expect("it has one");
    store.erase("channel/c1").expect("erasing");
    store.put("channel/c1", b"under the next key").expect("putting");
    let held = Held { contents: 2, bytes: 2 * SECRET.len() as u64 };
    assert_eq!(store.held_under(key).expect("counting"), held);
    assert_ne!(store.key_of("channel/c1").expect("asking"), Some(key));
    assert!(store.knows("channel/c1") && !store.knows("channel/c3"));
}

#[test]
fn a_subject_written_to_after_its_erasure_is_readable_and_the_old_content_is_not() {
    let place = Place::new();
    let store = place.open();
    let old = store.put("moderator/m1", b"before").expect("putting");
    store.erase("moderator/m1").expect("erasing");
    let new = store.put("moderator/m1", b"after").expect("putting");
    assert_eq!(store.get(&old).expect("erased"), Content::Erased);
    assert_eq!(store.get(&new).expect("sound"), Content::Plain(b"after".to_vec()));
    store.erase("moderator/m1").expect("erasing again");
    assert_eq!([store.get(&old).expect("erased"), store.get(&new).expect("erased")], [const { Content::Erased }; 2]);
}

#[test]
fn a_key_lost_without_a_tombstone_is_damage() {
    let place = Place::new();
    let store = place.open();
    let note = store.put("moderator/m1", SECRET).expect("putting");
    fs::remove_file(place.key_file("moderator/m1")).expect("losing the key");
    assert!(matches!(store.get(&note), Err(ContentError::KeyLost { .. })));
    let another = store.put("moderator/m1", b"under a new key").expect("putting");
    assert!(matches!(store.get(&note), Err(ContentError::KeyLost { .. })), "a new key does not stand for the old one");
    let report = store.verify([note.clone(), another]).expect("verifying");
    assert_eq!((report.sound, report.damaged, &report.findings[0].0), (1, 1, &note));
}

#[test]
fn an_erasure_that_a_crash_interrupted_is_finished_at_the_next_opening() {
    let place = Place::new();
    let store = place.open();
    let note = store.put("moderator/m1", SECRET).expect("putting");
    let key = fs::read(place.key_file("moderator/m1")).expect("the key");
    store.erase("moderator/m1").expect("erasing");
    fs::write(place.key_file("moderator/m1"), key).expect("as if only the tombstone had been written");
    assert_eq!(store.get(&note).expect("erased"), Content::Erased, "the tombstone counts");
    place.open();
    assert!(!place.key_file("moderator/m1").exists());
}

/// The key is overwritten, and that it is removed never reaches the disk.
#[test]
fn an_erasure_that_a_crash_interrupted_after_the_overwriting_is_finished_at_the_next_opening() {
    let (place, subject) = (Place::new(), "moderator/overwritten");
    let store = place.open();
    let note = store.put(subject, SECRET).expect("putting");
    let other = store.put("moderator/m2", SECRET).expect("putting");
    let point = format!("content.erase.overwritten {}", place.key_file(subject).display());
    fail::cfg(&point, "return").expect("a fail point");
    assert!(store.erase(subject).is_err(), "the point is on the way");
    fail::remove(&point);
    assert_eq!(fs::read(place.key_file(subject)).expect("it is there"), [0; 45]);
    assert_eq!(store.get(&note).expect("erased"), Content::Erased);

    let store = place.open();
    assert!(!place.key_file(subject).exists());
    assert_eq!(store.get(&note).expect("erased"), Content::Erased);
    assert_eq!(store.get(&other).expect("sound"), Content::Plain(SECRET.to_vec()));
    assert_eq!(store.erase(subject).expect("nothing left"), Erasure::NothingToErase);
}

/// In a running process, too, nothing is put under a key that is being destroyed, and the same again ends it.
#[test]
fn a_key_whose_destruction_is_refused_is_not_used_any_more_and_buried_once() {
    let (place, subject) = (Place::new(), "moderator/refused");
    let store = place.open();
    let overwritten = format!("content.erase.overwritten {}", place.key_file(subject).display());
    for point in [format!("content.erase.buried {subject}"), overwritten] {
        let old = store.put(subject, b"before").expect("putting");
        let tombstone = place.key_file(subject).with_extension("erased");
        let buried = |point: &str| fs::metadata(&tombstone).unwrap_or_else(|_| panic!("{point}")).len();
        fail::cfg(&point, "return").expect("a fail point");
        assert!(store.erase(subject).is_err(), "{point}");
        let once = buried(&point);
        assert!(store.erase(subject).is_err(), "{point}");
        assert_eq!(buried(&point), once, "{point}: buried twice");
        let new = store.put(subject, b"after").expect("it is put under a key of its own");
        fail::remove(&point);
        assert_eq!(store.get(&old).expect("erased"), Content::Erased, "{point}");
        assert_eq!(place.open().get(&new).expect("sound"), Content::Plain(b"after".to_vec()), "{point}");
        assert_eq!(store.erase(subject).expect("erasing"), Erasure::Destroyed, "{point}");
        assert_eq!(store.get(&new).expect("erased"), Content::Erased, "{point}");
    }
}

#[test]
fn what_began_before_an_erasure_is_not_put_after_it() {
    let place = Place::new();
    let store = place.open();
    let begun = store.erasures_of("channel/c1");
    store.put_unless_erased("channel/c1", begun, SECRET).expect("nothing was erased");
    let other = store.erasures_of("channel/c2");
    store.erase("channel/c1").expect("erasing");
    let refused = store.put_unless_erased("channel/c1", begun, SECRET);
    assert!(matches!(refused, Err(ContentError::ErasedMeanwhile)), "{refused:?}");
    store.put_unless_erased("channel/c2", other, SECRET).expect("another's was not");
    store.put_unless_erased("channel/c1", store.erasures_of("channel/c1"), SECRET).expect("what began since is kept");
}

#[test]
fn a_key_that_cannot_be_read_is_erased_all_the_same_and_keeps_no_store_from_opening() {
    let place = Place::new();
    let store = place.open();
    store.put("moderator/m1", b"gone").expect("putting");
    store.erase("moderator/m1").expect("erasing");
    let note = store.put("moderator/m1", SECRET).expect("putting");
    let mut file = fs::read(place.key_file("moderator/m1")).expect("the key");
    *file.last_mut().expect("not empty") ^= 1;
    fs::write(place.key_file("moderator/m1"), file).expect("damaging it");
    let store = place.open();
    assert!(matches!(store.get(&note), Err(ContentError::Damaged { .. })), "damage is no erasure");
    assert_eq!(store.erase("moderator/m1").expect("erasing"), Erasure::Destroyed);
    assert!(!place.key_file("moderator/m1").exists());
    assert_eq!(store.get(&note).expect("erased"), Content::Erased);
}

#[test]
fn every_flipped_byte_of_content_key_and_tombstone_is_noticed() {
    let place = Place::new();
    let store = place.open();
    store.put("moderator/m1", b"gone").expect("putting");
    store.erase("moderator/m1").expect("erasing");
    let note = store.put("moderator/m1", SECRET).expect("putting");
    let files = [
        store.path_of(&note.digest),
        place.key_file("moderator/m1"),
        place.key_file("moderator/m1").with_extension("erased"),
    ];
    for file in files {
        let sound = fs::read(&file).expect("reading");
        for at in 0..sound.len() {
            let mut bytes = sound.clone();
            bytes[at] ^= 1 << (at % 8);
            fs::write(&file, bytes).expect("writing");
            assert!(store.get(&note).is_err(), "byte {at} of {}", file.display());
        }
        fs::write(&file, sound).expect("writing");
    }
    assert_eq!(store.get(&note).expect("sound again"), Content::Plain(SECRET.to_vec()));
}

#[test]
fn a_crash_between_content_and_event_leaves_an_orphan_and_no_damage() {
    let place = Place::new();
    let store = place.open();
    let appended = store.put("policy/nudity", b"rules").expect("putting");
    let orphan = store.put("policy/nudity", b"the append never came").expect("putting");
    let leftover = store.path_of(&orphan.digest).with_file_name(".half.tmp");
    fs::write(&leftover, b"half").expect("a crash within put");
    let report = place.open().verify([appended]).expect("verifying");
    assert_eq!((report.sound, report.damaged), (1, 0));
    assert_eq!(report.orphans, [store.path_of(&orphan.digest)]);
    assert!(!leftover.exists());
}

#[test]
fn content_cannot_be_passed_off_as_another_subjects_or_size() {
    let place = Place::new();
    let store = place.open();
    let note = store.put("moderator/m1", SECRET).expect("putting");
    store.put("moderator/m2", b"x").expect("a key of its own");
    let other_subject = ContentRef { subject: "moderator/m2".to_owned(), ..note.clone() };
    assert!(store.get(&other_subject).is_err());
    let other_size = ContentRef { bytes: note.bytes + 1, ..note };
    assert!(matches!(store.get(&other_size), Err(ContentError::Damaged { .. })));
}

#[test]
fn a_copy_reads_what_is_live_and_keeps_what_is_erased() {
    let (place, elsewhere) = (Place::new(), Place::new());
    let store = place.open();
    let live = store.put("policy/nudity", b"rules").expect("putting");
    let gone = store.put("moderator/m1", SECRET).expect("putting");
    store.erase("moderator/m1").expect("erasing");
    let target = elsewhere.open();
    for content in [&live, &gone] {
        assert_eq!(store.copy_to(&target, content).expect("copying").len(), 2);
    }
    assert_eq!(target.get(&live).expect("sound"), Content::Plain(b"rules".to_vec()));
    assert_eq!(target.get(&gone).expect("erased"), Content::Erased);
}

#[test]
fn what_is_too_large_or_nobodys_is_refused() {
    let store = Place::new();
    let store = store.open();
    assert!(matches!(store.put("", b"x"), Err(ContentError::Unfit(_))));
    assert!(matches!(store.put(&"s".repeat(SUBJECT_BYTES_MAX + 1), b"x"), Err(ContentError::Unfit(_))));
    assert!(matches!(store.put("s", &vec![0; CONTENT_BYTES_MAX + 1]), Err(ContentError::Unfit(_))));
}
