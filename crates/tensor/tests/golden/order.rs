//! Order, counting, scattering and sums by labels against NumPy and PyTorch.

use bolete_tensor::{DType, ScatterReduction, Tensor};

use crate::read::{assert_close, file, tensor};

#[test]
fn order_along_an_axis() {
    let golden = file("order");
    let read = |name: &str| tensor(&golden[name], DType::F64);
    let (x, tied, edges) = (read("x"), read("tied"), read("edges"));
    let (whole, weights) = (read("whole").cast(DType::I64), read("weights"));
    let (indices, updates) = (read("indices").cast(DType::I64), read("updates"));
    let reduce = |kind, include| x.scatter_reduce(1, &indices, &updates, kind, include);
    let unique = tied.unique();
    let found = [
        ("cumsum", x.cumsum(0)),
        ("cumsum_reversed", x.cumsum_reversed(1)),
        ("cumprod", x.cumprod(-1)),
        ("cummax", x.cummax(1).values),
        ("cummax_indices", x.cummax(0).indices),
        ("cummin", x.cummin(0).values),
        ("logcumsumexp", x.logcumsumexp(1)),
        ("diff", x.diff(2, 1)),
        ("sort", x.sort(0, false).values),
        ("argsort", tied.argsort(1, false)),
        ("topk", x.topk(3, 1).values),
        ("topk_indices", x.topk(3, 1).indices),
        ("bottomk", x.bottomk(2, 0).values),
        ("kthvalue", x.kthvalue(2, 1)),
        ("median", x.median(0)),
        ("quantile", x.quantile(&[0.0, 0.33, 0.9], 1)),
        ("searchsorted", edges.searchsorted(&x, false)),
        ("searchsorted_right", edges.searchsorted(&Tensor::from([0.7f64, -9.0, 0.0]), true)),
        ("bincount", whole.bincount(8)),
        ("bincount_weighted", whole.bincount_weighted(&weights, 8)),
        ("histogram", x.histogram(&edges)),
        ("histogram_weighted", x.histogram_weighted(&edges, &weights.reshape([4, 5]))),
        ("unique", unique.values),
        ("unique_inverse", unique.inverse),
        ("unique_counts", unique.counts),
        ("nonzero", tied.nonzero()),
        ("isin", tied.isin(&Tensor::from([1i64, -1]))),
        ("masked_select", x.masked_select(&x.greater(0.3))),
        ("sum", reduce(ScatterReduction::Sum, false)),
        ("mean", reduce(ScatterReduction::Mean, true)),
        ("mean_alone", reduce(ScatterReduction::Mean, false)),
        ("max", reduce(ScatterReduction::Max, true)),
        ("max_alone", reduce(ScatterReduction::Max, false)),
        ("min", reduce(ScatterReduction::Min, true)),
        ("min_alone", reduce(ScatterReduction::Min, false)),
        ("tensordot", read("a").tensordot(&read("a").move_axis(0, -1), 2)),
    ];
    for (name, found) in found {
        assert_close(name, &found, &golden["results"][name], 1e-12);
    }
}

#[test]
fn sums_by_labels() {
    for case in file("order")["einsum"].as_array().expect("a list") {
        let operands: Vec<Tensor> = case["operands"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|operand| tensor(operand, DType::F64))
            .collect();
        let equation = case["equation"].as_str().expect("a text");
        assert_close(equation, &Tensor::einsum(equation, &operands), &case["result"], 1e-12);
    }
}

#[test]
#[should_panic(expected = "einsum: `j` of `ij,jk` is 3 long in one operand and 4 in another")]
fn lengths_of_labels_must_agree() {
    Tensor::einsum("ij,jk", &[Tensor::zeros([2, 3], DType::F32), Tensor::zeros([4, 2], DType::F32)]);
}

#[test]
#[should_panic(expected = "the term `ij` of `ij->i` does not fit an operand of shape [2]")]
fn terms_must_fit() {
    Tensor::einsum("ij->i", &[Tensor::zeros([2], DType::F32)]);
}

#[test]
#[should_panic(expected = "the output of `i->ij` must name labels of the operands, each once")]
fn outputs_must_be_known() {
    Tensor::einsum("i->ij", &[Tensor::zeros([2], DType::F32)]);
}
