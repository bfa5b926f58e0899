//! The marker segments before the first scan: size, sampling, tables.

use super::JpegError;

/// Components of a frame that are read; a four-component picture (CMYK) is another coding.
const COMPONENTS_MAX: usize = 3;
/// Blocks of one interleaved unit, by the standard.
const MCU_BLOCKS_MAX: usize = 10;

/// What the segments before the first scan say. Nothing is allocated for it: tables are slices of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header<'a> {
    /// Width in pixels, at least 1.
    pub width: u16,
    /// Height in pixels, at least 1.
    pub height: u16,
    /// How the picture is coded.
    pub coding: Coding<'a>,
}

/// How the picture is coded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Coding<'a> {
    /// In the way that is read here.
    Sequential(Scan<'a>),
    /// In another way, named: to be decoded in full.
    Other(&'static str),
}

/// The one scan of a sequential picture, ready to be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan<'a> {
    /// Its components in the order of their blocks; the first is the luma.
    pub(super) components: Vec<Component<'a>>,
    /// Quantiser of the luma's DC term.
    pub(super) quantiser: u16,
    /// Units between restart markers; 0: there are none.
    pub(super) restart_interval: u16,
    /// Where the entropy-coded data starts.
    pub(super) data_at: usize,
}

/// One component of a scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Component<'a> {
    /// Blocks side by side in a unit, 1–4.
    pub across: u8,
    /// Blocks on top of each other in a unit, 1–4.
    pub down: u8,
    pub dc: HuffmanSpec<'a>,
    pub ac: HuffmanSpec<'a>,
}

/// A Huffman table as the file states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HuffmanSpec<'a> {
    /// Codes of each length from 1 to 16 bits.
    pub counts: &'a [u8; 16],
    /// The symbols in order of their codes; as many as the counts say.
    pub symbols: &'a [u8],
}

impl<'a> Header<'a> {
    /// Reads the segments up to the first scan, or up to the frame header if that already names another coding.
    pub fn read(file: &'a [u8]) -> Result<Self, JpegError> {
        let mut segments = Segments::default();
        let mut at = 2; // after the start-of-image marker
        // Every turn moves on by at least two bytes of the file.
        loop {
            let (marker, next) = next_marker(file, at)?;
            match marker {
                0x01 | 0xd0..=0xd7 => {
                    at = next;
                    continue;
                }
                0xd8 | 0xd9 => {
                    return Err(JpegError::Damaged { part: "the header", at, why: "the picture's data should follow" });
                }
                _ => {}
            }
            let length = match file.get(next..next + 2) {
                Some(&[high, low]) => usize::from(u16::from_be_bytes([high, low])),
                _ => return Err(JpegError::Truncated { part: "a segment", at }),
            };
            if length < 2 {
                return Err(JpegError::Damaged { part: "a segment", at, why: "its length should be at least 2" });
            }
            let end = next + length;
            let Some(body) = file.get(next + 2..end) else {
                return Err(JpegError::Truncated { part: "a segment", at });
            };
            match marker {
                0xc4 => segments.huffman_tables(body, at)?,
                0xdb => segments.quantisers(body, at)?,
                0xdd => segments.restart_interval(body, at)?,
                0xe0 if body.starts_with(b"JFIF\0") => segments.jfif = true,
                0xee if body.len() >= 12 && body.starts_with(b"Adobe") => segments.adobe_transform = Some(body[11]),
                0xc0..=0xcf if marker != 0xc8 && marker != 0xcc => {
                    let frame = Frame::read(marker, body, at)?;
                    if let Some(name) = frame.other_coding() {
                        return Ok(frame.header(Coding::Other(name)));
                    }
                    if segments.frame.replace(frame).is_some() {
                        return Err(JpegError::Damaged { part: "a frame header", at, why: "there should be one" });
                    }
                }
                0xda => return segments.scan(body, at, end),
                _ => {} // comments, EXIF (with its own small JPEG inside), colour profiles
            }
            at = end;
        }
    }
}

/// Finds the marker at `at`, after any fill bytes: its code and where its segment starts.
fn next_marker(file: &[u8], at: usize) -> Result<(u8, usize), JpegError> {
    if file.get(at).is_some_and(|&byte| byte != 0xff) {
        return Err(JpegError::Damaged { part: "a segment", at, why: "it should start with a marker" });
    }
    let fill = file.get(at..).unwrap_or_default().iter().take_while(|&&byte| byte == 0xff).count();
    match file.get(at + fill) {
        Some(0) => Err(JpegError::Damaged { part: "a segment", at, why: "it should start with a marker" }),
        Some(&marker) => Ok((marker, at + fill + 1)),
        None => Err(JpegError::Truncated { part: "the header", at }),
    }
}

/// What was read so far.
#[derive(Default)]
struct Segments<'a> {
    frame: Option<Frame>,
    /// The first value of each quantiser table, the DC term's.
    quantisers: [Option<u16>; 4],
    dc: [Option<HuffmanSpec<'a>>; 4],
    ac: [Option<HuffmanSpec<'a>>; 4],
    restart_interval: u16,
    jfif: bool,
    adobe_transform: Option<u8>,
}

impl<'a> Segments<'a> {
    fn quantisers(&mut self, mut body: &'a [u8], at: usize) -> Result<(), JpegError> {
        let part = "a quantiser table";
        while let Some((&kind, rest)) = body.split_first() {
            let (wide, id) = (kind >> 4, usize::from(kind & 15));
            let bytes = match wide {
                0 => 64,
                1 => 128,
                _ => return Err(JpegError::Damaged { part, at, why: "its precision should be 0 or 1" }),
            };
            let Some((values, next)) = rest.split_at_checked(bytes) else {
                return Err(JpegError::Damaged { part, at, why: "it should have 64 values" });
            };
            let Some(slot) = self.quantisers.get_mut(id) else {
                return Err(JpegError::Damaged { part, at, why: "its number should be 0 to 3" });
            };
            *slot = Some(if wide == 0 { u16::from(values[0]) } else { u16::from_be_bytes([values[0], values[1]]) });
            body = next;
        }
        Ok(())
    }

    fn huffman_tables(&mut self, mut body: &'a [u8], at: usize) -> Result<(), JpegError> {
        let part = "a Huffman table";
        while let Some((&kind, rest)) = body.split_first() {
            let Some((counts, rest)) = rest.split_first_chunk::<16>() else {
                return Err(JpegError::Damaged { part, at, why: "it should have 16 counts" });
            };
            let symbols = counts.iter().map(|&count| usize::from(count)).sum::<usize>();
            if symbols > 256 {
                return Err(JpegError::Damaged { part, at, why: "it should have at most 256 symbols" });
            }
            let Some((symbols, next)) = rest.split_at_checked(symbols) else {
                return Err(JpegError::Damaged { part, at, why: "it should have as many symbols as its counts say" });
            };
            let tables = match kind >> 4 {
                0 => &mut self.dc,
                1 => &mut self.ac,
                _ => return Err(JpegError::Damaged { part, at, why: "its class should be 0 or 1" }),
            };
            let Some(slot) = tables.get_mut(usize::from(kind & 15)) else {
                return Err(JpegError::Damaged { part, at, why: "its number should be 0 to 3" });
            };
            *slot = Some(HuffmanSpec { counts, symbols });
            body = next;
        }
        Ok(())
    }

    fn restart_interval(&mut self, body: &[u8], at: usize) -> Result<(), JpegError> {
        let &[high, low] = body else {
            return Err(JpegError::Damaged { part: "a restart interval", at, why: "it should have 2 bytes" });
        };
        self.restart_interval = u16::from_be_bytes([high, low]);
        Ok(())
    }

    /// The scan header: what is needed to decode, or why it is left to another decoder.
    fn scan(self, body: &[u8], at: usize, data_at: usize) -> Result<Header<'a>, JpegError> {
        let part = "the scan header";
        let Some(frame) = &self.frame else {
            return Err(JpegError::Damaged { part, at, why: "a frame header should come before it" });
        };
        let count = usize::from(body.first().copied().unwrap_or_default());
        if count == 0 || count > 4 || body.len() != 1 + 2 * count + 3 {
            return Err(JpegError::Damaged { part, at, why: "it should name 1 to 4 components" });
        }
        let other = |name| Ok(frame.header(Coding::Other(name)));
        if count != frame.count {
            return other("components in scans of their own");
        }
        if !self.luma_comes_first(frame) {
            return other("RGB components");
        }
        let luma = frame.components[0];
        let mut components = Vec::with_capacity(count);
        let mut blocks = 0;
        for (component, pair) in frame.components[..count].iter().zip(body[1..].chunks_exact(2)) {
            if pair[0] != component.id {
                return other("components in another order");
            }
            if component.across > luma.across || component.down > luma.down {
                return other("chroma finer than luma");
            }
            let (dc, ac) = (usize::from(pair[1] >> 4), usize::from(pair[1] & 15));
            let (Some(dc), Some(ac)) = (self.dc.get(dc).copied().flatten(), self.ac.get(ac).copied().flatten()) else {
                return other("Huffman tables left out");
            };
            // A single component is never interleaved: its unit is one block, whatever its sampling says.
            let (across, down) = if count == 1 { (1, 1) } else { (component.across, component.down) };
            blocks += usize::from(across) * usize::from(down);
            components.push(Component { across, down, dc, ac });
        }
        if blocks > MCU_BLOCKS_MAX {
            return Err(JpegError::Damaged { part, at, why: "a unit should have at most 10 blocks" });
        }
        let Some(quantiser) = self.quantisers.get(usize::from(luma.quantiser)).copied().flatten() else {
            return Err(JpegError::Damaged { part, at, why: "the luma's quantiser table should come before it" });
        };
        let restart_interval = self.restart_interval;
        Ok(frame.header(Coding::Sequential(Scan { components, quantiser, restart_interval, data_at })))
    }

    /// Whether the first component is luma, by the rules that libjpeg goes by.
    fn luma_comes_first(&self, frame: &Frame) -> bool {
        let ids = [frame.components[0].id, frame.components[1].id, frame.components[2].id];
        match (frame.count, self.jfif, self.adobe_transform) {
            (1, ..) | (_, true, _) => true,
            (_, _, Some(transform)) => transform != 0,
            (_, _, None) => ids != *b"RGB",
        }
    }
}

/// The frame header.
struct Frame {
    marker: u8,
    precision: u8,
    width: u16,
    height: u16,
    count: usize,
    components: [FrameComponent; COMPONENTS_MAX],
}

#[derive(Clone, Copy, Default)]
struct FrameComponent {
    id: u8,
    across: u8,
    down: u8,
    quantiser: u8,
}

impl Frame {
    fn read(marker: u8, body: &[u8], at: usize) -> Result<Self, JpegError> {
        let part = "the frame header";
        let Some((&[precision, y1, y0, x1, x0, count], rest)) = body.split_first_chunk::<6>() else {
            return Err(JpegError::Damaged { part, at, why: "it should have at least 6 bytes" });
        };
        let (height, width) = (u16::from_be_bytes([y1, y0]), u16::from_be_bytes([x1, x0]));
        if width == 0 || height == 0 {
            return Err(JpegError::Damaged { part, at, why: "width and height should be at least 1" });
        }
        let count = usize::from(count);
        if count == 0 || rest.len() != 3 * count {
            return Err(JpegError::Damaged { part, at, why: "it should have 3 bytes for each component" });
        }
        let mut components = [FrameComponent::default(); COMPONENTS_MAX];
        for (component, bytes) in components.iter_mut().zip(rest.chunks_exact(3)) {
            let (across, down) = (bytes[1] >> 4, bytes[1] & 15);
            if !(1..=4).contains(&across) || !(1..=4).contains(&down) {
                return Err(JpegError::Damaged { part, at, why: "sampling should be 1 to 4" });
            }
            *component = FrameComponent { id: bytes[0], across, down, quantiser: bytes[2] };
        }
        Ok(Self { marker, precision, width, height, count, components })
    }

    /// Why the frame is not read here, if so.
    fn other_coding(&self) -> Option<&'static str> {
        match (self.marker, self.precision, self.count) {
            (0xc0 | 0xc1, 8, 1 | 3) => None,
            (0xc0 | 0xc1, 8, _) => Some("neither one nor three components"),
            (0xc0 | 0xc1, ..) => Some("not 8 bits deep"),
            (0xc2, ..) => Some("progressive"),
            (0xc3 | 0xc7 | 0xcb | 0xcf, ..) => Some("lossless"),
            (0xc9 | 0xca | 0xcd | 0xce, ..) => Some("arithmetic"),
            _ => Some("hierarchical"),
        }
    }

    fn header<'a>(&self, coding: Coding<'a>) -> Header<'a> {
        Header { width: self.width, height: self.height, coding }
    }
}
