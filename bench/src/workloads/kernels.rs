//! Single operations.

use bolete::prelude::*;

use super::normal;
use crate::workload::{Count, Function, Workload};

pub(super) fn all() -> Vec<Workload> {
    let mut all = vec![
        gemm("gemm_f32_256", [256; 3], DType::F32),
        gemm("gemm_f32_512", [512; 3], DType::F32),
        gemm("gemm_f32_1024", [1024; 3], DType::F32),
        gemm("gemm_f32_2048", [2048; 3], DType::F32),
        gemm("gemm_f32_64x784x512", [64, 784, 512], DType::F32),
        gemm("gemm_bf16_1024", [1024; 3], DType::BF16),
        gemm("gemm_bf16_2048", [2048; 3], DType::BF16),
    ];
    let bytes = |elements: usize| Count::Bytes((4 * elements) as f64);
    all.push(Workload::plain("softmax_4096", bytes(2 << 24), || {
        Function::boxed([normal(0, [4096, 4096])], |x| vec![x[0].softmax(-1)])
    }));
    all.push(Workload::plain("layernorm_fwdbwd", Count::Steps, || {
        let arguments = [
            normal(0, [4096, 1024]),
            Tensor::ones([1024], DType::F32),
            Tensor::zeros([1024], DType::F32),
            normal(1, [4096, 1024]),
        ];
        Function::boxed(arguments, |given| {
            let norm = (given[0].clone(), given[1].clone(), given[2].clone());
            let (_, pullback) =
                vjp(|(x, weight, bias): &(Tensor, Tensor, Tensor)| x.layer_norm(weight, bias, 1e-5), &norm);
            let (x, weight, bias) = pullback(&given[3]);
            vec![x, weight, bias]
        })
    }));
    all.push(Workload::plain("elementwise_gelu_16m", bytes(2 << 24), || {
        Function::boxed([normal(0, [1 << 24])], |x| {
            vec![Activation::GeluTanh.apply(&(&x[0] * 1.1 + 0.1)) * 0.9]
        })
    }));
    all.push(Workload::plain("sum_64m", bytes(1 << 26), || {
        Function::boxed([normal(0, [1 << 26])], |x| vec![x[0].sum(..)])
    }));
    all
}

fn gemm(name: &'static str, [m, k, n]: [usize; 3], dtype: DType) -> Workload {
    Workload::plain(name, Count::Operations((2 * m * n * k) as f64), move || {
        let factors = [normal(0, [m, k]).cast(dtype), normal(1, [k, n]).cast(dtype)];
        Function::boxed(factors, |x| vec![x[0].matmul(&x[1])])
    })
}
