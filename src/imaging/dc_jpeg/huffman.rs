//! Huffman codes, resolved many at a time.
//!
//! Only the luma's DC value is wanted; of all other symbols only how many bits and coefficients they take. So a look-up
//! of the next [`LOOKUP_BITS`] bits steps over *every* whole symbol within them at once: often a whole block.

use super::JpegError;
use super::markers::HuffmanSpec;

/// Bits looked up at once. More step further but take longer to resolve and fill more of the cache; 11 meets the speed
/// goals also where every picture has its own tables. Other values have not been compared.
pub(super) const LOOKUP_BITS: u32 = 11;
const LOOKUPS: usize = 1 << LOOKUP_BITS;
/// Table pairs kept between pictures: two for each of four encoders.
const CACHED_MAX: usize = 8;
/// Added to the coefficient count by an end-of-block symbol.
pub(super) const END_OF_BLOCK: u32 = 128;
/// Coefficients of a block.
pub(super) const BLOCK: u32 = 64;

/// What a look-up gives.
///
/// Bits 0–5: bits taken, at most `LOOKUP_BITS + 15`; 0: no code of this table is so short, decode it alone.
/// Bits 8–15: coefficients taken, plus [`END_OF_BLOCK`].
/// Bits 16–20 and 24–27, in `first` only: length of the DC code and number of its value's bits.
#[derive(Clone, Copy, Default)]
pub(super) struct Step(u32);

impl Step {
    fn dc(code: u32, size: u32) -> Self {
        Self((code + size) | 1 << 8 | code << 16 | size << 24)
    }

    fn ac(code: u32, symbol: u8) -> Self {
        let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
        let taken = match (run, size) {
            (15, 0) => 16,
            (_, 0) => END_OF_BLOCK, // libjpeg, too, takes every other run of nothing for the block's end
            _ => run + 1,
        };
        Self((code + size) | taken << 8)
    }

    pub(super) fn bits(self) -> u32 {
        self.0 & 63
    }

    pub(super) fn is_none(self) -> bool {
        self.0 == 0
    }

    pub(super) fn coefficients(self) -> u32 {
        self.0 >> 8 & 255
    }

    pub(super) fn dc_code_bits(self) -> u32 {
        self.0 >> 16 & 31
    }

    pub(super) fn dc_value_bits(self) -> u32 {
        self.0 >> 24 & 15
    }

    /// This step and then, within the same look-up, `next`.
    fn then(self, next: Self) -> Self {
        Self(self.0 + (next.0 & 0xffff))
    }
}

/// The DC and AC table of one component, resolved.
pub(super) struct BlockCodes {
    /// Steps from the start of a block: the DC symbol and what AC symbols fit in.
    pub first: Box<[Step; LOOKUPS]>,
    /// Steps after that.
    pub rest: Box<[Step; LOOKUPS]>,
    dc: Canonical,
    ac: Canonical,
}

impl BlockCodes {
    fn new(dc: HuffmanSpec<'_>, ac: HuffmanSpec<'_>) -> Result<Self, &'static str> {
        let (dc, ac) = (Canonical::new(dc)?, Canonical::new(ac)?);
        if dc.symbols().iter().any(|&symbol| symbol > 15) {
            return Err("a DC symbol should be at most 15");
        }
        let mut single = [(0, Step(0)); LOOKUPS];
        ac.each_short(|code, length, symbol| {
            let from = code << (LOOKUP_BITS - length);
            single[from..from + (1 << (LOOKUP_BITS - length))].fill((length, Step::ac(length, symbol)));
        });
        let mut codes = Self { first: zeroed(), rest: zeroed(), dc, ac };
        let Self { first, rest, dc, ac } = &mut codes;
        ac.each_short(|code, length, symbol| fill(rest, &single, code, length, Step::ac(length, symbol)));
        dc.each_short(|code, length, symbol| {
            fill(first, &single, code, length, Step::dc(length, u32::from(symbol)));
        });
        Ok(codes)
    }

    /// The first symbol of a block, decoded alone. `window`: the next bits, highest first.
    pub(super) fn dc_alone(&self, window: u64) -> Option<Step> {
        let (length, symbol) = self.dc.decode(window)?;
        Some(Step::dc(length, u32::from(symbol)))
    }

    /// A later symbol of a block, decoded alone.
    pub(super) fn ac_alone(&self, window: u64) -> Option<Step> {
        let (length, symbol) = self.ac.decode(window)?;
        Some(Step::ac(length, symbol))
    }
}

fn zeroed() -> Box<[Step; LOOKUPS]> {
    Box::new([Step(0); LOOKUPS])
}

/// Fills the look-ups that start with one code: `step` for it, and then what whole symbols the remaining bits hold.
fn fill(table: &mut [Step; LOOKUPS], single: &[(u32, Step); LOOKUPS], code: usize, length: u32, step: Step) {
    let spare = LOOKUP_BITS - length;
    let from = code << spare;
    let region = &mut table[from..from + (1 << spare)];
    let value_bits = step.bits() - length;
    if step.coefficients() >= END_OF_BLOCK || value_bits >= spare {
        region.fill(step);
        return;
    }
    // Whatever the value's bits are, what follows them is the same: work it out once, then copy.
    let after = spare - value_bits;
    let (pattern, copies) = region.split_at_mut(1 << after);
    for (following, slot) in pattern.iter_mut().enumerate() {
        let mut all = step;
        let mut left = after;
        let mut window = following << (LOOKUP_BITS - after);
        loop {
            let (code_bits, next) = single[window & (LOOKUPS - 1)];
            let taken = all.coefficients() + next.coefficients() % END_OF_BLOCK;
            if next.is_none() || code_bits > left || taken > BLOCK || all.coefficients() == BLOCK {
                break;
            }
            all = all.then(next);
            if next.coefficients() >= END_OF_BLOCK || next.bits() >= left {
                break;
            }
            left -= next.bits();
            window <<= next.bits();
        }
        *slot = all;
    }
    for copy in copies.chunks_exact_mut(1 << after) {
        copy.copy_from_slice(pattern);
    }
}

/// A canonical Huffman code, for the codes that are too long for the look-up.
struct Canonical {
    counts: [u8; 16],
    symbols: Vec<u8>,
}

impl Canonical {
    fn new(spec: HuffmanSpec<'_>) -> Result<Self, &'static str> {
        let mut code = 0_u32;
        for (length, &count) in (1..).zip(spec.counts) {
            code += u32::from(count);
            if code > 1 << length {
                return Err("its codes should fit their lengths");
            }
            code <<= 1;
        }
        Ok(Self { counts: *spec.counts, symbols: spec.symbols.to_vec() })
    }

    fn symbols(&self) -> &[u8] {
        &self.symbols
    }

    fn is(&self, spec: HuffmanSpec<'_>) -> bool {
        self.counts == *spec.counts && self.symbols == spec.symbols
    }

    /// Every code of at most [`LOOKUP_BITS`] bits, with its length and symbol.
    fn each_short(&self, mut visit: impl FnMut(usize, u32, u8)) {
        let (mut code, mut index) = (0, 0);
        for (length, &count) in (1..=LOOKUP_BITS).zip(&self.counts) {
            for _ in 0..count {
                visit(code, length, self.symbols[index]);
                code += 1;
                index += 1;
            }
            code <<= 1;
        }
    }

    /// Length and symbol of the code that the window starts with.
    #[cold]
    fn decode(&self, window: u64) -> Option<(u32, u8)> {
        let (mut first, mut index) = (0_usize, 0_usize);
        for (length, &count) in (1..=16).zip(&self.counts) {
            let count = usize::from(count);
            let code = (window >> (64 - length)) as usize; // at most 16 bits
            if code < first + count {
                return Some((length as u32, self.symbols[index + code - first]));
            }
            first = (first + count) << 1;
            index += count;
        }
        None
    }
}

/// Resolved tables of the last pictures: encoders seldom change theirs, and resolving costs as much as many blocks.
#[derive(Default)]
pub(super) struct CodeCache {
    pairs: Vec<BlockCodes>,
    oldest: usize,
}

impl CodeCache {
    /// Resolves the tables of a component and says where they are kept; the places in `keep` are not given away.
    pub(super) fn resolve(
        &mut self,
        dc: HuffmanSpec<'_>,
        ac: HuffmanSpec<'_>,
        keep: &[usize],
        at: usize,
    ) -> Result<usize, JpegError> {
        debug_assert!(keep.len() < CACHED_MAX);
        if let Some(found) = self.pairs.iter().position(|pair| pair.dc.is(dc) && pair.ac.is(ac)) {
            return Ok(found);
        }
        let codes = BlockCodes::new(dc, ac).map_err(|why| JpegError::Damaged { part: "a Huffman table", at, why })?;
        if self.pairs.len() < CACHED_MAX {
            self.pairs.push(codes);
            return Ok(self.pairs.len() - 1);
        }
        while keep.contains(&self.oldest) {
            self.oldest = (self.oldest + 1) % CACHED_MAX;
        }
        let place = self.oldest;
        self.pairs[place] = codes;
        self.oldest = (place + 1) % CACHED_MAX;
        Ok(place)
    }

    pub(super) fn get(&self, place: usize) -> &BlockCodes {
        &self.pairs[place]
    }
}
