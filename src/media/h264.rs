//! H.264 as a transport stream carries it: units with a mark before each (ITU-T H.264, Annex B), out of which an MP4 wants
//! units with their lengths, and what decoders must know of all of them once (ISO/IEC 14496-15).

use shiguredo_mp4::boxes::{Avc1Box, AvccBox, SampleEntry, VisualSampleEntryFields};
use shiguredo_mp4::{TrackKind, Uint};

use super::bits::Bits;
use super::mp4::{self, Excerpt, Sample, Track};
use super::transport::{Carried, TICKS_PER_S};
use super::{Of, Unfit};

/// The most sets of a picture's parameters; there may be 256.
const PICTURE_SETS_MAX: usize = 255;
/// The longest side of a picture: that of the highest level.
const SIDE_MAX: u32 = 16_384;
/// How long the last picture is shown, if there is no other to tell by: 1/30 s.
const TICKS_ALONE: u32 = 3_000;

/// The pictures in a file of their own.
pub(super) fn excerpt(carried: &Carried) -> Result<Excerpt, Unfit> {
    let unread = |what| Unfit::Unread { of: Of::Pictures, what };
    let mut sets = Sets::default();
    let mut pictures = Vec::with_capacity(carried.packets.len());
    for packet in &carried.packets {
        let (shown, decoded) = packet.shown.zip(packet.decoded).ok_or_else(|| unread("a picture without a time"))?;
        let (bytes, stands_alone) = sets.picture(&packet.bytes).map_err(unread)?;
        pictures.push((shown, decoded, bytes, stands_alone));
    }
    let entry = sets.entry().ok_or_else(|| unread("no parameters to decode it by"))?;
    if !pictures.iter().any(|(.., stands_alone)| *stands_alone) {
        return Err(unread("no picture that can be decoded without others"));
    }
    // The first that is shown begins the file, however long its decoding was ahead.
    let starts = |times: &mut dyn Iterator<Item = u64>| times.min().unwrap_or(0);
    let first_shown = starts(&mut pictures.iter().map(|(shown, ..)| *shown));
    let first_decoded = starts(&mut pictures.iter().map(|(_, decoded, ..)| *decoded));
    let times: Vec<u64> = pictures.iter().map(|(_, decoded, ..)| *decoded).collect();
    let mut samples = Vec::with_capacity(pictures.len());
    let mut ticks = TICKS_ALONE;
    for (at, (shown, decoded, bytes, stands_alone)) in pictures.into_iter().enumerate() {
        if let Some(next) = times.get(at + 1) {
            let lasts = next.checked_sub(decoded).filter(|lasts| *lasts > 0);
            let lasts = lasts.ok_or_else(|| unread("times that go back"))?;
            ticks = u32::try_from(lasts).map_err(|_| unread("a picture of hours"))?;
        }
        let shown_after = (shown - first_shown).checked_signed_diff(decoded - first_decoded);
        let shown_after = shown_after.and_then(|ticks| i32::try_from(ticks).ok());
        let shown_after = shown_after.ok_or_else(|| unread("a picture held back for hours"))?;
        samples.push(Sample { bytes: bytes.into(), ticks, shown_after, stands_alone });
    }
    let ticks_per_s = u32::try_from(TICKS_PER_S).expect("90,000");
    let track = Track { of: Of::Pictures, kind: TrackKind::Video, entry, ticks_per_s, samples };
    mp4::excerpt(&track, carried.begins)
}

/// The sets of parameters that came, each once.
#[derive(Default)]
struct Sets {
    sequence: Option<Vec<u8>>,
    pictures: Vec<Vec<u8>>,
}

impl Sets {
    /// One picture's units with their lengths before them, and whether it needs no other. Sets of parameters are kept
    /// aside.
    fn picture(&mut self, packet: &[u8]) -> Result<(Vec<u8>, bool), &'static str> {
        let (mut written, mut stands_alone, mut slices, mut marks) = (Vec::with_capacity(packet.len()), false, 0, 0);
        for unit in units(packet).ok_or("a packet that does not begin with a unit")? {
            let kind = unit.first().ok_or("a unit of nothing")? & 0x1f;
            match kind {
                7 => self.keep_sequence(unit)?,
                8 => self.keep_picture(unit)?,
                9 => marks += 1, // where a picture begins
                12 => {}         // filling
                _ => {
                    slices += usize::from((1..=5).contains(&kind));
                    stands_alone |= kind == 5;
                    let length = u32::try_from(unit.len()).expect("a segment is bounded");
                    written.extend(length.to_be_bytes());
                    written.extend(unit);
                }
            }
        }
        match (slices, marks) {
            (0, _) => Err("a packet without a picture"),
            (_, 2..) => Err("several pictures in one packet, of which only the first has a time"),
            _ => Ok((written, stands_alone)),
        }
    }

    fn keep_sequence(&mut self, unit: &[u8]) -> Result<(), &'static str> {
        match &self.sequence {
            Some(known) if known != unit => Err("its form changes in the middle"),
            Some(_) => Ok(()),
            None => {
                self.sequence = Some(unit.to_vec());
                Ok(())
            }
        }
    }

    fn keep_picture(&mut self, unit: &[u8]) -> Result<(), &'static str> {
        if self.pictures.iter().any(|known| known == unit) {
            return Ok(());
        }
        let number = |unit: &[u8]| Bits::of(unit.get(1..)?).unsigned();
        let changed = self.pictures.iter().any(|known| number(known) == number(unit));
        if changed || self.pictures.len() == PICTURE_SETS_MAX {
            return Err("its parameters change in the middle");
        }
        self.pictures.push(unit.to_vec());
        Ok(())
    }

    fn entry(self) -> Option<SampleEntry> {
        let sequence = self.sequence?;
        let form = Form::of(&sequence)?;
        if self.pictures.is_empty() {
            return None;
        }
        let visual = VisualSampleEntryFields {
            data_reference_index: VisualSampleEntryFields::DEFAULT_DATA_REFERENCE_INDEX,
            width: form.width,
            height: form.height,
            horizresolution: VisualSampleEntryFields::DEFAULT_HORIZRESOLUTION,
            vertresolution: VisualSampleEntryFields::DEFAULT_VERTRESOLUTION,
            frame_count: VisualSampleEntryFields::DEFAULT_FRAME_COUNT,
            compressorname: [0; 32],
            depth: VisualSampleEntryFields::DEFAULT_DEPTH,
        };
        let avcc_box = AvccBox {
            avc_profile_indication: form.profile,
            profile_compatibility: form.compatibility,
            avc_level_indication: form.level,
            length_size_minus_one: Uint::new(3),
            sps_list: vec![sequence],
            pps_list: self.pictures,
            chroma_format: Some(Uint::new(form.chroma)),
            bit_depth_luma_minus8: Some(Uint::new(form.luma_depth)),
            bit_depth_chroma_minus8: Some(Uint::new(form.chroma_depth)),
            sps_ext_list: Vec::new(),
        };
        Some(SampleEntry::Avc1(Avc1Box { visual, avcc_box, unknown_boxes: Vec::new() }))
    }
}

/// The units of a packet, without their marks. None if something stands before the first.
fn units(packet: &[u8]) -> Option<impl Iterator<Item = &[u8]>> {
    const MARK: [u8; 3] = [0, 0, 1];
    let starts: Vec<usize> = memchr::memmem::find_iter(packet, &MARK).collect();
    let first = *starts.first()?;
    if packet[..first].iter().any(|byte| *byte != 0) {
        return None;
    }
    let ends = starts.clone().into_iter().skip(1).chain([packet.len()]);
    Some(starts.into_iter().zip(ends).map(|(start, end)| {
        let unit = &packet[start + MARK.len()..end];
        let length = unit.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        &unit[..length]
    }))
}

/// What a sequence's parameters say of its pictures' form.
#[derive(Debug, PartialEq, Eq)]
struct Form {
    profile: u8,
    compatibility: u8,
    level: u8,
    chroma: u8,
    luma_depth: u8,
    chroma_depth: u8,
    width: u16,
    height: u16,
}

impl Form {
    /// Reads a set as far as its size (ITU-T H.264, 7.3.2.1.1).
    fn of(unit: &[u8]) -> Option<Self> {
        const WITH_CHROMA: [u8; 13] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];
        let plain = without_guards(unit.get(1..)?);
        let [profile, compatibility, level, rest @ ..] = &plain[..] else { return None };
        let mut bits = Bits::of(rest);
        bits.unsigned()?; // its number
        let (mut chroma, mut depths, mut apart) = (1, [0, 0], false);
        if WITH_CHROMA.contains(profile) {
            chroma = bits.unsigned().filter(|chroma| *chroma <= 3)?;
            apart = chroma == 3 && bits.flag()?;
            for depth in &mut depths {
                *depth = bits.unsigned().filter(|depth| *depth <= 6)?;
            }
            bits.flag()?;
            if bits.flag()? {
                for list in 0..if chroma == 3 { 12 } else { 8 } {
                    if bits.flag()? {
                        pass_scaling(&mut bits, if list < 6 { 16 } else { 64 })?;
                    }
                }
            }
        }
        bits.unsigned()?;
        match bits.unsigned()? {
            0 => drop(bits.unsigned()?),
            1 => {
                bits.flag()?;
                bits.signed()?;
                bits.signed()?;
                for _ in 0..bits.unsigned().filter(|cycle| *cycle <= 255)? {
                    bits.signed()?;
                }
            }
            2 => {}
            _ => return None,
        }
        bits.unsigned()?;
        bits.flag()?;
        let wide = bits.unsigned()?.checked_add(1)?.checked_mul(16)?;
        let high = bits.unsigned()?.checked_add(1)?;
        let whole_frames = bits.flag()?;
        let fields = if whole_frames { 1 } else { 2 };
        if !whole_frames {
            bits.flag()?;
        }
        let high = high.checked_mul(16 * fields)?;
        bits.flag()?;
        let mut cut = [0; 4]; // left, right, top, bottom
        if bits.flag()? {
            for side in &mut cut {
                *side = bits.unsigned()?;
            }
        }
        let coloured = if apart { 0 } else { chroma };
        let (unit_wide, unit_high) = match coloured {
            1 => (2, 2 * fields),
            2 => (2, fields),
            _ => (1, fields),
        };
        let side = |whole: u32, cut: [u32; 2], unit: u32| {
            let cut = cut[0].checked_add(cut[1])?.checked_mul(unit)?;
            let left = whole.checked_sub(cut).filter(|left| (1..=SIDE_MAX).contains(left))?;
            u16::try_from(left).ok()
        };
        let small = |number: u32| u8::try_from(number).expect("it was bounded");
        Some(Self {
            profile: *profile,
            compatibility: *compatibility,
            level: *level,
            chroma: small(chroma),
            luma_depth: small(depths[0]),
            chroma_depth: small(depths[1]),
            width: side(wide, [cut[0], cut[1]], unit_wide)?,
            height: side(high, [cut[2], cut[3]], unit_high)?,
        })
    }
}

/// Passes over a list of so many scales.
fn pass_scaling(bits: &mut Bits<'_>, scales: u32) -> Option<()> {
    let (mut last, mut next) = (8_i32, 8_i32);
    for _ in 0..scales {
        if next != 0 {
            next = (last + bits.signed()?.rem_euclid(256)).rem_euclid(256);
        }
        if next != 0 {
            last = next;
        }
    }
    Some(())
}

/// A unit without the bytes that keep its contents from looking like a mark.
fn without_guards(unit: &[u8]) -> Vec<u8> {
    let mut zeros = 0;
    let plain = unit.iter().filter(|byte| {
        let guard = zeros >= 2 && **byte == 3;
        zeros = if **byte == 0 { zeros + 1 } else { 0 };
        !guard
    });
    plain.copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_lie_between_their_marks_without_what_fills_up() {
        let found = |packet| units(packet).map(|units| units.map(<[u8]>::to_vec).collect::<Vec<_>>());
        let packet = [0, 0, 0, 1, 9, 0xf0, 0, 0, 1, 0x65, 5, 0, 0, 0, 1, 0x41, 6];
        assert_eq!(found(&packet), Some(vec![vec![9, 0xf0], vec![0x65, 5], vec![0x41, 6]]));
        assert_eq!(found(&[7, 0, 0, 1, 9]), None);
        assert_eq!(found(&[0, 0, 0]), None);
    }

    #[test]
    fn what_a_packet_may_not_hold_is_said() {
        let mut sets = Sets::default();
        assert_eq!(sets.picture(&[0, 0, 1, 9, 0xf0, 0, 0, 1, 6, 1]), Err("a packet without a picture"));
        let two = [0, 0, 1, 9, 0xf0, 0, 0, 1, 0x41, 1, 0, 0, 1, 9, 0xf0, 0, 0, 1, 0x41, 1];
        assert!(sets.picture(&two).is_err_and(|what| what.starts_with("several pictures")));
        let alone = sets.picture(&[0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 0xff, 0, 0, 1, 0x65, 1]).unwrap();
        assert_eq!(alone, (vec![0, 0, 0, 2, 0x65, 1], true));
        assert_eq!(sets.picture(&[0, 0, 1, 0x67, 2, 0, 0, 1, 0x41, 1]), Err("its form changes in the middle"));
        assert_eq!(sets.picture(&[0, 0, 1, 0x68, 0xfe, 0, 0, 1, 0x41, 1]), Err("its parameters change in the middle"));
    }

    #[test]
    fn guards_are_taken_out_where_they_stand_only() {
        assert_eq!(without_guards(&[0, 0, 3, 1, 3, 0, 3, 0, 0, 3]), [0, 0, 1, 3, 0, 3, 0, 0]);
    }
}
