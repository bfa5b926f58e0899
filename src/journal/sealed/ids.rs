//! Event ids: a filter that answers "not here" without touching the disk, and a sorted table behind it.
//!
//! Ids are digests, so their first eight bytes are as good a hash as any to key the filter with. A redelivered frame
//! of long ago asks every segment's filter and reads one page of about one in 256 of the segments without it.

use xorf::{BinaryFuse8, Descriptor, Filter};

use super::layout::{Page, Part};
use super::wire::Fields;

/// Id and position offset.
pub(super) const ENTRY_BYTES: usize = 16 + 4;
/// Entries per page: a page is just below 4 KiB.
const PAGE_ENTRIES: usize = 204;
const DESCRIPTOR_BYTES: usize = 8 + 4 + 4;

/// An event's id and its distance from the segment's first position.
pub(super) type Entry = ([u8; 16], u32);

/// The sorted table as bytes, its part (without offset) and its pages.
pub(super) fn table(sorted: &[Entry]) -> (Vec<u8>, Part, Vec<Page<[u8; 16]>>) {
    let mut bytes = Vec::with_capacity(sorted.len() * ENTRY_BYTES);
    let mut pages = Vec::with_capacity(sorted.len().div_ceil(PAGE_ENTRIES));
    for entries in sorted.chunks(PAGE_ENTRIES) {
        let start = bytes.len();
        for (id, offset) in entries {
            bytes.extend_from_slice(id);
            bytes.extend_from_slice(&offset.to_be_bytes());
        }
        let page = &bytes[start..];
        pages.push(Page { first: entries[0].0, bytes: page.len() as u32, crc: crc32fast::hash(page) });
    }
    let part = Part { offset: 0, bytes: bytes.len() as u64, crc: crc32fast::hash(&bytes) };
    (bytes, part, pages)
}

/// The position offset of an id in a page that has passed its checksum.
pub(super) fn find_in_page(page: &[u8], id: &[u8; 16]) -> Option<u32> {
    let (entries, _) = page.as_chunks::<ENTRY_BYTES>();
    let at = entries.binary_search_by(|entry| entry[..16].cmp(id)).ok()?;
    let mut fields = Fields::of(&entries[at][16..]);
    fields.u32()
}

/// Says "not here" for certain, "perhaps here" otherwise (wrong for fewer than one in 256).
pub(super) struct IdFilter(BinaryFuse8);

impl IdFilter {
    /// A filter over sorted entries.
    pub(super) fn over(sorted: &[Entry]) -> Result<Self, &'static str> {
        let mut keys: Vec<u64> = sorted.iter().map(|(id, _)| key(id)).collect();
        keys.dedup(); // sorted by id is sorted by key
        BinaryFuse8::try_from(&keys).map(Self)
    }

    pub(super) fn may_hold(&self, id: &[u8; 16]) -> bool {
        self.0.contains(&key(id))
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.0.fingerprints.len()
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let descriptor = &self.0.descriptor;
        let mut out = Vec::with_capacity(DESCRIPTOR_BYTES + self.0.fingerprints.len());
        out.extend_from_slice(&descriptor.seed.to_be_bytes());
        out.extend_from_slice(&descriptor.segment_length.to_be_bytes());
        out.extend_from_slice(&descriptor.segment_count_length.to_be_bytes());
        out.extend_from_slice(&self.0.fingerprints);
        out
    }

    /// Reads a filter; refuses one whose own figures would let a lookup reach outside of it.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields::of(bytes);
        let seed = fields.u64()?;
        let [segment_length, segment_count_length] = [fields.u32()?, fields.u32()?];
        let fingerprints = fields.slice(fields.remaining())?;
        let reach = u64::from(segment_count_length) + 2 * u64::from(segment_length);
        let sound = segment_length.is_power_of_two()
            && segment_count_length > 0
            && segment_count_length % segment_length == 0
            && reach == fingerprints.len() as u64
            && u32::try_from(reach).is_ok();
        let segment_length_mask = segment_length.wrapping_sub(1);
        sound.then(|| {
            let descriptor = Descriptor { seed, segment_length, segment_length_mask, segment_count_length };
            Self(BinaryFuse8 { descriptor, fingerprints: fingerprints.into() })
        })
    }
}

fn key(id: &[u8; 16]) -> u64 {
    let (head, _) = id.split_first_chunk::<8>().expect("an id has 16 bytes");
    u64::from_be_bytes(*head)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(count: u32) -> Vec<Entry> {
        let id = |n: u32| crate::model::EventId::of_command("ids test", &[&n.to_be_bytes()]);
        let mut entries: Vec<Entry> = (0..count).map(|n| (*id(n).as_bytes(), n)).collect();
        entries.sort_unstable();
        entries
    }

    #[test]
    fn the_filter_misses_none_and_survives_storage_at_every_small_size() {
        for count in (1..300).chain([5_000]) {
            let entries = entries(count);
            let filter = IdFilter::over(&entries).expect("distinct ids make a filter");
            let read = IdFilter::from_bytes(&filter.to_bytes()).expect("what was written is sound");
            assert!(entries.iter().all(|(id, _)| read.may_hold(id)), "{count} ids");
        }
    }

    #[test]
    fn the_filter_costs_about_nine_bits_per_event_and_is_rarely_wrong() {
        let (known, strange): (Vec<Entry>, Vec<Entry>) = entries(200_000).into_iter().partition(|(_, n)| n % 2 == 0);
        let filter = IdFilter::over(&known).expect("distinct ids make a filter");
        let bits = filter.memory_bytes() as f64 * 8.0 / known.len() as f64;
        assert!(bits < 9.8, "{bits} bits per event");
        let wrong = strange.iter().filter(|(id, _)| filter.may_hold(id)).count();
        assert!(wrong < strange.len() / 200, "{wrong} of {} wrong", strange.len());
    }

    #[test]
    fn a_filter_with_figures_that_reach_outside_is_refused() {
        let sound = IdFilter::over(&entries(100)).expect("distinct ids make a filter").to_bytes();
        for at in 8..DESCRIPTOR_BYTES {
            for bit in 0..8 {
                let mut hostile = sound.clone();
                hostile[at] ^= 1 << bit;
                assert!(IdFilter::from_bytes(&hostile).is_none(), "byte {at} bit {bit}");
            }
        }
        assert!(IdFilter::from_bytes(&sound[..sound.len() - 1]).is_none());
        assert!(IdFilter::from_bytes(&[]).is_none());
    }
}
