//! Recorded segments as files that a provider takes: from an MPEG transport stream, as Amazon IVS records it, to an MP4
//! with its sound or with its pictures alone. Nothing is decoded and nothing coded again: what is judged is what was sent
//! to viewers, bit for bit, in another container.
//!
//! Must not know who judges, or what of. It is given whatever was uploaded under a segment's key, so every length in it is
//! checked before it is believed, and what is damaged, cut or of another kind is an error with a name: a sound that was
//! heard in part would be judged as if it were all that was said.
//!
//! Why the container is read here and not by a library: `docs/adr/0012-segments-are-remuxed.md`.

mod adts;
mod bits;
mod h264;
mod mp4;
mod transport;

pub use mp4::Excerpt;

/// The most bytes of a segment: half a minute at 16 Mbit/s, twice what IVS takes in.
pub const SEGMENT_BYTES_MAX: usize = 64 << 20;
/// The longest stretch that is made into a file. Segments of IVS have about ten seconds; Hive takes clips of up to thirty
/// while the caller waits.
pub const LASTS_MS_MAX: u32 = 30_000;

/// Why a segment cannot be judged as it sounds, or as it looks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It is no transport stream, or more than is read.
    #[error("{bytes} bytes, expected a transport stream of 1 to {SEGMENT_BYTES_MAX} bytes in packets of 188")]
    Size {
        /// Its bytes.
        bytes: usize,
    },
    /// It is a transport stream no longer, or never was one.
    #[error("damaged at byte {at}: {what}")]
    Damaged {
        /// Where.
        at: usize,
        /// In which way.
        what: &'static str,
    },
    /// What its streams carry is damaged.
    #[error("its {of} cannot be read: {what}")]
    Unread {
        /// `sound` or `pictures`.
        of: Of,
        /// Why not.
        what: &'static str,
    },
    /// It says itself that there is none.
    #[error("it has no {0}")]
    Without(Of),
    /// It has some, of a kind that is not read here.
    #[error("its stream of {of} is of type {kind:#04x}, expected {}", .of.kind())]
    Kind {
        /// `sound` or `pictures`.
        of: Of,
        /// The type of its stream, as in the program's map.
        kind: u8,
    },
    /// More than one: which of them is heard or seen is the viewer's choice, and only one would be judged.
    #[error("it has more than one stream of {0}")]
    Several(Of),
    /// It lasts too long.
    #[error("{ms} ms of {of}, at most {LASTS_MS_MAX} are judged")]
    Long {
        /// `sound` or `pictures`.
        of: Of,
        /// For how long it lasts.
        ms: u64,
    },
}

/// What of a segment is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// Its sound.
    Sound,
    /// Its pictures.
    Pictures,
}

impl Of {
    const fn kind(self) -> &'static str {
        match self {
            Self::Sound => "AAC (0x0f)",
            Self::Pictures => "H.264 (0x1b)",
        }
    }
}

impl std::fmt::Display for Of {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sound => "sound",
            Self::Pictures => "pictures",
        })
    }
}

/// Whether a segment says itself that it has none of that: every map in it does, and what names the maps is sound. What
/// it says of anything else is not looked at. Takes next to nothing where it has some.
pub fn lacks(segment: &[u8], of: Of) -> bool {
    transport::lacks(segment, of)
}

/// The sound of a segment, as an MP4 that holds nothing else. Takes as long as copying it does.
pub fn sound(segment: &[u8]) -> Result<Excerpt, Unfit> {
    let read = transport::read(segment, Of::Sound)?;
    adts::excerpt(&read)
}

/// The pictures of a segment, as an MP4 without sound. Takes as long as copying it does.
pub fn pictures(segment: &[u8]) -> Result<Excerpt, Unfit> {
    let read = transport::read(segment, Of::Pictures)?;
    h264::excerpt(&read)
}
