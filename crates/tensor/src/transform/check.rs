//! Checking derivatives against finite differences.

use std::fmt;

use crate::tree::{Tree, TreeExt};
use crate::{Key, Tensor};

use super::reverse::is_differentiable;
use super::{jvp, vjp};

/// Where a derivative is not what finite differences say.
#[derive(Clone, Debug)]
pub struct GradientMismatch {
    /// Path of the leaf, and which derivative.
    pub place: String,
    /// What the derivative rules give.
    pub derivative: f64,
    /// What it was compared with.
    pub expected: f64,
}

impl fmt::Display for GradientMismatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: the derivative is {}, expected {}", self.place, self.derivative, self.expected)
    }
}

impl std::error::Error for GradientMismatch {}

fn dot(left: &impl Tree, right: &impl Tree) -> f64 {
    let terms = left.leaves().into_iter().zip(right.leaves()).filter(|(left, _)| left.dtype().is_float());
    terms.map(|(left, right)| (left * right).sum(..).item()).sum()
}

/// Checks the derivatives of `function` at `argument`: along random directions, one leaf at a time and all together,
/// the forward derivative against central finite differences of step `step`, and the reverse derivative against the
/// forward one (⟨u, J v⟩ = ⟨Jᵀ u, v⟩). `tolerance` is relative to the size of the numbers compared. The function must
/// be differentiable at the argument; use `f64`, with a step of about 1e-5 and a tolerance of about 1e-6.
///
/// ```
/// use bolete_tensor::{Tensor, check_gradients};
/// check_gradients(|x: &Tensor| x.sin() * x.exp(), &Tensor::from([0.3f64, -1.2]), 1e-5, 1e-7).unwrap();
/// ```
///
/// # Errors
/// The first derivative that does not agree.
pub fn check_gradients<T: Tree, Y: Tree>(
    function: impl Fn(&T) -> Y,
    argument: &T,
    step: f64,
    tolerance: f64,
) -> Result<(), GradientMismatch> {
    let named: Vec<(String, bool)> = argument
        .named_leaves()
        .into_iter()
        .map(|leaf| (leaf.path, is_differentiable(leaf.kind, leaf.tensor.dtype())))
        .collect();
    let mut key = Key::new(0x5eed);
    let mut normal_like = |tensor: &Tensor| {
        let [next, own] = key.split();
        key = next;
        own.normal(tensor.shape(), tensor.dtype())
    };
    let value = function(argument);
    let weights = value.map(|leaf| if leaf.dtype().is_float() { normal_like(leaf) } else { leaf.clone() });
    let checked: Vec<usize> = (0..named.len()).filter(|leaf| named[*leaf].1).collect();
    let every = if checked.len() > 1 { Some(checked.clone()) } else { None };
    for group in checked.iter().map(|leaf| vec![*leaf]).chain(every) {
        let place = group.iter().map(|leaf| named[*leaf].0.as_str()).collect::<Vec<_>>().join(", ");
        let mut position = 0;
        let direction = argument.map(|leaf| {
            position += 1;
            if group.contains(&(position - 1)) { normal_like(leaf) } else { leaf.zeros_like() }
        });
        let moved = |by: f64| {
            let mut steps = direction.leaves().into_iter().enumerate();
            let tree = argument.map(|leaf| {
                let (index, step) = steps.next().expect("as many directions as leaves");
                if named[index].1 { leaf + step * by } else { leaf.clone() }
            });
            dot(&function(&tree), &weights)
        };
        let numerical = (moved(step) - moved(-step)) / (2.0 * step);
        let (_, slope) = jvp(&function, argument, &direction);
        let along = dot(&slope, &weights);
        let (_, pullback) = vjp(&function, argument);
        let back = dot(&pullback(&weights), &direction);
        let close = |left: f64, right: f64| {
            (left - right).abs() <= tolerance * (1.0 + left.abs().max(right.abs())) && left.is_finite()
        };
        let name = |mode: &str| format!("{mode} derivative in [{place}]");
        if !close(along, numerical) {
            return Err(GradientMismatch { place: name("forward"), derivative: along, expected: numerical });
        }
        if !close(back, along) {
            return Err(GradientMismatch { place: name("reverse"), derivative: back, expected: along });
        }
    }
    Ok(())
}
