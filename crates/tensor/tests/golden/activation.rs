//! Activation functions and their derivatives against PyTorch.

use bolete_tensor::{DType, Tensor, grad};

use crate::read::{assert_close, file, tensor};

#[test]
fn activations() {
    let golden = file("activation");
    for (dtype, tolerance) in [(DType::F64, 1e-12), (DType::F32, 1e-5)] {
        let (x, slope) = (tensor(&golden["x"], dtype), tensor(&golden["slope"], dtype));
        let check = |name: &str, function: &dyn Fn(&Tensor) -> Tensor| {
            assert_close(name, &function(&x), &golden["values"][name], tolerance);
            let derivative = grad(|x: &Tensor| function(x).sum(..))(&x);
            assert_close(name, &derivative, &golden["derivatives"][name], tolerance);
        };
        check("relu6", &|x| x.relu6());
        check("celu", &|x| x.celu(1.5));
        check("threshold", &|x| x.threshold(0.5, -2.0));
        check("log_sigmoid", &|x| x.log_sigmoid());
        check("softsign", &|x| x.softsign());
        check("hard_sigmoid", &|x| x.hard_sigmoid());
        check("hard_swish", &|x| x.hard_swish());
        check("hard_tanh", &|x| x.hard_tanh());
        check("mish", &|x| x.mish());
        check("prelu", &|x| x.prelu(&slope));
    }
}
