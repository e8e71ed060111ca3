//! Quantised blocks to floats. Source: `dequantize_row_*` of `ggml-quants.c` in the GGML project.

use half::f16;

use super::TensorType;

/// The values of whole blocks as little-endian `f32`, or `None` where the type is not one of those known here.
pub(super) fn dequantise(kind: TensorType, bytes: &[u8]) -> Option<Vec<u8>> {
    let block: fn(&[u8], &mut [f32]) = match kind {
        TensorType::Q4_0 => q4_0,
        TensorType::Q4_1 => q4_1,
        TensorType::Q5_0 => q5_0,
        TensorType::Q5_1 => q5_1,
        TensorType::Q8_0 => q8_0,
        TensorType::Q4K => q4_k,
        TensorType::Q5K => q5_k,
        TensorType::Q6K => q6_k,
        _ => return None,
    };
    let (values, size) = kind.block();
    let mut floats = Vec::with_capacity(bytes.len() / size * values * 4);
    let mut buffer = [0.0; 256];
    for bytes in bytes.chunks_exact(size) {
        block(bytes, &mut buffer[..values]);
        floats.extend(buffer[..values].iter().flat_map(|value| value.to_le_bytes()));
    }
    Some(floats)
}

fn half(bytes: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([bytes[at], bytes[at + 1]]).to_f32()
}

fn q8_0(block: &[u8], values: &mut [f32]) {
    let scale = half(block, 0);
    values.iter_mut().zip(&block[2..]).for_each(|(value, byte)| *value = scale * f32::from(*byte as i8));
}

/// A block of 32: `low` holds the lower four bits of value i and value i + 16 in each byte, `high` the fifth bits.
fn nibbles(low: &[u8], high: u32, values: &mut [f32], convert: impl Fn(u8) -> f32) {
    for (index, byte) in low.iter().enumerate() {
        let fifth = |position: usize| ((high >> position & 1) as u8) << 4;
        values[index] = convert(byte & 15 | fifth(index));
        values[index + 16] = convert(byte >> 4 | fifth(index + 16));
    }
}

fn bits(block: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]])
}

fn q4_0(block: &[u8], values: &mut [f32]) {
    let scale = half(block, 0);
    nibbles(&block[2..], 0, values, |bits| (f32::from(bits) - 8.0) * scale);
}

fn q4_1(block: &[u8], values: &mut [f32]) {
    let (scale, minimum) = (half(block, 0), half(block, 2));
    nibbles(&block[4..], 0, values, |bits| f32::from(bits) * scale + minimum);
}

fn q5_0(block: &[u8], values: &mut [f32]) {
    let scale = half(block, 0);
    nibbles(&block[6..], bits(block, 2), values, |bits| (f32::from(bits) - 16.0) * scale);
}

fn q5_1(block: &[u8], values: &mut [f32]) {
    let (scale, minimum) = (half(block, 0), half(block, 2));
    nibbles(&block[8..], bits(block, 4), values, |bits| f32::from(bits) * scale + minimum);
}

/// Scale and minimum of group `group` of eight, 6 bits each, packed in 12 bytes.
fn scale_and_minimum(group: usize, packed: &[u8]) -> (f32, f32) {
    let (scale, minimum) = if group < 4 {
        (packed[group] & 63, packed[group + 4] & 63)
    } else {
        (
            packed[group + 4] & 15 | packed[group - 4] >> 6 << 4,
            packed[group + 4] >> 4 | packed[group] >> 6 << 4,
        )
    };
    (scale.into(), minimum.into())
}

/// Four times 64 values: the lower halves of 32 bytes, then the upper ones. `fifth` gives the upper bits.
fn k_groups(block: &[u8], low: &[u8], values: &mut [f32], fifth: impl Fn(usize, usize) -> u8) {
    let (scale, minimum, packed) = (half(block, 0), half(block, 2), &block[4..16]);
    for (group, values) in values.chunks_exact_mut(32).enumerate() {
        let (group_scale, group_minimum) = scale_and_minimum(group, packed);
        let (scale, minimum) = (scale * group_scale, minimum * group_minimum);
        let bytes = &low[group / 2 * 32..][..32];
        for (index, (value, byte)) in values.iter_mut().zip(bytes).enumerate() {
            let nibble = if group % 2 == 0 { byte & 15 } else { byte >> 4 };
            *value = scale * f32::from(nibble | fifth(group, index) << 4) - minimum;
        }
    }
}

fn q4_k(block: &[u8], values: &mut [f32]) {
    k_groups(block, &block[16..], values, |_, _| 0);
}

fn q5_k(block: &[u8], values: &mut [f32]) {
    k_groups(block, &block[48..], values, |group, index| block[16 + index] >> group & 1);
}

fn q6_k(block: &[u8], values: &mut [f32]) {
    let (low, high, scales) = (&block[..128], &block[128..192], &block[192..208]);
    let scale = half(block, 208);
    for (position, value) in values.iter_mut().enumerate() {
        // Two halves of 128, each of four runs of 32.
        let (part, run, index) = (position / 128, position / 32 % 4, position % 32);
        let byte = low[part * 64 + run % 2 * 32 + index];
        let nibble = if run < 2 { byte & 15 } else { byte >> 4 };
        let upper = high[part * 32 + index] >> (2 * run) & 3;
        let group_scale = f32::from(scales[position / 16] as i8);
        *value = scale * group_scale * (f32::from(nibble | upper << 4) - 32.0);
    }
}
