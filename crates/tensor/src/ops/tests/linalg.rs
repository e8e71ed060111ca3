//! Linear algebra. Factors whose sign is free appear in functions that do not depend on it, and spectra are well
//! apart.

use super::{Case, anywhere, apart, case, flat, positive};
use crate::{Complex, MatrixNorm, Tensor, Triangular};

/// Matrices with a diagonal that rises from 2 in steps of 2, so that they have full rank and values well apart.
/// Vectors, and matrices of right-hand sides, may be anything.
fn ramp(x: &Tensor) -> Tensor {
    if x.rank() < 2 {
        return x.clone();
    }
    let (m, n) = (x.shape()[x.rank() - 2], x.shape()[x.rank() - 1]);
    let size = m.max(n);
    let diagonal = Tensor::arange(size, x.dtype()) * 2.0 + 2.0;
    x * 0.3 + diagonal.diag(0).narrow(0, 0, m).narrow(1, 0, n)
}

/// Complex eigenvalues: one pair, and one real.
fn turning(x: &Tensor) -> Tensor {
    x * 0.2 + Tensor::from([[1.0f64, 3.0, 0.0], [-3.0, 1.5, 0.0], [0.0, 0.0, 4.0]])
}

fn complex(re: &Tensor, im: &Tensor) -> Complex {
    Complex::new(re.clone(), im.clone())
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = factors();
    cases.extend(spectra());
    cases.extend(plain());
    cases
}

fn factors() -> Vec<Case> {
    vec![
        case("cholesky", &[&[3, 3]], ramp, |x| x[0].cholesky()),
        case("cholesky batch", &[&[2, 2, 2]], ramp, |x| x[0].cholesky()),
        case("cholesky_solve", &[&[3, 3], &[3, 2]], ramp, |x| x[0].cholesky().cholesky_solve(&x[1])),
        case("triangular_solve", &[&[3, 3], &[3, 2]], ramp, |x| {
            x[0].triangular_solve(&x[1], Triangular::lower())
        }),
        case("triangular_solve shared", &[&[2, 2], &[3, 2, 2]], ramp, |x| {
            x[0].triangular_solve(&x[1], Triangular::upper())
        }),
        case("triangular_solve upper transposed", &[&[3, 3], &[3]], ramp, |x| {
            x[0].triangular_solve(&x[1], Triangular::upper().transposed())
        }),
        case("triangular_solve unit upper", &[&[2, 1, 2, 2], &[3, 2, 1]], ramp, |x| {
            x[0].triangular_solve(&x[1], Triangular::upper().unit_diagonal())
        }),
        case("triangular_solve unit lower transposed", &[&[3, 3], &[3, 1]], ramp, |x| {
            x[0].triangular_solve(&x[1], Triangular::lower().unit_diagonal().transposed())
        }),
        case("lu", &[&[3, 3]], ramp, |x| {
            let lu = x[0].flip(0).lu();
            lu.p.matmul(&lu.l.sin()).matmul(&lu.u.square())
        }),
        case("lu wide", &[&[2, 4]], ramp, |x| x[0].lu().l.sin().matmul(&x[0].lu().u.square())),
        case("lu tall", &[&[4, 2]], ramp, |x| x[0].lu().l.sin().matmul(&x[0].lu().u.square())),
        case("solve", &[&[3, 3], &[3, 2]], ramp, |x| x[0].solve(&x[1])),
        case("solve vector", &[&[3, 3], &[3]], ramp, |x| x[0].flip(0).solve(&x[1])),
        case("solve batch", &[&[2, 1, 2, 2], &[3, 2, 1]], ramp, |x| x[0].solve(&x[1])),
        case("solve shared", &[&[2, 2], &[2, 3, 2, 1]], ramp, |x| x[0].solve(&x[1])),
        case("solve complex", &[&[2, 2], &[2, 2], &[2]], ramp, |x| {
            complex(&x[0], &(&x[1] * 0.1)).solve(&complex(&x[2], &x[2].square())).square_abs()
        }),
        case("inverse", &[&[3, 3]], ramp, |x| x[0].inverse()),
        case("inverse complex", &[&[2, 2]], ramp, |x| complex(&x[0], &x[0].t()).inverse().square_abs()),
        case("det", &[&[3, 3]], ramp, |x| x[0].flip(0).det()),
        case("det batch", &[&[2, 2, 2]], anywhere, |x| x[0].det()),
        case("slogdet", &[&[3, 3]], ramp, |x| x[0].flip(0).slogdet().logabsdet * x[0].slogdet().sign),
        case("qr", &[&[3, 3]], ramp, |x| x[0].qr().q.sin().matmul(&x[0].qr().r.square())),
        case("qr tall", &[&[4, 2]], ramp, |x| x[0].qr().q.sin().matmul(&x[0].qr().r.square())),
        case("qr wide", &[&[2, 4]], ramp, |x| x[0].qr().q.sin().matmul(&x[0].qr().r.square())),
        case("qr_full wide", &[&[2, 3]], ramp, |x| x[0].qr_full().q.matmul(&x[0].qr_full().r.square())),
    ]
}

fn spectra() -> Vec<Case> {
    vec![
        case("svd", &[&[3, 3]], ramp, |x| {
            let svd = x[0].svd();
            (svd.u.square() * svd.s.sin().unsqueeze(0)).matmul(&svd.vh.square())
        }),
        case("svd tall", &[&[4, 2]], ramp, |x| {
            let svd = x[0].svd();
            (&svd.u * svd.s.log().unsqueeze(0)).matmul(&svd.vh) * svd.u.narrow(1, 0, 1).square()
        }),
        case("svd wide", &[&[2, 3]], ramp, |x| x[0].svd().vh.square() * x[0].svd().s.unsqueeze(-1)),
        case("singular_values", &[&[2, 4, 2]], ramp, |x| x[0].singular_values().square() * 0.5),
        case("eigh", &[&[3, 3]], ramp, |x| {
            let eigen = x[0].eigh();
            (&eigen.vectors * eigen.values.sin().unsqueeze(0)).matmul(&eigen.vectors.square().t())
                * eigen.vectors.narrow(0, 0, 1).t()
                * eigen.vectors.narrow(1, 0, 1)
        }),
        case("eigh batch", &[&[2, 2, 2]], ramp, |x| x[0].eigh().vectors.square() * x[0].eigh().values.unsqueeze(-1)),
        case("eigvalsh", &[&[3, 3]], ramp, |x| x[0].eigvalsh().square()),
        case("eig", &[&[3, 3]], ramp, |x| {
            let eig = x[0].eig();
            eig.vectors.square_abs() * eig.values.square_abs().unsqueeze(0)
        }),
        case("eig complex", &[&[3, 3]], turning, |x| {
            let eig = x[0].eig();
            let first = eig.vectors.map_parts(|part| part.narrow(0, 0, 1));
            eig.vectors.mul(&first.conj()).mul(&eig.values.map_parts(|part| part.unsqueeze(0))).re
        }),
        case("eigenvalues", &[&[3, 3]], turning, |x| {
            let values = x[0].eigenvalues();
            values.im.square() + values.re.sin()
        }),
        case("lstsq", &[&[4, 2], &[4, 2]], ramp, |x| x[0].lstsq(&x[1], None)),
        case("lstsq wide", &[&[2, 3], &[2]], ramp, |x| x[0].lstsq(&x[1], None)),
        case("lstsq shared", &[&[3, 2], &[2, 3, 1]], ramp, |x| x[0].lstsq(&x[1], None)),
        case("lstsq rank one", &[&[3, 1], &[1, 2], &[3]], positive, |x| {
            x[0].matmul(&x[1]).lstsq(&x[2], Some(1e-9))
        })
        // The product of rank one has it up to rounding only.
        .in_double_precision(),
        case("pinv", &[&[3, 2]], ramp, |x| x[0].pinv(None)),
        case("pinv wide", &[&[2, 2, 3]], ramp, |x| x[0].pinv(None)),
        flat("matrix_rank", &[&[3, 2]], |x| x[0].matrix_rank(None)),
        case("expm", &[&[3, 3]], anywhere, |x| x[0].expm()),
        case("expm batch", &[&[2, 2, 2]], ramp, |x| (&x[0] * 0.3).expm()),
        case("matrix_norm nuclear", &[&[3, 2]], ramp, |x| x[0].matrix_norm(MatrixNorm::Nuclear)),
        case("matrix_norm spectral", &[&[2, 3]], ramp, |x| x[0].matrix_norm(MatrixNorm::Spectral)),
    ]
}

fn plain() -> Vec<Case> {
    vec![
        case("matrix_norm frobenius", &[&[2, 3, 2]], anywhere, |x| x[0].matrix_norm(MatrixNorm::Frobenius)),
        case("matrix_norm one", &[&[3, 2]], apart, |x| x[0].matrix_norm(MatrixNorm::One)),
        case("matrix_norm infinity", &[&[3, 2]], apart, |x| x[0].matrix_norm(MatrixNorm::Infinity)),
        case("norm", &[&[3, 4]], anywhere, |x| x[0].norm(2.0, 1) * x[0].norm(1.0, ..)),
        case("norm axes", &[&[2, 3, 2]], positive, |x| x[0].norm(3.0, [0, 2])),
        case("norm infinity", &[&[3, 4]], apart, |x| x[0].norm(f64::INFINITY, 0)),
        case("norm_keepdim", &[&[3, 4]], positive, |x| &x[0] / x[0].norm_keepdim(2.5, 1)),
        flat("power_iteration", &[&[3, 2], &[3]], |x| x[0].power_iteration(&x[1], 2).sigma),
        case("matrix_power", &[&[3, 3]], ramp, |x| x[0].matrix_power(5) * 1e-3),
        case("matrix_power negative", &[&[2, 2, 2]], ramp, |x| x[0].matrix_power(-2) + x[0].matrix_power(0)),
        case("kron", &[&[2, 3], &[3, 2]], anywhere, |x| x[0].kron(&x[1])),
        case("kron batch", &[&[2, 1, 1, 2], &[3, 2, 1]], anywhere, |x| x[0].kron(&x[1])),
        case("cross", &[&[2, 3], &[3]], anywhere, |x| x[0].cross(&x[1], -1)),
        case("cross first axis", &[&[3, 2], &[3, 1]], anywhere, |x| x[0].cross(&x[1], 0)),
        case("trace", &[&[2, 3, 4]], anywhere, |x| x[0].trace().square()),
        case("diagonal", &[&[2, 3, 4]], anywhere, |x| x[0].diagonal(0).square()),
        case("diagonal below", &[&[4, 3]], anywhere, |x| x[0].diagonal(-2) * x[0].diagonal(1)),
        case("diag", &[&[2, 3]], anywhere, |x| x[0].diag(0) + x[0].diag(-1).narrow(1, 1, 3).narrow(2, 0, 3)),
        case("diag above", &[&[3]], anywhere, |x| x[0].diag(2)),
        case("tril", &[&[2, 3, 4]], anywhere, |x| x[0].tril(1).square()),
        case("triu", &[&[3, 4]], anywhere, |x| x[0].triu(-1).square()),
    ]
}
