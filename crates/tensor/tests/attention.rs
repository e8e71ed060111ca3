//! Attention never stores the matrix of its weights, and says what does not fit.

use bolete_tensor::plan::report::report;
use bolete_tensor::{AttentionOptions, DType, Key, Tensor, eval, value_and_grad};

const LENGTH: usize = 8192;
const WIDTH: usize = 64;

#[test]
fn memory_grows_with_the_length() {
    let peak = |length: usize| {
        let input = || Tensor::zeros([1, length, WIDTH], DType::F32);
        let (value, slopes) =
            value_and_grad(|[q, k, v]: &[Tensor; 3]| q.attention(k, v, &AttentionOptions::causal()).sum(..))(
                &[input(), input(), input()],
            );
        report(&[&value, &slopes[0], &slopes[1], &slopes[2]]).peak_bytes
    };
    let (half, whole) = (peak(LENGTH / 2), peak(LENGTH));
    assert!(whole <= 2 * half + 4096, "{half} and {whole} bytes");
    // Inputs, outputs and what lies between are a dozen such tensors at most; all weights would be 268 MB.
    assert!(whole < 12 * LENGTH * WIDTH * 4, "{whole} bytes");
}

#[test]
fn long_sequences_are_right() {
    let keys: [Key; 3] = Key::new(0).split();
    let [q, k, v] = keys.map(|key| key.normal([1, LENGTH, WIDTH], DType::F32));
    let (_, slopes) = value_and_grad(|[q, k, v]: &[Tensor; 3]| {
        q.attention(k, v, &AttentionOptions::causal()).narrow(1, LENGTH - 2, 2).square().sum(..)
    })(&[q.clone(), k.clone(), v.clone()]);
    eval(&slopes);
    // The last two queries alone, in plain ops.
    let (_, expected) = value_and_grad(|[q, k, v]: &[Tensor; 3]| {
        let row = |at: usize| {
            let seen = |x: &Tensor| x.narrow(1, 0, at + 1);
            let scores = q.narrow(1, at, 1).matmul(&seen(k).t()) * (1.0 / (WIDTH as f64).sqrt());
            scores.softmax(-1).matmul(&seen(v)).square().sum(..)
        };
        row(LENGTH - 2) + row(LENGTH - 1)
    })(&[q, k, v]);
    for (found, expected) in slopes.iter().zip(&expected) {
        let error = (found - expected).abs().max(..).item();
        assert!(error < 1e-5, "{error}");
    }
}

#[test]
#[should_panic(
    expected = "attention: queries [3, 2, 4], keys [2, 2, 4] and values [2, 2, 4] do not go together"
)]
fn heads_must_divide() {
    let x = |heads: usize| Tensor::zeros([heads, 2, 4], DType::F32);
    x(3).attention(&x(2), &x(2), &AttentionOptions::default());
}

#[test]
#[should_panic(expected = "attention: the mask [3, 2] does not stretch to [1, 2, 2]")]
fn masks_must_stretch() {
    let x = Tensor::zeros([1, 2, 4], DType::F32);
    let mask = Some(Tensor::ones([3, 2], DType::Bool));
    x.attention(&x, &x, &AttentionOptions { mask, ..AttentionOptions::default() });
}
