//! Graph drawings: boxes apart, edges one way, few crossings.

use bolete_plot::Graph;

/// A graph of `count` nodes, each with edges from up to three earlier ones.
fn random(count: usize, seed: u64) -> Graph {
    let mut graph = Graph::new();
    let mut state = seed;
    let mut below = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound
    };
    for node in 0..count {
        let label = "x".repeat(1 + below(14));
        graph.node(label, ["a", "b", "c"][below(3)]);
        for _ in 0..below(4).min(node) {
            graph.edge(below(node), node);
        }
    }
    graph
}

#[test]
fn boxes_do_not_overlap() {
    for seed in 0..12 {
        for graph in [random(40, seed), random(40, seed).sideways()] {
            let boxes = graph.boxes();
            for (index, a) in boxes.iter().enumerate() {
                for b in &boxes[..index] {
                    let apart =
                        a.right() <= b.x || b.right() <= a.x || a.bottom() <= b.y || b.bottom() <= a.y;
                    assert!(apart, "{a:?} {b:?}");
                }
            }
        }
    }
}

#[test]
fn edges_run_downwards() {
    let mut graph = Graph::new();
    let nodes: Vec<usize> = (0..6).map(|i| graph.node(format!("{i}"), "")).collect();
    let edges = [(0, 1), (1, 2), (0, 2), (2, 5), (3, 4), (4, 5)];
    edges.iter().for_each(|&(from, to)| graph.edge(nodes[from], nodes[to]));
    let boxes = graph.boxes();
    assert!(edges.iter().all(|&(from, to)| boxes[from].bottom() < boxes[to].y));
}

#[test]
fn needless_crossings_are_undone() {
    // Five pairs given in opposite orders.
    let mut graph = Graph::new();
    let upper: Vec<usize> = (0..5).map(|i| graph.node(format!("u{i}"), "")).collect();
    let lower: Vec<usize> = (0..5).map(|i| graph.node(format!("l{i}"), "")).collect();
    (0..5).for_each(|i| graph.edge(upper[i], lower[4 - i]));
    let boxes = graph.boxes();
    for i in 0..5 {
        let (from, to) = (boxes[upper[i]].centre(), boxes[lower[4 - i]].centre());
        assert!((from.x - to.x).abs() < 1.0, "straight");
    }
}

#[test]
fn cycles_loops_and_multiple_edges_are_drawn() {
    let mut graph = Graph::new();
    let nodes: Vec<usize> = (0..4).map(|i| graph.node(format!("{i}"), "")).collect();
    for (from, to) in [(0, 1), (1, 2), (2, 0), (3, 3), (0, 1), (1, 0)] {
        graph.labelled_edge(nodes[from], nodes[to], format!("{from}{to}"));
    }
    for svg in [graph.figure("").svg(), graph.clone().sideways().figure("").svg()] {
        assert!(["01", "12", "20", "33", "10"].iter().all(|label| svg.contains(&format!(">{label}<"))));
    }
}

#[test]
fn a_thousand_nodes_are_laid_out() {
    let boxes = random(1000, 1).boxes();
    assert!(boxes.len() == 1000 && boxes.iter().all(|rect| rect.x.is_finite() && rect.y.is_finite()));
}
