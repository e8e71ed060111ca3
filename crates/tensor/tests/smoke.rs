use bolete_tensor::*;

#[test]
fn arithmetic() {
    let a = Tensor::from([[1.0f32, 2.0], [3.0, 4.0]]);
    assert_eq!((&a + &a).to_vec::<f32>(), [2.0, 4.0, 6.0, 8.0]);
    assert_eq!((&a * 2.0 + 1.0).sum(0).to_vec::<f32>(), [10.0, 14.0]);
    assert_eq!(a.t().matmul(&a).to_vec::<f32>(), [10.0, 14.0, 14.0, 20.0]);
    assert_eq!(a.sum(..).item(), 10.0);
    println!("{}", a.softmax(-1));
    println!("{}", plan::report::report(&[&a.softmax(-1)]));
    println!("{}", plan::report::report(&[&(a.matmul(&a) + 1.0).relu()]));
}

#[test]
fn gradients() {
    let x = Tensor::from([1.0f64, 2.0, 3.0]);
    let g = grad(|x: &Tensor| (x.sin() * x).sum(..))(&x);
    for (g, x) in g.to_vec::<f64>().iter().zip([1.0f64, 2.0, 3.0]) {
        assert!((g - (x.sin() + x * x.cos())).abs() < 1e-12);
    }
    println!("{}", hessian(|x: &Tensor| x.prod(..))(&x));
    println!("{}", vmap(grad(|x: &Tensor| x.square().sum(..)))(&Tensor::from([[1.0f32, 2.0], [3.0, 4.0]])));
}
