//! A grey picture in a buffer that is used again and again.

/// Grey levels in rows, `stride` apart. Rows may be longer than the picture is wide: whole units of a JPEG are stored.
#[derive(Debug, Default)]
pub struct Plane {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// Distance of two rows in bytes.
    pub stride: usize,
    /// The grey levels.
    pub luma: Vec<u8>,
}

impl Plane {
    /// Makes room for another picture. What was in it is left as it is, to be overwritten.
    pub(super) fn reshape(&mut self, width: usize, height: usize, stride: usize, rows: usize) {
        debug_assert!(width <= stride && height <= rows);
        (self.width, self.height, self.stride) = (width, height, stride);
        self.luma.resize(stride * rows, 0);
    }

    /// The rows, each as long as the picture is wide.
    pub fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.luma.chunks_exact(self.stride.max(1)).take(self.height).map(|row| &row[..self.width])
    }
}
