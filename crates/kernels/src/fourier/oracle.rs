//! The transform by its definition.

use super::FourierElement;
use super::complex::{C, root_of_unity};

/// yₖ = Σⱼ xⱼ exp(−2πi jk/n), or with a positive exponent, summed in double precision.
pub fn transform<T: FourierElement + Into<f64>>(inverse: bool, x: &[C<T>]) -> Vec<C<f64>> {
    let n = x.len();
    let term = |j: usize, k: usize| {
        let root = root_of_unity::<f64>(j * k % n, n);
        C::new(x[j].re.into(), x[j].im.into()) * if inverse { root.conj() } else { root }
    };
    (0..n).map(|k| (0..n).map(|j| term(j, k)).fold(C::ZERO, |sum, term| sum + term)).collect()
}
