//! Limits on gradients.

use bolete_tensor::tree::TreeExt;
use bolete_tensor::{DType, Tensor, Tree};

use super::{is_trainable, working_type};

/// The gradients scaled down together so that their norm, the root of the sum of all squares, is at most `maximum`, and
/// the norm that they had (Pascanu et al. 2013, algorithm 1). Gradients with a smaller norm stay as they are. As in
/// PyTorch, 10⁻⁶ is added to the norm before dividing.
///
/// The norm is a single number, of type `f32` unless there are `f64` gradients. If a gradient is NaN or infinite so is
/// the norm; read it and skip the update.
///
/// ```
/// use bolete_nn::clip_by_global_norm;
/// use bolete_tensor::Tensor;
/// let gradients = (Tensor::from([3.0f64]), Tensor::from([0.0f64, 4.0]));
/// let ((first, second), norm) = clip_by_global_norm(gradients, 1.0);
/// assert_eq!(norm.item(), 5.0);
/// assert!((first.item() - 0.6).abs() < 1e-6 && (second.to_vec::<f64>()[1] - 0.8).abs() < 1e-6);
/// ```
///
/// # Panics
/// If `maximum` is not positive.
#[track_caller]
pub fn clip_by_global_norm<T: Tree>(gradients: T, maximum: f64) -> (T, Tensor) {
    assert!(maximum > 0.0, "clip_by_global_norm: the largest norm must be positive, but it is {maximum}");
    let squares = gradients
        .leaves_with_kinds()
        .into_iter()
        .filter(|(kind, tensor)| is_trainable(*kind, tensor.dtype()))
        .map(|(_, tensor)| tensor.cast(working_type(tensor.dtype())).square().sum(..));
    let norm =
        squares.reduce(|sum, square| sum + square).unwrap_or_else(|| Tensor::zeros([], DType::F32)).sqrt();
    let factor = (maximum / (&norm + 1e-6)).minimum(1.0);
    let clipped = gradients.rebuild(&mut |kind, tensor| {
        if is_trainable(kind, tensor.dtype()) { tensor * factor.cast(tensor.dtype()) } else { tensor.clone() }
    });
    (clipped, norm)
}

/// The gradients with every element limited to [−`maximum`, `maximum`].
///
/// # Panics
/// If `maximum` is not positive.
#[track_caller]
pub fn clip_by_value<T: Tree>(gradients: T, maximum: f64) -> T {
    assert!(maximum > 0.0, "clip_by_value: the largest value must be positive, but it is {maximum}");
    gradients.rebuild(&mut |kind, tensor| {
        if is_trainable(kind, tensor.dtype()) { tensor.clamp(-maximum, maximum) } else { tensor.clone() }
    })
}

/// The gradients of which each leaf is scaled down on its own so that its norm is at most `maximum`.
///
/// # Panics
/// If `maximum` is not positive.
#[track_caller]
pub fn clip_by_leaf_norm<T: Tree>(gradients: T, maximum: f64) -> T {
    assert!(maximum > 0.0, "clip_by_leaf_norm: the largest norm must be positive, but it is {maximum}");
    gradients.rebuild(&mut |kind, tensor| {
        if !is_trainable(kind, tensor.dtype()) {
            return tensor.clone();
        }
        let norm = tensor.cast(working_type(tensor.dtype())).square().sum(..).sqrt();
        tensor * (maximum / (norm + 1e-6)).minimum(1.0).cast(tensor.dtype())
    })
}
