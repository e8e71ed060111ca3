//! An op of one's own: a kernel on host memory, a fallback of plain ops and a derivative.
//! `cargo run --release -p bolete --example custom_op`

use bolete::prelude::*;
use bolete::tensor::{HostArray, HostArrayMut};

/// ln cosh x, the loss that is quadratic near zero and linear far away.
#[derive(Debug)]
struct LogCosh;

impl CustomOp for LogCosh {
    fn name(&self) -> &str {
        "log_cosh"
    }

    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        assert!(inputs[0].dtype == DType::F64, "log_cosh: expected f64, found {}", inputs[0].dtype);
        vec![inputs[0].clone()]
    }

    /// What every transform works on.
    fn fallback(&self, inputs: &[Tensor]) -> Option<Vec<Tensor>> {
        let x = inputs[0].abs();
        Some(vec![&x + (&x * -2.0).exp().log1p() - std::f64::consts::LN_2])
    }

    fn has_kernel(&self) -> bool {
        true
    }

    /// What runs on the host instead of the fallback.
    fn compute(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        let values: Vec<f64> = inputs[0]
            .to_vec::<f64>()
            .into_iter()
            .map(|x| x.abs() + (-2.0 * x.abs()).exp().ln_1p() - std::f64::consts::LN_2)
            .collect();
        outputs[0].copy_from(&values);
    }

    /// The derivative is tanh, which is shorter than what differentiating the fallback gives.
    fn vjp(
        &self,
        inputs: &[Tensor],
        _outputs: &[Tensor],
        cotangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        Some(vec![Some(inputs[0].tanh() * cotangents[0].as_ref()?)])
    }
}

fn log_cosh(x: &Tensor) -> Tensor {
    custom(LogCosh, std::slice::from_ref(x)).remove(0)
}

fn main() {
    let x = Tensor::linspace(-2.0, 2.0, 5, DType::F64);
    println!("x            {x}");
    println!("log cosh x   {}", log_cosh(&x));
    println!("slope        {}", grad(|x: &Tensor| log_cosh(x).sum(..))(&x));
    println!("curvature    {}", vmap(|x: &Tensor| hessian(log_cosh)(x))(&x));
    println!("mapped       {}", vmap(log_cosh)(&x.reshape([5, 1])).flatten());
    check_gradients(log_cosh, &x, 1e-5, 1e-8).expect("the derivative is right");
    println!("the derivative agrees with finite differences");
}
