//! Linear algebra against NumPy and SciPy, gradients against PyTorch.

use bolete_tensor::{Complex, DType, MatrixNorm, Tensor, Triangular, grad};
use serde_json::Value;

use crate::read::{assert_close, assert_numbers_close, file, numbers, tensor};

fn input(golden: &Value, name: &str) -> Tensor {
    tensor(&golden["inputs"][name], DType::F64)
}

/// Every result in `golden`, computed from inputs in the given type.
fn results(golden: &Value, dtype: DType) -> Vec<(&'static str, Tensor)> {
    let [square, other, tall, wide, definite, deficient, batch, right, vector, long_right] = [
        "square",
        "other",
        "tall",
        "wide",
        "definite",
        "deficient",
        "batch",
        "right",
        "vector",
        "long_right",
    ]
    .map(|name| input(golden, name).cast(dtype));
    let (lower, upper) = (Triangular::lower(), Triangular::upper());
    let (lu, qr, full) = (square.lu(), tall.qr(), tall.qr_full());
    let (svd, slogdet) = (wide.svd(), square.slogdet());
    vec![
        ("cholesky", definite.cholesky()),
        ("cholesky_solve", definite.cholesky().cholesky_solve(&other)),
        ("triangular_solve", square.triangular_solve(&other, lower)),
        ("triangular_solve upper transposed", square.triangular_solve(&vector, upper.transposed())),
        ("triangular_solve unit", square.triangular_solve(&other, lower.unit_diagonal())),
        ("solve", square.solve(&other)),
        ("solve vector", square.solve(&vector)),
        ("solve batch", batch.solve(&right)),
        ("inverse", square.inverse()),
        ("det", square.det()),
        ("det batch", batch.det()),
        ("sign", slogdet.sign),
        ("logabsdet", slogdet.logabsdet),
        ("lu p", lu.p),
        ("lu l", lu.l),
        ("lu u", lu.u),
        ("q", qr.q),
        ("r", qr.r),
        ("q full", full.q.abs().narrow(1, 0, 4)),
        ("r full", full.r),
        ("singular_values", tall.singular_values()),
        ("singular_values deficient", deficient.singular_values()),
        ("u", svd.u.abs()),
        ("vh", svd.vh.abs()),
        ("eigvalsh", definite.eigvalsh()),
        ("eigh vectors", definite.eigh().vectors.abs()),
        ("pinv", tall.pinv(None)),
        ("pinv deficient", deficient.pinv(None)),
        ("lstsq", tall.lstsq(&long_right, None)),
        ("lstsq deficient", deficient.lstsq(&long_right, None)),
        ("lstsq wide", wide.lstsq(&other.narrow(0, 0, 3), None)),
        ("matrix_power", square.matrix_power(7)),
        ("matrix_power negative", square.matrix_power(-3)),
        ("expm", square.expm()),
        ("expm small", (&square * 1e-2).expm()),
        ("expm large", (&square * 5.0).expm()),
        ("kron", wide.kron(&other)),
        ("cross", other.cross(&other.flip(0), 1)),
        ("trace", batch.trace()),
        ("tril", tall.tril(-1)),
        ("triu", tall.triu(1)),
        ("diagonal", tall.diagonal(-1)),
        ("diag", vector.diag(-2)),
        ("norm 2", tall.norm(2.0, 1)),
        ("norm 1", tall.norm(1.0, 0)),
        ("norm 3", tall.norm(3.0, 0)),
        ("norm inf", tall.norm(f64::INFINITY, 0)),
        ("frobenius", tall.matrix_norm(MatrixNorm::Frobenius)),
        ("nuclear", tall.matrix_norm(MatrixNorm::Nuclear)),
        ("spectral", tall.matrix_norm(MatrixNorm::Spectral)),
        ("one", tall.matrix_norm(MatrixNorm::One)),
        ("infinity", tall.matrix_norm(MatrixNorm::Infinity)),
    ]
}

#[test]
fn values() {
    let golden = file("linalg");
    let results = results(&golden, DType::F64);
    assert_eq!(golden["results"].as_object().map(|all| all.len()), Some(results.len()));
    for (name, found) in results {
        assert_close(name, &found, &golden["results"][name], 1e-10);
    }
    for (name, rank) in [("tall", 4.0), ("deficient", 2.0)] {
        assert_eq!(input(&golden, name).matrix_rank(None).item(), rank, "{name}");
    }
}

#[test]
fn values_in_single_precision() {
    let golden = file("linalg");
    for (name, found) in results(&golden, DType::F32) {
        assert_eq!(found.dtype(), DType::F32, "{name}");
        assert_close(name, &found, &golden["results"][name], 1e-5);
    }
}

#[test]
fn eigenvalues() {
    let golden = file("linalg");
    let square = input(&golden, "square");
    for values in [square.eigenvalues(), square.eig().values] {
        let mut found: Vec<(f64, f64)> =
            values.re.to_vec::<f64>().into_iter().zip(values.im.to_vec::<f64>()).collect();
        let rounded = |x: f64| (x * 1e6).round() as i64;
        found.sort_by_key(|(re, im)| (rounded(*re), rounded(*im)));
        let (re, im): (Vec<f64>, Vec<f64>) = found.into_iter().unzip();
        assert_numbers_close("re", &re, &numbers(&golden["eigenvalues"]["re"]["values"]), 1e-10);
        assert_numbers_close("im", &im, &numbers(&golden["eigenvalues"]["im"]["values"]), 1e-10);
    }
}

#[test]
fn gradients() {
    let golden = file("linalg");
    let [square, other, tall, definite, deficient, weights] =
        ["square", "other", "tall", "definite", "deficient", "weights"].map(|name| input(&golden, name));
    let check = |name: &str, at: &Tensor, function: &dyn Fn(&Tensor) -> Tensor| {
        assert_close(name, &grad(function)(at), &golden["gradients"][name][0], 1e-10);
    };
    let cubes = |z: &Complex| (z.square_abs() * z.abs()).sum(..);
    check("cholesky", &definite, &|a| (a.cholesky() * &weights).sum(..));
    check("solve", &square, &|a| a.solve(&other).square().sum(..));
    check("det", &square, &|a| a.det());
    check("det singular", &deficient.narrow(0, 0, 4), &|a| a.det());
    check("qr", &tall, &|a| a.qr().q.sin().matmul(&a.qr().r).square().sum(..));
    check("svd", &tall, &|a| (a.svd().u.square() * a.svd().s).sum(..));
    check("eigh", &definite, &|a| (a.eigh().vectors.square() * &weights).sum(..));
    check("eig", &square, &|a| cubes(&a.eig().vectors) + a.eig().values.abs().sum(..));
    check("pinv", &tall, &|a| a.pinv(None).square().sum(..));
    check("expm", &square, &|a| (a.expm() * &weights).sum(..));
    check("nuclear", &tall, &|a| a.matrix_norm(MatrixNorm::Nuclear));
    let right = grad(|b: &Tensor| square.solve(b).square().sum(..))(&other);
    assert_close("solve", &right, &golden["gradients"]["solve"][1], 1e-10);
}
