//! Mixtures of experts: a router sends each token to a few of many networks (Shazeer et al. 2017; Lepikhin et al. 2021;
//! Fedus et al. 2021).

mod experts;
mod routing;

pub use experts::Experts;

use bolete_tensor::{DType, Key, Param, Shape, Tensor, Tree};

use crate::{Activation, Context, Fan, Initialiser};
use routing::Routing;

/// What a [`MixtureOfExperts`] layer is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct MixtureOfExpertsConfig {
    /// Features of a token, in and out.
    pub width: usize,
    /// Features between the two layers of an expert.
    pub hidden: usize,
    /// Number of experts.
    pub experts: usize,
    /// Number of experts that each token is sent to.
    pub chosen: usize,
    /// Whether the weights of the chosen experts are brought to sum to 1. With a single chosen expert that would leave
    /// no gradient for the router.
    pub renormalise: bool,
    /// How many tokens an expert takes, as a multiple of an equal share; none takes all, at the cost of room for
    /// all tokens at each expert.
    pub capacity_factor: Option<f64>,
    /// Whether learned noise is added to the router's scores in training (Shazeer et al. 2017, equation 4).
    pub noisy: bool,
    /// Whether experts are gated: down(activation(gate x) · (up x)); else they are down(activation(up x)).
    pub gated: bool,
    /// The function inside the experts.
    pub activation: Activation,
    /// Whether the layers of the experts have biases.
    pub bias: bool,
}

impl MixtureOfExpertsConfig {
    /// `experts` networks, two of which see each token, gated with SiLU and without biases; capacity 1.25 times an equal
    /// share, no noise.
    pub fn new(width: usize, hidden: usize, experts: usize) -> MixtureOfExpertsConfig {
        MixtureOfExpertsConfig {
            width,
            hidden,
            experts,
            chosen: 2,
            renormalise: true,
            capacity_factor: Some(1.25),
            noisy: false,
            gated: true,
            activation: Activation::Silu,
            bias: false,
        }
    }

    /// One plain expert with ReLU for each token, weighted by its probability (Fedus et al. 2021, section 2).
    pub fn switch(width: usize, hidden: usize, experts: usize) -> MixtureOfExpertsConfig {
        MixtureOfExpertsConfig {
            chosen: 1,
            renormalise: false,
            gated: false,
            activation: Activation::Relu,
            bias: true,
            ..MixtureOfExpertsConfig::new(width, hidden, experts)
        }
    }

    /// The layer with initial values from a key: U(±1/√inputs) everywhere, except for the weight of the noise, which is 0.
    ///
    /// # Panics
    /// If there are not as many experts as are to be chosen, none is to be chosen, or the capacity is not positive.
    #[track_caller]
    pub fn init(&self, key: &Key) -> MixtureOfExperts {
        assert!(
            0 < self.chosen && self.chosen <= self.experts,
            "MixtureOfExperts: {} of {} experts cannot be chosen",
            self.chosen,
            self.experts
        );
        assert!(
            self.capacity_factor.is_none_or(|factor| factor > 0.0 && factor.is_finite()),
            "MixtureOfExperts: the capacity factor must be positive, but it is {:?}",
            self.capacity_factor
        );
        let [router_key, experts_key] = key.split();
        let fan = Fan { input: self.width, output: self.experts };
        let shape = [self.experts, self.width];
        MixtureOfExperts {
            router: Param::new(Initialiser::FanIn.sample(shape, fan, &router_key, DType::F32)),
            noise: self.noisy.then(|| Param::new(Tensor::zeros(shape, DType::F32))),
            experts: Experts::new(self, &experts_key),
            chosen: self.chosen,
            renormalise: self.renormalise,
            capacity_factor: self.capacity_factor,
        }
    }
}

/// Each token `[width]` of `[…, width]` sent to the experts that a router scores highest; the output `[…, width]` is the
/// sum of theirs, weighted by the router's probabilities.
///
/// An expert takes `⌈capacity_factor · tokens · chosen / experts⌉` tokens. First choices of all tokens come before
/// second choices, earlier tokens before later ones; a choice that finds its expert full is dropped, and gives zeros. A
/// residual connection around the layer lets such tokens pass unchanged.
///
/// With its auxiliary losses it is no [`Module`](crate::Module), and called in a model of your own. The sum of the losses,
/// with weights, is to be added to that of the model: 10⁻² for the balance (Fedus et al. 2021), 10⁻³ for the scores
/// (Zoph et al. 2022).
///
/// ```
/// use bolete_nn::{Context, MixtureOfExpertsConfig};
/// use bolete_tensor::Key;
///
/// let [key, data] = Key::new(0).split();
/// let layer = MixtureOfExpertsConfig::new(8, 16, 4).init(&key);
/// let input = data.normal([2, 5, 8], bolete_tensor::DType::F32);
/// let mixture = layer.forward(&input, &mut Context::training(Key::new(1)));
/// assert_eq!(*mixture.output.shape(), [2, 5, 8]);
/// let _auxiliary = mixture.balance_loss * 1e-2 + mixture.router_z_loss * 1e-3;
/// assert_eq!(mixture.assigned.to_vec::<i64>().iter().sum::<i64>(), 2 * 5 * 2);
/// ```
#[derive(Clone, Debug, Tree)]
pub struct MixtureOfExperts {
    /// Scores of the experts for a token, `[experts, width]`.
    pub router: Param,
    /// Spread of the noise on the scores before softplus, `[experts, width]`.
    pub noise: Option<Param>,
    /// The networks.
    pub experts: Experts,
    /// Number of experts that each token is sent to.
    pub chosen: usize,
    /// Whether the weights of the chosen experts are brought to sum to 1.
    pub renormalise: bool,
    /// How many tokens an expert takes, as a multiple of an equal share; none takes all.
    pub capacity_factor: Option<f64>,
}

/// What [`MixtureOfExperts::forward`] gives.
#[derive(Clone, Debug, Tree)]
pub struct MixtureOutput {
    /// In the shape of the input.
    pub output: Tensor,
    /// experts · Σ f P with the share f of the choices that went to an expert, before dropping, and the mean P of its
    /// probability: 1 in perfect balance (Fedus et al. 2021, equations 4 to 6).
    pub balance_loss: Tensor,
    /// The mean of (ln Σ eˢ)² over the scores s of each token, which keeps them small (Zoph et al. 2022, equation 5).
    pub router_z_loss: Tensor,
    /// How many choices each expert got before dropping, `i64` `[experts]`.
    pub assigned: Tensor,
    /// The share of choices that were dropped.
    pub dropped: Tensor,
}

impl MixtureOfExperts {
    /// The output for tokens `[…, width]`, with the auxiliary losses. Noise is drawn in training only.
    ///
    /// # Panics
    /// If the last axis of the input is not as long as a token, or if there is no token.
    #[track_caller]
    pub fn forward(&self, input: &Tensor, context: &mut Context) -> MixtureOutput {
        let (experts, width) = (self.router.shape()[0], self.router.shape()[1]);
        assert!(
            input.shape().last() == Some(&width) && input.elements() > 0,
            "MixtureOfExperts: expected tokens […, {width}], but the shape is {}",
            input.shape()
        );
        let count = input.elements() / width;
        let tokens = input.reshape([count, width]);
        let scores = self.scores(&tokens, context);
        let routing = Routing::new(&scores, self.chosen, self.renormalise);
        let capacity = match self.capacity_factor {
            Some(factor) => {
                let share = factor * (count * self.chosen) as f64 / experts as f64;
                (share.ceil() as usize).clamp(1, count)
            }
            // No token chooses an expert twice.
            None => count,
        };
        let slots = routing.slots(capacity);
        let outputs = self.experts.forward(&slots.dispatch(&tokens));
        let output = slots.combine(&outputs, &routing.weights).reshape(input.shape());
        let share = routing.assigned.cast(scores.dtype()) / (count * self.chosen) as f64;
        MixtureOutput {
            output: output.cast(input.dtype()),
            balance_loss: (share * routing.probabilities.mean(0)).sum(..) * experts as f64,
            router_z_loss: scores.logsumexp(-1).square().mean(..),
            assigned: routing.assigned,
            dropped: slots.kept.logical_not().cast(scores.dtype()).mean(..),
        }
    }

    /// `[tokens, experts]`, at least in single precision, on which the choice of experts depends (Fedus et al. 2021,
    /// section 2.4).
    #[track_caller]
    fn scores(&self, tokens: &Tensor, context: &mut Context) -> Tensor {
        let working = tokens.dtype().promote(self.router.dtype()).promote(DType::F32);
        let tokens = tokens.cast(working);
        let scores = tokens.matmul(&self.router.cast(working).t());
        match &self.noise {
            Some(noise) if context.is_training() => {
                let spread = tokens.matmul(&noise.cast(working).t()).softplus();
                let drawn = context.next_key().normal(scores.shape(), working);
                scores + drawn * spread
            }
            _ => scores,
        }
    }

    /// Kind and sizes, as in summaries.
    pub fn describe(&self) -> String {
        let shape = self.router.shape();
        format!("MixtureOfExperts {} of {}, width {}", self.chosen, shape[0], shape[1])
    }

    /// Floating-point operations for an input of this shape when no choice is dropped.
    pub fn operations(&self, input: &Shape) -> u64 {
        let tokens = input.elements() / self.router.shape()[1].max(1);
        let router = 2 * self.router.elements();
        (tokens * (router + self.chosen * self.experts.operations_per_token())) as u64
    }
}
