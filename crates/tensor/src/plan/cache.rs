//! Plans by the structure of the graph they were made for.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex};

use crate::Tensor;
use crate::device::Executable;
use crate::graph::walk::IdMap;
use crate::ops::Op;

/// Plans kept; at the limit, those not used lately are dropped.
const CAPACITY: usize = 256;

/// What a graph is recognised by: two independent 64-bit hashes of its structure.
pub(crate) type Key = (u64, u64);

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

/// The structure of the graph of `nodes` (by ascending id) with the values of `targets` wanted. The values of numbers
/// do not count, those of constants do.
pub(crate) fn key(nodes: &[Tensor], targets: &[Tensor]) -> Key {
    let mut hashers = (DefaultHasher::new(), DefaultHasher::new());
    hashers.1.write_u64(0x9e37_79b9_7f4a_7c15);
    let mut numbers: IdMap<u64, u32> = IdMap::default();
    let mut both = |value: &dyn Fn(&mut DefaultHasher)| {
        value(&mut hashers.0);
        value(&mut hashers.1);
    };
    for (number, tensor) in nodes.iter().enumerate() {
        let node = &tensor.node;
        numbers.insert(node.id, number as u32);
        if node.is_evaluated() {
            both(&|hasher| (Kind::Value, &node.outputs).hash(hasher));
            continue;
        }
        both(&|hasher| {
            match &node.op {
                Op::Scalar(_) => Kind::Number.hash(hasher),
                op => (Kind::Op, op).hash(hasher),
            }
            node.outputs.hash(hasher);
        });
        node.with_inputs(|inputs| {
            both(&|hasher| inputs.len().hash(hasher));
            for input in inputs {
                let number = numbers[&input.node.id];
                both(&|hasher| (number, input.out).hash(hasher));
            }
        });
    }
    for target in targets {
        let number = numbers[&target.node.id];
        both(&|hasher| (number, target.out, u8::MAX).hash(hasher));
    }
    (hashers.0.finish(), hashers.1.finish())
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
