//! Sums of products by labels.

use super::{Case, anywhere, case};
use crate::Tensor;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("einsum", &[&[2, 3], &[3, 4]], anywhere, |x| Tensor::einsum("ij,jk->ki", x).square()),
        case("einsum chain", &[&[2, 3], &[3, 4], &[4, 2]], anywhere, |x| Tensor::einsum("ij,jk,kl->il", x)),
        case("einsum batch", &[&[2, 1, 3], &[2, 3, 2]], anywhere, |x| Tensor::einsum("...ij,...jk->...ik", x)),
        case("einsum diagonal", &[&[3, 3], &[3]], anywhere, |x| Tensor::einsum("ii,i->i", x).square()),
        case("einsum outer", &[&[2], &[3]], anywhere, |x| Tensor::einsum("i,j", x).square()),
        case("einsum sum", &[&[2, 3], &[2]], anywhere, |x| Tensor::einsum("ij,k->i", x).square()),
        case("tensordot", &[&[2, 3, 2], &[3, 2, 2]], anywhere, |x| x[0].tensordot(&x[1], 2).square()),
    ]
}
