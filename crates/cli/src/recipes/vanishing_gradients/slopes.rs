//! Activations, their slopes, and what two sigmoids leave of a gradient.

use bolete::prelude::*;

use super::figures;
use crate::session::Session;

pub(super) fn run(session: &mut Session) -> anyhow::Result<()> {
    session.heading("Slopes of activations")?;
    let x = Tensor::linspace(-8.0, 8.0, 1_601, DType::F64);
    let steepest = grad(|x: &Tensor| x.sigmoid().sum(..))(&x).max(..).item();
    session.say(
        "The chain rule multiplies, layer by layer, the weights with the slope of the activation. That of the sigmoid is \
         s(1 - s), at most 1/4, so that even two of them leave next to nothing.",
    )?;
    session.result("largest slope of the sigmoid", steepest, "0.25")?;
    let (value, slope) = two_sigmoids(-0.5, 0.25, -0.1);
    session.result("sigmoid(w₂ sigmoid(w₁ x)) at (-0.5, 0.25, -0.1)", value, "0.4882823801879445")?;
    session.result("its derivative in w₁", slope, "0.003111115091803311")?;
    figures::gallery(session)
}

/// The value and derivative of sigmoid(w₂ sigmoid(w₁ x)) in w₁.
fn two_sigmoids(x: f64, first: f64, second: f64) -> (f64, f64) {
    let function = |w: &Tensor| ((w * x).sigmoid() * second).sigmoid();
    let (value, slope) = value_and_grad(function)(&Tensor::from(first));
    (value.item(), slope.item())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_sigmoids_have_the_value_and_slope_of_the_course() {
        let (value, slope) = two_sigmoids(-0.5, 0.25, -0.1);
        assert!((value - 0.488_282_380_187_944_5).abs() < 1e-15);
        assert!((slope - 0.003_111_115_091_803_311).abs() < 1e-16);
    }
}
