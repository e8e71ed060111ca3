//! Positions along layers.

use crate::graph::layout::Layered;

/// A position for each node: near its neighbours, in the order of its layer, and at least `room` from the next.
pub(super) fn positions(graph: &Layered, room: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    let mut at = vec![0.0; graph.above.len()];
    for layer in &graph.layers {
        let mut next = 0.0;
        for (index, &node) in layer.iter().enumerate() {
            if index > 0 {
                next += room(layer[index - 1], node);
            }
            at[node] = next;
        }
        // Layers begin centred.
        layer.iter().for_each(|&node| at[node] -= next / 2.0);
    }
    let rounds = if graph.above.len() > 2000 { 8 } else { 40 };
    for round in 0..rounds {
        let count = graph.layers.len();
        for step in 0..count {
            let layer = &graph.layers[if round % 2 == 0 { step } else { count - 1 - step }];
            let wish = |node: usize| {
                let (above, below) = (&graph.above[node], &graph.below[node]);
                let both = above.iter().chain(below);
                let number = above.len() + below.len();
                if number == 0 { at[node] } else { both.map(|&other| at[other]).sum::<f64>() / number as f64 }
            };
            let wishes: Vec<f64> = layer.iter().map(|&node| wish(node)).collect();
            // Bends give way least, so that long edges are straight.
            let weights: Vec<f64> =
                layer.iter().map(|&node| if node >= graph.nodes { 4.0 } else { 1.0 }).collect();
            let rooms: Vec<f64> = layer.windows(2).map(|pair| room(pair[0], pair[1])).collect();
            for (&node, place) in layer.iter().zip(nearest(&wishes, &weights, &rooms)) {
                at[node] = place;
            }
        }
    }
    at
}

/// The positions nearest to `wishes` in weighted squares that are at least `rooms` apart: isotonic regression by
/// pooling adjacent violators (Ayer et al. 1955).
fn nearest(wishes: &[f64], weights: &[f64], rooms: &[f64]) -> Vec<f64> {
    let mut offset = 0.0;
    let mut offsets = Vec::with_capacity(wishes.len());
    // Blocks of nodes that touch: mean wish, weight, members.
    let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
    for (index, (&wish, &weight)) in wishes.iter().zip(weights).enumerate() {
        if index > 0 {
            offset += rooms[index - 1];
        }
        offsets.push(offset);
        let mut block = (wish - offset, weight, 1);
        while let Some(&(mean, heavy, members)) = blocks.last()
            && mean > block.0
        {
            let total = heavy + block.1;
            block = ((mean * heavy + block.0 * block.1) / total, total, members + block.2);
            blocks.pop();
        }
        blocks.push(block);
    }
    let means = blocks.iter().flat_map(|&(mean, _, members)| std::iter::repeat_n(mean, members));
    means.zip(offsets).map(|(mean, offset)| mean + offset).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn nodes_that_want_the_same_place_share_it_evenly() {
        let places = super::nearest(&[5.0, 5.0, 5.0, 30.0], &[1.0; 4], &[4.0; 3]);
        assert_eq!(places, [1.0, 5.0, 9.0, 30.0]);
    }
}
