//! One track as an MP4 file (ISO/IEC 14496-12) with its map before its data, so that it can be read while it comes.

use std::borrow::Cow;
use std::num::NonZeroU32;

use shiguredo_mp4::TrackKind;
use shiguredo_mp4::boxes::SampleEntry;
use shiguredo_mp4::mux::{
    Mp4FileMuxer, Mp4FileMuxerOptions, MuxError, Sample as Placed, estimate_maximum_moov_box_size,
};

use super::transport::TICKS_PER_S;
use super::{LASTS_MS_MAX, Of, Unfit};

/// The most samples of a track: half a minute at 136 pictures a second, or of sound at the highest rate.
const SAMPLES_MAX: usize = 4_096;

/// A part of a segment as a file of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// An MP4 with one track.
    pub file: Vec<u8>,
    /// How long after the beginning of the segment it begins, in milliseconds.
    pub begins_ms: u32,
    /// For how long it lasts, in milliseconds.
    pub lasts_ms: u32,
}

/// What the one track is made of.
pub(super) struct Track<'a> {
    pub(super) of: Of,
    pub(super) kind: TrackKind,
    pub(super) entry: SampleEntry,
    pub(super) ticks_per_s: u32,
    pub(super) samples: Vec<Sample<'a>>,
}

/// A picture, or a frame of sound.
pub(super) struct Sample<'a> {
    pub(super) bytes: Cow<'a, [u8]>,
    /// How long it lasts.
    pub(super) ticks: u32,
    /// How long after its decoding it is shown, both counted from the first that is; negative where another is decoded
    /// before it and shown after it.
    pub(super) shown_after: i32,
    /// Whether it needs no other to be decoded.
    pub(super) stands_alone: bool,
}

/// The track as a file; `begins` in ticks of the transport.
pub(super) fn excerpt(track: &Track<'_>, begins: u64) -> Result<Excerpt, Unfit> {
    let Track { of, ticks_per_s, samples, .. } = track;
    let ticks: u64 = samples.iter().map(|sample| u64::from(sample.ticks)).sum();
    let ms = ticks.saturating_mul(1_000) / u64::from(*ticks_per_s);
    let lasts_ms = u32::try_from(ms).ok().filter(|ms| *ms <= LASTS_MS_MAX).ok_or(Unfit::Long { of: *of, ms })?;
    if samples.len() > SAMPLES_MAX {
        return Err(Unfit::Unread { of: *of, what: "more samples than half a minute has" });
    }
    let file = written(track).map_err(|_| Unfit::Unread { of: *of, what: "it does not fit into an MP4" })?;
    let begins_ms = u32::try_from(begins * 1_000 / TICKS_PER_S).unwrap_or(u32::MAX);
    Ok(Excerpt { file, begins_ms, lasts_ms })
}

fn written(track: &Track<'_>) -> Result<Vec<u8>, MuxError> {
    let options = Mp4FileMuxerOptions {
        reserved_moov_box_size: estimate_maximum_moov_box_size(&[track.samples.len()]),
        ..Mp4FileMuxerOptions::default()
    };
    let mut muxer = Mp4FileMuxer::with_options(options)?;
    let mut file = muxer.initial_boxes_bytes().to_vec();
    let mut entry = Some(track.entry.clone());
    let is_held_back = track.samples.iter().any(|sample| sample.shown_after != 0);
    for sample in &track.samples {
        let data_offset = file.len() as u64;
        file.extend(&*sample.bytes);
        muxer.append_sample(&Placed {
            track_kind: track.kind,
            sample_entry: entry.take(),
            keyframe: sample.stands_alone,
            timescale: NonZeroU32::new(track.ticks_per_s).expect("no rate is 0"),
            duration: sample.ticks,
            composition_time_offset: is_held_back.then_some(i64::from(sample.shown_after)),
            data_offset,
            data_size: sample.bytes.len(),
        })?;
    }
    let finished = muxer.finalize()?;
    for (offset, bytes) in finished.offset_and_bytes_pairs() {
        let offset = usize::try_from(offset).expect("a file in memory");
        file.resize(file.len().max(offset + bytes.len()), 0);
        file[offset..offset + bytes.len()].copy_from_slice(bytes);
    }
    Ok(file)
}
