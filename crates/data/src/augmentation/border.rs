//! What lies beyond the edges of a picture.

/// What a geometric change finds beyond the edges of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Border {
    /// These values for red, green and blue; gray pictures take the first, further channels the last.
    Constant([u8; 3]),
    /// The picture mirrored at its outermost pixels, which are not repeated: `c b | a b c | b a`.
    Reflect,
    /// The outermost pixels, over and over: `a a | a b c | c c`.
    Edge,
}

impl Default for Border {
    /// Black.
    fn default() -> Self {
        Self::BLACK
    }
}

impl Border {
    /// All channels 0.
    pub const BLACK: Self = Self::Constant([0; 3]);

    /// The value beyond the edges in a channel; 0 where the border is not constant.
    pub(super) fn fill(self, channel: usize) -> u8 {
        match self {
            Self::Constant(values) => values[channel.min(2)],
            _ => 0,
        }
    }

    /// Where the value at `index` of an axis of `len` lies; none for the constant border.
    pub(super) fn resolve(self, index: isize, len: usize) -> Option<usize> {
        if (index as usize) < len {
            // A negative index is a very large one.
            return Some(index as usize);
        }
        let last = len as isize - 1;
        match self {
            Self::Constant(_) => None,
            Self::Edge => Some(index.clamp(0, last) as usize),
            Self::Reflect if last == 0 => Some(0),
            Self::Reflect => {
                let place = index.rem_euclid(2 * last);
                Some(place.min(2 * last - place) as usize)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Border;

    #[test]
    fn indices_are_resolved() {
        let of = |border: Border, len| (-5..8).map(|index| border.resolve(index, len)).collect::<Vec<_>>();
        let some = |values: &[usize]| values.iter().map(|&value| Some(value)).collect::<Vec<_>>();
        assert_eq!(of(Border::Reflect, 3), some(&[1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1]));
        assert_eq!(of(Border::Edge, 3), some(&[0, 0, 0, 0, 0, 0, 1, 2, 2, 2, 2, 2, 2]));
        assert_eq!(of(Border::Reflect, 1), some(&[0; 13]));
        assert_eq!(Border::BLACK.resolve(-1, 3), None);
        assert_eq!(Border::BLACK.resolve(3, 3), None);
    }
}
