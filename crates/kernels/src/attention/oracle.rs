//! Attention as it is defined, to test the tiled one against: every weight in memory, in f64.

use super::{AttentionShape, Scores};

/// Weights `[heads, queries, keys]`, and the log-sum-exp of each row (0 for a row that sees nothing).
pub fn weights(from: &Scores<f64>) -> (Vec<f64>, Vec<f64>) {
    let shape = &from.shape;
    let (mut weights, mut log_sums) = (Vec::new(), Vec::new());
    for head in 0..shape.heads {
        for query in 0..shape.queries {
            let scores: Vec<f64> = (0..shape.keys).map(|key| score(from, head, query, key)).collect();
            let sum: f64 = scores.iter().map(|score| score.exp()).sum();
            weights.extend(scores.iter().map(|score| if sum > 0.0 { score.exp() / sum } else { 0.0 }));
            log_sums.push(if sum > 0.0 { sum.ln() } else { 0.0 });
        }
    }
    (weights, log_sums)
}

fn score(from: &Scores<f64>, head: usize, query: usize, key: usize) -> f64 {
    let AttentionShape { width, scale, keys, queries, group, .. } = from.shape;
    let position = query as isize + keys as isize - queries as isize;
    let distance = key as isize - position;
    let hidden = from.shape.causal && distance > 0
        || from.shape.window.is_some_and(|window| distance.unsigned_abs() >= window)
        || from
            .mask
            .is_some_and(|mask| !mask.values[mask.starts[head] + query * mask.row + key * mask.column]);
    if hidden {
        return f64::NEG_INFINITY;
    }
    let q = &from.query[(head * queries + query) * width..][..width];
    let k = &from.key[(head / group * keys + key) * width..][..width];
    let product: f64 = q.iter().zip(k).map(|(q, k)| q * k).sum();
    let added =
        |bias: super::Stretched<f64>| bias.values[bias.starts[head] + query * bias.row + key * bias.column];
    product * scale + from.bias.map_or(0.0, added)
}
