//! Reverse mode: gradients.

use smallvec::smallvec;

use crate::graph::node::{Inputs, Node, ScopeGuard};
use crate::graph::site::{OnBehalf, Origin, Phase};
use crate::graph::walk::{IdMap, key, reachable};
use crate::ops::Op;
use crate::ops::rule::{Call, Derivatives};
use crate::tree::{LeafKind, Tree, TreeExt};
use crate::{DType, Tensor};

/// A tensor as a node of its own, in which a derivative can be taken without touching other uses of the tensor.
pub(crate) fn leaf(tensor: &Tensor, guard: &ScopeGuard) -> Tensor {
    let node = Node::scoped(Op::Identity, guard.scope(), smallvec![tensor.clone()], tensor.meta().clone());
    Tensor { node, out: 0 }
}

/// Whether a leaf of a tree takes part in differentiation.
pub(crate) fn is_differentiable(kind: LeafKind, dtype: DType) -> bool {
    kind != LeafKind::State && dtype.is_float()
}

/// A tree with its differentiable leaves marked, and those leaves with their positions.
pub(crate) fn mark<T: Tree>(tree: &T, guard: &ScopeGuard) -> (T, Vec<(usize, Tensor)>) {
    let mut marked = Vec::new();
    let mut position = 0;
    let tree = tree.rebuild(&mut |kind, tensor| {
        let index = position;
        position += 1;
        if !is_differentiable(kind, tensor.dtype()) {
            return tensor.clone();
        }
        let leaf = leaf(tensor, guard);
        marked.push((index, leaf.clone()));
        leaf
    });
    (tree, marked)
}

/// Which nodes, among those given by ascending id, depend on one of the leaves in a differentiable way.
pub(crate) fn dependents(nodes: &[Tensor], leaves: &[Tensor]) -> IdMap<u64, ()> {
    let mut depends: IdMap<u64, ()> = leaves.iter().map(|leaf| (leaf.node.id, ())).collect();
    for tensor in nodes {
        let node = &tensor.node;
        let blocked =
            matches!(node.op, Op::StopGradient) || !node.outputs.iter().any(|output| output.dtype.is_float());
        if !blocked
            && node.with_inputs(|inputs| {
                inputs.iter().any(|input| input.dtype().is_float() && depends.contains_key(&input.node.id))
            })
        {
            depends.insert(node.id, ());
        }
    }
    depends
}

/// All outputs of a node as tensors.
pub(crate) fn outputs_of(tensor: &Tensor) -> Inputs {
    (0..tensor.node.outputs.len()).map(|out| Tensor { node: tensor.node.clone(), out: out as u16 }).collect()
}

/// The cotangents of `leaves` given those of `outputs`; `None` where nothing flows.
pub(crate) fn pull(
    outputs: &[Tensor],
    cotangents: &[Option<Tensor>],
    leaves: &[Tensor],
) -> Vec<Option<Tensor>> {
    let Some(first) = leaves.iter().map(|leaf| leaf.node.id).min() else {
        return Vec::new();
    };
    let is_leaf: IdMap<u64, ()> = leaves.iter().map(|leaf| (leaf.node.id, ())).collect();
    let nodes = reachable(outputs, |tensor| tensor.node.id >= first);
    let depends = dependents(&nodes, leaves);
    let mut flowing: IdMap<(u64, u16), Tensor> = IdMap::default();
    let add = |flowing: &mut IdMap<(u64, u16), Tensor>, to: &Tensor, cotangent: Tensor| {
        debug_assert!(
            cotangent.shape() == to.shape() && cotangent.dtype() == to.dtype(),
            "a derivative rule gave a cotangent {} {} for {} {} of {:?}",
            cotangent.dtype(),
            cotangent.shape(),
            to.dtype(),
            to.shape(),
            to.node.op
        );
        let sum = match flowing.remove(&key(to)) {
            Some(sum) => {
                let _behalf = OnBehalf::of(Origin { site: to.node.site, phase: Phase::Reverse });
                sum.add(&cotangent)
            }
            None => cotangent,
        };
        flowing.insert(key(to), sum);
    };
    for (output, cotangent) in outputs.iter().zip(cotangents) {
        if let Some(cotangent) = cotangent
            && depends.contains_key(&output.node.id)
        {
            add(&mut flowing, output, cotangent.clone());
        }
    }
    for tensor in nodes.iter().rev() {
        let node = &tensor.node;
        if !depends.contains_key(&node.id) || is_leaf.contains_key(&node.id) {
            continue;
        }
        let arrived: Derivatives =
            (0..node.outputs.len()).map(|out| flowing.remove(&(node.id, out as u16))).collect();
        if arrived.iter().all(Option::is_none) {
            continue;
        }
        let inputs = node.inputs();
        let wanted: smallvec::SmallVec<[bool; 4]> = inputs
            .iter()
            .map(|input| input.dtype().is_float() && depends.contains_key(&input.node.id))
            .collect();
        let outputs = outputs_of(tensor);
        let call = Call { op: &node.op, inputs: &inputs, outputs: &outputs, wanted: &wanted };
        let _behalf = OnBehalf::of(Origin { site: node.site, phase: Phase::Reverse });
        let sent = node.op.rule().vjp(&call, &arrived);
        for ((input, wanted), cotangent) in inputs.iter().zip(&wanted).zip(sent) {
            if let (true, Some(cotangent)) = (wanted, cotangent) {
                add(&mut flowing, input, cotangent);
            }
        }
    }
    leaves.iter().map(|leaf| flowing.remove(&key(leaf))).collect()
}

/// The cotangents of `inputs` through a function of them, for ops whose rule is that of their fallback.
pub(crate) fn through(
    inputs: &[Tensor],
    wanted: &[bool],
    cotangents: &[Option<Tensor>],
    function: impl FnOnce(&[Tensor]) -> Vec<Tensor>,
) -> Derivatives {
    let guard = ScopeGuard::new();
    let mut leaves = Vec::new();
    let arguments: Vec<Tensor> = inputs
        .iter()
        .zip(wanted)
        .map(|(input, wanted)| {
            if !wanted {
                return input.clone();
            }
            let leaf = leaf(input, &guard);
            leaves.push(leaf.clone());
            leaf
        })
        .collect();
    let outputs = function(&arguments);
    let mut pulled = pull(&outputs, cotangents, &leaves).into_iter();
    wanted.iter().map(|wanted| if *wanted { pulled.next().flatten() } else { None }).collect()
}

/// What a function whose gradient is taken may return: the objective, a single number, or a pair of it and anything
/// else that is to be handed out.
pub trait Objective {
    /// The number to differentiate.
    fn objective(&self) -> &Tensor;
}

impl Objective for Tensor {
    fn objective(&self) -> &Tensor {
        self
    }
}

impl<A> Objective for (Tensor, A) {
    fn objective(&self) -> &Tensor {
        &self.0
    }
}

/// A function that gives the value of `function` and its gradient, a tree of the argument's shape. Leaves that are
/// [`State`](crate::State) or not floats have gradient zero.
///
/// The function may return a pair `(objective, anything)` to hand out more than the objective.
///
/// ```
/// use bolete_tensor::{Tensor, value_and_grad};
/// let x = Tensor::from([1.0f32, 2.0, 3.0]);
/// let (value, gradient) = value_and_grad(|x: &Tensor| x.square().sum(..))(&x);
/// assert_eq!(value.item(), 14.0);
/// assert_eq!(gradient.to_vec::<f32>(), [2.0, 4.0, 6.0]);
/// ```
///
/// # Panics
/// If the objective is not a single float.
pub fn value_and_grad<T: Tree, O: Objective>(mut function: impl FnMut(&T) -> O) -> impl FnMut(&T) -> (O, T) {
    move |argument| {
        let guard = ScopeGuard::new();
        let (marked, leaves) = mark(argument, &guard);
        let value = function(&marked);
        let objective = value.objective();
        assert!(
            objective.elements() == 1 && objective.dtype().is_float(),
            "grad: the objective must be a single float, but it is {} of shape {}; reduce it with mean(..) or sum(..)",
            objective.dtype(),
            objective.shape()
        );
        let tensors: Vec<Tensor> = leaves.iter().map(|(_, leaf)| leaf.clone()).collect();
        let one = objective.ones_like();
        let pulled = pull(std::slice::from_ref(objective), &[Some(one)], &tensors);
        let gradient = spread(argument, leaves.iter().map(|(index, _)| *index).zip(pulled));
        (value, gradient)
    }
}

/// A tree like `like` with the given derivatives at their positions and zeros elsewhere.
pub(crate) fn spread<T: Tree>(like: &T, derivatives: impl IntoIterator<Item = (usize, Option<Tensor>)>) -> T {
    let mut derivatives = derivatives.into_iter().peekable();
    let mut position = 0;
    like.rebuild(&mut |_, tensor| {
        let derivative =
            derivatives.next_if(|(index, _)| *index == position).and_then(|(_, derivative)| derivative);
        position += 1;
        derivative.unwrap_or_else(|| tensor.zeros_like())
    })
}

/// A function that gives the gradient of `function`, a tree of the argument's shape; see [`value_and_grad`].
pub fn grad<T: Tree, O: Objective>(function: impl FnMut(&T) -> O) -> impl FnMut(&T) -> T {
    let mut both = value_and_grad(function);
    move |argument| both(argument).1
}

/// The value of `function` and its pullback: the linear map from a cotangent of the value, a tree of its shape, to
/// the cotangent of the argument.
///
/// ```
/// use bolete_tensor::{Tensor, vjp};
/// let x = Tensor::from([1.0f64, 2.0]);
/// let (_, pullback) = vjp(|x: &Tensor| x.square(), &x);
/// assert_eq!(pullback(&Tensor::from([1.0f64, 10.0])).to_vec::<f64>(), [2.0, 40.0]);
/// ```
pub fn vjp<T: Tree, Y: Tree>(function: impl FnOnce(&T) -> Y, argument: &T) -> (Y, impl Fn(&Y) -> T) {
    let guard = ScopeGuard::new();
    let (marked, leaves) = mark(argument, &guard);
    let value = function(&marked);
    let outputs = value.leaves();
    let shape = argument.map(Tensor::clone);
    let pullback = move |cotangent: &Y| {
        // The scope stays live as long as the pullback may be called.
        let _ = &guard;
        let cotangents: Vec<Option<Tensor>> = cotangent.leaves().into_iter().map(Some).collect();
        for (output, cotangent) in outputs.iter().zip(cotangents.iter().flatten()) {
            assert!(
                output.shape() == cotangent.shape(),
                "vjp: a value of shape {} needs a cotangent of that shape, not {}",
                output.shape(),
                cotangent.shape()
            );
        }
        let cotangents: Vec<Option<Tensor>> = outputs
            .iter()
            .zip(cotangents)
            .map(|(output, cotangent)| {
                cotangent
                    .filter(|_| output.dtype().is_float())
                    .map(|cotangent| cotangent.cast(output.dtype()))
            })
            .collect();
        let tensors: Vec<Tensor> = leaves.iter().map(|(_, leaf)| leaf.clone()).collect();
        let pulled = pull(&outputs, &cotangents, &tensors);
        spread(&shape, leaves.iter().map(|(index, _)| *index).zip(pulled))
    };
    (value, pullback)
}
