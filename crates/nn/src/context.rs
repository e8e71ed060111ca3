//! What a forward pass needs to know besides its input, and what it leaves behind besides its output.

use std::collections::HashMap;
use std::fmt;

use bolete_tensor::tree::LeafKind;
use bolete_tensor::{Key, State, Tensor, Tree};

use crate::Module;
use crate::summary::Call;

/// Whether a model is being trained or used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Dropout drops, batch normalisation looks at the batch and updates its running statistics.
    Train,
    /// Dropout does nothing, batch normalisation uses its running statistics.
    Evaluate,
}

/// Passed to every [`forward`](Module::forward): the mode, a source of randomness, and the new values of
/// [`State`] leaves.
///
/// Since a model is never changed in place, a layer with state hands its new value to
/// [`update`](Context::update), under the identity of the leaf; [`apply`](Context::apply) then makes the model with
/// the new state:
///
/// ```
/// use bolete_nn::{BatchNormConfig, Context, Module};
/// use bolete_tensor::{Key, Tensor};
///
/// let layer = BatchNormConfig::new(1).init();
/// let mut context = Context::training(Key::new(0));
/// layer.forward(&Tensor::from([[1.0f32], [3.0]]), &mut context);
/// let layer = context.apply(layer);
/// // A tenth of the way from 0 to the mean of this batch, 2.
/// assert_eq!(layer.running_mean.to_vec::<f32>(), [0.2]);
/// ```
///
/// A context serves one forward pass, or several of the same model between two calls of `apply`. A function under
/// `vmap` or `checkpoint` is recorded at stand-ins of its arguments, so a state update made inside of it cannot leave
/// it; run layers with state outside, or in evaluation.
pub struct Context {
    mode: Mode,
    key: Option<Key>,
    updates: HashMap<u64, Tensor>,
    calls: Option<Vec<Call>>,
    activations: Option<Vec<(String, Tensor)>>,
}

impl Context {
    /// For training. The key must not be used for anything else.
    pub fn training(key: Key) -> Context {
        Context { mode: Mode::Train, key: Some(key), ..Context::evaluation() }
    }

    /// For everything else: the output is a function of model and input alone.
    pub fn evaluation() -> Context {
        Context { mode: Mode::Evaluate, key: None, updates: HashMap::new(), calls: None, activations: None }
    }

    /// For evaluation of a model that is random by nature, such as a sampler.
    pub fn evaluation_with(key: Key) -> Context {
        Context { key: Some(key), ..Context::evaluation() }
    }

    /// For evaluation with the output of every layer kept, for [`into_activations`](Context::into_activations).
    pub fn probing() -> Context {
        Context { activations: Some(Vec::new()), ..Context::evaluation() }
    }

    /// For evaluation with a record of every layer that is called.
    pub(crate) fn recording() -> Context {
        Context { calls: Some(Vec::new()), ..Context::evaluation() }
    }

    /// The mode.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether the mode is [`Mode::Train`].
    pub fn is_training(&self) -> bool {
        self.mode == Mode::Train
    }

    /// A key that no other call gets: the n-th call of a context made from the same key always gets the same one.
    ///
    /// # Panics
    /// In evaluation, unless the context was made with a key.
    #[track_caller]
    pub fn next_key(&mut self) -> Key {
        let Some(key) = &self.key else {
            panic!(
                "Context: a random number was asked for in evaluation, which has no key; if the model is random by \
                 nature, make the context with Context::evaluation_with(key)"
            );
        };
        let [rest, drawn] = key.split();
        self.key = Some(rest);
        drawn
    }

    /// The value of a state as this context knows it: the last [`update`](Context::update) or else the leaf itself.
    /// A layer that is called twice in one forward pass goes on from its own update.
    pub fn state(&self, leaf: &State) -> Tensor {
        self.updates.get(&leaf.id()).unwrap_or_else(|| leaf.tensor()).clone()
    }

    /// Remembers the next value of a state. No derivative flows through it. Leaves are told apart by
    /// [`Tensor::id`]: two layers must not share one state tensor unless they mean the same state.
    ///
    /// # Panics
    /// If the shape or element type is not that of the leaf.
    #[track_caller]
    pub fn update(&mut self, leaf: &State, value: Tensor) {
        assert!(
            value.shape() == leaf.shape() && value.dtype() == leaf.dtype(),
            "Context::update: the state is {} {}, its new value {} {}",
            leaf.dtype(),
            leaf.shape(),
            value.dtype(),
            value.shape()
        );
        self.updates.insert(leaf.id(), value.stop_gradient());
    }

    /// The model with its state replaced by the updates, which are thereby used up. Updates of leaves that are not in
    /// this tree stay for another call of `apply`.
    pub fn apply<M: Tree>(&mut self, model: M) -> M {
        if self.updates.is_empty() {
            return model;
        }
        let mut applied = Vec::new();
        let model = model.rebuild(&mut |kind, tensor| match self.updates.get(&tensor.id()) {
            Some(update) if kind == LeafKind::State => {
                applied.push(tensor.id());
                update.clone()
            }
            _ => tensor.clone(),
        });
        for id in applied {
            self.updates.remove(&id);
        }
        model
    }

    /// Number of state updates that wait for [`apply`](Context::apply).
    pub fn pending_updates(&self) -> usize {
        self.updates.len()
    }

    /// Returns `output` after noting, for a [summary](crate::summary) or a probe, that `layer` made it of `input`. Layers that
    /// want a row of their own in summaries end their `forward` with this.
    pub fn observe<L: Module>(&mut self, layer: &L, input: &Tensor, output: Tensor) -> Tensor {
        if let Some(calls) = &mut self.calls {
            calls.push(Call::new(layer, input, &output));
        }
        if let Some(activations) = &mut self.activations {
            activations.push((layer.describe(), output.clone()));
        }
        output
    }

    /// What each layer gave, with its description, in the order of the calls; of a [`probing`](Context::probing)
    /// context.
    pub fn into_activations(self) -> Vec<(String, Tensor)> {
        self.activations.unwrap_or_default()
    }

    pub(crate) fn into_calls(self) -> Vec<Call> {
        self.calls.unwrap_or_default()
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Context")
            .field("mode", &self.mode)
            .field("has_key", &self.key.is_some())
            .field("pending_updates", &self.updates.len())
            .finish_non_exhaustive()
    }
}
