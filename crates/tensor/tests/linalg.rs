//! Linear algebra where matrices are empty, singular, degenerate, half precise or not what they should be.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, set_hook};

use bolete_tensor::DType::{self, *};
use bolete_tensor::{
    Complex, Key, MatrixNorm, Shape, Tensor, Triangular, eval, grad, jvp, set_threads, threads, vmap,
};

fn draw(seed: u64, shape: &[usize]) -> Tensor {
    Key::new(seed).normal(shape, F64)
}

fn zeros(shape: &[usize]) -> Tensor {
    Tensor::zeros(shape, F64)
}

#[track_caller]
fn assert_near(left: &Tensor, right: &Tensor, tolerance: f64) {
    assert_eq!(left.shape(), right.shape());
    let difference = (left - right).abs().flatten().to_vec::<f64>();
    let worst = difference.iter().fold(0.0, |worst: f64, x| if *x <= worst { worst } else { *x });
    assert!(worst <= tolerance, "off by {worst}: {left} and {right}");
}

#[track_caller]
fn assert_nan(tensor: &Tensor) {
    assert!(tensor.to_vec::<f64>().iter().all(|x| x.is_nan()), "{tensor} should be NaN");
}

#[test]
fn empty_matrices() {
    let (none, wide, tall) = (zeros(&[0, 0]), zeros(&[0, 3]), zeros(&[4, 0]));
    assert_eq!(none.det().item(), 1.0);
    let slogdet = none.slogdet();
    assert_eq!((slogdet.sign.item(), slogdet.logabsdet.item()), (1.0, 0.0));
    assert_eq!(none.cholesky().shape(), &Shape::from([0, 0]));
    assert_eq!(none.expm().shape(), &Shape::from([0, 0]));
    assert_eq!(none.matrix_power(0).shape(), &Shape::from([0, 0]));
    assert_eq!(none.solve(&zeros(&[0, 2])).shape(), &Shape::from([0, 2]));
    assert_eq!(zeros(&[2, 2]).diag(0).solve(&zeros(&[2, 0])).shape(), &Shape::from([2, 2, 0]));
    assert_eq!(none.eig().vectors.shape(), &Shape::from([0, 0]));
    assert_eq!(none.eigh().values.shape(), &Shape::from([0]));
    assert_eq!(wide.svd().vh.shape(), &Shape::from([0, 3]));
    assert_eq!(tall.svd().u.shape(), &Shape::from([4, 0]));
    assert_eq!(tall.qr().q.shape(), &Shape::from([4, 0]));
    assert_near(&tall.qr_full().q, &Tensor::eye(4, F64), 0.0);
    assert_near(&wide.lstsq(&zeros(&[0, 2]), None), &zeros(&[3, 2]), 0.0);
    assert_eq!(tall.pinv(None).shape(), &Shape::from([0, 4]));
    assert_eq!(tall.matrix_rank(None).item(), 0.0);
    assert_eq!(wide.trace().item(), 0.0);
    assert_eq!(wide.norm(2.0, ..).item(), 0.0);
    for kind in [
        MatrixNorm::Frobenius,
        MatrixNorm::Nuclear,
        MatrixNorm::Spectral,
        MatrixNorm::One,
        MatrixNorm::Infinity,
    ] {
        assert_eq!(tall.matrix_norm(kind).item(), 0.0);
    }
    assert_eq!(zeros(&[0, 3, 3]).inverse().shape(), &Shape::from([0, 3, 3]));
    assert_eq!(zeros(&[0, 3, 3]).svd().s.shape(), &Shape::from([0, 3]));
    assert_eq!(zeros(&[0]).diag(1).to_vec::<f64>(), [0.0]);
    assert_eq!(zeros(&[2, 2]).diagonal(5).shape(), &Shape::from([0]));
    assert_near(&grad(|x: &Tensor| x.inverse().sum(..) + x.det() + x.svd().u.sum(..))(&none), &none, 0.0);
}

#[test]
fn what_does_not_exist_is_nan_in_its_own_matrix_only() {
    let good = Tensor::from([[2.0f64, 1.0], [1.0, 2.0]]);
    let negative = Tensor::from([[1.0f64, 2.0], [2.0, 1.0]]);
    let both = Tensor::stack(&[good.clone(), negative], 0).cholesky();
    assert_near(&both.narrow(0, 0, 1).squeeze(0), &good.cholesky(), 0.0);
    assert_nan(&both.narrow(0, 1, 1));
    let singular = Tensor::from([[1.0f64, 2.0], [2.0, 4.0]]);
    let both = Tensor::stack(&[singular.clone(), good.clone()], 0);
    let solved = both.solve(&Tensor::from([1.0f64, 2.0]));
    assert_nan(&solved.narrow(0, 0, 1));
    assert_near(&good.matmul(&solved.narrow(0, 1, 1).squeeze(0)), &Tensor::from([1.0f64, 2.0]), 1e-15);
    assert_nan(&singular.inverse());
    let slogdet = singular.slogdet();
    assert_eq!((slogdet.sign.item(), slogdet.logabsdet.item()), (0.0, f64::NEG_INFINITY));
    assert_eq!(singular.det().item(), 0.0);
    for bad in [f64::NAN, f64::INFINITY] {
        let bad = Tensor::from([[1.0f64, bad], [0.5, 1.0]]);
        for result in
            [bad.inverse(), bad.det(), bad.cholesky(), bad.expm(), bad.qr().r, bad.svd().s, bad.eigvalsh()]
        {
            assert_nan(&result);
        }
        assert_nan(&bad.eigenvalues().im);
        assert_nan(&grad(|x: &Tensor| x.det())(&bad));
    }
    assert_nan(&Tensor::from([1.0f64, f64::NAN]).norm(2.0, 0));
}

#[test]
fn norms_have_no_derivative_to_fear_at_zero_and_no_overflow() {
    for order in [1.0, 2.0, 3.0, f64::INFINITY] {
        let zero = zeros(&[3]);
        assert_eq!(zero.norm(order, 0).item(), 0.0);
        assert_eq!(grad(|x: &Tensor| x.norm(order, 0))(&zero).to_vec::<f64>(), [0.0; 3]);
    }
    let twice = grad(|x: &Tensor| grad(|x: &Tensor| x.norm(2.0, 0))(x).sum(..))(&zeros(&[2]));
    assert_eq!(twice.to_vec::<f64>(), [0.0; 2]);
    for scale in [1e-300, 1e300] {
        let x = Tensor::from([3.0f64, -4.0]) * scale;
        assert!((x.norm(2.0, 0).item() / scale - 5.0).abs() < 1e-14);
        assert!((x.norm(4.0, 0).item() / scale - 337f64.powf(0.25)).abs() < 1e-14);
        assert_near(&grad(|x: &Tensor| x.norm(2.0, 0))(&x), &Tensor::from([0.6f64, -0.8]), 1e-15);
    }
    assert_eq!(Tensor::from([1.0f64, f64::INFINITY]).norm(2.0, 0).item(), f64::INFINITY);
    assert_eq!(Tensor::from([3i64, -4]).norm(2.0, 0).dtype(), F32);
}

#[test]
fn derivatives_where_values_coincide() {
    let identity = Tensor::eye(3, F64);
    assert_near(&grad(|x: &Tensor| x.singular_values().sum(..))(&identity), &identity, 1e-15);
    assert_near(&grad(|x: &Tensor| x.eigvalsh().square().sum(..))(&identity), &(&identity * 2.0), 1e-15);
    assert_near(&grad(|x: &Tensor| x.svd().s.sum(..))(&identity), &identity, 1e-15);
    // Functions of the whole matrix have rules of their own: d tr(A⁺) = −tr(dA) at the identity.
    assert_near(&grad(|x: &Tensor| x.pinv(None).trace())(&identity), &identity.neg(), 1e-15);
    assert_near(&grad(|x: &Tensor| x.expm().trace())(&zeros(&[3, 3])), &identity, 1e-15);
    // The first direction of a matrix of rank two is well defined, the last ones are not, and do not matter.
    let low = draw(1, &[6, 2]).matmul(&draw(2, &[2, 5]));
    let first = |x: &Tensor| x.svd().u.narrow(1, 0, 1).square().narrow(0, 0, 1).sum(..);
    let slope = grad(first)(&low);
    let along = draw(3, &[6, 5]);
    let moved = |by: f64| first(&(&low + &along * by)).item();
    let expected = (moved(1e-6) - moved(-1e-6)) / 2e-6;
    assert!(((slope * &along).sum(..).item() - expected).abs() < 1e-7);
    // Vectors of equal eigenvalues turn by any amount.
    let mut turning = grad(|x: &Tensor| (x.eigh().vectors * Tensor::arange(9, F64).reshape([3, 3])).sum(..));
    assert!(turning(&identity).to_vec::<f64>().iter().any(|x| !x.is_finite()));
}

#[test]
fn power_iteration_finds_the_spectral_norm() {
    let a = draw(4, &[2, 5, 3]);
    let found = a.power_iteration(&draw(5, &[2, 5]), 500);
    assert_near(&found.sigma, &a.matrix_norm(MatrixNorm::Spectral), 1e-12);
    assert_near(&found.u.norm(2.0, -1), &Tensor::ones([2], F64), 1e-14);
    let slope = grad(|x: &Tensor| x.power_iteration(&found.u, 1).sigma.sum(..))(&a);
    assert_near(&slope, &found.u.unsqueeze(-1).matmul(&found.v.unsqueeze(-2)), 1e-10);
    assert_near(&grad(|x: &Tensor| x.matrix_norm(MatrixNorm::Spectral).sum(..))(&a), &slope, 1e-10);
}

#[test]
fn element_types() {
    let a = draw(6, &[4, 4]);
    let b = draw(7, &[4]);
    for (dtype, tolerance) in [(F32, 1e-5), (BF16, 0.2), (F16, 0.02)] {
        let (left, right) = (a.cast(dtype), b.cast(dtype));
        let x = left.solve(&right);
        assert_eq!(x.dtype(), dtype);
        assert_near(&left.cast(F64).matmul(&x.cast(F64)), &right.cast(F64), tolerance);
        for result in
            [left.det(), left.svd().vh, left.qr().q, left.pinv(None), left.norm(2.0, 0), left.lu().p]
        {
            assert_eq!(result.dtype(), dtype);
        }
        let slope = grad(|x: &Tensor| x.inverse().sum(..))(&left);
        assert_eq!(slope.dtype(), dtype);
    }
    assert_eq!(Tensor::from([[2i64, 0], [0, 4]]).inverse().to_vec::<f32>(), [0.5, 0.0, 0.0, 0.25]);
    assert_eq!(a.cast(BF16).eigenvalues().dtype(), F32);
    assert_eq!(Tensor::from([[true, false], [true, true]]).tril(-1).dtype(), DType::Bool);
}

#[test]
fn large_batches_are_the_same_on_any_number_of_threads() {
    let (a, b) = (draw(8, &[70, 9, 9]), draw(9, &[1, 9, 2]));
    let large = draw(10, &[150, 130]);
    let compute = || {
        let results = [
            a.solve(&b),
            a.svd().u,
            a.eigh().vectors,
            a.eig().vectors.re,
            a.expm(),
            a.det(),
            a.pinv(None),
            large.svd().vh,
            large.qr().q,
            large.t().matmul(&large).cholesky(),
            large.lu().l,
        ];
        eval(&results);
        results.map(|result| result.to_bytes())
    };
    let before = threads();
    set_threads(1);
    let single = compute();
    set_threads(3);
    let several = compute();
    set_threads(before);
    assert!(single == several);
    let one = a.narrow(0, 41, 1).squeeze(0);
    let alone = one.solve(&b.squeeze(0));
    assert_near(&a.solve(&b).narrow(0, 41, 1).squeeze(0), &alone, 0.0);
}

#[test]
fn transforms_reach_inside() {
    // A log-likelihood of a normal distribution: its Hessian in the mean is the precision.
    let covariance = draw(11, &[3, 3]).matmul(&draw(11, &[3, 3]).t()) + Tensor::eye(3, F64);
    let energy = |x: &Tensor| {
        let white = covariance.cholesky().triangular_solve(x, Triangular::lower());
        white.square().sum(..) * 0.5
    };
    let precision = bolete_tensor::hessian(energy)(&draw(12, &[3]));
    assert_near(&precision, &covariance.inverse(), 1e-12);
    let points = draw(13, &[5, 3]);
    let slopes = vmap(|x: &Tensor| grad(energy)(x))(&points);
    assert_near(&slopes, &points.matmul(&covariance.inverse()), 1e-12);
    let (_, along) = jvp(|x: &Tensor| x.slogdet().logabsdet, &covariance, &Tensor::eye(3, F64));
    assert_near(&along, &covariance.inverse().trace(), 1e-12);
}

thread_local! {
    static LAST: RefCell<(String, String, u32)> = const { RefCell::new((String::new(), String::new(), 0)) };
}

/// What a panic in `body` says; it must be blamed on the line of the call.
#[track_caller]
fn refuses(parts: &[&str], body: impl FnOnce()) {
    let here = Location::caller();
    set_hook(Box::new(|info| {
        let payload = info.payload();
        let text = payload.downcast_ref::<String>().cloned();
        let text = text.or_else(|| payload.downcast_ref::<&str>().map(|text| text.to_string()));
        let (file, line) = info.location().map(|at| (at.file().to_string(), at.line())).unwrap_or_default();
        eprintln!("{info}");
        LAST.set((text.unwrap_or_default(), file, line));
    }));
    assert!(catch_unwind(AssertUnwindSafe(body)).is_err(), "a panic was expected that says {parts:?}");
    let (text, file, line) = LAST.take();
    for part in parts {
        assert!(text.contains(part), "{text:?} does not say {part:?}");
    }
    assert!(file == here.file() && (here.line()..here.line() + 4).contains(&line), "blamed on {file}:{line}");
}

#[test]
fn mistakes_are_told() {
    let (a, b, v) = (zeros(&[2, 3]), zeros(&[4, 4]), zeros(&[5]));
    refuses(&["cholesky", "square", "[2, 3]"], || drop(a.cholesky()));
    refuses(&["det", "square", "[2, 3]"], || drop(a.det()));
    refuses(&["slogdet", "square", "[2, 3]"], || drop(a.slogdet()));
    refuses(&["inverse", "square", "[2, 3]"], || drop(a.inverse()));
    refuses(&["eigh", "square", "[2, 3]"], || drop(a.eigh()));
    refuses(&["eigvalsh", "square", "[2, 3]"], || drop(a.eigvalsh()));
    refuses(&["eig", "square", "[2, 3]"], || drop(a.eig()));
    refuses(&["eigenvalues", "square", "[2, 3]"], || drop(a.eigenvalues()));
    refuses(&["expm", "square", "[2, 3]"], || drop(a.expm()));
    refuses(&["matrix_power", "square", "[2, 3]"], || drop(a.matrix_power(2)));
    refuses(&["solve", "square", "[2, 3]"], || drop(a.solve(&v)));
    refuses(&["solve", "[4, 4]", "4 rows", "[5]"], || drop(b.solve(&v)));
    refuses(&["solve", "a number"], || drop(b.solve(&Tensor::from(1.0f64))));
    refuses(&["solve", "do not broadcast"], || drop(zeros(&[2, 4, 4]).solve(&zeros(&[3, 4, 1]))));
    refuses(&["triangular_solve", "[4, 4]", "[5]"], || drop(b.triangular_solve(&v, Triangular::upper())));
    refuses(&["triangular_solve", "[4, 4]", "[5]"], || drop(b.cholesky_solve(&v)));
    refuses(&["lstsq", "[2, 3]", "2 rows", "[5]"], || drop(a.lstsq(&v, None)));
    refuses(&["solve", "square", "[2, 3]"], || drop(Complex::from_real(&a).solve(&Complex::from_real(&v))));
    refuses(&["inverse", "square", "[2, 3]"], || drop(Complex::from_real(&a).inverse()));
    refuses(&["svd", "matrix", "[5]"], || drop(v.svd()));
    refuses(&["singular_values", "matrix", "[5]"], || drop(v.singular_values()));
    refuses(&["qr", "matrix", "[5]"], || drop(v.qr()));
    refuses(&["lu", "matrix", "[5]"], || drop(v.lu()));
    refuses(&["pinv", "matrix", "[5]"], || drop(v.pinv(None)));
    refuses(&["matrix_rank", "matrix", "[5]"], || drop(v.matrix_rank(None)));
    refuses(&["matrix_norm", "matrix", "[5]"], || drop(v.matrix_norm(MatrixNorm::One)));
    refuses(&["tril", "matrix", "[5]"], || drop(v.tril(0)));
    refuses(&["diagonal", "matrix", "[5]"], || drop(v.diagonal(0)));
    refuses(&["trace", "matrix", "[5]"], || drop(v.trace()));
    refuses(&["kron", "matrices", "[5]"], || drop(b.kron(&v)));
    refuses(&["diag", "no axis"], || drop(Tensor::from(1.0f64).diag(0)));
    refuses(&["cross", "length 3", "[4, 4]"], || drop(b.cross(&b, 0)));
    refuses(&["cross", "broadcast", "[2, 3]", "[5]"], || drop(a.cross(&v, 0)));
    refuses(&["norm", "positive", "-1"], || drop(v.norm(-1.0, 0)));
    refuses(&["norm", "[5]", "axis"], || drop(v.norm(2.0, 1)));
    refuses(&["power_iteration", "4 numbers", "[5]"], || drop(b.power_iteration(&v, 1)));
    refuses(&["power_iteration", "one step"], || drop(b.power_iteration(&zeros(&[4]), 0)));
    let tall = draw(14, &[3, 2]);
    let full = || drop(grad(|x: &Tensor| x.qr_full().q.sum(..))(&tall));
    let message = catch_unwind(AssertUnwindSafe(full)).expect_err("there is no derivative");
    let message = message.downcast_ref::<String>().cloned().unwrap_or_default();
    assert!(message.contains("qr_full") && message.contains("3 × 2"), "{message:?}");
}
