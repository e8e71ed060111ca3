//! Random numbers have the distributions they claim: moments, and the distance of Kolmogorov and Smirnov from the
//! distribution function, with fixed seeds. A wrong sampler misses these bounds by far: 20 000 numbers show a shift of a
//! fiftieth of the spread.

use bolete_tensor::{DType, Key, Tensor, eval_tree, grad, jvp, set_threads, vmap};

const COUNT: usize = 20_000;

/// √n times the largest distance of the empirical distribution function from `cdf`, which is above 2.2 once in ten
/// thousand times.
fn distance(numbers: &Tensor, cdf: impl Fn(&Tensor) -> Tensor) -> f64 {
    let mut numbers = numbers.cast(DType::F64).flatten().to_vec::<f64>();
    assert!(numbers.iter().all(|x| !x.is_nan()));
    numbers.sort_by(f64::total_cmp);
    let count = numbers.len() as f64;
    let expected = cdf(&Tensor::from(numbers)).to_vec::<f64>();
    let gaps = expected.iter().enumerate().map(|(index, expected)| {
        (expected - index as f64 / count).abs().max((expected - (index + 1) as f64 / count).abs())
    });
    gaps.fold(0.0, f64::max) * count.sqrt()
}

#[track_caller]
fn assert_distributed(what: &str, numbers: &Tensor, cdf: impl Fn(&Tensor) -> Tensor) {
    let distance = distance(numbers, cdf);
    assert!(distance < 2.2, "{what}: the distance is {distance}");
}

#[track_caller]
fn assert_moments(what: &str, numbers: &Tensor, mean: f64, variance: f64) {
    let numbers = numbers.cast(DType::F64);
    let spread = (variance / numbers.elements() as f64).sqrt();
    let (found, found_variance) = (numbers.mean(..).item(), numbers.var(.., 1).item());
    assert!((found - mean).abs() < 4.5 * spread, "{what}: mean {found}, expected {mean}");
    assert!(
        (found_variance / variance - 1.0).abs() < 0.2,
        "{what}: variance {found_variance}, not {variance}"
    );
}

#[test]
fn distributions_without_parameters() {
    for dtype in [DType::F32, DType::F64] {
        let [a, b, c, d] = Key::new(11).split();
        let exponential = a.exponential([COUNT], dtype);
        assert_eq!(exponential.dtype(), dtype);
        assert_distributed("exponential", &exponential, |x| -(-x).expm1());
        assert_distributed("laplace", &b.laplace([COUNT], dtype), |x| {
            let tail = (-x.abs()).exp() * 0.5;
            x.less(0.0).select(&tail, 1.0 - &tail)
        });
        assert_distributed("gumbel", &c.gumbel([COUNT], dtype), |x| (-(-x).exp()).exp());
        assert_distributed("cauchy", &d.cauchy([COUNT], dtype), |x| {
            x.atan() * (1.0 / std::f64::consts::PI) + 0.5
        });
    }
    let signs = Key::new(1).rademacher([COUNT], DType::F32);
    assert!(signs.abs().equal(1.0).all(..).to_vec::<bool>()[0]);
    assert_moments("rademacher", &signs, 0.0, 1.0);
}

#[test]
fn gamma_numbers() {
    for (seed, shape) in [0.01, 0.3, 1.0, 2.5, 40.0, 1e5].into_iter().enumerate() {
        for dtype in [DType::F32, DType::F64] {
            let numbers = Key::new(seed as u64).log_gamma(shape, [COUNT], dtype);
            assert_distributed(&format!("ln of gamma of {shape}"), &numbers, |x| {
                Tensor::full(x.shape(), shape, DType::F64).igamma(x.exp())
            });
            let numbers = Key::new(seed as u64 + 100).gamma(shape, [COUNT], dtype);
            assert_moments("gamma", &numbers, shape, shape);
        }
    }
    assert!(Key::new(0).gamma(-1.0, [], DType::F64).item().is_nan());
    assert_eq!(Key::new(0).gamma(2.0, [0], DType::F64).elements(), 0);
}

/// The derivative of an expectation is that of its closed form: E z = a, E z² = a (a + 1), E ln z = ψ(a).
#[test]
fn gamma_derivatives_are_those_of_expectations() {
    for a in [0.4, 1.7, 20.0] {
        for dtype in [DType::F32, DType::F64] {
            let at = Tensor::scalar(a, dtype);
            let slope = |function: fn(&Tensor) -> Tensor| {
                let mean = |a: &Tensor| function(&Key::new(5).log_gamma(a, [COUNT], dtype)).mean(..);
                grad(mean)(&at).item()
            };
            let found = [slope(|ln| ln.exp()), slope(|ln| (ln * 2.0).exp()), slope(|ln| ln.clone())];
            let trigamma = Tensor::from(a).polygamma(1).item();
            for (found, expected) in found.into_iter().zip([1.0, 2.0 * a + 1.0, trigamma]) {
                assert!((found / expected - 1.0).abs() < 0.05, "{a} in {dtype}: {found}, not {expected}");
            }
        }
    }
}

/// Moving the shape moves the number so that the distribution function keeps its value, at first and second order, in
/// reverse and forward.
#[test]
fn gamma_derivatives_follow_the_quantile() {
    /// −(∂P/∂a) / (∂P/∂z).
    fn slope(a: f64, z: f64) -> f64 {
        let (in_a, in_z) = grad(|x: &(Tensor, Tensor)| x.0.igamma(&x.1))(&(Tensor::from(a), Tensor::from(z)));
        -in_a.item() / in_z.item()
    }
    let h = 1e-4;
    for (seed, a) in [1.0, 2.2, 9.0, 30.0].into_iter().enumerate() {
        let draw = |a: &Tensor| Key::new(seed as u64).gamma(a, [], DType::F64);
        let at = Tensor::from(a);
        let (z, first) = jvp(draw, &at, &Tensor::from(1.0f64));
        let (z, expected) = (z.item(), slope(a, z.item()));
        let quantile = Tensor::from(a + h).igamma(z + h * expected).item() - Tensor::from(a).igamma(z).item();
        assert!(quantile.abs() < 1e-7, "{a}: {quantile}");
        for found in [first.item(), grad(draw)(&at).item()] {
            assert!((found - expected).abs() < 1e-10 * expected.abs(), "{a}: {found}, not {expected}");
        }
        let difference = (slope(a + h, z + h * expected) - slope(a - h, z - h * expected)) / (2.0 * h);
        let second = grad(grad(draw))(&at).item();
        assert!((second - difference).abs() < 1e-5, "{a}: {second}, not {difference}");
    }
}

#[test]
fn what_is_made_of_gamma_numbers() {
    for (a, b) in [(0.5, 0.5), (2.0, 5.0), (30.0, 0.2)] {
        let numbers = Key::new(3).beta(a, b, [COUNT], DType::F64);
        assert_distributed(&format!("beta of {a} and {b}"), &numbers, |x| {
            Tensor::full(x.shape(), a, DType::F64).betainc(b, x)
        });
    }
    for degrees in [1.0, 4.5, 100.0] {
        let numbers = Key::new(4).student_t(degrees, [COUNT], DType::F64);
        assert_distributed("student", &numbers, |x| {
            let tail = Tensor::full(x.shape(), 0.5 * degrees, DType::F64)
                .betainc(0.5, degrees / (x.square() + degrees))
                * 0.5;
            x.less(0.0).select(&tail, 1.0 - &tail)
        });
    }
    let weights = [0.2, 1.0, 3.0];
    let points = Key::new(6).dirichlet(&Tensor::from(weights), [COUNT], DType::F64);
    assert_eq!(points.shape(), &[COUNT, 3]);
    for (axis, weight) in weights.into_iter().enumerate() {
        assert_distributed("dirichlet", &points.narrow(1, axis, 1), |x| {
            Tensor::full(x.shape(), weight, DType::F64).betainc(4.2 - weight, x)
        });
    }
    // Where every gamma number underflows.
    let tiny = Key::new(7).dirichlet(&Tensor::from([1e-4f32, 1e-4]), [1000], DType::F32);
    let sums = tiny.sum(1).to_vec::<f32>();
    assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-6));
    assert!((tiny.narrow(1, 0, 1).mean(..).item() - 0.5).abs() < 0.06);
}

#[test]
fn truncated_normal_numbers() {
    for (low, high) in [(-1.0, 2.0), (-0.3, -0.1), (5.0, 6.0), (-20.0, 20.0), (-9.0, -8.0)] {
        for dtype in [DType::F32, DType::F64] {
            let numbers = Key::new(8).truncated_normal(low, high, [COUNT], dtype);
            assert!(numbers.min(..).item() >= low && numbers.max(..).item() <= high, "{low} {high}");
            assert_distributed(&format!("normal from {low} to {high}"), &numbers, |x| {
                // In the tail on the left, by symmetry: there the differences have digits.
                let mirrored = low > 0.0;
                let (x, from, to) = if mirrored { (-x, -high, -low) } else { (x.clone(), low, high) };
                let [first, last] = [from, to].map(|bound| Tensor::from(bound).ndtr());
                let below = (x.ndtr() - &first) / (last - &first);
                if mirrored { 1.0 - below } else { below }
            });
        }
    }
}

#[test]
fn poisson_numbers() {
    for (seed, rate) in [0.0, 0.3, 4.0, 9.99, 10.0, 35.5, 1e4, 1e9].into_iter().enumerate() {
        let numbers = Key::new(seed as u64).poisson(rate, [COUNT]);
        assert_eq!(numbers.dtype(), DType::I64);
        if rate == 0.0 {
            assert_eq!(numbers.max(..).item(), 0.0);
            continue;
        }
        assert_moments(&format!("poisson of {rate}"), &numbers, rate, rate);
        // P(k ≤ n) = Q(n + 1, rate), compared at every number that occurs.
        if rate < 1e5 {
            let mut sorted = numbers.to_vec::<i64>();
            sorted.sort_unstable();
            let mut worst = 0f64;
            for n in sorted[0]..=sorted[COUNT - 1] {
                let found = sorted.partition_point(|k| *k <= n) as f64 / COUNT as f64;
                let expected = Tensor::from(n as f64 + 1.0).igammac(rate).item();
                worst = worst.max((found - expected).abs());
            }
            assert!(worst * (COUNT as f64).sqrt() < 2.2, "poisson of {rate}: {worst}");
        }
    }
    let refused = Key::new(0).poisson(Tensor::from([-1.0f64, f64::NAN]), [2]);
    assert_eq!(refused.to_vec::<i64>(), [-1, -1]);
}

#[test]
fn integers_are_uniform() {
    let numbers = Key::new(2).randint(-3, 4, [7 * 5000]).to_vec::<i64>();
    for value in -3..4 {
        let count = numbers.iter().filter(|number| **number == value).count() as f64;
        assert!((count - 5000.0).abs() < 4.5 * 5000f64.sqrt(), "{value}: {count}");
    }
    assert!(numbers.iter().all(|number| (-3..4).contains(number)));
    let wide = Key::new(3).randint(i64::MIN, i64::MAX, [1000]).to_vec::<i64>();
    assert!(wide.iter().any(|number| *number < -(1 << 61)) && wide.iter().any(|number| *number > 1 << 61));
}

#[test]
fn classes_are_drawn_by_their_weights() {
    let logits = Tensor::from([0.1f64, 0.2, 0.7]).log();
    let drawn = Key::new(4).multinomial(&logits, COUNT, true);
    assert_eq!(drawn.shape(), &[COUNT]);
    for (class, weight) in [0.1, 0.2, 0.7].into_iter().enumerate() {
        let share = drawn.equal(class).cast(DType::F64).mean(..).item();
        assert!((share - weight).abs() < 0.015, "{class}: {share}");
    }
    // Without replacement: all different, the first by weight, the second by the weights of the others.
    let drawn = Key::new(5).multinomial(&logits.broadcast_to([COUNT, 3]), 3, false);
    assert_eq!(drawn.sum(1).max(..).item(), 3.0);
    let rows = drawn.to_vec::<i64>();
    let share = |first: i64, second: i64| {
        rows.chunks(3).filter(|row| row[0] == first && row[1] == second).count() as f64 / COUNT as f64
    };
    assert!((share(2, 1) - 0.7 * 0.2 / 0.3).abs() < 0.015 && (share(0, 1) - 0.1 * 0.2 / 0.9).abs() < 0.015);
    // A class of weight 0 comes last.
    let never = Tensor::from([f64::NEG_INFINITY, 0.0, 0.0]);
    let order = Key::new(6).multinomial(&never.broadcast_to([50, 3]), 3, false);
    assert!(order.narrow(1, 2, 1).equal(0).all(..).to_vec::<bool>()[0]);
    let shares =
        Key::new(7).bernoulli(Tensor::from([0.0f64, 0.25, 1.0]), [COUNT, 3]).cast(DType::F64).mean(0);
    let shares = shares.to_vec::<f64>();
    assert!(shares[0] == 0.0 && (shares[1] - 0.25).abs() < 0.015 && shares[2] == 1.0, "{shares:?}");
}

#[test]
fn slices_are_shuffled_and_chosen() {
    let x = Tensor::arange(10, DType::I64).reshape([5, 2]);
    let rows = |x: &Tensor| x.to_vec::<i64>().chunks(2).map(<[i64]>::to_vec).collect::<Vec<_>>();
    let mut shuffled = rows(&Key::new(9).shuffle(&x, 0));
    assert_ne!(shuffled, rows(&x));
    shuffled.sort_unstable();
    assert_eq!(shuffled, rows(&x));
    let mut chosen = rows(&Key::new(9).choice(&x, 4, false, 0));
    chosen.sort_unstable();
    chosen.dedup();
    assert_eq!(chosen.len(), 4);
    assert_eq!(Key::new(9).choice(&x, 20, true, -1).shape(), &[5, 20]);
}

#[test]
fn keys_and_parameters_are_mapped() {
    let keys = Key::new(12).split_many(3);
    let shapes = Tensor::from([0.5f64, 3.0, 50.0]);
    let draw = |arguments: &(Tensor, Tensor)| {
        Key::from_tensor(arguments.0.clone()).gamma(&arguments.1, [4], DType::F64)
    };
    let together = vmap(draw)(&(keys.clone(), shapes.clone()));
    for index in 0..3 {
        let one = |x: &Tensor| x.narrow(0, index, 1).squeeze(0);
        let singly = draw(&(one(&keys), one(&shapes)));
        assert_eq!(one(&together).to_vec::<f64>(), singly.to_vec::<f64>());
    }
    // A key of several draws for each of them.
    let batch = Key::from_tensor(keys).poisson(7.0, [2]);
    assert_eq!(batch.shape(), &[3, 2]);
    assert_ne!(batch.to_vec::<i64>()[..2], batch.to_vec::<i64>()[2..4]);
}

/// The number of threads belongs to the process; results do not depend on it, so the other tests do not mind.
#[test]
fn the_bits_do_not_depend_on_the_number_of_threads() {
    let draw = || {
        let [a, b, c, d] = Key::new(13).split();
        let numbers = [
            a.gamma(0.7, [5000], DType::F32),
            b.dirichlet(&Tensor::from([0.5f64, 2.0]), [2000], DType::F64),
            c.poisson(30.0, [5000]),
            d.randint(0, 1000, [5000]),
            d.truncated_normal(-1.0, 1.0, [5000], DType::F32),
        ];
        eval_tree(&numbers.to_vec());
        numbers.iter().map(Tensor::to_bytes).collect::<Vec<_>>()
    };
    set_threads(1);
    let one = draw();
    for threads in [2, 5] {
        set_threads(threads);
        assert!(draw() == one, "{threads} threads");
    }
}
