//! The entropy-coded data: bits in, luma DC terms out.

use memchr::memchr;

use super::JpegError;
use super::huffman::{BLOCK, BlockCodes, CodeCache, END_OF_BLOCK, LOOKUP_BITS, Step};
use super::markers::{Header, Scan};
use crate::imaging::plane::Plane;

const PART: &str = "the entropy-coded data";
/// Zero bytes behind the data, so that the last words of it can be read whole.
const PADDING: usize = 8;

/// Buffers and tables that are used again from picture to picture. One per worker.
#[derive(Default)]
pub struct Scratch {
    /// One run of entropy-coded data, up to a marker, without stuffed bytes.
    data: Vec<u8>,
    codes: CodeCache,
}

/// Decodes the luma plane at one eighth: `ceil(width / 8) × ceil(height / 8)`.
///
/// Time and memory are bounded by the size that the header states; data that ends early ends the work.
pub fn decode(
    file: &[u8],
    header: &Header<'_>,
    scan: &Scan<'_>,
    scratch: &mut Scratch,
    plane: &mut Plane,
) -> Result<(), JpegError> {
    let mut places = [0; 3];
    for (done, component) in scan.components.iter().enumerate() {
        let (kept, rest) = places.split_at_mut(done);
        rest[0] = scratch.codes.resolve(component.dc, component.ac, kept, scan.data_at)?;
    }
    let luma = &scan.components[0];
    let (across, down) = (usize::from(luma.across), usize::from(luma.down));
    let units_per_row = usize::from(header.width).div_ceil(8 * across);
    let unit_rows = usize::from(header.height).div_ceil(8 * down);
    plane.reshape(
        usize::from(header.width).div_ceil(8),
        usize::from(header.height).div_ceil(8),
        units_per_row * across,
        unit_rows * down,
    );

    let layout = Layout {
        luma: scratch.codes.get(places[0]),
        chroma: scan.components[1..]
            .iter()
            .zip(&places[1..])
            .flat_map(|(component, &place)| (0..component.across * component.down).map(move |_| place))
            .map(|place| scratch.codes.get(place))
            .collect(),
        across,
        down,
        quantiser: i32::from(scan.quantiser),
    };

    let units = units_per_row * unit_rows;
    let interval = if scan.restart_interval == 0 { units } else { usize::from(scan.restart_interval) };
    let (mut unit, mut at, mut restarts) = (0, scan.data_at, 0_u8);
    while unit < units {
        let run_at = at;
        let (marker, next) = unstuff(file, at, &mut scratch.data);
        let mut bits = Bits::new(&scratch.data);
        let mut predicted = 0;
        let run_end = units.min(unit + interval);
        while unit < run_end {
            let (row, column) = (unit / units_per_row, unit % units_per_row);
            let count = (run_end - unit).min(units_per_row - column);
            let band = &mut plane.luma[row * down * plane.stride..][..down * plane.stride];
            layout.decode_units(&mut bits, &mut predicted, band, plane.stride, column..column + count).ok_or(
                JpegError::Damaged { part: PART, at: run_at, why: "it should consist of codes of its tables" },
            )?;
            if bits.overrun() {
                return Err(match marker {
                    None => JpegError::Truncated { part: PART, at: run_at },
                    Some(_) => {
                        JpegError::Damaged { part: PART, at: run_at, why: "it should not end before its blocks" }
                    }
                });
            }
            unit += count;
        }
        if unit < units {
            match marker {
                Some(marker) if marker == 0xd0 + restarts => restarts = (restarts + 1) % 8,
                Some(_) => {
                    return Err(JpegError::Damaged {
                        part: PART,
                        at: run_at,
                        why: "the next restart marker should end it",
                    });
                }
                None => return Err(JpegError::Truncated { part: PART, at: run_at }),
            }
            at = next;
        }
    }
    Ok(())
}

/// Copies data up to the next marker, without stuffed bytes, and pads it. Gives the marker and what comes after it.
fn unstuff(file: &[u8], mut at: usize, data: &mut Vec<u8>) -> (Option<u8>, usize) {
    data.clear();
    let marker = loop {
        let rest = file.get(at..).unwrap_or_default();
        let Some(plain) = memchr(0xff, rest) else {
            data.extend_from_slice(rest);
            break None;
        };
        let fill = rest[plain..].iter().take_while(|&&byte| byte == 0xff).count();
        at += plain + fill + 1;
        match rest.get(plain + fill) {
            Some(0) => data.extend_from_slice(&rest[..=plain]),
            other => {
                data.extend_from_slice(&rest[..plain]);
                break other.copied();
            }
        }
    };
    data.extend_from_slice(&[0; PADDING]);
    (marker, at)
}

/// A picture's units: how many blocks of what.
struct Layout<'a> {
    luma: &'a BlockCodes,
    /// The codes of each chroma block of a unit.
    chroma: Vec<&'a BlockCodes>,
    across: usize,
    down: usize,
    quantiser: i32,
}

impl Layout<'_> {
    /// Decodes some units of one row into the band of the plane that they cover. None: there is no such code.
    fn decode_units(
        &self,
        bits: &mut Bits<'_>,
        predicted: &mut i32,
        band: &mut [u8],
        stride: usize,
        columns: std::ops::Range<usize>,
    ) -> Option<()> {
        match (self.across, self.down) {
            (2, 2) => self.decode_units_of::<2, 2>(bits, predicted, band, stride, columns),
            (2, 1) => self.decode_units_of::<2, 1>(bits, predicted, band, stride, columns),
            (1, 1) => self.decode_units_of::<1, 1>(bits, predicted, band, stride, columns),
            _ => self.decode_units_of::<0, 0>(bits, predicted, band, stride, columns),
        }
    }

    /// The same, for a sampling known when compiling; 0×0: for any.
    #[inline(always)]
    fn decode_units_of<const ACROSS: usize, const DOWN: usize>(
        &self,
        shared: &mut Bits<'_>,
        predicted: &mut i32,
        band: &mut [u8],
        stride: usize,
        columns: std::ops::Range<usize>,
    ) -> Option<()> {
        let (across, down) = if ACROSS == 0 { (self.across, self.down) } else { (ACROSS, DOWN) };
        let mut bits = shared.clone(); // in registers
        let mut dc = *predicted;
        for column in columns {
            for y in 0..down {
                let row = &mut band[y * stride + column * across..][..across];
                for pixel in row {
                    dc = dc.wrapping_add(bits.block(self.luma)?);
                    *pixel = grey(dc, self.quantiser);
                }
            }
            for codes in &self.chroma {
                bits.block(codes)?;
            }
        }
        *predicted = dc;
        *shared = bits;
        Some(())
    }
}

/// The grey level of a DC term, as libjpeg's 1×1 transform has it: a 16-bit coefficient, an eighth of its dequantised
/// value, taken modulo 1024 (which matters to damaged pictures only), clamped.
fn grey(dc: i32, quantiser: i32) -> u8 {
    let eighth = (i32::from(dc as i16) * quantiser + 4) >> 3;
    let wrapped = (eighth << 22) >> 22;
    (wrapped + 128).clamp(0, 255) as u8
}

/// Reads bits, highest first.
#[derive(Clone)]
struct Bits<'a> {
    data: &'a [u8],
    /// Next byte to be read. May run past the end: what is read there is zero.
    at: usize,
    /// The next bits, highest first.
    window: u64,
    /// How many of them are there.
    count: u32,
}

impl<'a> Bits<'a> {
    fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0, window: 0, count: 0 }
    }

    /// Makes at least 56 bits ready.
    #[inline(always)]
    fn refill(&mut self) {
        let word = match self.data.get(self.at..).and_then(|rest| rest.first_chunk()) {
            Some(bytes) => u64::from_be_bytes(*bytes),
            None => self.last_bytes(),
        };
        self.window |= word >> self.count;
        let bytes = (63 - self.count) >> 3;
        self.at += bytes as usize;
        self.count |= 56;
    }

    /// The word at the end of the data, zeros behind it.
    #[cold]
    fn last_bytes(&self) -> u64 {
        let rest = self.data.get(self.at..).unwrap_or_default();
        let mut word = [0; 8];
        word[..rest.len()].copy_from_slice(rest);
        u64::from_be_bytes(word)
    }

    #[inline(always)]
    fn skip(&mut self, bits: u32) {
        self.window <<= bits;
        self.count -= bits;
    }

    /// Whether more bits were taken than there are.
    fn overrun(&self) -> bool {
        let taken = self.at as u64 * 8 - u64::from(self.count);
        taken > (self.data.len() - PADDING) as u64 * 8
    }

    #[inline(always)]
    fn look_up(&self) -> usize {
        (self.window >> (64 - LOOKUP_BITS)) as usize
    }

    /// Steps over a block and gives the difference of its DC term to the one before. None: there is no such code.
    ///
    /// A look-up takes at most 26 bits, so two of them go with one refill.
    #[inline(always)]
    fn block(&mut self, codes: &BlockCodes) -> Option<i32> {
        self.refill();
        let mut step = codes.first[self.look_up()];
        if step.is_none() {
            step = codes.dc_alone(self.window)?;
        }
        let difference = difference(self.window, step);
        self.skip(step.bits());
        let mut done = step.coefficients();
        if done < BLOCK {
            self.refill();
            done = self.coefficients(codes, done)?;
        }
        debug_assert!(done == BLOCK || done >= END_OF_BLOCK);
        Some(difference)
    }

    /// Steps over the coefficients after the first `done`.
    #[inline(always)]
    fn coefficients(&mut self, codes: &BlockCodes, mut done: u32) -> Option<u32> {
        // Every turn takes at least one coefficient or ends the block.
        loop {
            let step = codes.rest[self.look_up()];
            let after = done + step.coefficients();
            // Past the block's end: not all of the look-up's symbols are of this block. It ends at exactly 64
            // coefficients, or by its own symbol before that.
            if step.is_none() || (after > BLOCK && after < END_OF_BLOCK) || after >= END_OF_BLOCK + BLOCK {
                done = self.coefficient_alone(codes, done)?;
            } else {
                self.skip(step.bits());
                done = after;
            }
            if done >= BLOCK {
                return Some(done);
            }
            self.refill();
        }
    }

    /// Steps over one symbol. None: there is no such code, or it leads past the block's end.
    #[cold]
    #[inline(never)]
    fn coefficient_alone(&mut self, codes: &BlockCodes, done: u32) -> Option<u32> {
        self.refill();
        let step = codes.ac_alone(self.window)?;
        self.skip(step.bits());
        let after = done + step.coefficients();
        (after <= BLOCK || after >= END_OF_BLOCK).then_some(after)
    }
}

/// The DC difference that a step starts with.
#[inline(always)]
fn difference(window: u64, step: Step) -> i32 {
    let size = step.dc_value_bits();
    let value = (((window << step.dc_code_bits()) >> 1) >> (63 - size)) as i32; // at most 15 bits
    let half = (1 << size) >> 1;
    // A value without its highest bit stands for a negative one.
    if value < half { value - (1 << size) + 1 } else { value }
}
