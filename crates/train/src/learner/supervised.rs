//! A model, a loss, an optimiser.

use std::marker::PhantomData;

use bolete_nn::{
    Averaging, Context, CrossEntropy, GradientAccumulator, LossScale, ModelAverage, Module, Optimiser,
    Precision, choose, clip_by_global_norm,
};
use bolete_tensor::tree::TreeExt;
use bolete_tensor::{DType, Tensor, Tree, value_and_grad};

use super::{Learner, Measures, Moment, Probe, items};

/// A loss as a function of model and batch. It may measure more on the way.
type Loss<M, B> = Box<dyn Fn(&M, &B, &mut Context, &mut Measures) -> Tensor + Send + Sync>;

/// Training of one model along the gradient of a loss: with accumulation of gradients, clipping, an average of the
/// models, and mixed precision, each where it is asked for.
///
/// The loss is measured as `loss`, weighted by the number of items.
///
/// ```
/// use bolete_nn::{AdamConfig, LinearConfig, Linear, Module, UpdateRule, mean_squared_error};
/// use bolete_tensor::{Key, Tensor};
/// use bolete_train::{Fixed, Supervised, Trainer, TrainerConfig};
///
/// let x = Key::new(0).normal([64, 3], bolete_tensor::DType::F32);
/// let y = x.sum(1) * 2.0;
/// let model = LinearConfig::new(3, 1).init(&Key::new(1));
/// let learner = Supervised::new(|model: &Linear, (x, y): &(Tensor, Tensor), context, _| {
///     mean_squared_error(&model.forward(x, context).squeeze(1), y)
/// })
/// .clip_norm(1.0);
/// let optimiser = AdamConfig { learning_rate: 0.1, ..Default::default() }.init(&model);
/// let state = learner.state(model, optimiser);
/// let trainer = Trainer::new(TrainerConfig { epochs: 200, ..Default::default() });
/// let data = Fixed::new((x, y));
/// let fit = trainer.fit(&learner.into(), state, &data, Some(&data), &mut |_, _| Ok(()))?;
/// assert!(fit.last.unwrap()["loss"] < 1e-3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Supervised<M, B, O> {
    loss: Loss<M, B>,
    clip_norm: Option<f64>,
    accumulates: bool,
    average: Option<Averaging>,
    precision: Option<Precision>,
    made: PhantomData<fn(O)>,
}

/// What [`Supervised`] training changes.
#[derive(Clone, Tree)]
pub struct SupervisedState<M, O> {
    /// The model.
    pub model: M,
    /// Its optimiser.
    pub optimiser: O,
    /// The average of the models, where one is wanted.
    pub average: Option<ModelAverage<M>>,
    /// Sums of gradients, where they are accumulated.
    gradients: Option<GradientAccumulator<M>>,
    /// The factor of the loss, in half precision of small range.
    scale: Option<LossScale>,
    /// The learning rate where the schedule's factor is 1.
    base_rate: f64,
}

impl<M: Tree + Clone, B: Tree, O: Optimiser> Supervised<M, B, O> {
    /// Training along this loss, a single float.
    pub fn new(
        loss: impl Fn(&M, &B, &mut Context, &mut Measures) -> Tensor + Send + Sync + 'static,
    ) -> Supervised<M, B, O> {
        Supervised {
            loss: Box::new(loss),
            clip_norm: None,
            accumulates: false,
            average: None,
            precision: None,
            made: PhantomData,
        }
    }

    /// Scales gradients down whose norm, all together, is larger.
    pub fn clip_norm(self, maximum: f64) -> Self {
        Supervised { clip_norm: Some(maximum), ..self }
    }

    /// Lets the trainer accumulate gradients over several batches.
    pub fn accumulating(self) -> Self {
        Supervised { accumulates: true, ..self }
    }

    /// Evaluates, and saves, an average of the models.
    pub fn average(self, averaging: Averaging) -> Self {
        Supervised { average: Some(averaging), ..self }
    }

    /// Computes in half precision; parameters stay as they are. The loss function gets the model in that type and casts
    /// its inputs to that of the model's leaves.
    pub fn precision(self, precision: Precision) -> Self {
        Supervised { precision: Some(precision), ..self }
    }

    /// The first state.
    ///
    /// # Panics
    /// If the optimiser was made for another model.
    #[track_caller]
    pub fn state(&self, model: M, optimiser: O) -> SupervisedState<M, O> {
        let needs_scale = self.precision.as_ref().is_some_and(|precision| precision.compute == DType::F16);
        SupervisedState {
            average: self.average.map(|averaging| ModelAverage::new(&model, averaging)),
            gradients: self.accumulates.then(|| GradientAccumulator::new(&model)),
            scale: needs_scale.then(LossScale::default),
            base_rate: optimiser.learning_rate().item(),
            model,
            optimiser,
        }
    }

    /// The model as it is computed with.
    fn computed(&self, model: &M) -> M {
        self.precision.as_ref().map_or_else(|| model.clone(), |precision| precision.cast(model))
    }
}

impl<M, O> SupervisedState<M, O> {
    /// The model to be used: the average where there is one.
    pub fn used(&self) -> &M
    where
        M: Tree,
    {
        self.average.as_ref().map_or(&self.model, ModelAverage::model)
    }
}

impl<M, B, O> Learner for Supervised<M, B, O>
where
    M: Tree + Clone + 'static,
    B: Tree + Clone + 'static,
    O: Optimiser + Clone + 'static,
{
    type State = SupervisedState<M, O>;
    type Batch = B;
    type Model = M;

    fn step(&self, state: Self::State, batch: B, moment: &mut Moment) -> Self::State {
        let SupervisedState { model, optimiser, average, gradients: sums, scale, base_rate } = state;
        let mut context = Context::training(moment.key());
        let ((_, loss), gradients) = value_and_grad(|model: &M| {
            let loss = (self.loss)(&self.computed(model), &batch, &mut context, moment.measures());
            let loss = if loss.dtype().is_half() { loss.cast(DType::F32) } else { loss };
            (scale.as_ref().map_or_else(|| loss.clone(), |scale| scale.scale(&loss)), loss)
        })(&model);
        moment.measures().mean("loss", &loss, items(&batch) as f64);
        let model = context.apply(model);
        let (gradients, finite) = match &scale {
            Some(scale) => {
                let (gradients, finite) = scale.unscale(gradients);
                (gradients, Some(finite))
            }
            None => (gradients, None),
        };
        // An overflow in half precision leaves nothing behind but a smaller factor.
        let keep = |finite: &Option<Tensor>, sums: GradientAccumulator<M>, before| match finite {
            Some(finite) => choose(finite, sums, before),
            None => sums,
        };
        let sums = sums.map(|before| keep(&finite, before.clone().accumulate(&gradients), before));
        let next_scale = match (&scale, &finite) {
            (Some(scale), Some(finite)) => Some(scale.clone().next(finite)),
            _ => None,
        };
        if !moment.is_update() {
            let gradients = sums;
            return SupervisedState { model, optimiser, average, gradients, scale: next_scale, base_rate };
        }
        let gradients = sums.as_ref().map_or(gradients, GradientAccumulator::mean);
        let gradients = match self.clip_norm {
            Some(maximum) => clip_by_global_norm(gradients, maximum).0,
            None => gradients,
        };
        let optimiser = optimiser.with_learning_rate(moment.factor() * base_rate);
        let (model, optimiser) = match &finite {
            Some(finite) => {
                let next = optimiser.clone().update(model.clone(), &gradients);
                choose(finite, next, (model, optimiser))
            }
            None => optimiser.update(model, &gradients),
        };
        SupervisedState {
            average: average.map(|average| average.update(&model)),
            gradients: sums.map(|_| GradientAccumulator::new(&model)),
            scale: next_scale,
            model,
            optimiser,
            base_rate,
        }
    }

    fn evaluate(&self, state: &Self::State, batch: &B, context: &mut Context, measures: &mut Measures) {
        let loss = (self.loss)(&self.computed(state.used()), batch, context, measures);
        measures.mean("loss", &loss, items(batch) as f64);
    }

    fn model(&self, state: &Self::State) -> M {
        state.used().clone()
    }

    fn probe(&self, state: &Self::State, batch: &B) -> Option<Probe<M>> {
        let mut context = Context::probing();
        let (_, gradients) = value_and_grad(|model: &M| {
            (self.loss)(&self.computed(model), batch, &mut context, &mut Measures::default()).cast(DType::F32)
        })(state.used());
        Some(Probe { activations: context.into_activations(), gradients })
    }
}

/// Training of a classifier by cross-entropy.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Classification {
    /// The part of the target's probability that is spread evenly over all classes, from 0 to 1. In evaluation nothing
    /// is spread.
    pub label_smoothing: f64,
}

impl Classification {
    /// The learner for models that map inputs to one logit per class. Besides the loss in nats it measures `accuracy`;
    /// evaluation collects `probabilities` `[items, classes]` and `labels` `[items]`.
    pub fn learner<M, O>(self) -> Supervised<M, (Tensor, Tensor), O>
    where
        M: Module + Clone,
        O: Optimiser,
    {
        Supervised::new(
            move |model: &M, (inputs, labels): &(Tensor, Tensor), context: &mut Context, measures| {
                let half = model.leaves().first().map(Tensor::dtype).filter(|dtype| dtype.is_half());
                let inputs = half.map_or_else(|| inputs.clone(), |half| inputs.cast(half));
                let logits = model.forward(&inputs, context).cast(DType::F32);
                let right = logits.argmax(-1).equal(labels).cast(DType::F32).mean(..);
                measures.mean("accuracy", &right, labels.elements() as f64);
                if context.is_training() {
                    let loss = CrossEntropy { smoothing: self.label_smoothing, ..CrossEntropy::default() };
                    return loss.of(&logits, labels);
                }
                measures.collect("probabilities", &logits.softmax(-1));
                measures.collect("labels", labels);
                CrossEntropy::default().of(&logits, labels)
            },
        )
    }
}
