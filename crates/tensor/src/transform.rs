//! Functions of functions: derivatives, batching, recomputation.
//!
//! A transform calls the user's function on marked leaves, which leaves a graph behind, and walks that graph. What it
//! emits are ordinary nodes, so transforms nest in any order. Derivatives are taken in explicit leaves by
//! reachability; there is no tape and no mode. What is thread-local is only which line a rule's nodes are reported with.

pub(crate) mod batching;
mod check;
mod checkpoint;
mod custom_vjp;
pub(crate) mod forward;
mod jacobian;
mod loops;
pub(crate) mod reverse;
pub(crate) mod trace;

pub(crate) use batching::vmap_tensors;
pub use batching::{vmap, vmap_axes};
pub use check::{GradientMismatch, check_gradients};
pub use checkpoint::checkpoint;
pub use custom_vjp::custom_vjp;
pub use forward::jvp;
pub use jacobian::{hessian, hessian_blocks, hvp, jacobian_forward, jacobian_reverse};
pub use loops::associative::associative_scan;
pub use loops::branch::cond;
pub use loops::repeat::{while_loop, while_loop_bounded};
pub use loops::scan::{fori_loop, scan, scan_reversed, scan_steps};
pub(crate) use loops::walk::walk_loop;
pub use reverse::{Objective, grad, value_and_grad, vjp};
