//! Layers, and from them rectangles and lines.

use crate::graph::{order, place};
use crate::scene::{Point, Rect};

/// Distances between layers and between neighbours within one.
const BETWEEN_LAYERS: f64 = 34.0;
const BETWEEN_NODES: f64 = 16.0;
const BETWEEN_LINES: f64 = 10.0;
const EDGE: f64 = 3.0;

/// Where everything goes.
#[derive(Clone, Debug, Default)]
pub(super) struct Layout {
    pub boxes: Vec<Rect>,
    /// The points of each edge, from the border of one box to that of the other.
    pub edges: Vec<Vec<Point>>,
    pub width: f64,
    pub height: f64,
}

/// The graph in layers: nodes first, then the bends of edges that pass through layers.
pub(super) struct Layered {
    /// What each layer holds, in order.
    pub layers: Vec<Vec<usize>>,
    /// Neighbours in the layer before.
    pub above: Vec<Vec<usize>>,
    /// Neighbours in the layer after.
    pub below: Vec<Vec<usize>>,
    /// The first bend.
    pub nodes: usize,
}

/// Lays out nodes of given sizes.
pub(super) fn layout(sizes: &[(f64, f64)], edges: &[(usize, usize)], sideways: bool) -> Layout {
    if sizes.is_empty() {
        return Layout::default();
    }
    let turned: Vec<bool> = backward(sizes.len(), edges);
    let forward: Vec<(usize, usize)> = edges
        .iter()
        .zip(&turned)
        .map(|(&(from, to), &turned)| if turned { (to, from) } else { (from, to) })
        .collect();
    let rank = ranks(sizes.len(), &forward);
    let last = rank.iter().copied().max().unwrap_or(0);
    let mut graph = Layered {
        layers: vec![Vec::new(); last + 1],
        above: vec![Vec::new(); sizes.len()],
        below: vec![Vec::new(); sizes.len()],
        nodes: sizes.len(),
    };
    for (node, &rank) in rank.iter().enumerate() {
        graph.layers[rank].push(node);
    }
    // A bend in every layer between the ends of an edge.
    let mut chains = Vec::with_capacity(edges.len());
    for &(from, to) in &forward {
        let mut chain = vec![from];
        if from != to {
            for layer in &mut graph.layers[rank[from] + 1..rank[to]] {
                let bend = graph.above.len();
                graph.above.push(Vec::new());
                graph.below.push(Vec::new());
                layer.push(bend);
                chain.push(bend);
            }
            chain.push(to);
            for pair in chain.windows(2) {
                graph.below[pair[0]].push(pair[1]);
                graph.above[pair[1]].push(pair[0]);
            }
        }
        chains.push(chain);
    }
    order::reduce_crossings(&mut graph);
    // Breadth lies along a layer, depth across it.
    let breadth = |node: usize| match sizes.get(node) {
        Some(&(width, height)) => {
            if sideways {
                height
            } else {
                width
            }
        }
        None => 0.0,
    };
    let depth = |node: usize| match sizes.get(node) {
        Some(&(width, height)) => {
            if sideways {
                width
            } else {
                height
            }
        }
        None => 0.0,
    };
    let room = |left: usize, right: usize| {
        let gap = if left < sizes.len() && right < sizes.len() { BETWEEN_NODES } else { BETWEEN_LINES };
        (breadth(left) + breadth(right)) / 2.0 + gap
    };
    let across = place::positions(&graph, room);
    let lowest =
        (0..across.len()).map(|node| across[node] - breadth(node) / 2.0).fold(f64::INFINITY, f64::min);
    let highest = (0..across.len()).map(|node| across[node] + breadth(node) / 2.0).fold(f64::MIN, f64::max);
    let mut along = Vec::new();
    let mut level = EDGE;
    for layer in &graph.layers {
        let thick = layer.iter().map(|&node| depth(node)).fold(0.0, f64::max);
        along.push(level + thick / 2.0);
        level += thick + BETWEEN_LAYERS;
    }
    let mut layer_of = vec![0; across.len()];
    for (index, layer) in graph.layers.iter().enumerate() {
        layer.iter().for_each(|&node| layer_of[node] = index);
    }
    let point = |node: usize, shift: f64| {
        let (a, b) = (across[node] - lowest + EDGE, along[layer_of[node]] + shift);
        if sideways { Point::new(b, a) } else { Point::new(a, b) }
    };
    let boxes: Vec<Rect> = sizes
        .iter()
        .enumerate()
        .map(|(node, &(width, height))| {
            let centre = point(node, 0.0);
            Rect::new(centre.x - width / 2.0, centre.y - height / 2.0, width, height)
        })
        .collect();
    let lines = chains
        .iter()
        .zip(&turned)
        .map(|(chain, &turned)| {
            let (first, last) = (chain[0], chain[chain.len() - 1]);
            let mut points: Vec<Point> = chain
                .iter()
                .map(|&node| match node {
                    node if node == first => point(node, depth(node) / 2.0),
                    node if node == last => point(node, -depth(node) / 2.0),
                    node => point(node, 0.0),
                })
                .collect();
            if turned {
                points.reverse();
            }
            points
        })
        .collect();
    let (wide, high) = (highest - lowest + 2.0 * EDGE, level - BETWEEN_LAYERS + EDGE);
    let (width, height) = if sideways { (high, wide) } else { (wide, high) };
    Layout { boxes, edges: lines, width, height }
}

/// Which edges close a cycle, found by a search in depth without recursion.
fn backward(nodes: usize, edges: &[(usize, usize)]) -> Vec<bool> {
    let mut out = vec![Vec::new(); nodes];
    for (index, &(from, _)) in edges.iter().enumerate() {
        out[from].push(index);
    }
    let mut turned = vec![false; edges.len()];
    // 0: not seen, 1: on the way, 2: done.
    let mut state = vec![0u8; nodes];
    for start in 0..nodes {
        if state[start] != 0 {
            continue;
        }
        state[start] = 1;
        let mut stack = vec![(start, 0)];
        while let Some((node, next)) = stack.last_mut() {
            let Some(&edge) = out[*node].get(*next) else {
                state[*node] = 2;
                stack.pop();
                continue;
            };
            *next += 1;
            let target = edges[edge].1;
            match state[target] {
                0 => {
                    state[target] = 1;
                    stack.push((target, 0));
                }
                1 => turned[edge] = true,
                _ => {}
            }
        }
    }
    turned
}

/// The layer of each node: below all that lead to it, then as near as possible to what it leads to.
fn ranks(nodes: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut out = vec![Vec::new(); nodes];
    let mut waiting = vec![0usize; nodes];
    for &(from, to) in edges.iter().filter(|(from, to)| from != to) {
        out[from].push(to);
        waiting[to] += 1;
    }
    let inputs = waiting.clone();
    let mut order: Vec<usize> = (0..nodes).filter(|&node| waiting[node] == 0).collect();
    let mut rank = vec![0usize; nodes];
    let mut next = 0;
    while let Some(&node) = order.get(next) {
        next += 1;
        for &to in &out[node] {
            rank[to] = rank[to].max(rank[node] + 1);
            waiting[to] -= 1;
            if waiting[to] == 0 {
                order.push(to);
            }
        }
    }
    // Sources move down to their readers: short edges cross less.
    for &node in order.iter().rev() {
        if inputs[node] == 0
            && let Some(nearest) = out[node].iter().map(|&to| rank[to]).min()
        {
            rank[node] = nearest - 1;
        }
    }
    rank
}
