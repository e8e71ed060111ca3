//! What a layer is.

use bolete_tensor::{DType, Shape, Tensor, Tree};

use crate::Context;

/// A tree of tensors that maps a tensor to a tensor.
///
/// Only [`forward`](Module::forward) is required. The other two methods say what a layer of its own shows in a
/// [summary](crate::summary); a model made of layers leaves them alone, since its layers speak for themselves.
pub trait Module: Tree {
    /// The output for an input, usually a batch along axis 0.
    ///
    /// # Panics
    /// If the input has a shape that the module cannot take.
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor;

    /// One line about the layer: its kind and sizes. The default is the name of the type.
    fn describe(&self) -> String {
        let name = std::any::type_name::<Self>();
        let plain = name.split('<').next().unwrap_or(name);
        plain.rsplit("::").next().unwrap_or(plain).to_owned()
    }

    /// Floating-point operations of a forward pass from an input to an output of these shapes. A multiply-add counts
    /// as two operations; anything else that is computed per element, such as an exponential, as one. The default
    /// is 0.
    fn operations(&self, _input: &Shape, _output: &Shape) -> u64 {
        0
    }
}

/// The same tree with its floating-point leaves in another type; integers and booleans stay what they are.
///
/// ```
/// use bolete_nn::{LinearConfig, cast_floats};
/// use bolete_tensor::{DType, Key};
/// let layer = cast_floats(&LinearConfig::new(2, 3).init(&Key::new(0)), DType::F64);
/// assert_eq!(layer.weight.dtype(), DType::F64);
/// ```
///
/// # Panics
/// If `dtype` is not a float.
#[track_caller]
pub fn cast_floats<T: Tree>(tree: &T, dtype: DType) -> T {
    assert!(dtype.is_float(), "cast_floats: {dtype} is not a floating-point type");
    tree.rebuild(&mut |_, tensor| if tensor.dtype().is_float() { tensor.cast(dtype) } else { tensor.clone() })
}
