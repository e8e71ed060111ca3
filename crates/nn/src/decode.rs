//! From log probabilities of classes to labellings.

use std::collections::HashMap;

use bolete_tensor::{DType, Tensor};

/// A labelling and the logarithm of its probability.
#[derive(Clone, Debug, PartialEq)]
pub struct Labelling {
    /// The labels.
    pub labels: Vec<usize>,
    /// The logarithm of the probability, as far as the search has seen it.
    pub log_probability: f64,
}

/// The rows of each sequence of `[steps, batch, classes]` up to its length.
#[track_caller]
fn rows(name: &str, log_probabilities: &Tensor, lengths: &[usize], blank: usize) -> Vec<Vec<Vec<f64>>> {
    assert!(
        log_probabilities.rank() == 3,
        "{name}: expected log probabilities [steps, batch, classes], but the shape is {}",
        log_probabilities.shape()
    );
    let shape = log_probabilities.shape();
    let (steps, batch, classes) = (shape[0], shape[1], shape[2]);
    assert!(
        lengths.len() == batch && lengths.iter().all(|length| *length <= steps),
        "{name}: log probabilities {shape} need {batch} lengths of at most {steps}, not {lengths:?}"
    );
    assert!(blank < classes, "{name}: the blank {blank} is not one of {classes} classes");
    let values = log_probabilities.cast(DType::F64).to_vec::<f64>();
    let row = |step: usize, one: usize| values[(step * batch + one) * classes..][..classes].to_vec();
    (0..batch).map(|one| (0..lengths[one]).map(|step| row(step, one)).collect()).collect()
}

/// The labelling of the most probable alignment of each sequence: the largest class of each step, repetitions and
/// blanks left out (Graves et al. 2006, section 3.2). Log probabilities are `[steps, batch, classes]`; evaluates them.
///
/// ```
/// use bolete_nn::decode::ctc_greedy;
/// use bolete_tensor::Tensor;
/// let steps = [[0.1f32, 0.9], [0.2, 0.8], [0.9, 0.1], [0.3, 0.7]];
/// let log_probabilities = Tensor::from(steps).log().unsqueeze(1);
/// assert_eq!(ctc_greedy(&log_probabilities, &[4], 0), [[1, 1]]);
/// ```
///
/// # Panics
/// If the shapes do not fit.
#[track_caller]
pub fn ctc_greedy(log_probabilities: &Tensor, lengths: &[usize], blank: usize) -> Vec<Vec<usize>> {
    let sequences = rows("ctc_greedy", log_probabilities, lengths, blank);
    let largest = |row: &Vec<f64>| {
        let larger = |best: usize, class: usize| if row[class] > row[best] { class } else { best };
        (0..row.len()).fold(0, larger)
    };
    let collapse = |rows: Vec<Vec<f64>>| {
        let mut path: Vec<usize> = rows.iter().map(largest).collect();
        path.dedup();
        path.retain(|class| *class != blank);
        path
    };
    sequences.into_iter().map(collapse).collect()
}

/// Logarithms of the probabilities of all alignments of a prefix that end in a blank, and in its last label.
#[derive(Clone, Copy)]
struct Ends {
    blank: f64,
    label: f64,
}

const NOWHERE: Ends = Ends { blank: f64::NEG_INFINITY, label: f64::NEG_INFINITY };

impl Ends {
    fn total(self) -> f64 {
        log_add(self.blank, self.label)
    }
}

fn log_add(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if low == f64::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}

/// The `width` most probable labellings of each sequence that a prefix beam search of that width finds, best first
/// (Hannun et al. 2014, "First-pass large vocabulary continuous speech recognition using bi-directional recurrent
/// DNNs", without a language model): unlike [`ctc_greedy`] it adds up the alignments of a labelling. Log probabilities
/// are `[steps, batch, classes]`; evaluates them. Equally probable labellings come in the order of their labels.
///
/// ```
/// use bolete_nn::decode::{ctc_beam_search, ctc_greedy};
/// use bolete_tensor::Tensor;
/// // No label is the likeliest path (0.36), but one label has more paths (0.64).
/// let log_probabilities = Tensor::from([[0.6f32, 0.4], [0.6, 0.4]]).log().unsqueeze(1);
/// assert!(ctc_greedy(&log_probabilities, &[2], 0)[0].is_empty());
/// let found = ctc_beam_search(&log_probabilities, &[2], 0, 4);
/// assert_eq!(found[0][0].labels, [1]);
/// assert!((found[0][0].log_probability.exp() - 0.64).abs() < 1e-6);
/// ```
///
/// # Panics
/// If the shapes do not fit or the width is zero.
#[track_caller]
pub fn ctc_beam_search(
    log_probabilities: &Tensor,
    lengths: &[usize],
    blank: usize,
    width: usize,
) -> Vec<Vec<Labelling>> {
    assert!(width > 0, "ctc_beam_search: a beam of width 0 finds nothing");
    let sequences = rows("ctc_beam_search", log_probabilities, lengths, blank);
    sequences.iter().map(|rows| search(rows, blank, width)).collect()
}

fn search(rows: &[Vec<f64>], blank: usize, width: usize) -> Vec<Labelling> {
    let mut beam = vec![(Vec::new(), Ends { blank: 0.0, ..NOWHERE })];
    for row in rows {
        let mut next: HashMap<Vec<usize>, Ends> = HashMap::new();
        for (prefix, ends) in &beam {
            let same = next.entry(prefix.clone()).or_insert(NOWHERE);
            same.blank = log_add(same.blank, ends.total() + row[blank]);
            if let Some(last) = prefix.last() {
                // The last label once more, without a blank between, is no new label.
                same.label = log_add(same.label, ends.label + row[*last]);
            }
            for (class, log_probability) in row.iter().enumerate() {
                if class == blank {
                    continue;
                }
                let from = if prefix.last() == Some(&class) { ends.blank } else { ends.total() };
                let mut longer = prefix.clone();
                longer.push(class);
                let longer = next.entry(longer).or_insert(NOWHERE);
                longer.label = log_add(longer.label, from + log_probability);
            }
        }
        beam = next.into_iter().filter(|(_, ends)| ends.total() > f64::NEG_INFINITY).collect();
        beam.sort_by(|(a, first), (b, second)| second.total().total_cmp(&first.total()).then(a.cmp(b)));
        beam.truncate(width);
    }
    let found = beam.into_iter();
    found.map(|(labels, ends)| Labelling { labels, log_probability: ends.total() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CtcLoss;
    use bolete_tensor::Key;

    #[test]
    fn a_wide_beam_finds_the_likelihoods_of_the_loss() {
        let log_probabilities = (Key::new(0).normal([5, 2, 3], DType::F64) * 2.0).log_softmax(-1);
        let found = ctc_beam_search(&log_probabilities, &[5, 3], 1, 10_000);
        for (one, (labellings, length)) in found.iter().zip([5i64, 3]).enumerate() {
            // All labellings together are certain.
            let total: f64 = labellings.iter().map(|labelling| labelling.log_probability.exp()).sum();
            assert!((total - 1.0).abs() < 1e-12);
            for labelling in labellings {
                let count = labelling.labels.len();
                let labels: Vec<i64> = labelling.labels.iter().map(|label| *label as i64).collect();
                let loss = CtcLoss { blank: 1, ..CtcLoss::default() }.sum(
                    &log_probabilities.narrow(1, one, 1),
                    &Tensor::from_vec(labels, [1, count]),
                    &Tensor::from([length]),
                    &Tensor::from([count as i64]),
                );
                assert!((loss.item() + labelling.log_probability).abs() < 1e-12, "{labelling:?}");
            }
            assert!(labellings.windows(2).all(|pair| pair[0].log_probability >= pair[1].log_probability));
        }
    }

    #[test]
    #[should_panic(expected = "ctc_greedy: log probabilities [2, 1, 3] need 1 lengths of at most 2, not [3]")]
    fn lengths_fit() {
        ctc_greedy(&Tensor::zeros([2, 1, 3], DType::F32), &[3], 0);
    }
}
