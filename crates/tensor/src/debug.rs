//! Finding out where a NaN or an infinity comes from.
//!
//! Fused and planned, a computation does not have its intermediate values. Here it is evaluated node by node instead,
//! each op on its own and rounded to its own type, until it is known which op first made something that is no finite
//! number, and which line called that op. This is slow, and for looking into a computation that has gone wrong.
//!
//! ```
//! use bolete_tensor::{Tensor, debug::first_non_finite};
//!
//! let x = Tensor::from([1.0f32, 0.0, 2.0]);
//! let loss = (x.log() * 2.0).sum(..);
//! let found = first_non_finite(&[&loss]).unwrap();
//! assert_eq!((found.op.as_str(), &found.index[..]), ("log", &[1][..]));
//! assert_eq!((found.inputs[0].min, found.inputs[0].max), (0.0, 2.0));
//! ```

mod advice;
mod inside;
mod search;
mod survey;

use std::fmt;

pub use crate::graph::site::Phase;

use crate::graph::evaluate::eval_tree;
use crate::graph::node::ScopeGuard;
use crate::transform::reverse::leaf;
use crate::tree::{Tree, TreeExt};
use crate::{DType, Shape, Tensor};

/// What kind of number is not finite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadValue {
    /// Not a number.
    Nan,
    /// +∞.
    Infinity,
    /// −∞.
    NegativeInfinity,
}

impl fmt::Display for BadValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            BadValue::Nan => "NaN",
            BadValue::Infinity => "an infinity",
            BadValue::NegativeInfinity => "a negative infinity",
        })
    }
}

/// Where a bad value was first seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// An op made it of finite inputs.
    Op,
    /// An op made NaN of inputs that had infinities, but no NaN; these were in the data or written by the program, as
    /// the −∞ of a mask is.
    OpOnInfinity,
    /// It was in a tensor that has its value already: data, a parameter, or something that was read before.
    Leaf,
}

/// The smallest and largest values of an input.
#[derive(Clone, Debug, PartialEq)]
pub struct InputRange {
    /// The shape.
    pub shape: Shape,
    /// The element type.
    pub dtype: DType,
    /// The smallest value that is not NaN; +∞ if there is none.
    pub min: f64,
    /// The largest value that is not NaN; −∞ if there is none.
    pub max: f64,
}

/// The first value of a computation that is not finite.
#[derive(Clone, Debug, PartialEq)]
pub struct NonFinite {
    /// The op.
    pub op: String,
    /// The ops it is inside of, outermost first: `scan at position 3`, `softmax`.
    pub within: Vec<String>,
    /// The shape of the output.
    pub shape: Shape,
    /// The element type of the output.
    pub dtype: DType,
    /// The first NaN, or if there is none the first infinity.
    pub value: BadValue,
    /// Where in the output that is.
    pub index: Vec<usize>,
    /// How many elements of the output are not finite.
    pub count: usize,
    /// The file that called the op. Of an op that a derivative rule recorded: that called the op whose rule it is.
    pub file: &'static str,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
    /// Whether the op is part of the computation as written or of a derivative.
    pub phase: Phase,
    /// The ranges of the op's inputs.
    pub inputs: Vec<InputRange>,
    /// Whether an op made it or it was there before.
    pub source: Source,
    /// For [`Source::Leaf`]: the [`Tensor::id`] of the tensor, by which its path in a model can be found.
    pub leaf: Option<u64>,
}

impl fmt::Display for NonFinite {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |value: f64| if value.is_finite() { format!("{value:.6e}") } else { value.to_string() };
        let output = format!("{} {}", self.dtype, self.shape);
        let of = self.shape.elements();
        match self.source {
            Source::Leaf if self.op == "data" => write!(formatter, "{} was in the data", self.value)?,
            Source::Leaf => {
                write!(formatter, "{} was in a result of {} computed before", self.value, self.op)?
            }
            _ => write!(formatter, "{} made {}", self.op, self.value)?,
        }
        write!(formatter, " at {:?} of {output} ({} of {of} are not finite), ", self.index, self.count)?;
        if self.phase != Phase::Forward {
            write!(formatter, "in the {} of the op called ", self.phase)?;
        }
        write!(formatter, "at {}:{}:{}", self.file, self.line, self.column)?;
        if !self.within.is_empty() {
            write!(formatter, ", inside of {}", self.within.join(", "))?;
        }
        for (index, input) in self.inputs.iter().enumerate() {
            let name = if index == 0 { "\ninputs: " } else { "; " };
            let (min, max) = (number(input.min), number(input.max));
            write!(formatter, "{name}{} {} from {min} to {max}", input.dtype, input.shape)?;
        }
        write!(formatter, "\n{}", advice::advice(self))
    }
}

impl std::error::Error for NonFinite {}

/// The first op that makes targets which are not finite: in the order in which ops were called, the first whose output
/// has NaN or an infinity while all its floating-point inputs are finite, among those from which bad values reach a
/// target. `None` if all targets are finite, whatever was masked on the way.
///
/// Infinities that the program writes are taken for meant; if nothing else is bad, the op that makes NaN of them is
/// reported. Ops with an inside (`softmax`, `scan`, `checkpoint`, ops of users with a fallback) are searched too.
///
/// What has been computed lets go of what it was computed from: call this instead of reading the targets, or see
/// [`check_step`]. The graph is left as it was.
///
/// # Panics
/// As [`eval`](crate::eval).
#[track_caller]
pub fn first_non_finite(targets: &[&Tensor]) -> Option<NonFinite> {
    let targets: Vec<Tensor> = targets.iter().map(|target| (*target).clone()).collect();
    search::values(&targets).err().map(|found| *found)
}

/// Calls a function that is usually run by a [`Step`](crate::Step) without planning it, and checks what it computes.
/// Values that the function reads on the way do not hide anything.
///
/// ```
/// use bolete_tensor::{Tensor, debug::{Phase, check_step}, value_and_grad};
///
/// let step = |(w, x): (Tensor, Tensor)| {
///     let (loss, slope) = value_and_grad(|w: &Tensor| (w * &x).sum(..).sqrt())(&w);
///     (w - slope * 0.1, loss)
/// };
/// let (w, x) = (Tensor::from(0.0f32), Tensor::from([1.0f32, 3.0]));
/// let found = check_step(step, (w, x)).err().unwrap();
/// assert_eq!(found.phase, Phase::Reverse); // the slope of a root at zero
/// ```
///
/// # Errors
/// What [`first_non_finite`] finds, for all leaves of the result.
///
/// # Panics
/// As [`eval`](crate::eval), and as the function.
#[track_caller]
pub fn check_step<A: Tree, B: Tree>(
    function: impl FnOnce(A) -> B,
    arguments: A,
) -> Result<B, Box<NonFinite>> {
    eval_tree(&arguments);
    // Within a scope of its own, what depends on the arguments keeps its inputs even if it is read.
    let guard = ScopeGuard::new();
    let value = function(arguments.map(|tensor| leaf(tensor, &guard)));
    let values = search::values(&value.leaves())?;
    Ok(value.with_leaves(values))
}
