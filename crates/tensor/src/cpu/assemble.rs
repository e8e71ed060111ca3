//! Copies between memory of any strides.

use crate::plan::loops::Pattern;

use super::tile::for_runs;

/// Copies `length` elements, from element `start` of a pattern on, to contiguous memory.
///
/// # Safety
/// The pattern stays inside `base` and `target` has room.
pub(crate) unsafe fn gather(
    base: *const u8,
    size: usize,
    pattern: &Pattern,
    start: usize,
    length: usize,
    target: *mut u8,
) {
    /// # Safety
    /// As for [`gather`].
    unsafe fn typed<T: Copy>(
        base: *const T,
        pattern: &Pattern,
        start: usize,
        length: usize,
        mut target: *mut T,
    ) {
        for_runs(pattern, start, length, |first, stride, count| {
            // SAFETY: promised by the caller.
            unsafe {
                let from = base.offset(first);
                match stride {
                    1 => std::ptr::copy_nonoverlapping(from, target, count),
                    0 => std::slice::from_raw_parts_mut(target, count).fill(*from),
                    _ => {
                        for index in 0..count {
                            *target.add(index) = *from.offset(index as isize * stride);
                        }
                    }
                }
                target = target.add(count);
            }
        });
    }
    // SAFETY: promised by the caller.
    unsafe {
        match size {
            1 => typed(base, pattern, start, length, target),
            2 => typed(base.cast::<u16>(), pattern, start, length, target.cast()),
            4 => typed(base.cast::<u32>(), pattern, start, length, target.cast()),
            _ => typed(base.cast::<u64>(), pattern, start, length, target.cast()),
        }
    }
}

/// Copies the elements of a source, read by `strides` from `offset`, to a target written by strides from an offset,
/// both of the shape `lengths`.
///
/// # Safety
/// Both patterns stay inside their memory, which does not overlap.
pub(crate) unsafe fn copy(
    size: usize,
    lengths: &[usize],
    (source, source_strides, source_offset): (*const u8, &[isize], isize),
    (target, target_strides, target_offset): (*mut u8, &[isize], isize),
) {
    /// # Safety
    /// As for [`copy`].
    unsafe fn typed<T: Copy>(
        lengths: &[usize],
        (source, source_strides): (*const T, &[isize]),
        (target, target_strides): (*mut T, &[isize]),
    ) {
        let elements: usize = lengths.iter().product();
        if elements == 0 {
            return;
        }
        let Some((&inner, outer)) = lengths.split_last() else {
            // SAFETY: promised by the caller.
            return unsafe { *target = *source };
        };
        let (from_step, to_step) = (source_strides[outer.len()], target_strides[outer.len()]);
        let mut index: smallvec::SmallVec<[usize; 6]> = smallvec::smallvec![0; outer.len()];
        let (mut from, mut to) = (0isize, 0isize);
        for _ in 0..elements / inner {
            // SAFETY: promised by the caller.
            unsafe {
                if (from_step, to_step) == (1, 1) {
                    std::ptr::copy_nonoverlapping(source.offset(from), target.offset(to), inner);
                } else {
                    for position in 0..inner as isize {
                        *target.offset(to + position * to_step) = *source.offset(from + position * from_step);
                    }
                }
            }
            for axis in (0..outer.len()).rev() {
                index[axis] += 1;
                from += source_strides[axis];
                to += target_strides[axis];
                if index[axis] < outer[axis] {
                    break;
                }
                from -= source_strides[axis] * outer[axis] as isize;
                to -= target_strides[axis] * outer[axis] as isize;
                index[axis] = 0;
            }
        }
    }
    let by = size as isize;
    // SAFETY: promised by the caller.
    unsafe {
        let (source, target) = (source.offset(source_offset * by), target.offset(target_offset * by));
        match size {
            1 => typed(lengths, (source, source_strides), (target, target_strides)),
            2 => typed(lengths, (source.cast::<u16>(), source_strides), (target.cast(), target_strides)),
            4 => typed(lengths, (source.cast::<u32>(), source_strides), (target.cast(), target_strides)),
            _ => typed(lengths, (source.cast::<u64>(), source_strides), (target.cast(), target_strides)),
        }
    }
}

/// Fills `length` elements of `size` bytes with one.
///
/// # Safety
/// `value` is valid for one element and `target` for `length`.
pub(crate) unsafe fn fill(value: *const u8, size: usize, target: *mut u8, length: usize) {
    let pattern = Pattern { lengths: Default::default(), strides: Default::default(), offset: 0 };
    // SAFETY: a pattern without axes reads its one element again and again.
    unsafe { gather(value, size, &pattern, 0, length, target) };
}
