//! Memory that holds the values of a tensor.

use std::collections::VecDeque;
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::cpu::kernels::memory::AlignedBytes;

static LIVE_BYTES: AtomicUsize = AtomicUsize::new(0);

/// Bytes of all tensor values that exist in this process, arenas of running plans not counted.
pub fn live_bytes() -> usize {
    LIVE_BYTES.load(Ordering::Relaxed)
}

/// A block of memory on some device, shared and never changed while it is shared.
///
/// Nothing but the device's own code may assume that the block can be addressed from the host; everyone else uses
/// [`Buffer::to_host`].
#[derive(Clone)]
pub(crate) struct Buffer(Arc<Memory>);

enum Memory {
    Host(HostMemory),
    /// Somebody else's memory, lent for the run of a plan.
    Lent(Lent),
}

struct Lent {
    pointer: *mut u8,
    bytes: usize,
}

// SAFETY: a pointer to plain bytes; who lends them vouches for how they are used.
unsafe impl Send for Lent {}
// SAFETY: as above.
unsafe impl Sync for Lent {}

struct HostMemory(ManuallyDrop<AlignedBytes>);

impl HostMemory {
    fn new(bytes: AlignedBytes) -> HostMemory {
        LIVE_BYTES.fetch_add(bytes.len(), Ordering::Relaxed);
        HostMemory(ManuallyDrop::new(bytes))
    }
}

impl Drop for HostMemory {
    fn drop(&mut self) {
        LIVE_BYTES.fetch_sub(self.0.len(), Ordering::Relaxed);
        // SAFETY: taken once, as the value is being dropped.
        recycle(unsafe { ManuallyDrop::take(&mut self.0) });
    }
}

/// Large blocks that were given up lately. Fresh pages cost more than most kernels that fill them, so the next value
/// of the same size gets the pages of the last one.
static SPARE: Mutex<VecDeque<AlignedBytes>> = Mutex::new(VecDeque::new());
/// Blocks below this size come from the system's allocator without new pages.
const SMALLEST_SPARE: usize = 128 << 10;
/// Bytes kept, unless a single block is larger.
const MOST_SPARE: usize = 256 << 20;

fn recycle(bytes: AlignedBytes) {
    if bytes.len() < SMALLEST_SPARE || bytes.len() > MOST_SPARE {
        return;
    }
    let mut spare = SPARE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    spare.push_back(bytes);
    let mut total: usize = spare.iter().map(AlignedBytes::len).sum();
    while total > MOST_SPARE {
        total -= spare.pop_front().map_or(0, |oldest| oldest.len());
    }
}

/// A spare block of exactly this size.
fn reuse(bytes: usize) -> Option<AlignedBytes> {
    if bytes < SMALLEST_SPARE {
        return None;
    }
    let mut spare = SPARE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let found = spare.iter().rposition(|block| block.len() == bytes)?;
    spare.remove(found)
}

impl Buffer {
    /// A block on the host with a copy of `bytes`.
    ///
    /// # Panics
    /// If the system has no memory left.
    pub fn from_host(bytes: &[u8]) -> Buffer {
        let mut memory = allocate(bytes.len());
        // SAFETY: the block is new and as long as `bytes`.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), memory.as_mut_ptr(), bytes.len()) };
        Buffer(Arc::new(Memory::Host(HostMemory::new(memory))))
    }

    /// A block on the host whose contents are about to be written.
    pub fn uninitialised_host(bytes: usize) -> Buffer {
        Buffer(Arc::new(Memory::Host(HostMemory::new(allocate(bytes)))))
    }

    /// Memory on the host that belongs to somebody else, at first none.
    pub fn lent_host() -> Buffer {
        Buffer(Arc::new(Memory::Lent(Lent { pointer: std::ptr::dangling_mut(), bytes: 0 })))
    }

    /// Makes a [`lent`](Buffer::lent_host) block lie elsewhere.
    ///
    /// # Safety
    /// The memory stays valid, and free for what plans do with the buffer, until the next call or the end of the buffer.
    ///
    /// # Panics
    /// If the buffer is not lent or has another handle.
    pub unsafe fn lend(&mut self, pointer: *mut u8, bytes: usize) {
        match Arc::get_mut(&mut self.0) {
            Some(Memory::Lent(lent)) => *lent = Lent { pointer, bytes },
            _ => panic!("only an unshared lent buffer can be moved"),
        }
    }

    fn bytes(&self) -> &[u8] {
        match &*self.0 {
            Memory::Host(memory) => memory.0.as_slice(),
            // SAFETY: promised by who lent the memory.
            Memory::Lent(lent) => unsafe { std::slice::from_raw_parts(lent.pointer, lent.bytes) },
        }
    }

    /// A copy of the contents on the host.
    pub fn to_host(&self) -> Vec<u8> {
        self.bytes().to_vec()
    }

    /// The first `size` bytes at byte `offset`.
    pub fn read(&self, offset: usize, size: usize) -> [u8; 8] {
        let mut bytes = [0; 8];
        bytes[..size].copy_from_slice(&self.bytes()[offset..offset + size]);
        bytes
    }

    /// Where the block lies, for host kernels.
    pub fn host_pointer(&self) -> *mut u8 {
        match &*self.0 {
            Memory::Host(memory) => memory.0.as_ptr().cast_mut(),
            Memory::Lent(lent) => lent.pointer,
        }
    }

    /// Whether this handle is the only one, so that the block may be overwritten by who owns the handle.
    pub fn is_unique(&mut self) -> bool {
        Arc::get_mut(&mut self.0).is_some()
    }
}

/// Memory for `bytes` bytes, which its user writes before anyone reads them: kernels write all of their outputs.
///
/// # Panics
/// If the system has none left, naming the size.
pub(crate) fn allocate(bytes: usize) -> AlignedBytes {
    if let Some(spare) = reuse(bytes) {
        return spare;
    }
    // SAFETY: a buffer becomes visible only after the copy or the kernel that fills all of it.
    let fresh = unsafe { AlignedBytes::uninitialised(bytes) };
    fresh.unwrap_or_else(|_| panic!("out of memory: a tensor of {bytes} bytes could not be allocated"))
}
