//! Plans by the structure of the graph they were made for.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex};

use xxhash_rust::xxh3::Xxh3Default;

use crate::Tensor;
use crate::device::Executable;
use crate::graph::walk::Reached;
use crate::ops::Op;

/// Plans kept; at the limit, those not used lately are dropped.
const CAPACITY: usize = 256;

/// What a graph is recognised by: a hash of its structure.
pub(crate) type Key = u128;

struct Entry {
    executable: Arc<dyn Executable>,
    used: u64,
}

#[derive(Default)]
struct Cache {
    entries: HashMap<Key, Entry>,
    clock: u64,
}

static CACHE: Mutex<Option<Cache>> = Mutex::new(None);

/// What a node is to a plan, so that no two kinds of node look alike to the hash.
#[derive(Hash)]
enum Kind {
    Value,
    Number,
    Op,
}

/// Bytes that are collected before they are hashed: a hasher takes many at once much faster than a few at a time.
const CHUNK: usize = 64 * 1024;

/// Writes down what it is asked to hash.
#[derive(Default)]
struct Record {
    bytes: Vec<u8>,
    hasher: Xxh3Default,
}

impl Record {
    fn flush(&mut self) {
        self.hasher.update(&self.bytes);
        self.bytes.clear();
    }
}

impl Hasher for Record {
    fn write(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }
    fn finish(&self) -> u64 {
        unreachable!("a record is hashed by its own hasher")
    }
}

/// The structure of a graph with the values of `targets` wanted. The values of numbers do not count, those of constants
/// do.
pub(crate) fn key(graph: &Reached, targets: &[Tensor]) -> Key {
    let mut record = Record::default();
    for (place, tensor) in graph.nodes.iter().enumerate() {
        let node = &tensor.node;
        if node.is_evaluated() {
            (Kind::Value, &node.outputs).hash(&mut record);
            continue;
        }
        match &node.op {
            Op::Scalar(_) => Kind::Number.hash(&mut record),
            op => (Kind::Op, op).hash(&mut record),
        }
        node.outputs.hash(&mut record);
        graph.inputs(place).hash(&mut record);
        if record.bytes.len() >= CHUNK {
            record.flush();
        }
    }
    for target in targets {
        (graph.input(target), u8::MAX).hash(&mut record);
    }
    record.flush();
    record.hasher.digest128()
}

/// The plan for a key, made by `make` if there is none yet.
pub(crate) fn get(key: Key, make: impl FnOnce() -> Arc<dyn Executable>) -> Arc<dyn Executable> {
    {
        let mut cache = CACHE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let cache = cache.get_or_insert_default();
        cache.clock += 1;
        let clock = cache.clock;
        if let Some(entry) = cache.entries.get_mut(&key) {
            entry.used = clock;
            return entry.executable.clone();
        }
    }
    // Planning happens without the lock: another thread may plan the same graph meanwhile, which only costs time.
    let executable = make();
    let mut cache = CACHE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let cache = cache.get_or_insert_default();
    if cache.entries.len() >= CAPACITY {
        let oldest = cache.clock.saturating_sub(CAPACITY as u64 / 2);
        cache.entries.retain(|_, entry| entry.used > oldest);
    }
    let entry = Entry { executable: executable.clone(), used: cache.clock };
    cache.entries.insert(key, entry);
    executable
}
