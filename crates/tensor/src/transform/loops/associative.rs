//! Scanning with an associative function, in a logarithmic number of steps.

use crate::tree::{Tree, TreeExt};
use crate::{Tensor, index};

/// All prefixes of a sequence combined by an associative function: element i of the result is
/// `combine(… combine(combine(x₀, x₁), x₂) …, xᵢ)`, over the first axis of all leaves.
///
/// `combine` gets many elements at once, stacked along the first axis, and must treat each position alike. It is
/// called about 2 log₂ n times on stacks whose lengths add up to about 2 n (Ladner, Fischer 1980, "Parallel prefix
/// computation"). All transforms apply.
///
/// ```
/// use bolete_tensor::{Tensor, associative_scan};
/// // h ← a h + b, as composition of the functions (a, b).
/// let after = |(a, b): &(Tensor, Tensor), (c, d): &(Tensor, Tensor)| (a * c, c * b + d);
/// let a = Tensor::from([0.5f64, 0.5, 2.0]);
/// let b = Tensor::from([1.0f64, 1.0, 1.0]);
/// let (_, h) = associative_scan(after, &(a, b));
/// assert_eq!(h.to_vec::<f64>(), [1.0, 1.5, 4.0]);
/// ```
///
/// # Panics
/// If the leaves have different lengths, or `combine` changes shapes or types.
#[track_caller]
pub fn associative_scan<T: Tree>(combine: impl Fn(&T, &T) -> T, sequence: &T) -> T {
    let leaves = sequence.leaves();
    let Some(first) = leaves.first() else { return sequence.map(Tensor::clone) };
    for leaf in &leaves {
        assert!(
            leaf.rank() > 0,
            "associative_scan: a leaf is a single number, which has no axis to go along"
        );
        assert!(
            leaf.shape()[0] == first.shape()[0],
            "associative_scan: sequences of different lengths, of shapes {} and {}",
            first.shape(),
            leaf.shape()
        );
    }
    let flat = |a: &[Tensor], b: &[Tensor]| {
        let tree = |leaves: &[Tensor]| sequence.with_leaves(leaves.iter().cloned());
        let combined = combine(&tree(a), &tree(b)).leaves();
        assert!(
            combined.len() == a.len() && combined.iter().zip(a).all(|(new, old)| new.meta() == old.meta()),
            "associative_scan: combine must keep structure, shapes and types"
        );
        combined
    };
    sequence.with_leaves(prefixes(&flat, leaves))
}

/// From the leaves of two stacks to those of their combination.
type Combine<'a> = &'a dyn Fn(&[Tensor], &[Tensor]) -> Vec<Tensor>;

/// Pairs are combined, their prefixes are the prefixes at odd positions, and one more step gives those in between.
#[track_caller]
fn prefixes(combine: Combine, elements: Vec<Tensor>) -> Vec<Tensor> {
    let _site = crate::graph::site::on_behalf_of_caller();
    let length = elements[0].shape()[0] as isize;
    if length < 2 {
        return elements;
    }
    let every = |tensors: &[Tensor], first: isize, end: isize, step: isize| -> Vec<Tensor> {
        tensors.iter().map(|tensor| tensor.slice([index(first..end).step(step)])).collect()
    };
    let pairs = combine(&every(&elements, 0, length - 1, 2), &every(&elements, 1, length, 2));
    let odd = prefixes(combine, pairs);
    let between = (length - 1) / 2;
    let even: Vec<Tensor> = if between == 0 {
        every(&elements, 0, 1, 1)
    } else {
        let combined = combine(&every(&odd, 0, between, 1), &every(&elements, 2, length, 2));
        let first = every(&elements, 0, 1, 1);
        first.into_iter().zip(combined).map(|(first, rest)| Tensor::concatenate(&[first, rest], 0)).collect()
    };
    even.iter().zip(&odd).map(|(even, odd)| interleaved(even, odd)).collect()
}

/// The elements of both in turn; the first may have one more.
#[track_caller]
fn interleaved(even: &Tensor, odd: &Tensor) -> Tensor {
    let _site = crate::graph::site::on_behalf_of_caller();
    let count = odd.shape()[0];
    let mut shape = odd.shape().dims().to_vec();
    shape[0] = 2 * count;
    let pairs = Tensor::stack(&[even.narrow(0, 0, count), odd.clone()], 1).reshape(shape);
    if even.shape()[0] == count {
        return pairs;
    }
    Tensor::concatenate(&[pairs, even.narrow(0, count, 1)], 0)
}
