//! Which operation made the first value that is not finite.

use bolete_tensor::debug::check_step;
use bolete_tensor::{Tree, tree::TreeExt};

/// Runs `function` operation by operation; the first one that makes NaN or infinity of finite inputs, in one line. Where an
/// argument is bad already, its path.
pub(crate) fn first_non_finite<A: Tree, B: Tree>(
    function: impl FnOnce(A) -> B,
    argument: A,
) -> Option<String> {
    let names: Vec<(u64, String)> =
        argument.named_leaves().into_iter().map(|leaf| (leaf.tensor.id(), leaf.path)).collect();
    let found = check_step(function, argument).err()?;
    let leaf = names.iter().find(|(id, _)| found.leaf == Some(*id));
    let text = found.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    Some(match leaf {
        Some((_, path)) => format!("`{path}` was bad before the step: {text}"),
        None => text,
    })
}
