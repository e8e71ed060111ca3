//! What the report of a training shows besides its curves: mistakes, calibration, what goes on inside of the model, and
//! which kernels took the time.

use bolete::plot::{Axes, Figure, Histogram, Line, Reference, confusion_matrix, reliability};
use bolete::tensor::plan::trace::KernelTime;
use bolete::tensor::tree::{LeafKind, TreeExt};
use bolete::tensor::{DType, Tensor};
use bolete::train::{Evaluation, Learner, Probe, RateCurve};

use super::Session;
use crate::terminal::number;

/// Layers that are shown at most, spread evenly over all.
const MOST_PANELS: usize = 12;

/// Values of a tensor that a histogram is made of at most, spread evenly.
const MOST_VALUES: usize = 100_000;

impl Session {
    /// The confusion matrix and the reliability diagram, where probabilities and labels were collected.
    pub(super) fn mistakes(&mut self, evaluation: &Evaluation) -> anyhow::Result<()> {
        let Some(confusion) = evaluation.confusion() else { return Ok(()) };
        let classes = confusion.classes();
        self.quiet_heading("Test")?;
        if classes <= 100 {
            let names: Vec<String> = (0..classes).map(|class| class.to_string()).collect();
            let counts: Vec<f64> = (0..classes * classes)
                .map(|index| confusion.count(index / classes, index % classes) as f64)
                .collect();
            let figure = Figure::new(confusion_matrix(&names, &counts));
            self.figure("confusion", "Which class (row) was taken for which (column).", &figure)?;
        }
        let (Some(probabilities), Some(labels)) =
            (evaluation.collected.get("probabilities"), evaluation.collected.get("labels"))
        else {
            return Ok(());
        };
        let confidence: Vec<f64> = probabilities.max(-1).cast(DType::F64).to_vec();
        let right: Vec<bool> = probabilities
            .argmax(-1)
            .equal(labels)
            .cast(DType::U8)
            .to_vec::<u8>()
            .iter()
            .map(|it| *it > 0)
            .collect();
        let figure = Figure::new(reliability(&confidence, &right, 10));
        self.figure("reliability", "How often predictions of each confidence were right.", &figure)
    }

    /// Histograms of weights, and of activations and gradients on one batch.
    pub(super) fn inside<L: Learner>(
        &mut self,
        learner: &L,
        state: &L::State,
        batch: Option<&L::Batch>,
    ) -> anyhow::Result<()> {
        let model = learner.model(state);
        let probe = batch.and_then(|batch| learner.probe(state, batch));
        self.quiet_heading("Inside of the model")?;
        let named = |tree: &L::Model| -> Vec<(String, Tensor)> {
            let leaves = tree.named_leaves().into_iter();
            leaves
                .filter(|leaf| leaf.kind != LeafKind::State && leaf.tensor.dtype().is_float())
                .map(|leaf| (leaf.path, leaf.tensor.clone()))
                .collect()
        };
        self.histograms("weights", "Weights of each parameter after training.", named(&model))?;
        if let Some(Probe { activations, gradients }) = probe {
            let numbered = activations.into_iter().enumerate();
            let activations = numbered.map(|(at, (name, value))| (format!("{at} {name}"), value)).collect();
            self.histograms("activations", "What each layer gives on one batch.", activations)?;
            let gradients = named(&gradients);
            self.histograms("gradients", "The gradient of the loss on one batch.", gradients)?;
        }
        Ok(())
    }

    fn histograms(
        &mut self,
        name: &str,
        caption: &str,
        tensors: Vec<(String, Tensor)>,
    ) -> anyhow::Result<()> {
        if tensors.is_empty() {
            return Ok(());
        }
        let every = tensors.len().div_ceil(MOST_PANELS);
        let panels = tensors.iter().step_by(every).map(|(path, tensor)| {
            let values: Vec<f64> = tensor.cast(DType::F64).to_vec();
            let stride = values.len().div_ceil(MOST_VALUES).max(1);
            let values: Vec<f64> = values.into_iter().step_by(stride).collect();
            let count = values.len().max(1) as f64;
            let mean = values.iter().sum::<f64>() / count;
            let deviation = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
            Axes::new(path.clone())
                .labels(format!("mean {}, deviation {}", number(mean), number(deviation)), "")
                .with(Histogram::new(&values).bins(40))
        });
        self.figure(name, caption, &Figure::grid(4, panels))
    }

    /// What a growing learning rate did to the loss.
    pub(super) fn rates(&mut self, curve: &RateCurve, base: f64) -> anyhow::Result<()> {
        self.heading("Learning rates")?;
        let rates: Vec<f64> = curve.steps.iter().map(|step| step.rate * base).collect();
        let losses: Vec<f64> = curve.steps.iter().map(|step| step.loss).collect();
        let smoothed: Vec<f64> = curve.steps.iter().map(|step| step.smoothed).collect();
        let mut axes = Axes::new("")
            .labels("learning rate", "loss")
            .log_x()
            .with(Line::new(&rates, &losses).label("of each step").opacity(0.4))
            .with(Line::new(&rates, &smoothed).label("smoothed"));
        let steepest = curve.steepest.map(|rate| ("steepest", rate, Reference::vertical(rate * base)));
        let lowest = curve
            .minimum_over_ten
            .map(|rate| ("minimum / 10", rate, Reference::vertical(rate * base).solid()));
        for (name, rate, line) in steepest.into_iter().chain(lowest) {
            axes.push(line.label(name));
            self.result(&format!("learning rate, {name}"), rate * base, "")?;
        }
        let caption =
            "The loss while the learning rate grew from step to step. Take a rate at which it falls fast.";
        self.figure("rates", caption, &Figure::new(axes))
    }

    /// The kernels that took most of the time between two reports.
    pub(super) fn kernels(&mut self, times: &[KernelTime]) -> anyhow::Result<()> {
        let total: f64 = times.iter().map(|time| time.seconds).sum();
        if total == 0.0 {
            return Ok(());
        }
        let rows = times.iter().take(12).map(|time| {
            let name: String = match time.name.char_indices().nth(60) {
                Some((end, _)) => format!("{}…", &time.name[..end]),
                None => time.name.clone(),
            };
            vec![
                name,
                time.calls.to_string(),
                format!("{:.1}", time.seconds * 1e6 / time.calls.max(1) as f64),
                format!("{:.1} %", time.seconds / total * 100.0),
                format!("{:.1}", time.operations as f64 / time.seconds / 1e9),
                format!("{:.1}", time.bytes as f64 / time.seconds / 1e9),
            ]
        });
        let header = ["kernel", "calls", "µs per call", "of the time", "GFLOP/s", "GB/s"];
        self.quiet_table("Slowest kernels, between two reports", &header, rows.collect())
    }
}
