//! Recurrent layers and losses on sequences.

use super::*;

/// From numbers, states of two sequences of one and two steps, all outputs in one.
fn joined(outputs: &[&Tensor]) -> Tensor {
    let flat: Vec<Tensor> = outputs.iter().map(|output| output.flatten()).collect();
    Tensor::concatenate(&flat, 0)
}

fn lengths() -> Tensor {
    Tensor::from([1i64, 2])
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("rnn_tanh", &[&[2, 2, 2], &[2, 2], &[2], &[2, 2]], anywhere, |x| {
            let (all, last) = x[0].rnn_tanh(&x[1], &x[2], &x[3], Some(&lengths()));
            joined(&[&all, &last])
        }),
        case("rnn_relu", &[&[2, 1, 2], &[2, 2], &[2], &[1, 2]], anywhere, |x| {
            let (all, last) = x[0].rnn_relu(&x[1], &x[2], &x[3], None);
            joined(&[&all.square(), &last])
        }),
        case("lstm", &[&[2, 2, 4], &[4, 1], &[4], &[2, 1], &[2, 1]], anywhere, |x| {
            let made = x[0].lstm(&x[1], &x[2], &x[3], &x[4], Some(&lengths()));
            joined(&[&made.sequence, &made.hidden, &made.cell])
        }),
        case("gru", &[&[2, 2, 3], &[3, 1], &[3], &[2, 1]], anywhere, |x| {
            let (all, last) = x[0].gru(&x[1], &x[2], &x[3], Some(&lengths()));
            joined(&[&all, &last])
        }),
        case("ctc_loss", &[&[4, 2, 3]], anywhere, |x| {
            let targets = Tensor::from([[1i64, 1], [2, 0]]);
            let (input_lengths, target_lengths) = (Tensor::from([4i64, 3]), Tensor::from([2i64, 1]));
            x[0].log_softmax(-1).ctc_loss(&targets, &input_lengths, &target_lengths, 0)
        }),
    ]
}
