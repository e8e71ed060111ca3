//! Complex numbers against NumPy.

use bolete_tensor::{Complex, DType};
use serde_json::Value;

use crate::read::{assert_close, file, tensor};

fn complex(value: &Value) -> Complex {
    Complex::new(tensor(&value["re"], DType::F64), tensor(&value["im"], DType::F64))
}

#[test]
fn arithmetic() {
    let golden = file("complex");
    let [a, b, m] = ["a", "b", "m"].map(|name| complex(&golden[name]));
    let results = [
        ("add", a.add(&b)),
        ("sub", a.sub(&b)),
        ("mul", a.mul(&b)),
        ("div", a.div(&b)),
        ("conj", a.conj()),
        ("exp", a.exp()),
        ("log", a.log()),
        ("sqrt", a.sqrt()),
        ("reciprocal", a.reciprocal()),
        ("matmul", a.matmul(&m)),
        ("transpose", a.t()),
    ];
    for (name, found) in results {
        assert_close(name, &found.re, &golden["results"][name]["re"], 1e-13);
        assert_close(name, &found.im, &golden["results"][name]["im"], 1e-13);
    }
    assert_close("abs", &a.abs(), &golden["abs"], 1e-13);
    assert_close("angle", &a.angle(), &golden["angle"], 1e-13);
}
