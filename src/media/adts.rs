//! AAC as a transport stream carries it: frame after frame, each with a head of its own (ADTS, ISO/IEC 13818-7), out of
//! which an MP4 wants the frames bare and what is common to the heads once.

use shiguredo_mp4::boxes::{AudioSampleEntryFields, EsdsBox, Mp4aBox, SampleEntry};
use shiguredo_mp4::descriptors::{DecoderConfigDescriptor, DecoderSpecificInfo, EsDescriptor, SlConfigDescriptor};
use shiguredo_mp4::{FixedPointNumber, TrackKind, Uint};

use super::mp4::{self, Excerpt, Sample, Track};
use super::transport::Carried;
use super::{Of, Unfit};

/// Samples of sound in a frame.
const FRAME_SAMPLES: u32 = 1_024;
/// The rates that a head can name, per second.
const RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];
/// The most bits a second that are claimed for the decoder's sake; no decoder that we know of reads it.
const BITRATE_CLAIMED: u32 = 320_000;

/// The sound in a file of its own.
pub(super) fn excerpt(carried: &Carried) -> Result<Excerpt, Unfit> {
    let unread = |what| Unfit::Unread { of: Of::Sound, what };
    // Frames may lie across packets: what the packets carry is one row of frames.
    let row: Vec<u8> = carried.packets.iter().flat_map(|packet| &packet.bytes).copied().collect();
    let (mut rest, mut common, mut samples) = (&row[..], None, Vec::new());
    while !rest.is_empty() {
        let (head, frame, after) =
            Head::of(rest).ok_or_else(|| unread("a frame that does not begin as one, or is cut"))?;
        if *common.get_or_insert(head) != head {
            return Err(unread("it changes its form in the middle"));
        }
        samples.push(Sample { bytes: frame.into(), ticks: FRAME_SAMPLES, shown_after: 0, stands_alone: true });
        rest = after;
    }
    let head = common.ok_or_else(|| unread("no frame in it"))?;
    let rate = RATES[usize::from(head.rate)];
    let track = Track { of: Of::Sound, kind: TrackKind::Audio, entry: head.entry(), ticks_per_s: rate, samples };
    mp4::excerpt(&track, carried.begins)
}

/// What the head of every frame says alike.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Head {
    /// One less than the kind of AAC: 1 is AAC-LC.
    profile: u8,
    /// Which of [`RATES`].
    rate: u8,
    /// How many channels, in the count of the standard: 1 to 7.
    channels: u8,
}

impl Head {
    /// The head of the frame that begins here, the bare frame, and what follows it.
    fn of(row: &[u8]) -> Option<(Self, &[u8], &[u8])> {
        let &[0xff, mark, form, more, middle, low, blocks, ..] = row else { return None };
        if mark & 0xf6 != 0xf0 || blocks & 0x03 != 0 {
            return None; // another layer, or several blocks in a frame, which nobody writes
        }
        let head = Self { profile: form >> 6, rate: form >> 2 & 0x0f, channels: (form & 1) << 2 | more >> 6 };
        if usize::from(head.rate) >= RATES.len() || head.channels == 0 {
            return None;
        }
        let length = usize::from(more & 0x03) << 11 | usize::from(middle) << 3 | usize::from(low >> 5);
        let checksum = if mark & 1 == 0 { 2 } else { 0 };
        let (frame, after) = row.split_at_checked(length)?;
        let bare = frame.get(7 + checksum..).filter(|bare| !bare.is_empty())?;
        Some((head, bare, after))
    }

    fn entry(self) -> SampleEntry {
        // Five bits of the kind, four of the rate, four of the channels (ISO/IEC 14496-3, AudioSpecificConfig).
        let form = u16::from(self.profile + 1) << 11 | u16::from(self.rate) << 7 | u16::from(self.channels) << 3;
        // 7 in the count is 8 in number. A rate above 16 bits is said in the form only.
        let channelcount = if self.channels == 7 { 8 } else { u16::from(self.channels) };
        let rate = u16::try_from(RATES[usize::from(self.rate)]).unwrap_or(0);
        SampleEntry::Mp4a(Mp4aBox {
            audio: AudioSampleEntryFields {
                data_reference_index: AudioSampleEntryFields::DEFAULT_DATA_REFERENCE_INDEX,
                channelcount,
                samplesize: AudioSampleEntryFields::DEFAULT_SAMPLESIZE,
                samplerate: FixedPointNumber::new(rate, 0),
            },
            esds_box: EsdsBox {
                es: EsDescriptor {
                    es_id: EsDescriptor::MIN_ES_ID,
                    stream_priority: EsDescriptor::LOWEST_STREAM_PRIORITY,
                    depends_on_es_id: None,
                    url_string: None,
                    ocr_es_id: None,
                    dec_config_descr: DecoderConfigDescriptor {
                        object_type_indication: DecoderConfigDescriptor::OBJECT_TYPE_INDICATION_AUDIO_ISO_IEC_14496_3,
                        stream_type: DecoderConfigDescriptor::STREAM_TYPE_AUDIO,
                        up_stream: DecoderConfigDescriptor::UP_STREAM_FALSE,
                        buffer_size_db: Uint::new(0),
                        max_bitrate: BITRATE_CLAIMED,
                        avg_bitrate: 0,
                        dec_specific_info: Some(DecoderSpecificInfo { payload: form.to_be_bytes().to_vec() }),
                    },
                    sl_config_descr: SlConfigDescriptor,
                },
            },
            unknown_boxes: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_bare_without_its_head_and_checksum() {
        let plain = [0xff, 0xf1, 0x50, 0x80, 0x01, 0x3f, 0xfc, 7, 8, 0xff];
        let (head, bare, after) = Head::of(&plain).unwrap();
        assert!(head == Head { profile: 1, rate: 4, channels: 2 });
        assert_eq!((bare, after), (&[7, 8][..], &[0xff][..]));
        let checked = [0xff, 0xf0, 0x50, 0x80, 0x01, 0x5f, 0xfc, 1, 2, 9];
        assert_eq!(Head::of(&checked).map(|(_, bare, _)| bare), Some(&[9][..]));
        for cut in 0..plain.len() - 1 {
            assert!(Head::of(&plain[..cut]).is_none(), "{cut}");
        }
    }
}
