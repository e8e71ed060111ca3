//! What a length needs, computed once.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use super::FourierElement;
use super::complex::{C, root_of_unity};
use super::stages::Stages;
use crate::isa::{Instructions, Portable};

/// How the complex transform of one length is done.
pub enum Plan<T> {
    /// By passes.
    Direct(Stages<T>),
    /// By Bluestein's convolution (1970): with jk = (j² + k² − (k − j)²)/2 the transform is a convolution with the
    /// chirp exp(πi j²/n), which is done by transforms of a power of two.
    Convolution {
        /// The length.
        length: usize,
        /// The passes of the power of two.
        stages: Stages<T>,
        /// exp(−πi j²/n).
        chirp: Vec<C<T>>,
        /// The transform of the conjugate chirp, divided by its length.
        spectrum: Vec<C<T>>,
    },
}

impl<T: FourierElement> Plan<T> {
    fn new(n: usize) -> Plan<T> {
        if let Some(stages) = Stages::new(n) {
            return Plan::Direct(stages);
        }
        let padded = (2 * n - 1).next_power_of_two();
        let stages = Stages::new(padded).expect("a power of two has no large factor");
        // j² modulo 2n, which fits where j² may not.
        let turn = |j: usize| (j as u128 * j as u128 % (2 * n as u128)) as usize;
        let chirp: Vec<C<T>> = (0..n).map(|j| root_of_unity(turn(j), 2 * n)).collect();
        let mut spectrum = vec![C::ZERO; padded];
        for (j, value) in chirp.iter().enumerate() {
            spectrum[j] = value.conj();
            spectrum[(padded - j) % padded] = value.conj();
        }
        stages.run::<Portable>(&mut spectrum, &mut vec![C::ZERO; padded]);
        let scale = T::rounded(1.0 / padded as f64);
        spectrum.iter_mut().for_each(|value| *value = value.scaled(scale));
        Plan::Convolution { length: n, stages, chirp, spectrum }
    }

    /// The length of the transform.
    pub fn length(&self) -> usize {
        match self {
            Plan::Direct(stages) => stages.length,
            Plan::Convolution { length, .. } => *length,
        }
    }

    /// Numbers of scratch memory that [`run`](Plan::run) needs.
    pub fn scratch(&self) -> usize {
        match self {
            Plan::Direct(stages) => stages.length,
            Plan::Convolution { stages, .. } => 2 * stages.length,
        }
    }

    /// The forward transform of `data` in place.
    #[inline(always)]
    pub fn run<I: Instructions>(&self, data: &mut [C<T>], scratch: &mut [C<T>]) {
        match self {
            Plan::Direct(stages) => stages.run::<I>(data, scratch),
            Plan::Convolution { stages, chirp, spectrum, .. } => {
                let (padded, scratch) = scratch.split_at_mut(stages.length);
                padded.fill(C::ZERO);
                for ((target, value), chirp) in padded.iter_mut().zip(&*data).zip(chirp) {
                    *target = *value * *chirp;
                }
                stages.run::<I>(padded, scratch);
                // Exchanging the parts before and after makes the next transform the inverse one.
                for (value, factor) in padded.iter_mut().zip(spectrum) {
                    *value = (*value * *factor).swapped();
                }
                stages.run::<I>(padded, scratch);
                for ((target, value), chirp) in data.iter_mut().zip(&*padded).zip(chirp) {
                    *target = value.swapped() * *chirp;
                }
            }
        }
    }
}

/// Plans kept; beyond, all are dropped, which costs no more than planning again.
const KEPT: usize = 128;

type Kept = HashMap<(TypeId, usize), Arc<dyn Any + Send + Sync>>;

/// The plan of length `n`.
///
/// # Panics
/// If `n` is 0.
pub fn plan<T: FourierElement>(n: usize) -> Arc<Plan<T>> {
    static PLANS: LazyLock<Mutex<Kept>> = LazyLock::new(Mutex::default);
    assert!(n > 0, "there is no transform of length 0");
    let key = (TypeId::of::<T>(), n);
    let lock = || PLANS.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(found) = lock().get(&key) {
        return found.clone().downcast().expect("the type is part of the key");
    }
    let made = Arc::new(Plan::<T>::new(n));
    let mut plans = lock();
    if plans.len() >= KEPT {
        plans.clear();
    }
    plans.insert(key, made.clone());
    made
}
