//! An allocator that counts what one thread holds.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator with a count for each thread.
pub struct Counting;

thread_local! {
    /// Bytes that this thread holds, and the most that it has held since [`start`].
    static HELD: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
}

fn change(by: isize) {
    // A thread that ends may allocate when its counters are gone; nothing of interest happens then.
    let _ = HELD.try_with(|held| {
        let (now, most) = held.get();
        held.set((now + by, most.max(now + by)));
    });
}

/// Counts from here.
pub fn start() {
    HELD.with(|held| held.set((0, 0)));
}

/// The most bytes that this thread held beyond what it had at [`start`].
pub fn most() -> usize {
    HELD.with(|held| held.get().1.max(0) as usize)
}

// SAFETY: every call is passed on to the system's allocator as it is; the counters beside it do not allocate, since
// they are constants without destructors.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        change(layout.size() as isize);
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        change(layout.size() as isize);
        // SAFETY: as the caller promised.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        change(-(layout.size() as isize));
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Old and new block exist at the same time while one is copied to the other.
        change(size as isize);
        change(-(layout.size() as isize));
        // SAFETY: as the caller promised.
        unsafe { System.realloc(pointer, layout, size) }
    }
}
