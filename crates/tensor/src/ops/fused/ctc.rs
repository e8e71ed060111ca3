//! Connectionist temporal classification (Graves et al. 2006).

use std::sync::Mutex;

use crate::cpu::execute::with_pool;
use crate::cpu::kernels::ctc::Sequence;
use crate::transform::reverse;
use crate::{CustomOp, DType, Element, HostArray, HostArrayMut, Metadata, Tensor, custom, scan};

/// Inputs: log probabilities `[steps, batch, classes]`, targets `[batch, most]`, lengths of inputs and of targets.
/// Output: one loss per sequence.
#[derive(Debug)]
struct Ctc {
    blank: usize,
}

/// The slope of the sum of the losses in the log probabilities.
#[derive(Debug)]
struct CtcGradient {
    blank: usize,
}

/// Calls `each` with the sequences of a batch, in parallel.
fn for_sequences<T: Element + Into<f64>>(
    inputs: &[HostArray],
    blank: usize,
    each: impl Fn(usize, Sequence<T>) + Sync,
) {
    let shape = inputs[0].shape;
    let (steps, batch, classes) = (shape[0], shape[1], shape[2]);
    let most = inputs[1].shape[1];
    let log_probabilities = inputs[0].as_slice::<T>();
    let [targets, input_lengths, target_lengths] = [1, 2, 3].map(|index| inputs[index].as_slice::<i64>());
    let length = |what: &str, lengths: &[i64], one: usize, most: usize| {
        let length = lengths[one];
        assert!(
            (0..=most as i64).contains(&length),
            "ctc_loss: the {what} length {length} of sequence {one} is not in 0..={most}"
        );
        length as usize
    };
    with_pool(|pool| {
        pool.run(batch, &|one| {
            let steps = length("input", input_lengths, one, steps);
            let target = &targets[one * most..][..length("target", target_lengths, one, most)];
            for label in target {
                let known = (0..classes as i64).contains(label) && *label != blank as i64;
                assert!(
                    known,
                    "ctc_loss: label {label} of sequence {one} is the blank or not one of {classes} classes"
                );
            }
            let from = (one * classes).min(log_probabilities.len());
            let own = &log_probabilities[from..];
            each(one, Sequence { log_probabilities: own, pitch: batch * classes, steps, target, blank });
        });
    });
}

impl Ctc {
    fn run<T: Element + Into<f64>>(
        &self,
        inputs: &[HostArray],
        output: &mut HostArrayMut,
        from: fn(f64) -> T,
    ) {
        let losses = Mutex::new(output.as_mut_slice::<T>());
        for_sequences::<T>(inputs, self.blank, |one, sequence| {
            let loss = from(sequence.loss());
            losses.lock().expect("nothing panics with the lock")[one] = loss;
        });
    }
}

impl CtcGradient {
    fn run<T: Element + Into<f64>>(
        &self,
        inputs: &[HostArray],
        output: &mut HostArrayMut,
        from: fn(f64) -> T,
    ) {
        let (steps, batch, classes) = (inputs[0].shape[0], inputs[0].shape[1], inputs[0].shape[2]);
        let slopes = Mutex::new(output.as_mut_slice::<T>());
        for_sequences::<T>(inputs, self.blank, |one, sequence| {
            let mut own = vec![0.0; steps * classes];
            sequence.slope(|step, class, by| own[step * classes + class] += by);
            let mut slopes = slopes.lock().expect("nothing panics with the lock");
            for (step, own) in own.chunks_exact(classes).enumerate() {
                let to = &mut slopes[(step * batch + one) * classes..][..classes];
                to.iter_mut().zip(own).for_each(|(to, own)| *to = from(*own));
            }
        });
    }
}

/// Logarithms of probabilities below this are those of zero: infinities would have no derivatives.
const NOTHING: f64 = -1e30;

/// The losses by plain ops: a scan over the forward variables.
#[track_caller]
fn plain(blank: usize, inputs: &[Tensor]) -> Tensor {
    let [log_probabilities, targets, input_lengths, target_lengths] =
        [0, 1, 2, 3].map(|index| &inputs[index]);
    let dtype = log_probabilities.dtype();
    let (batch, most) = (targets.shape()[0], targets.shape()[1]);
    let states = 2 * most + 1;
    let nothing = Tensor::constant(NOTHING, dtype);
    let blanks = |width: usize| Tensor::full([batch, width], blank as f64, DType::I64);
    // What stands behind the end of a target may be anything: it counts as blank.
    let column = |lengths: &Tensor| lengths.unsqueeze(-1);
    let is_label = Tensor::arange(most, DType::I64).less(column(target_lengths));
    let labels = is_label.select(targets, blanks(most));
    let pairs = Tensor::stack(&[blanks(most), labels], 2).reshape([batch, 2 * most]);
    let classes = Tensor::concatenate(&[pairs, blanks(1)], 1);
    let shifted = |x: &Tensor, by: usize, fill: f64| x.pad(&[(0, 0), (by, 0)], fill).narrow(1, 0, states);
    let skips =
        classes.not_equal(blanks(states)).logical_and(&classes.not_equal(shifted(&classes, 2, blank as f64)));
    let start = Tensor::arange(states, DType::I64).equal(0).broadcast_to([batch, states]);
    let start = start.select(Tensor::constant(0.0, dtype), &nothing);
    let step = |alpha: &Tensor, (number, now): &(Tensor, Tensor)| {
        let one = shifted(alpha, 1, NOTHING);
        let two = skips.select(shifted(alpha, 2, NOTHING), &nothing);
        let emitted = now.gather(1, &classes).maximum(&nothing);
        let next = log_sum(&[alpha, &one, &two]) + emitted;
        let runs = column(&input_lengths.greater(number)).broadcast_to(next.shape());
        (runs.select(next, alpha), ())
    };
    let numbers = Tensor::arange(log_probabilities.shape()[0], DType::I64);
    let (alpha, ()) = scan(step, &start, &(numbers, log_probabilities.clone()));
    let last = column(&(target_lengths * 2));
    let before = alpha.gather(1, &(&last - 1).maximum(0)).squeeze(1);
    let before = target_lengths.greater(0).select(before, &nothing);
    let total = log_sum(&[&alpha.gather(1, &last).squeeze(1), &before]);
    total.less(NOTHING / 10.0).select(Tensor::constant(f64::INFINITY, dtype), -&total)
}

#[track_caller]
fn log_sum(terms: &[&Tensor]) -> Tensor {
    let largest = terms[1..].iter().fold(terms[0].clone(), |largest, term| largest.maximum(*term));
    let largest = largest.stop_gradient();
    let sum = terms.iter().map(|term| (*term - &largest).exp()).reduce(|a, b| a + b);
    largest + sum.expect("there are terms").log()
}

impl CustomOp for Ctc {
    fn name(&self) -> &str {
        "ctc_loss"
    }
    fn parameters(&self) -> Vec<u64> {
        vec![self.blank as u64]
    }
    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        vec![Metadata { shape: inputs[2].shape.clone(), dtype: inputs[0].dtype }]
    }
    fn fallback(&self, inputs: &[Tensor]) -> Option<Vec<Tensor>> {
        Some(vec![plain(self.blank, inputs)])
    }
    fn has_kernel(&self) -> bool {
        true
    }
    fn compute(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        match inputs[0].dtype {
            DType::F64 => self.run::<f64>(inputs, &mut outputs[0], |x| x),
            _ => self.run::<f32>(inputs, &mut outputs[0], |x| x as f32),
        }
    }
    fn vjp(
        &self,
        inputs: &[Tensor],
        _: &[Tensor],
        cotangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        let slope = custom(CtcGradient { blank: self.blank }, inputs).remove(0);
        Some(vec![Some(slope * cotangents[0].as_ref()?.unsqueeze(-1)), None, None, None])
    }
}

impl CustomOp for CtcGradient {
    fn name(&self) -> &str {
        "ctc_gradient"
    }
    fn parameters(&self) -> Vec<u64> {
        vec![self.blank as u64]
    }
    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        vec![inputs[0].clone()]
    }
    fn fallback(&self, inputs: &[Tensor]) -> Option<Vec<Tensor>> {
        let one = Tensor::ones(inputs[2].shape(), inputs[0].dtype());
        let wanted = [true, false, false, false];
        let pulled =
            reverse::through(inputs, &wanted, &[Some(one)], |inputs| vec![plain(self.blank, inputs)]);
        Some(vec![pulled[0].clone().unwrap_or_else(|| inputs[0].zeros_like())])
    }
    fn has_kernel(&self) -> bool {
        true
    }
    fn compute(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        match inputs[0].dtype {
            DType::F64 => self.run::<f64>(inputs, &mut outputs[0], |x| x),
            _ => self.run::<f32>(inputs, &mut outputs[0], |x| x as f32),
        }
    }
}

impl Tensor {
    /// The negative log likelihood of labellings under log probabilities `[steps, batch, classes]`, summed over all
    /// alignments (connectionist temporal classification, Graves et al. 2006): one number per sequence, unreduced.
    ///
    /// `targets` are labels, integers `[batch, most]`, of which the first `target_lengths` `[batch]` of each row count;
    /// `input_lengths` `[batch]` are the steps of each sequence. The class `blank` stands for no label. A labelling
    /// that no alignment has, being too long for its input, has loss infinity and slope zero. A NaN makes the loss NaN.
    ///
    /// # Panics
    /// If the shapes do not fit; when the result is computed, if a length or a label does not exist, or a label is the
    /// blank.
    #[track_caller]
    pub fn ctc_loss(
        &self,
        targets: &Tensor,
        input_lengths: &Tensor,
        target_lengths: &Tensor,
        blank: usize,
    ) -> Tensor {
        assert!(
            self.rank() == 3,
            "ctc_loss: expected log probabilities [steps, batch, classes], but the shape is {}",
            self.shape()
        );
        let (batch, classes) = (self.shape()[1], self.shape()[2]);
        assert!(
            targets.rank() == 2
                && targets.shape()[0] == batch
                && *input_lengths.shape() == [batch]
                && *target_lengths.shape() == [batch],
            "ctc_loss: log probabilities {} need targets [{batch}, most] and lengths [{batch}], not {}, {} and {}",
            self.shape(),
            targets.shape(),
            input_lengths.shape(),
            target_lengths.shape()
        );
        for integers in [targets, input_lengths, target_lengths] {
            assert!(
                integers.dtype().is_integer(),
                "ctc_loss: targets and lengths must be integers, but there are {}",
                integers.dtype()
            );
        }
        assert!(blank < classes, "ctc_loss: the blank {blank} is not one of {classes} classes");
        let dtype = self.dtype().to_float();
        let wide = if dtype.is_half() { DType::F32 } else { dtype };
        let [targets, inputs, labels] =
            [targets, input_lengths, target_lengths].map(|integers| integers.cast(DType::I64));
        custom(Ctc { blank }, &[self.cast(wide), targets, inputs, labels]).remove(0).cast(dtype)
    }
}
