//! The wind tunnel against PyTorch, against finite differences, and against what air does.

use bolete_tensor::{DType, Key, Step, Tensor, check_gradients, value_and_grad};
use bolete_worlds::fluid::projection::{Medium, divergence, project};
use bolete_worlds::fluid::{Velocity, WindTunnel};
use serde_json::Value;

fn coarse(dtype: DType) -> WindTunnel {
    WindTunnel { rows: 16, columns: 24, steps: 3, sweeps: 10, dtype, ..WindTunnel::default() }
}

/// The numbers that `bench/peers/fluid_torch.py` starts from: a linear congruential generator, from −1 to 1.
fn drawn(tunnel: &WindTunnel) -> Tensor {
    let mut state = 1u64;
    let next = |_| {
        state = (1_664_525 * state + 1_013_904_223) % (1 << 32);
        2.0 * state as f64 / (1u64 << 32) as f64 - 1.0
    };
    let numbers: Vec<f64> = (0..tunnel.rows * tunnel.columns).map(next).collect();
    Tensor::from_vec(numbers, [tunnel.rows, tunnel.columns])
}

#[track_caller]
fn close(found: &Tensor, expected: &Value, tolerance: f64) {
    let expected: Vec<f64> =
        expected.as_array().expect("a list").iter().map(|value| value.as_f64().expect("a number")).collect();
    let found = found.to_vec::<f64>();
    assert_eq!(found.len(), expected.len());
    let worst = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(worst < tolerance, "differs by {worst}");
}

#[test]
fn the_flow_and_its_gradient_are_those_of_pytorch() {
    let golden: Value = serde_json::from_str(include_str!("fluid.json")).expect("golden numbers");
    let tunnel = coarse(DType::F64);
    for (own, name) in [
        (tunnel.rows, "rows"),
        (tunnel.columns, "columns"),
        (tunnel.steps, "steps"),
        (tunnel.sweeps, "sweeps"),
    ] {
        assert_eq!(golden[name], own, "{name}");
    }
    let obstacle = drawn(&tunnel);
    let flow = tunnel.simulate(&obstacle);
    close(&flow.velocity.x, &golden["x"], 1e-10);
    close(&flow.velocity.y, &golden["y"], 1e-10);
    let (value, slope) = value_and_grad(|obstacle: &Tensor| tunnel.lift_to_drag(obstacle))(&obstacle);
    let expected = golden["lift_to_drag"].as_f64().expect("a number");
    assert!((value.item() - expected).abs() < 1e-11, "{} instead of {expected}", value.item());
    close(&slope, &golden["slope"], 1e-11);
}

#[test]
fn derivatives_follow_finite_differences() {
    let tunnel = WindTunnel { steps: 2, sweeps: 4, ..coarse(DType::F64) };
    check_gradients(|obstacle| tunnel.lift_to_drag(obstacle), &drawn(&tunnel), 1e-6, 1e-6)
        .expect("derivatives");
}

#[test]
fn projection_removes_divergence() {
    // A wave along the wind, a shorter one across it, and some of both.
    let (rows, columns) = (20, 30);
    let angle = |length: usize, waves: f64| {
        Tensor::arange(length, DType::F64) * (2.0 * std::f64::consts::PI * waves / length as f64)
    };
    let (down, along) = (angle(rows, 2.0).unsqueeze(1), angle(columns, 3.0).unsqueeze(0));
    let velocity = Velocity {
        x: 1.0 + along.sin() * 0.3 + down.cos() * along.cos() * 0.1,
        y: down.sin() * 0.2 + down.cos() * along.cos() * 0.1,
    };
    let medium = Medium::new(&Tensor::zeros([rows, columns], DType::F64));
    let left =
        |sweeps: usize| divergence(&project(&velocity, &medium, sweeps)).square().mean(..).item().sqrt();
    let left = [0, 10, 50, 300].map(left);
    assert!(left.is_sorted_by(|before, after| before > after), "{left:?}");
    assert!(left[2] < 0.15 * left[0], "{left:?}");
}

#[test]
fn air_stands_still_in_a_solid_and_flows_on_without_one() {
    let tunnel = coarse(DType::F64);
    let nothing = tunnel.simulate(&Tensor::full([16, 24], -1e3, DType::F64));
    assert!((&nothing.velocity.x - 1.0).abs().max(..).item() < 1e-12);
    assert!(nothing.velocity.y.abs().max(..).item() < 1e-12);
    let solid = tunnel.simulate(&Tensor::full([16, 24], 1e3, DType::F64));
    // At the inlet the wind is restored, whatever is there.
    let inside =
        (&solid.velocity.x * &solid.solidity).narrow(1, tunnel.margin, tunnel.columns - tunnel.margin);
    assert_eq!(inside.abs().max(..).item(), 0.0);
    assert!(solid.solidity.sum(..).item() > 0.0 && solid.velocity.y.abs().max(..).item() > 1e-3);
}

#[test]
fn smoke_stays_smoke() {
    let tunnel = WindTunnel { steps: 8, ..coarse(DType::F32) };
    let flow = tunnel.simulate(&drawn(&tunnel).cast(DType::F32));
    assert_eq!(flow.smoke.shape().dims(), [9, 2, 16, 24]);
    let (least, most) = (flow.smoke.min(..).item(), flow.smoke.max(..).item());
    assert!(least > -1e-5 && most < 1.0 + 1e-5, "from {least} to {most}");
    let mass = flow.smoke.sum([2, 3]).to_vec::<f32>();
    assert!(mass.iter().all(|mass| *mass > 0.2 * 4.0 * 24.0 && *mass < 1.2 * 4.0 * 24.0), "{mass:?}");
    let frames = flow.frames();
    assert_eq!((frames.shape().dims(), frames.dtype()), ([9, 16, 24, 3].as_slice(), DType::U8));
    // White air in the corner, red above blue at the inlet.
    let pixel =
        |row: usize| frames.narrow(0, 8, 1).narrow(1, row, 1).narrow(2, 0, 1).flatten().to_vec::<u8>();
    assert_eq!(pixel(0), [255, 255, 255]);
    assert!(pixel(5)[0] > pixel(5)[2] && pixel(9)[0] < pixel(9)[2]);
}

#[test]
fn ascent_improves_lift_over_drag() {
    let tunnel = WindTunnel { rows: 24, columns: 36, steps: 6, sweeps: 15, ..WindTunnel::default() };
    let mut wing = tunnel.initial_wing(&Key::new(0));
    let mut ascend = Step::new(|wing: Tensor| tunnel.ascend(&wing, 100.0));
    let mut values = Vec::new();
    for _ in 0..10 {
        let value;
        (wing, value) = ascend.call(wing);
        values.push(value.item());
    }
    assert!(values.is_sorted() && values[9] > values[0] + 0.01, "{values:?}");
    assert_eq!(ascend.traces(), 1);
}

#[test]
#[should_panic(
    expected = "the obstacle has the shape [3, 4], but the wind tunnel has 16 rows and 24 columns"
)]
fn obstacles_fit_the_grid() {
    coarse(DType::F32).simulate(&Tensor::zeros([3, 4], DType::F32));
}
