//! The order within layers: fewer crossings.

use crate::graph::layout::Layered;

/// Orders each layer so that few edges cross: layers are sorted by the mean place of their neighbours, down and up in
/// turn, neighbours are swapped where that helps, and the best order seen is kept.
pub(super) fn reduce_crossings(graph: &mut Layered) {
    let mut place = vec![0usize; graph.above.len()];
    let set = |layer: &[usize], place: &mut [usize]| {
        layer.iter().enumerate().for_each(|(index, &node)| place[node] = index);
    };
    for layer in &graph.layers {
        set(layer, &mut place);
    }
    let mut best = graph.layers.clone();
    let mut least = crossings(graph, &place);
    let rounds = if graph.above.len() > 2000 { 8 } else { 24 };
    for round in 0..rounds {
        if least == 0 {
            break;
        }
        let down = round % 2 == 0;
        let count = graph.layers.len();
        for step in 1..count {
            let index = if down { step } else { count - 1 - step };
            let mut layer = std::mem::take(&mut graph.layers[index]);
            let neighbours = if down { &graph.above } else { &graph.below };
            let mean = |node: usize| {
                let of = &neighbours[node];
                if of.is_empty() {
                    return place[node] as f64;
                }
                of.iter().map(|&other| place[other] as f64).sum::<f64>() / of.len() as f64
            };
            let mut keyed: Vec<(f64, usize)> = layer.iter().map(|&node| (mean(node), node)).collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            layer = keyed.into_iter().map(|(_, node)| node).collect();
            set(&layer, &mut place);
            swap(&mut layer, &mut place, graph);
            graph.layers[index] = layer;
        }
        let now = crossings(graph, &place);
        if now < least {
            least = now;
            best = graph.layers.clone();
        }
    }
    graph.layers = best;
}

/// Swaps neighbours within a layer while their edges cross less that way.
fn swap(layer: &mut [usize], place: &mut [usize], graph: &Layered) {
    let between = |left: usize, right: usize, place: &[usize]| {
        let count = |neighbours: &[Vec<usize>]| {
            let mut crossed = 0usize;
            for &a in &neighbours[left] {
                crossed += neighbours[right].iter().filter(|&&b| place[b] < place[a]).count();
            }
            crossed
        };
        count(&graph.above) + count(&graph.below)
    };
    for _ in 0..4 {
        let mut changed = false;
        for index in 1..layer.len() {
            let (left, right) = (layer[index - 1], layer[index]);
            if between(right, left, place) < between(left, right, place) {
                layer.swap(index - 1, index);
                (place[left], place[right]) = (index, index - 1);
                changed = true;
            }
        }
        if !changed {
            return;
        }
    }
}

/// The number of pairs of edges that cross, by counting inversions in a Fenwick tree (Barth, Jünger and Mutzel 2002).
pub(super) fn crossings(graph: &Layered, place: &[usize]) -> usize {
    let mut total = 0;
    for pair in graph.layers.windows(2) {
        let mut tree = vec![0usize; pair[1].len() + 1];
        let mut seen = 0;
        for &node in &pair[0] {
            let mut ends: Vec<usize> = graph.below[node].iter().map(|&other| place[other]).collect();
            ends.sort_unstable();
            for &end in &ends {
                let (mut at, mut not_after) = (end + 1, 0);
                while at > 0 {
                    not_after += tree[at];
                    at -= at & at.wrapping_neg();
                }
                total += seen - not_after;
            }
            for &end in &ends {
                let mut at = end + 1;
                while at < tree.len() {
                    tree[at] += 1;
                    at += at & at.wrapping_neg();
                }
                seen += 1;
            }
        }
    }
    total
}
