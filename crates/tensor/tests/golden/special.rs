//! Elementwise and special functions against SciPy and mpmath: relative errors, so that tails count.

use bolete_tensor::{DType, Tensor, grad};
use serde_json::Value;

use crate::read::{file, numbers};

/// Off by more than `tolerance` of the number itself; numbers below the normal ones of single precision count as 0 there.
#[track_caller]
fn assert_relatively_close(what: &str, found: &Tensor, expected: &[f64], tolerance: f64, zero: f64) {
    let found = found.cast(DType::F64).to_vec::<f64>();
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let off = (found - expected).abs() / expected.abs().max(zero);
        assert!(
            off <= tolerance || found == expected,
            "{what}: element {index} is {found:e}, not {expected:e}"
        );
    }
}

fn columns(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().expect("columns").iter().map(numbers).collect()
}

fn vector(values: &[f64], dtype: DType) -> Tensor {
    Tensor::from(values).cast(dtype)
}

/// In double precision, and in single where rounding the arguments changes little.
fn check(name: &str, arguments: &[Vec<f64>], expected: &[f64], function: impl Fn(&[Tensor]) -> Tensor) {
    let of = |dtype| function(&arguments.iter().map(|values| vector(values, dtype)).collect::<Vec<_>>());
    assert_relatively_close(name, &of(DType::F64), expected, 1e-10, 1e-300);
    // What the function gives in double precision at the rounded arguments is what single precision must give.
    let rounded: Vec<Tensor> =
        arguments.iter().map(|values| vector(values, DType::F32).cast(DType::F64)).collect();
    let wanted = function(&rounded).to_vec::<f64>();
    let kept =
        |value: &f64| if value.abs() > f64::from(f32::MAX) { f64::INFINITY.copysign(*value) } else { *value };
    let wanted: Vec<f64> = wanted.iter().map(kept).collect();
    let single = of(DType::F32);
    assert_eq!(single.dtype(), DType::F32, "{name}");
    assert_relatively_close(name, &single, &wanted, 1e-5, 1e-37);
}

#[test]
fn functions() {
    let golden = file("special");
    macro_rules! unary {
        ($($name:ident)*) => {$(
            let data = columns(&golden["unary"][stringify!($name)]);
            check(stringify!($name), &data[..1], &data[1], |x| x[0].$name());
        )*};
    }
    unary!(exp2 log2 log10 tan asin acos atan sinh cosh asinh acosh atanh cbrt sinc entr logit lgamma digamma erfc ndtr
        log_ndtr ndtri bessel_i0e bessel_i1e log_sigmoid);
    macro_rules! binary {
        ($($name:ident)*) => {$(
            let data = columns(&golden["binary"][stringify!($name)]);
            check(stringify!($name), &data[..2], &data[2], |x| x[0].$name(&x[1]));
        )*};
    }
    binary!(logaddexp hypot xlogy xlog1py log_beta igamma igammac);
    for order in [1, 2, 3] {
        let data = columns(&golden["polygamma"][order.to_string()]);
        check("polygamma", &data[..1], &data[1], |x| x[0].polygamma(order));
    }
    let data = columns(&golden["betainc"]);
    check("betainc", &data[..3], &data[3], |x| x[0].betainc(&x[1], &x[2]));
}

#[test]
fn derivatives_in_the_shapes() {
    let golden = file("special");
    let data = columns(&golden["igamma_slope"]);
    let (a, x) = (Tensor::from(&data[0][..]), Tensor::from(&data[1][..]));
    let slope = grad(|a: &Tensor| a.igamma(&x).sum(..))(&a);
    assert_relatively_close("igamma in a", &slope, &data[2], 1e-10, 1e-3);
    let slope = grad(|a: &Tensor| a.igammac(&x).sum(..))(&a);
    assert_relatively_close("igammac in a", &-slope, &data[2], 1e-10, 1e-3);
    let data = columns(&golden["betainc_slopes"]);
    let [a, b, x] = [0, 1, 2].map(|column: usize| Tensor::from(&data[column][..]));
    let slope = grad(|a: &Tensor| a.betainc(&b, &x).sum(..))(&a);
    assert_relatively_close("betainc in a", &slope, &data[3], 1e-10, 1e-3);
    let slope = grad(|b: &Tensor| a.betainc(b, &x).sum(..))(&b);
    assert_relatively_close("betainc in b", &slope, &data[4], 1e-10, 1e-3);
}

/// Where values or derivatives are easily NaN.
#[test]
fn edges() {
    let slope = |function: fn(&Tensor) -> Tensor, at: f64| grad(function)(&Tensor::from(at)).item();
    assert_eq!(Tensor::from(0.0f64).sinc().item(), 1.0);
    assert_eq!(slope(|x| x.sinc(), 0.0), 0.0);
    assert!(slope(|x| x.sinc(), 1e60).abs() < 1e-59);
    let curvature = grad(grad(|x: &Tensor| x.sinc()))(&Tensor::from(0.0f64)).item();
    assert!((curvature + std::f64::consts::PI.powi(2) / 3.0).abs() < 1e-12);
    assert_eq!(Tensor::from(0.0f64).xlogy(0.0).item(), 0.0);
    assert_eq!(slope(|x| x.xlogy(2.0), 0.0), 2f64.ln());
    assert!(Tensor::from(0.0f64).xlogy(f64::NAN).item().is_nan());
    assert_eq!(Tensor::from([0.0f64, -1.0]).entr().to_vec::<f64>(), [0.0, f64::NEG_INFINITY]);
    assert_eq!(slope(|x| x.entr(), -1.0), 0.0);
    assert_eq!(slope(|x| x.hypot(0.0), 0.0), 0.0);
    assert_eq!(Tensor::from(f64::INFINITY).hypot(1.0).item(), f64::INFINITY);
    let odd = Tensor::from([f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 2.0]);
    assert_eq!(odd.nan_to_num(0.5, 9.0, -9.0).to_vec::<f64>(), [0.5, 9.0, -9.0, 2.0]);
    let slopes = grad(|x: &Tensor| x.nan_to_num(0.0, 1.0, -1.0).sum(..))(&odd);
    assert_eq!(slopes.to_vec::<f64>(), [0.0, 0.0, 0.0, 1.0]);
    assert_eq!(slope(|x| x.logaddexp(f64::NEG_INFINITY), f64::NEG_INFINITY), 0.5);
    assert_eq!(slope(|x| x.log_sigmoid(), -1000.0), 1.0);
    assert_eq!(slope(|x| x.celu(1.0), 1000.0), 1.0);
    assert_eq!(Tensor::from(-8.0f64).cbrt().item(), -2.0);
    assert_eq!(Tensor::from(3.0f64).copysign(-1.0).item(), -3.0);
    let half = Tensor::from(3.0f32).cast(DType::F16).lgamma();
    assert_eq!(half.dtype(), DType::F16);
    assert!((half.cast(DType::F64).item() - 2f64.ln()).abs() < 1e-3);
    assert_eq!(Tensor::from(5i64).lgamma().dtype(), DType::F32);
    let half = Tensor::from([0.25f32, 3.0]).cast(DType::BF16);
    let kept =
        [half.sinc(), half.hypot(1.0), half.xlogy(&half), half.xlog1py(2.0), half.entr(), half.logit()];
    assert!(
        kept.iter().all(|x| x.dtype() == DType::BF16)
            && half.nan_to_num(0.0, 1.0, 2.0).dtype() == DType::BF16
    );
    assert!(Tensor::from(1.5f64).asin().item().is_nan() && Tensor::from(0.5f64).acosh().item().is_nan());
}
