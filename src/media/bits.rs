//! Bit by bit, as headers of H.264 are written: fixed widths, and Exp-Golomb numbers (ITU-T H.264, 9.1).

/// Bits still to be read, the first of each byte being its highest. None of what is asked for beyond the last.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn flag(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.at / 8)?;
        let flag = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(flag == 1)
    }

    /// A number of so many bits, at most 32.
    pub(super) fn number(&mut self, width: u32) -> Option<u32> {
        (0..width).try_fold(0_u32, |number, _| Some(number << 1 | u32::from(self.flag()?)))
    }

    /// An unsigned Exp-Golomb number below 2³¹.
    pub(super) fn unsigned(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros > 30 {
                return None; // no number of any header
            }
        }
        Some((1 << zeros) - 1 + self.number(zeros)?)
    }

    /// A signed one.
    pub(super) fn signed(&mut self) -> Option<i32> {
        let number = self.unsigned()?;
        let half = i32::try_from(number.div_ceil(2)).ok()?;
        Some(if number % 2 == 1 { half } else { -half })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_the_standard_writes_them() {
        let mut bits = Bits::of(&[0b1010_0110, 0b0100_0010, 0b1101_0000]);
        assert_eq!(
            [bits.unsigned(), bits.unsigned(), bits.unsigned(), bits.unsigned()].map(Option::unwrap),
            [0, 1, 2, 3]
        );
        assert_eq!((bits.unsigned(), bits.number(4), bits.number(4)), (Some(4), Some(0b1010), None));
        let mut bits = Bits::of(&[0b1010_0110, 0b0100_0010, 0b1000_0000]);
        assert_eq!([(); 5].map(|()| bits.signed().unwrap()), [0, 1, -1, 2, -2]);
        assert_eq!(Bits::of(&[0; 9]).unsigned(), None);
    }
}
