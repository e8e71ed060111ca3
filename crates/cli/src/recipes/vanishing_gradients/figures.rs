//! Figures of vanishing gradients.

use bolete::plot::{Axes, Colour, Figure, Histogram, Legend, Line, Marker};
use bolete::prelude::*;

use super::layers::Profile;
use crate::session::Session;

/// Functions with their derivatives.
pub(super) fn gallery(session: &mut Session) -> anyhow::Result<()> {
    type Function = fn(&Tensor) -> Tensor;
    let functions: [(&str, Function); 9] = [
        ("sigmoid", |x| x.sigmoid()),
        ("tanh", |x| x.tanh()),
        ("ReLU", |x| x.relu()),
        ("leaky ReLU, slope 0.1", |x| x.leaky_relu(0.1)),
        ("ELU", |x| x.elu(1.0)),
        ("SELU", |x| x.selu()),
        ("softplus", |x| x.softplus()),
        ("swish", |x| x.silu()),
        ("sign", |x| x.sign()),
    ];
    let x = Tensor::linspace(-4.0, 4.0, 4_000, DType::F64);
    let places = x.to_vec::<f64>();
    let panels = functions.map(|(name, function)| {
        let slope = grad(|x: &Tensor| function(x).sum(..))(&x);
        Axes::new(name)
            .x_range(-4.0, 4.0)
            .y_range(-2.0, 4.0)
            .with(Line::new(&places, &slope.to_vec::<f64>()).colour(Colour::RED).label("derivative"))
            .with(
                Line::new(&places, &function(&x).to_vec::<f64>())
                    .colour(Colour::BLUE)
                    .width(2.0)
                    .label("function"),
            )
            .legend(if name == "sigmoid" { Legend::UpperLeft } else { Legend::None })
    });
    let caption = "Activations and their derivatives, by automatic differentiation. That of ReLU at 0 is defined as 0; \
                   that of sign is 0 everywhere, so that nothing can be learned through it.";
    session.figure("activations", caption, &Figure::grid(3, panels))
}

/// Mean sizes by layer, and histograms.
pub(super) fn profiles(session: &mut Session, profiles: &[Profile]) -> anyhow::Result<()> {
    let mut axes = Axes::new("Mean size of the gradient of a weight")
        .labels("layer, from the input", "mean |gradient|")
        .log_y();
    for profile in profiles {
        let layers: Vec<f64> = (1..=profile.sizes.len()).map(|layer| layer as f64).collect();
        axes.push(Line::new(&layers, &profile.sizes).marker(Marker::Circle).label(profile.name));
    }
    let caption = "Back from the output (right) to the input (left), each layer of sigmoids takes most of the gradient \
                   away.";
    session.figure("gradient_by_layer", caption, &Figure::new(axes))?;

    let panels = profiles.iter().map(|profile| {
        let count = profile.gradients.len();
        // The first hidden layer of the common size, one in the middle, and the last.
        let mut shown = vec![1.min(count - 1), count / 2, count.saturating_sub(2)];
        shown.dedup();
        let mut axes = Axes::new(profile.name).labels("log₁₀ |gradient|", "density").x_range(-14.0, 0.0);
        for layer in shown {
            let sizes = profile.gradients[layer].iter().filter(|value| **value != 0.0);
            let logarithms: Vec<f64> = sizes.map(|value| value.abs().log10()).collect();
            let label = format!("layer {}", layer + 1);
            axes.push(Histogram::new(&logarithms).bins(60).range(-14.0, 0.0).density().label(label));
        }
        axes
    });
    let caption = "Sizes of the gradients of single weights in an early, a middle and a late layer. Weights with a \
                   gradient of exactly 0 (behind units that are off) are left out.";
    session.figure("gradient_histograms", caption, &Figure::grid(2, panels))
}
