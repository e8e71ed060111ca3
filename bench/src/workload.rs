//! What is measured: a step that can be repeated, made of the ordinary layers and `Step`.

use bolete::prelude::*;
use bolete::tensor::plan::report::Report;

/// What one step is counted in, for a rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Count {
    /// Nothing in particular.
    Steps,
    /// Floating-point operations; a multiply-add is two.
    Operations(f64),
    /// Bytes read and written.
    Bytes(f64),
    /// Tokens.
    Tokens(f64),
}

/// The numbers that a workload is computed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Everything as the definition says, single precision as a rule.
    Plain,
    /// Computed in bf16, with parameters, gradients and the optimiser's memory in single precision.
    Mixed,
}

impl Mode {
    /// As the results name it.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Plain => "plain",
            Mode::Mixed => "bf16",
        }
    }
}

/// A workload by name.
pub struct Workload {
    /// As in the peers' programs.
    pub name: &'static str,
    /// The modes it exists in.
    pub modes: &'static [Mode],
    /// What a step is counted in.
    pub count: Count,
    /// Draws model and data and makes the step.
    pub make: Box<dyn Fn(Mode) -> Box<dyn Repeated>>,
}

impl Workload {
    /// One that exists in plain mode only.
    pub fn plain(
        name: &'static str,
        count: Count,
        make: impl Fn() -> Box<dyn Repeated> + 'static,
    ) -> Workload {
        Workload { name, modes: &[Mode::Plain], count, make: Box::new(move |_| make()) }
    }
}

/// A step that is done again and again.
pub trait Repeated {
    /// Does it once, to the end, and returns what it computed last: the loss of a training step.
    fn step(&mut self) -> Tensor;

    /// What the plans of one step cost together, once a step has been done.
    fn report(&self) -> Vec<Report>;
}

/// A function of tensors.
pub struct Function {
    step: Step<'static, Vec<Tensor>, Vec<Tensor>>,
    arguments: Vec<Tensor>,
}

impl Function {
    /// `function` of arguments that stay what they are.
    pub fn boxed(
        arguments: impl Into<Vec<Tensor>>,
        function: impl Fn(&[Tensor]) -> Vec<Tensor> + 'static,
    ) -> Box<dyn Repeated> {
        let arguments = arguments.into();
        eval(arguments.iter());
        Box::new(Function { step: Step::new(move |arguments: Vec<Tensor>| function(&arguments)), arguments })
    }
}

impl Repeated for Function {
    fn step(&mut self) -> Tensor {
        self.step.call(self.arguments.clone()).pop().expect("a function gives at least one tensor")
    }

    fn report(&self) -> Vec<Report> {
        self.step.report().into_iter().collect()
    }
}

/// What is handed from step to step: model, optimiser, and the key of the random numbers.
type Memory<M, O> = (M, O, Key);
type TrainingStep<M, O> = Step<'static, (Memory<M, O>, Vec<Tensor>), (Memory<M, O>, Tensor)>;

/// Training of a model on one batch.
pub struct Training<M: Tree, O: Tree> {
    step: TrainingStep<M, O>,
    memory: Option<Memory<M, O>>,
    batch: Vec<Tensor>,
}

impl<M: Tree + Clone + 'static, O: Optimiser + Clone + 'static> Training<M, O> {
    /// A training step: forward, backward, update. `loss` gets the model in the type that is computed in, the batch
    /// and a context in training mode.
    pub fn boxed(
        model: M,
        optimiser: O,
        batch: impl Into<Vec<Tensor>>,
        mode: Mode,
        loss: impl Fn(&M, &[Tensor], &mut Context) -> Tensor + 'static,
    ) -> Box<dyn Repeated> {
        let batch = batch.into();
        let memory = (model, optimiser, Key::new(1));
        eval_tree(&(memory.clone(), batch.clone()));
        let precision = (mode == Mode::Mixed).then(Precision::bf16);
        let step = Step::new(move |((model, optimiser, key), batch): (Memory<M, O>, Vec<Tensor>)| {
            let [key, drawn] = key.split();
            let mut taken = None;
            let (loss, gradients) = value_and_grad(|model: &M| {
                let mut context = Context::training(drawn.clone());
                let loss = match &precision {
                    Some(precision) => loss(&precision.cast(model), &batch, &mut context),
                    None => loss(model, &batch, &mut context),
                };
                taken = Some(context);
                loss
            })(&model);
            let next = taken.expect("the loss has been computed").apply(model);
            let (model, optimiser) = optimiser.update(next, &gradients);
            ((model, optimiser, key), loss)
        });
        Box::new(Training { step, memory: Some(memory), batch })
    }
}

impl<M: Tree, O: Tree> Repeated for Training<M, O> {
    fn step(&mut self) -> Tensor {
        let memory = self.memory.take().expect("given back by the step before");
        let (memory, loss) = self.step.call((memory, self.batch.clone()));
        self.memory = Some(memory);
        loss
    }

    fn report(&self) -> Vec<Report> {
        self.step.report().into_iter().collect()
    }
}
