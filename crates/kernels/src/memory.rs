//! Aligned memory: buffers for values, and scratch that each thread keeps between calls.

use std::alloc::{Layout, alloc, dealloc};
use std::cell::RefCell;
use std::error::Error;
use std::fmt;
use std::ptr::NonNull;
use std::slice;

/// Alignment of every buffer in bytes: a cache line, and the widest vector register.
pub const ALIGNMENT: usize = 64;

/// Bytes of a huge page.
const HUGE_PAGE: usize = 2 << 20;
/// Blocks from this size on ask for huge pages: walking the tables of small ones costs more than many kernels,
/// in virtual machines above all.
const SMALLEST_HUGE: usize = 1 << 20;

/// The layout of a block of this size: large ones begin at a huge page and, where little is wasted, end at one.
fn layout(len: usize) -> Result<Layout, AllocationError> {
    let error = |_| AllocationError { bytes: len };
    if len < SMALLEST_HUGE || !cfg!(target_os = "linux") {
        return Layout::from_size_align(len, ALIGNMENT).map_err(error);
    }
    let whole = len.checked_next_multiple_of(HUGE_PAGE).filter(|whole| whole - len <= len / 3);
    Layout::from_size_align(whole.unwrap_or(len), HUGE_PAGE).map_err(error)
}

/// Asks for huge pages under a block; a system that has none is as good.
fn prefer_huge_pages(start: NonNull<u8>, layout: Layout) {
    #[cfg(target_os = "linux")]
    if layout.align() == HUGE_PAGE {
        // SAFETY: the range is a block of our own, whose contents the advice does not change.
        let _ = unsafe { libc::madvise(start.as_ptr().cast(), layout.size(), libc::MADV_HUGEPAGE) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (start, layout);
}

/// The system did not give the memory that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllocationError {
    /// Bytes asked for.
    pub bytes: usize,
}

impl fmt::Display for AllocationError {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "no memory for {} bytes", self.bytes)
    }
}

impl Error for AllocationError {}

/// An owned run of bytes that starts at a multiple of [`ALIGNMENT`].
pub struct AlignedBytes {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: the memory is owned, and reached through `&self` for reading and `&mut self` for writing only.
unsafe impl Send for AlignedBytes {}
// SAFETY: as above.
unsafe impl Sync for AlignedBytes {}

impl AlignedBytes {
    /// `len` bytes, all zero.
    ///
    /// # Errors
    /// If there is no memory.
    pub fn zeroed(len: usize) -> Result<AlignedBytes, AllocationError> {
        // SAFETY: all bytes are written before anybody reads them.
        unsafe {
            let mut bytes = AlignedBytes::uninitialised(len)?;
            bytes.as_mut_ptr().write_bytes(0, len);
            Ok(bytes)
        }
    }

    /// `len` bytes of unknown contents. They must be written before they are read, through [`Self::as_mut_ptr`].
    ///
    /// # Errors
    /// If there is no memory.
    ///
    /// # Safety
    /// The caller writes every byte before it makes a slice of it or reads it.
    pub unsafe fn uninitialised(len: usize) -> Result<AlignedBytes, AllocationError> {
        let layout = layout(len)?;
        if len == 0 {
            let start = NonNull::without_provenance(ALIGNMENT.try_into().expect("not zero"));
            return Ok(AlignedBytes { start, len });
        }
        // SAFETY: the layout's size is not zero.
        let start = NonNull::new(unsafe { alloc(layout) }).ok_or(AllocationError { bytes: len })?;
        prefer_huge_pages(start, layout);
        Ok(AlignedBytes { start, len })
    }

    /// Number of bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The first byte.
    pub fn as_ptr(&self) -> *const u8 {
        self.start.as_ptr()
    }

    /// The first byte, for writing.
    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        self.start.as_ptr()
    }

    /// All bytes.
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: `start` is valid for `len` bytes, initialised by `zeroed` or by contract of `uninitialised`.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }

    /// All bytes, for writing.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: as in `as_slice`; `&mut self` makes it the only reference.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl Drop for AlignedBytes {
    fn drop(&mut self) {
        if self.len > 0 {
            let layout = layout(self.len).expect("the layout was valid when the block was taken");
            // SAFETY: allocated with this very layout.
            unsafe { dealloc(self.start.as_ptr(), layout) }
        }
    }
}

/// Calls `body` with at least `bytes` bytes, aligned to [`ALIGNMENT`], of arbitrary contents, which this thread keeps
/// for its next call: a sequence of calls that repeats allocates only the first time. Calls may nest.
///
/// # Panics
/// If there is no memory.
pub fn with_scratch<R>(bytes: usize, body: impl FnOnce(&mut [u8]) -> R) -> R {
    thread_local! {
        // Nested calls take one buffer each, the outermost always the same one, so each grows to its own need.
        static FREE: RefCell<Vec<AlignedBytes>> = const { RefCell::new(Vec::new()) };
    }
    let mut buffer = match FREE.with_borrow_mut(Vec::pop) {
        Some(buffer) if buffer.len() >= bytes => buffer,
        outgrown => {
            drop(outgrown);
            let size = bytes.max(4096).checked_next_power_of_two().unwrap_or(bytes);
            AlignedBytes::zeroed(size).unwrap_or_else(|error| panic!("scratch: {error}"))
        }
    };
    let result = body(buffer.as_mut_slice());
    FREE.with_borrow_mut(|free| free.push(buffer));
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_aligned_and_zeroed() {
        for len in [0, 1, 63, 64, 1_000_003] {
            let mut bytes = AlignedBytes::zeroed(len).unwrap();
            assert_eq!((bytes.len(), bytes.is_empty()), (len, len == 0));
            assert_eq!(bytes.as_ptr() as usize % ALIGNMENT, 0);
            assert!(bytes.as_slice().iter().all(|&byte| byte == 0));
            bytes.as_mut_slice().fill(7);
            assert!(bytes.as_slice().iter().all(|&byte| byte == 7));
        }
    }

    #[test]
    fn too_much_is_an_error() {
        for len in [usize::MAX, isize::MAX as usize - 4096] {
            // Opaque, or the compiler removes the allocation and takes it to have succeeded.
            let bytes = std::hint::black_box(AlignedBytes::zeroed(std::hint::black_box(len)));
            assert_eq!(bytes.err(), Some(AllocationError { bytes: len }));
        }
    }

    #[test]
    fn scratch_is_kept_and_nests() {
        let place = |bytes| with_scratch(bytes, |scratch| scratch.as_ptr() as usize);
        assert_eq!(place(100), place(200));
        with_scratch(100, |outer| {
            outer.fill(1);
            with_scratch(100, |inner| inner.fill(2));
            assert!(outer.iter().all(|&byte| byte == 1));
        });
    }
}
