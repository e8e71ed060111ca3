//! A node of the graph, and how nodes come and go.

use std::panic::Location;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use smallvec::SmallVec;

use crate::buffer::Buffer;
use crate::graph::site::{Origin, Phase, origin};
use crate::ops::Op;
use crate::{DType, Shape, Tensor};

/// The inputs of a node.
pub(crate) type Inputs = SmallVec<[Tensor; 2]>;

/// Shape and element type of one output.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Meta {
    pub shape: Shape,
    pub dtype: DType,
}

/// One recorded operation: what to do, on what, and the results once they exist.
pub(crate) struct Node {
    pub id: u64,
    pub op: Op,
    pub outputs: SmallVec<[Meta; 1]>,
    /// The line that called the op; of what a rule of this crate records, that of the node whose rule it is.
    pub site: &'static Location<'static>,
    /// What the node was recorded for.
    pub phase: Phase,
    /// The transform that still may differentiate through this node; `None` outside of transforms.
    pub scope: Option<Arc<Scope>>,
    /// Length of the longest pending chain that ends here.
    depth: u32,
    /// Emptied when the node is evaluated and no live scope needs it.
    inputs: Mutex<Inputs>,
    /// One cell per output, written once.
    data: SmallVec<[OnceLock<Buffer>; 1]>,
}

static NEXT_ID: AtomicU64 = AtomicU64::new(1);
static PENDING_LIMIT: AtomicU32 = AtomicU32::new(100_000);

/// The length of a pending chain from which a graph is evaluated on its own, so that a quantity that is accumulated
/// and never read cannot grow without bound. Inside of transforms nothing is evaluated on its own.
pub fn pending_limit() -> u32 {
    PENDING_LIMIT.load(Ordering::Relaxed)
}

/// Sets [`pending_limit`] for the process.
pub fn set_pending_limit(limit: u32) {
    PENDING_LIMIT.store(limit.max(1), Ordering::Relaxed);
}

/// The id that the next node will get or exceed.
pub(crate) fn next_id() -> u64 {
    NEXT_ID.load(Ordering::Relaxed)
}

impl Node {
    /// Records a pending node.
    #[track_caller]
    pub fn pending(op: Op, inputs: Inputs, outputs: SmallVec<[Meta; 1]>) -> Arc<Node> {
        let mut scope: Option<&Arc<Scope>> = None;
        let mut depth = 0;
        for input in &inputs {
            let node = &input.node;
            if node.data[0].get().is_none() {
                depth = depth.max(node.depth);
            }
            if let Some(candidate) = &node.scope
                && scope.is_none_or(|known| candidate.id < known.id)
                && candidate.is_live()
            {
                scope = Some(candidate);
            }
        }
        Node::new(op, scope.cloned(), depth.saturating_add(1), inputs, outputs)
    }

    /// A node that only a transform makes: it belongs to that transform's scope.
    #[track_caller]
    pub fn scoped(op: Op, scope: &Arc<Scope>, inputs: Inputs, output: Meta) -> Arc<Node> {
        let outer =
            inputs.iter().filter_map(|input| input.node.scope.as_ref()).filter(|outer| outer.is_live());
        let scope = outer.chain([scope]).min_by_key(|scope| scope.id).cloned();
        Node::new(op, scope, 1, inputs, SmallVec::from_iter([output]))
    }

    /// A node that has its value from the start.
    #[track_caller]
    pub fn evaluated(meta: Meta, data: Buffer) -> Arc<Node> {
        let node = Node::new(Op::Data, None, 0, Inputs::new(), SmallVec::from_iter([meta]));
        node.store(0, data);
        node
    }

    #[track_caller]
    fn new(
        op: Op,
        scope: Option<Arc<Scope>>,
        depth: u32,
        inputs: Inputs,
        outputs: SmallVec<[Meta; 1]>,
    ) -> Arc<Node> {
        let data = outputs.iter().map(|_| OnceLock::new()).collect();
        let Origin { site, phase } = origin(Location::caller());
        Arc::new(Node {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            op,
            outputs,
            site,
            phase,
            scope,
            depth,
            inputs: Mutex::new(inputs),
            data,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inputs> {
        // A panic while the lock is held cannot leave the list half-changed, so poisoning means nothing here.
        self.inputs.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Where the node comes from.
    pub fn origin(&self) -> Origin {
        Origin { site: self.site, phase: self.phase }
    }

    /// The inputs; none for leaves and for nodes that were evaluated and let go of them.
    pub fn inputs(&self) -> Inputs {
        self.lock().clone()
    }

    /// Looks at the inputs without cloning them.
    pub fn with_inputs<R>(&self, look: impl FnOnce(&[Tensor]) -> R) -> R {
        look(&self.lock())
    }

    /// The value of output `out`, if it has been computed and kept.
    pub fn value(&self, out: usize) -> Option<&Buffer> {
        self.data[out].get()
    }

    /// Whether every output has its value.
    pub fn is_evaluated(&self) -> bool {
        self.data.iter().all(|cell| cell.get().is_some())
    }

    /// Whether the pending chain that ends here has grown past the limit and nothing forbids evaluating it.
    pub fn is_overgrown(&self) -> bool {
        self.depth >= pending_limit() && self.scope.is_none()
    }

    /// Keeps a computed value. The first one wins: two threads may have computed the same node.
    pub fn store(&self, out: usize, data: Buffer) {
        let _ = self.data[out].set(data);
    }

    /// Lets go of the inputs of an evaluated node, now or when the transform that may still need them ends.
    pub fn detach(self: &Arc<Self>) {
        match &self.scope {
            Some(scope) if scope.keep(self) => {}
            _ => drop_iteratively(std::mem::take(&mut *self.lock())),
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let inputs = self.inputs.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner());
        drop_iteratively(std::mem::take(inputs));
    }
}

/// Drops tensors without recursing along chains of pending nodes, which may be millions long.
fn drop_iteratively(mut pending: Inputs) {
    while let Some(tensor) = pending.pop() {
        // `into_inner` is the race-free form of "am I the last": exactly one of two threads gets the node.
        if let Some(mut node) = Arc::into_inner(tensor.node) {
            let inputs = node.inputs.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner());
            pending.extend(std::mem::take(inputs));
        }
    }
}

/// The span of a transform. While it is live, nodes that depend on the transform's leaves keep their inputs even if
/// the user reads their values in between; afterwards they let go.
pub(crate) struct Scope {
    id: u64,
    live: AtomicBool,
    kept: Mutex<Vec<Arc<Node>>>,
}

impl Scope {
    fn is_live(&self) -> bool {
        self.live.load(Ordering::Relaxed)
    }

    /// Remembers an evaluated node until the scope ends; false if it has ended already.
    fn keep(&self, node: &Arc<Node>) -> bool {
        let mut kept = self.kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if !self.is_live() {
            return false;
        }
        kept.push(node.clone());
        true
    }
}

/// Ends its scope when dropped, also by a panic in the user's function.
pub(crate) struct ScopeGuard(Arc<Scope>);

impl ScopeGuard {
    pub fn new() -> ScopeGuard {
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        ScopeGuard(Arc::new(Scope { id, live: AtomicBool::new(true), kept: Mutex::default() }))
    }

    pub fn scope(&self) -> &Arc<Scope> {
        &self.0
    }
}

impl Drop for ScopeGuard {
    fn drop(&mut self) {
        let kept = {
            let mut kept = self.0.kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            self.0.live.store(false, Ordering::Relaxed);
            std::mem::take(&mut *kept)
        };
        for node in kept {
            drop_iteratively(std::mem::take(&mut *node.lock()));
        }
    }
}
