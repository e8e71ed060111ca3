//! Whole panels, graphs, animations.

use bolete_plot::{
    Animation, Axes, ColourMap, Contour, Figure, FilledContour, Graph, Line, Scatter, confusion_matrix,
    parallel_coordinates, parity, precision_recall, reliability, roc,
};

use super::data::{Noise, beale};

pub fn diagnostics() -> Figure {
    let mut noise = Noise(11);
    let positive: Vec<bool> = (0..400).map(|_| noise.uniform() < 0.4).collect();
    let mut scores = |strength: f64| -> Vec<f64> {
        positive.iter().map(|&p| if p { strength } else { 0.0 } + noise.normal()).collect()
    };
    let models = [("wide", scores(2.2), &positive), ("narrow", scores(1.0), &positive)];
    let confidence: Vec<f64> = (0..2000).map(|_| noise.uniform().powf(0.35)).collect();
    let right: Vec<bool> = confidence.iter().map(|c| noise.uniform() < c * c * 0.9 + 0.05).collect();
    let truth: Vec<f64> = noise.normals(300).iter().map(|x| x * 3.0 - 2.0).collect();
    let prediction: Vec<f64> = truth.iter().map(|t| t * 0.95 + 0.6 * noise.normal()).collect();
    Figure::grid(
        2,
        [
            roc(&models),
            precision_recall(&models),
            reliability(&confidence, &right, 12),
            parity(&truth, &prediction),
        ],
    )
}

pub fn confusion() -> Figure {
    let names: Vec<String> = (0..10).map(|digit| digit.to_string()).collect();
    let count = |index: usize| match (index / 10, index % 10) {
        (a, b) if a == b => 950 + (a * 37) % 40,
        (a, b) => (a * 7 + b * 13) % 23 / 5 * usize::from((a + b) % 3 != 0),
    };
    let digits = confusion_matrix(&names, &(0..100).map(count).collect::<Vec<_>>());
    let animals =
        confusion_matrix(&["aeroplane", "cat", "dog"], &[91, 4, 5, 2, 70, 28, 1, 22, 77]).title("Animals");
    Figure::grid(2, [digits, animals])
}

pub fn sweep() -> Figure {
    let mut noise = Noise(13);
    let run = |_| {
        let (rate, width) =
            (10f64.powf(-4.0 + 3.0 * noise.uniform()), 16.0 * 2f64.powf((noise.uniform() * 5.0).floor()));
        let (dropout, depth) = (noise.uniform() * 0.5, 1.0 + (noise.uniform() * 6.0).floor());
        let loss = 0.2
            + (rate.log10() + 2.5).powi(2) * 0.3
            + 3.0 / width.sqrt()
            + dropout * 0.3
            + 0.05 * noise.uniform();
        [rate, width, depth, dropout, loss]
    };
    let runs: Vec<[f64; 5]> = (0..60).map(run).collect();
    Figure::new(parallel_coordinates(&["learning rate", "width", "depth", "dropout", "loss"], &runs))
}

pub fn graph() -> Figure {
    let mut graph = Graph::new();
    let x = graph.node("x\n[64, 784]", "input");
    let w = graph.node("W\n[784, 128]", "parameter");
    let b = graph.node("b\n[128]", "parameter");
    let [product, sum, tanh] = ["matmul", "+", "tanh"].map(|op| graph.node(op, "op"));
    let (w2, product2) = (graph.node("W₂\n[128, 10]", "parameter"), graph.node("matmul", "op"));
    let y = graph.node("labels", "input");
    let loss = graph.node("cross-entropy", "op");
    let decay = graph.node("½λ‖W‖²", "op");
    let total = graph.node("loss", "output");
    for (from, to) in [
        (x, product),
        (w, product),
        (product, sum),
        (b, sum),
        (sum, tanh),
        (tanh, product2),
        (w2, product2),
        (product2, loss),
        (y, loss),
        (w, decay),
        (w2, decay),
        (loss, total),
        (decay, total),
    ] {
        graph.edge(from, to);
    }
    graph.figure("A network and its loss")
}

pub fn chain() -> Figure {
    let mut graph = Graph::new().sideways();
    let states = ["sunny", "cloudy", "rain"].map(|state| graph.node(state, "state"));
    for (from, to, chance) in [(0, 1, "0.3"), (1, 2, "0.4"), (2, 0, "0.2"), (0, 2, "0.1"), (1, 1, "0.6")] {
        graph.labelled_edge(states[from], states[to], chance);
    }
    graph.figure("A Markov chain")
}

pub fn descent() -> Animation {
    let mut animation = Animation::new(80);
    let mut path = vec![(1.0f64, 1.5f64)];
    for _ in 0..60 {
        let (x, y) = path[path.len() - 1];
        let step = 1e-4;
        let slope = |dx: f64, dy: f64| (beale(x + dx, y + dy) - beale(x - dx, y - dy)) / (2.0 * step);
        let (gx, gy) = (slope(step, 0.0), slope(0.0, step));
        let rate = 0.02f64.min(0.12 / gx.hypot(gy));
        path.push((x - rate * gx, y - rate * gy));
    }
    for shown in (1..path.len()).step_by(3) {
        let (x, y): (Vec<f64>, Vec<f64>) = path[..=shown].iter().copied().unzip();
        let axes = Axes::new(format!("step {shown}"))
            .labels("x", "y")
            .with(
                FilledContour::function((-1.0, 4.0), (-1.0, 2.0), 60, |x, y| beale(x, y) + 1e-3)
                    .log_levels(8)
                    .no_bar()
                    .map(ColourMap::Gray),
            )
            .with(Contour::function((-1.0, 4.0), (-1.0, 2.0), 60, beale).levels_at(&[1.0]).dashed())
            .with(Line::new(&x, &y).width(2.4))
            .with(Scatter::new(&[3.0], &[0.5]).stars());
        animation.push(&Figure::new(axes));
    }
    animation
}
