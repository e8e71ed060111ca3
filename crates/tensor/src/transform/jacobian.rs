//! Whole matrices of derivatives, built from the two modes and batching.

use crate::graph::node::ScopeGuard;
use crate::tree::{Tree, TreeExt};
use crate::{Shape, Tensor};

use super::batching::vmap_tensors;
use super::reverse::{Objective, grad, mark, pull, spread};
use super::{forward, jvp};

fn joined(first: &Shape, second: &Shape) -> Shape {
    first.iter().chain(&**second).copied().collect()
}

/// A function that gives the Jacobian of `function` by reverse mode, one backward pass for all elements of the value
/// at once: the right choice if the value is smaller than the argument. Each leaf of the result has the value's axes
/// followed by the leaf's own.
///
/// ```
/// use bolete_tensor::{Tensor, jacobian_reverse};
/// let a = Tensor::from([[1.0f64, 2.0], [3.0, 4.0]]);
/// let jacobian = jacobian_reverse(|x: &Tensor| a.matmul(x))(&Tensor::from([5.0f64, 6.0]));
/// assert_eq!(jacobian.to_vec::<f64>(), a.to_vec::<f64>());
/// ```
pub fn jacobian_reverse<T: Tree>(mut function: impl FnMut(&T) -> Tensor) -> impl FnMut(&T) -> T {
    move |argument| {
        let guard = ScopeGuard::new();
        let (marked, leaves) = mark(argument, &guard);
        let tensors: Vec<Tensor> = leaves.iter().map(|(_, leaf)| leaf.clone()).collect();
        let value = function(&marked);
        let size = value.elements();
        let basis = Tensor::eye(size, value.dtype()).reshape(joined(&[size].into(), value.shape()));
        let rows = vmap_tensors(&[basis], &[true], size, |cotangent| {
            let pulled = pull(std::slice::from_ref(&value), &[Some(cotangent[0].clone())], &tensors);
            pulled
                .into_iter()
                .zip(&tensors)
                .map(|(row, leaf)| row.unwrap_or_else(|| leaf.zeros_like()))
                .collect()
        });
        let shaped = rows
            .into_iter()
            .zip(&tensors)
            .map(|(rows, leaf)| Some(rows.reshape(joined(value.shape(), leaf.shape()))));
        let zeros = argument.map(|leaf| Tensor::zeros(joined(value.shape(), leaf.shape()), leaf.dtype()));
        spread(&zeros, leaves.iter().map(|(index, _)| *index).zip(shaped))
    }
}

/// A function that gives the Jacobian of `function` by forward mode, one pass for all elements of each leaf at once:
/// the right choice if the argument is smaller than the value. The result is that of [`jacobian_reverse`].
pub fn jacobian_forward<T: Tree>(mut function: impl FnMut(&T) -> Tensor) -> impl FnMut(&T) -> T {
    move |argument| {
        let guard = ScopeGuard::new();
        let (marked, leaves) = mark(argument, &guard);
        let value = function(&marked);
        let columns: Vec<(usize, Option<Tensor>)> = leaves
            .iter()
            .map(|(index, leaf)| {
                let size = leaf.elements();
                let basis = Tensor::eye(size, leaf.dtype()).reshape(joined(&[size].into(), leaf.shape()));
                let columns = vmap_tensors(&[basis], &[true], size, |tangent| {
                    let pushed =
                        forward::push(std::slice::from_ref(&value), std::slice::from_ref(leaf), tangent);
                    vec![pushed.into_iter().next().flatten().unwrap_or_else(|| value.zeros_like())]
                });
                let own = columns[0].reshape([size, value.elements()]).t();
                (*index, Some(own.reshape(joined(value.shape(), leaf.shape()))))
            })
            .collect();
        let zeros = argument.map(|leaf| Tensor::zeros(joined(value.shape(), leaf.shape()), leaf.dtype()));
        spread(&zeros, columns)
    }
}

/// A function that gives the Hessian of `function` in one tensor: the argument's axes twice.
///
/// ```
/// use bolete_tensor::{Tensor, hessian};
/// let h = hessian(|x: &Tensor| x.prod(..))(&Tensor::from([2.0f64, 3.0]));
/// assert_eq!(h.to_vec::<f64>(), [0.0, 1.0, 1.0, 0.0]);
/// ```
pub fn hessian<O: Objective>(function: impl FnMut(&Tensor) -> O) -> impl FnMut(&Tensor) -> Tensor {
    jacobian_forward(grad(function))
}

/// A function that gives the Hessian of `function` in a tree, as blocks: entry `i` of the list is a tree whose leaf
/// `j` has the axes of leaf `i` followed by those of leaf `j`.
pub fn hessian_blocks<T: Tree, O: Objective>(mut function: impl FnMut(&T) -> O) -> impl FnMut(&T) -> Vec<T> {
    move |argument| {
        let count = argument.leaves().len();
        (0..count)
            .map(|row| {
                jacobian_forward(|tree: &T| grad(&mut function)(tree).leaves().swap_remove(row))(argument)
            })
            .collect()
    }
}

/// The product of the Hessian of `function` at `argument` with a vector, a tree of the argument's shape, without the
/// Hessian ever being built: the forward derivative of the gradient.
///
/// ```
/// use bolete_tensor::{Tensor, hvp};
/// let x = Tensor::from([1.0f64, 2.0]);
/// let v = Tensor::from([1.0f64, 0.0]);
/// assert_eq!(hvp(|x: &Tensor| (x.square() * x).sum(..), &x, &v).to_vec::<f64>(), [6.0, 0.0]);
/// ```
#[track_caller]
pub fn hvp<T: Tree, O: Objective>(function: impl FnMut(&T) -> O, argument: &T, vector: &T) -> T {
    let mut gradient = grad(function);
    jvp(|argument: &T| gradient(argument), argument, vector).1
}
