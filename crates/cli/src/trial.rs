//! Small trainings that experiments repeat with other settings and seeds: classifiers of digits as vectors.

pub mod curves;

use std::path::Path;

use bolete::data::{ImageClassification, Normalisation, Randomness, TrainTest};
use bolete::prelude::*;

use crate::handwriting;

/// Inputs `[items, features]` with classes `[items]`.
#[derive(Clone, Debug)]
pub struct Labelled {
    /// What is seen.
    pub inputs: Tensor,
    /// What it is.
    pub labels: Tensor,
}

/// Digits as vectors of 784 numbers.
pub struct VectorDigits {
    /// To learn from.
    pub train: Labelled,
    /// To test on.
    pub test: Labelled,
    /// Where they come from, in words.
    pub source: String,
}

impl VectorDigits {
    /// The first `train` and `test` digits of the IDX files in a folder; without a folder as many are drawn.
    ///
    /// # Errors
    /// If the files cannot be read or are not of 28×28 pixels.
    pub fn load(data: Option<&Path>, train: usize, test: usize, seed: u64) -> anyhow::Result<VectorDigits> {
        let TrainTest { train, test } = handwriting::load(data, Some(train), Some(test), seed)?;
        let (train, test) = (vectors(&train), vectors(&test));
        let (learned, tested, origin) =
            (train.labels.elements(), test.labels.elements(), handwriting::origin(data));
        let source = format!("{learned} digits to learn from, {tested} to test on, {origin}");
        Ok(VectorDigits { train, test, source })
    }
}

fn vectors(digits: &ImageClassification) -> Labelled {
    let Normalisation { mean, deviation, .. } = Normalisation::mnist();
    let (inputs, labels) = handwriting::tensors(digits);
    let inputs = (inputs - f64::from(mean[0])) / f64::from(deviation[0]);
    bolete::tensor::eval([&inputs, &labels]);
    Labelled { inputs, labels }
}

/// How long and in what order a trial goes.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Updates.
    pub steps: u64,
    /// Items per update.
    pub batch: usize,
    /// Decides the order of the items.
    pub seed: u64,
    /// Updates between tests; the end is tested as well.
    pub every: u64,
    /// Whether it is tested on the training set too.
    pub score_training: bool,
}

/// How well a model does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// Mean cross-entropy in nats.
    pub loss: f64,
    /// The part of the items that is classified rightly.
    pub accuracy: f64,
}

/// How a trial went.
#[derive(Clone, Debug)]
pub struct Course<M> {
    /// The loss of each batch.
    pub losses: Vec<f64>,
    /// Scores on the test set, by updates made before.
    pub tests: Vec<(u64, Score)>,
    /// Scores on the training set, where the plan wants them.
    pub trained: Vec<(u64, Score)>,
    /// The model at the end.
    pub model: M,
}

impl<M> Course<M> {
    /// The score at the end.
    pub fn last(&self) -> Score {
        self.tests.last().expect("the end is tested").1
    }
}

type Update<M, O> = (M, O, Tensor, Tensor);

/// Trains models of one form by one optimiser; planned once, however many trials there are.
pub struct Laboratory<'a, M, O> {
    data: &'a Labelled,
    test: &'a Labelled,
    step: Step<'a, Update<M, O>, (M, O, Tensor)>,
    score: Step<'a, (M, Tensor, Tensor), (Tensor, Tensor)>,
}

impl<'a, M: Module + Clone + 'a, O: Optimiser + Clone + 'a> Laboratory<'a, M, O> {
    /// Training on `data` along cross-entropy and what `penalty` adds to it.
    pub fn new(
        data: &'a Labelled,
        test: &'a Labelled,
        penalty: impl Fn(&M) -> Option<Tensor> + 'a,
    ) -> Laboratory<'a, M, O> {
        let step = Step::new(move |(model, optimiser, chosen, rate): Update<M, O>| {
            let (inputs, labels) = (data.inputs.take(&chosen, 0), data.labels.take(&chosen, 0));
            let mut context = Context::training(Key::new(0));
            let ((_, loss), slopes) = value_and_grad(|model: &M| {
                let loss = cross_entropy(&model.forward(&inputs, &mut context), &labels);
                let whole = penalty(model).map_or_else(|| loss.clone(), |penalty| &loss + penalty);
                (whole, loss)
            })(&model);
            let model = context.apply(model);
            let (model, optimiser) = optimiser.with_learning_rate(rate).update(model, &slopes);
            (model, optimiser, loss)
        });
        let score = Step::new(|(model, inputs, labels): (M, Tensor, Tensor)| {
            let logits = model.forward(&inputs, &mut Context::evaluation());
            let right = logits.argmax(-1).equal(&labels).cast(DType::F64).mean(..);
            (cross_entropy(&logits, &labels), right)
        });
        Laboratory { data, test, step, score }
    }

    /// How well a model does on these items.
    pub fn score(&mut self, model: &M, items: &Labelled) -> Score {
        let (loss, accuracy) = self.score.call((model.clone(), items.inputs.clone(), items.labels.clone()));
        Score { loss: loss.item(), accuracy: accuracy.item() }
    }

    /// One trial. `factor` is what the optimiser's learning rate is multiplied with; `observer` sees the model after the updates
    /// after which it is tested.
    pub fn train(
        &mut self,
        model: M,
        optimiser: O,
        plan: Plan,
        factor: impl Fn(u64) -> f64,
        mut observer: impl FnMut(u64, &M),
    ) -> Course<M> {
        let base = optimiser.learning_rate().item();
        let count = self.data.labels.elements();
        let batch = plan.batch.min(count);
        let per_epoch = (count / batch) as u64;
        let (mut model, mut optimiser) = (model, optimiser);
        let mut course = Course { losses: Vec::new(), tests: Vec::new(), trained: Vec::new(), model: () };
        let mut order: Vec<i64> = Vec::new();
        for number in 0..plan.steps {
            let place = number % per_epoch;
            if place == 0 {
                order = (0..count as i64).collect();
                Randomness::keyed(&[plan.seed, number / per_epoch]).shuffle(&mut order);
            }
            if number.is_multiple_of(plan.every) {
                self.examine(number, &model, plan, &mut course);
                observer(number, &model);
            }
            let first = place as usize * batch;
            let chosen = Tensor::from_vec(order[first..first + batch].to_vec(), [batch]);
            let loss;
            (model, optimiser, loss) =
                self.step.call((model, optimiser, chosen, Tensor::from(base * factor(number))));
            course.losses.push(loss.item());
        }
        self.examine(plan.steps, &model, plan, &mut course);
        observer(plan.steps, &model);
        let Course { losses, tests, trained, model: () } = course;
        Course { losses, tests, trained, model }
    }

    fn examine(&mut self, number: u64, model: &M, plan: Plan, course: &mut Course<()>) {
        course.tests.push((number, self.score(model, self.test)));
        if plan.score_training {
            course.trained.push((number, self.score(model, self.data)));
        }
    }
}

/// Mean and standard deviation over repetitions; the deviation of one is 0.
pub fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let square: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (square / (count - 1.0).max(1.0)).sqrt())
}

/// Curves of several repetitions, of equal length, as their mean and deviation at each place.
pub fn mean_curve(curves: &[Vec<f64>]) -> (Vec<f64>, Vec<f64>) {
    let length = curves.iter().map(Vec::len).min().unwrap_or(0);
    (0..length)
        .map(|place| mean_and_deviation(&curves.iter().map(|curve| curve[place]).collect::<Vec<_>>()))
        .unzip()
}

/// `0.9731 ± 0.0012`.
pub fn with_deviation(values: &[f64]) -> String {
    let (mean, deviation) = mean_and_deviation(values);
    format!("{mean:.4} ± {deviation:.4}")
}
