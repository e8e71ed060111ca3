//! Between planes of channels, as images are stored, and channels side by side in the lanes of vectors.

use super::super::super::gemm::vector::Vector;

/// Writes `to[pixel][lane] = from[lane * plane + pixel]` for `pixels` pixels and all lanes, with zeros for the lanes
/// from `channels` on.
///
/// # Safety
/// The processor has the instructions of `V`; `from` has the pixels of the channels and `to` room for all lanes of
/// them.
#[inline(always)]
pub unsafe fn to_lanes<V: Vector<Element = f32>>(
    from: *const f32,
    plane: usize,
    channels: usize,
    pixels: usize,
    to: *mut f32,
) {
    // SAFETY: the caller vouches for both places.
    unsafe {
        if channels >= V::LANES && pixels >= V::LANES {
            let mut pixel = 0;
            while pixel < pixels {
                // The last square overlaps the one before it.
                let start = if pixel + V::LANES <= pixels { pixel } else { pixels - V::LANES };
                V::transpose(from.add(start), plane as isize, to.add(start * V::LANES), V::LANES);
                pixel += V::LANES;
            }
            return;
        }
        for lane in 0..V::LANES {
            for pixel in 0..pixels {
                let value = if lane < channels { *from.add(lane * plane + pixel) } else { 0.0 };
                *to.add(pixel * V::LANES + lane) = value;
            }
        }
    }
}

/// Writes `to[lane * plane + pixel] = from[pixel][lane]` for `pixels` pixels and the first `channels` lanes.
///
/// # Safety
/// The processor has the instructions of `V`; `from` has all lanes of the pixels and `to` room for these channels.
#[inline(always)]
pub unsafe fn from_lanes<V: Vector<Element = f32>>(
    from: *const f32,
    to: *mut f32,
    plane: usize,
    channels: usize,
    pixels: usize,
) {
    // SAFETY: the caller vouches for both places.
    unsafe {
        if channels >= V::LANES && pixels >= V::LANES {
            let mut pixel = 0;
            while pixel < pixels {
                let start = if pixel + V::LANES <= pixels { pixel } else { pixels - V::LANES };
                V::transpose(from.add(start * V::LANES), V::LANES as isize, to.add(start), plane);
                pixel += V::LANES;
            }
            return;
        }
        let channels = if channels < V::LANES { channels } else { V::LANES };
        for lane in 0..channels {
            for pixel in 0..pixels {
                *to.add(lane * plane + pixel) = *from.add(pixel * V::LANES + lane);
            }
        }
    }
}
