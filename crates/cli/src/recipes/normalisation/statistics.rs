//! Batch normalisation by itself: its statistics in training and in use, and its derivative.

use bolete::prelude::*;

use super::figures;
use crate::session::Session;

/// Statistics in training and in use, and the derivative.
pub(super) fn run(session: &mut Session) -> anyhow::Result<()> {
    session.say(
        "In training each channel is brought to mean 0 and variance 1 by the statistics of the batch, √(variance + ε) in the \
         denominator, and running statistics move a tenth of the way toward them. In use the running statistics take their \
         place, so that an item no longer depends on those beside it.",
    )?;
    let seen = Running::watch(5.0, 3.0, 50);
    let rows = [1, 5, 10, 20, 50].map(|updates| seen.row(updates));
    let header = ["updates", "running mean, std", "output in training", "output in use"];
    session.table("Inputs with mean 5 and deviation 3: mean and deviation", &header, rows.into())?;
    let caption = "At first the running statistics are those that the layer was made with, 0 and 1.";
    session.figure("running-statistics", caption, &figures::running(&seen))?;
    let difference = (seen.running_means[seen.running_means.len() - 1] - seen.by_hand).abs();
    session.result(
        "running mean against the recursion by hand, difference",
        difference,
        "0 up to rounding",
    )?;
    let [inputs, slope] = Key::new(7).split();
    let (inputs, slope) = (inputs.normal([32, 8], DType::F32), slope.normal([32, 8], DType::F32));
    let layer = BatchNormConfig::new(8).init();
    let of_engine = grad(|inputs: &Tensor| {
        (layer.forward(inputs, &mut Context::training(Key::new(0))) * &slope).sum(..)
    })(&inputs);
    let difference = (of_engine - backward_by_hand(&layer, &inputs, &slope)).abs().max(..).item();
    session.result("gradient against the formula by hand, largest difference", difference, "0 up to rounding")
}

/// What a layer of batch normalisation did by update, on inputs of a known mean and deviation.
#[derive(Default)]
pub(super) struct Running {
    pub mean: f64,
    pub deviation: f64,
    pub running_means: Vec<f64>,
    pub running_deviations: Vec<f64>,
    pub trained_means: Vec<f64>,
    pub trained_deviations: Vec<f64>,
    pub used_means: Vec<f64>,
    pub used_deviations: Vec<f64>,
    /// The running mean at the end by the recursion, a mean of the means of batches, the newest with weight 0.1.
    by_hand: f64,
}

impl Running {
    /// Trains a layer with one channel on as many batches of 64 and uses it after each.
    fn watch(mean: f64, deviation: f64, updates: u64) -> Running {
        let mut layer = BatchNormConfig::new(1).init();
        let mut seen = Running { mean, deviation, ..Running::default() };
        let of = |tensor: &Tensor| (tensor.mean(..).item(), tensor.std(.., 0).item());
        for update in 1..=updates {
            let inputs = Key::new(update).normal([64, 1], DType::F32) * deviation + mean;
            let mut context = Context::training(Key::new(0));
            let trained = layer.forward(&inputs, &mut context);
            seen.by_hand += 0.1 * (inputs.mean(..).item() - seen.by_hand);
            layer = context.apply(layer);
            let used = layer.forward(&inputs, &mut Context::evaluation());
            seen.running_means.push(f64::from(layer.running_mean.to_vec::<f32>()[0]));
            seen.running_deviations.push(f64::from(layer.running_var.to_vec::<f32>()[0]).sqrt());
            let ((trained_mean, trained_deviation), (used_mean, used_deviation)) = (of(&trained), of(&used));
            seen.trained_means.push(trained_mean);
            seen.trained_deviations.push(trained_deviation);
            seen.used_means.push(used_mean);
            seen.used_deviations.push(used_deviation);
        }
        seen
    }

    /// Means and deviations after so many updates, in words.
    fn row(&self, updates: usize) -> Vec<String> {
        let pairs = [
            (&self.running_means, &self.running_deviations),
            (&self.trained_means, &self.trained_deviations),
            (&self.used_means, &self.used_deviations),
        ];
        let mut row = vec![updates.to_string()];
        row.extend(
            pairs.map(|(means, deviations)| {
                format!("{:.3}, {:.3}", means[updates - 1], deviations[updates - 1])
            }),
        );
        row
    }
}

/// The derivative of batch normalisation as one derives it by hand (the exercise of the lecture): with y = γx̂ + β and n items
/// dx = γ/√(σ² + ε) · (dy − mean dy − x̂ mean(dy x̂)). Inputs and `slope` are `[batch, channels]`.
fn backward_by_hand(layer: &BatchNorm, inputs: &Tensor, slope: &Tensor) -> Tensor {
    let root = (inputs.var(0, 0) + layer.epsilon).sqrt();
    let normal = (inputs - inputs.mean_keepdim(0)) / &root;
    let centred = slope - slope.mean_keepdim(0) - &normal * (slope * &normal).mean_keepdim(0);
    centred * layer.weight.tensor() / root
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backward_is_what_one_derives_by_hand() {
        let [inputs, slope, weight] = Key::new(3).split();
        let inputs = inputs.normal([16, 5], DType::F32) * 2.0 + 1.0;
        let slope = slope.normal([16, 5], DType::F32);
        let mut layer = BatchNormConfig::new(5).init();
        layer.weight = Param::new(weight.normal([5], DType::F32));
        let of_engine = grad(|inputs: &Tensor| {
            let outputs = layer.forward(inputs, &mut Context::training(Key::new(0)));
            (outputs * &slope).sum(..)
        })(&inputs);
        let difference = (of_engine - backward_by_hand(&layer, &inputs, &slope)).abs().max(..).item();
        assert!(difference < 1e-5, "{difference}");
    }
}
