//! Einstein's summation convention.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Shape, Tensor};

/// A label of an axis: a letter, or an axis of the ellipsis counted from its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Label {
    Ellipsis(usize),
    Letter(char),
}

/// A tensor with a label for each axis, all different.
#[derive(Clone)]
struct Labelled {
    tensor: Tensor,
    labels: Vec<Label>,
}

/// The labels of one operand or of the output.
fn parse(equation: &str, term: &str, ellipsis: usize) -> Result<Vec<Label>, String> {
    let mut labels = Vec::new();
    let mut rest = term.trim();
    while let Some(first) = rest.chars().next() {
        if let Some(behind) = rest.strip_prefix("...") {
            if labels.iter().any(|label| matches!(label, Label::Ellipsis(_))) {
                return Err(format!("`{equation}` has two ellipses in one term"));
            }
            labels.extend((0..ellipsis).rev().map(Label::Ellipsis));
            rest = behind;
            continue;
        }
        rest = &rest[first.len_utf8()..];
        match first {
            ' ' => {}
            letter if letter.is_alphabetic() => labels.push(Label::Letter(letter)),
            other => {
                return Err(format!(
                    "`{equation}` has a `{other}`, where a letter or an ellipsis was expected"
                ));
            }
        }
    }
    Ok(labels)
}

impl Labelled {
    /// With repeated labels replaced by the diagonal.
    #[track_caller]
    fn new(tensor: &Tensor, labels: Vec<Label>) -> Labelled {
        let mut found = Labelled { tensor: tensor.clone(), labels };
        let twice = |labels: &[Label]| {
            (0..labels.len()).find_map(|second| {
                let first = labels[..second].iter().position(|label| *label == labels[second])?;
                Some((first, second))
            })
        };
        while let Some((first, second)) = twice(&found.labels) {
            let label = found.labels.remove(second);
            found.labels.remove(first);
            found.labels.push(label);
            let moved = found.tensor.move_axis(second as isize, -1).move_axis(first as isize, -2);
            found.tensor = moved.diagonal(0);
        }
        found
    }

    /// The axis of a label.
    fn axis(&self, label: Label) -> Option<usize> {
        self.labels.iter().position(|own| *own == label)
    }

    fn size(&self, label: Label) -> Option<usize> {
        self.axis(label).map(|axis| self.tensor.shape()[axis])
    }

    /// The sum over all labels that are not `kept`.
    #[track_caller]
    fn summed(self, kept: impl Fn(Label) -> bool) -> Labelled {
        let _site = crate::graph::site::on_behalf_of_caller();
        let axes: Vec<isize> = (0..self.labels.len())
            .filter(|axis| !kept(self.labels[*axis]))
            .map(|axis| axis as isize)
            .collect();
        if axes.is_empty() {
            return self;
        }
        let labels = self.labels.iter().copied().filter(|label| kept(*label)).collect();
        Labelled { tensor: self.tensor.sum(axes.as_slice()), labels }
    }

    /// The axes in the order of `labels`, groups of them joined to one axis each.
    #[track_caller]
    fn grouped(&self, groups: &[&[Label]]) -> Tensor {
        let order: Vec<isize> = groups
            .iter()
            .flat_map(|group| group.iter())
            .map(|label| self.axis(*label).expect("the label is one of this tensor") as isize)
            .collect();
        let length = |group: &&[Label]| -> usize {
            group.iter().map(|label| self.size(*label).expect("as above")).product()
        };
        let shape: Shape = groups.iter().map(length).collect();
        self.tensor.permute(&order).reshape(shape)
    }
}

/// The product of two, summed over what neither `kept` nor the output needs.
#[track_caller]
fn contract(a: &Labelled, b: &Labelled, kept: impl Fn(Label) -> bool + Copy) -> Labelled {
    let _site = crate::graph::site::on_behalf_of_caller();
    let only_a = a.clone().summed(|label| kept(label) || b.axis(label).is_some());
    let only_b = b.clone().summed(|label| kept(label) || a.axis(label).is_some());
    let (a, b) = (only_a, only_b);
    let shared = |label: &&Label| b.axis(**label).is_some();
    let batch: Vec<Label> = a.labels.iter().filter(shared).filter(|label| kept(**label)).copied().collect();
    let inner: Vec<Label> = a.labels.iter().filter(shared).filter(|label| !kept(**label)).copied().collect();
    let rows: Vec<Label> = a.labels.iter().filter(|label| b.axis(**label).is_none()).copied().collect();
    let columns: Vec<Label> = b.labels.iter().filter(|label| a.axis(**label).is_none()).copied().collect();
    let left = a.grouped(&[&batch, &rows, &inner]);
    let right = b.grouped(&[&batch, &inner, &columns]);
    let product = if inner.is_empty() {
        // A product without a sum is elementwise, and fuses with its neighbours.
        left.squeeze(-1).unsqueeze(-1) * right.squeeze(1).unsqueeze(1)
    } else {
        left.matmul(&right)
    };
    let labels: Vec<Label> = batch.iter().chain(&rows).chain(&columns).copied().collect();
    let shape: Shape =
        labels.iter().map(|label| a.size(*label).or(b.size(*label)).expect("of one of the two")).collect();
    Labelled { tensor: product.reshape(shape), labels }
}

impl Tensor {
    /// The sum of products that `equation` describes, as in NumPy: a term of axis labels for each operand, `->` and the
    /// labels of the output; labels that the output lacks are summed over. A label that occurs twice in a term means the
    /// diagonal, `...` all axes that are not named, which broadcast. Without `->` the output has the labels that occur once,
    /// in alphabetical order, after the ellipsis.
    ///
    /// Pairs of operands are contracted by matrix products, the pair first that leaves the smallest result.
    ///
    /// ```
    /// use bolete_tensor::{DType, Tensor};
    /// let (a, b) = (Tensor::ones([2, 3], DType::F32), Tensor::ones([3, 4], DType::F32));
    /// let product = Tensor::einsum("ij,jk->ik", &[a.clone(), b]);
    /// assert_eq!(product.to_vec::<f32>(), [3.0; 8]);
    /// assert_eq!(Tensor::einsum("ij->", &[a]).item(), 6.0);
    /// ```
    ///
    /// # Panics
    /// If the equation cannot be read, or does not fit the operands.
    #[track_caller]
    pub fn einsum(equation: &str, operands: &[Tensor]) -> Tensor {
        einsum(equation, operands).unwrap_or_else(|error| panic!("einsum: {error}"))
    }

    /// The products of all elements of two tensors summed over `axes` pairs of axes: the last ones of this tensor with the
    /// first ones of the other, in order.
    ///
    /// # Panics
    /// If there are not that many axes or their lengths differ.
    #[track_caller]
    pub fn tensordot(&self, other: &Tensor, axes: usize) -> Tensor {
        let fits = axes <= self.rank()
            && axes <= other.rank()
            && self.shape()[self.rank() - axes..] == other.shape()[..axes];
        assert!(
            fits,
            "tensordot over {axes} axes: the last of {} and the first of {} differ",
            self.shape(),
            other.shape()
        );
        let (outer, inner) = self.shape().split_at(self.rank() - axes);
        let inner: usize = inner.iter().product();
        let rest = &other.shape()[axes..];
        let left = self.reshape([outer.iter().product(), inner]);
        let right = other.reshape([inner, rest.iter().product()]);
        let shape: Shape = outer.iter().chain(rest).copied().collect();
        left.matmul(&right).reshape(shape)
    }
}

#[track_caller]
fn einsum(equation: &str, operands: &[Tensor]) -> Result<Tensor, String> {
    let _site = crate::graph::site::on_behalf_of_caller();
    let (inputs, output) = match equation.split_once("->") {
        Some((inputs, output)) => (inputs, Some(output)),
        None => (equation, None),
    };
    let terms: Vec<&str> = inputs.split(',').collect();
    if terms.len() != operands.len() || operands.is_empty() {
        return Err(format!("`{equation}` has {} terms for {} operands", terms.len(), operands.len()));
    }
    // How many axes each ellipsis stands for.
    let ellipses = terms.iter().zip(operands).map(|(term, operand)| {
        let letters = term.chars().filter(|letter| letter.is_alphabetic()).count();
        let axes = operand.rank();
        let fits = if term.contains("...") { letters <= axes } else { letters == axes };
        fits.then(|| axes - letters).ok_or_else(|| {
            format!(
                "the term `{}` of `{equation}` does not fit an operand of shape {}",
                term.trim(),
                operand.shape()
            )
        })
    });
    let ellipses: Vec<usize> = ellipses.collect::<Result<_, String>>()?;
    let widest = ellipses.iter().copied().max().unwrap_or(0);

    let mut sizes: BTreeMap<Label, usize> = BTreeMap::new();
    let mut labels = Vec::new();
    for ((term, operand), ellipsis) in terms.iter().zip(operands).zip(&ellipses) {
        let own = parse(equation, term, *ellipsis)?;
        for (label, size) in own.iter().zip(operand.shape().iter()) {
            let known = sizes.entry(*label).or_insert(*size);
            let stretches = matches!(label, Label::Ellipsis(_));
            if stretches && *known == 1 {
                *known = *size;
            }
            if known != size && !(stretches && *size == 1) {
                let name = match label {
                    Label::Letter(letter) => format!("`{letter}`"),
                    Label::Ellipsis(_) => "an axis of the ellipsis".to_string(),
                };
                return Err(format!(
                    "{name} of `{equation}` is {known} long in one operand and {size} in another"
                ));
            }
        }
        labels.push(own);
    }
    let output = match output {
        Some(output) => parse(equation, output, widest)?,
        None => {
            let all = labels.iter().flatten();
            let mut counts: BTreeMap<Label, usize> = BTreeMap::new();
            all.for_each(|label| *counts.entry(*label).or_default() += 1);
            let once =
                counts.iter().filter(|(label, count)| matches!(label, Label::Letter(_)) && **count == 1);
            (0..widest).rev().map(Label::Ellipsis).chain(once.map(|(label, _)| *label)).collect()
        }
    };
    let distinct: BTreeSet<Label> = output.iter().copied().collect();
    if distinct.len() != output.len() || !distinct.iter().all(|label| sizes.contains_key(label)) {
        return Err(format!("the output of `{equation}` must name labels of the operands, each once"));
    }

    let mut rest: Vec<Labelled> = labels
        .into_iter()
        .zip(operands)
        .map(|(labels, operand)| {
            let shape: Shape = labels
                .iter()
                .zip(operand.shape().iter())
                .map(|(label, size)| if matches!(label, Label::Ellipsis(_)) { sizes[label] } else { *size })
                .collect();
            Labelled::new(&operand.broadcast_to(shape), labels)
        })
        .collect();
    while rest.len() > 1 {
        let needed = |pair: [usize; 2], label: Label| {
            distinct.contains(&label)
                || rest
                    .iter()
                    .enumerate()
                    .any(|(index, other)| !pair.contains(&index) && other.axis(label).is_some())
        };
        // By how much a contraction shrinks what is kept in memory.
        let cost = |[a, b]: [usize; 2]| {
            let both: BTreeSet<Label> = rest[a].labels.iter().chain(&rest[b].labels).copied().collect();
            let result: f64 = both
                .iter()
                .filter(|label| needed([a, b], **label))
                .map(|label| sizes[label] as f64)
                .product();
            result - rest[a].tensor.elements() as f64 - rest[b].tensor.elements() as f64
        };
        let pairs = (0..rest.len()).flat_map(|a| (a + 1..rest.len()).map(move |b| [a, b]));
        let pair = pairs.min_by(|one, other| cost(*one).total_cmp(&cost(*other))).expect("two are left");
        let product = contract(&rest[pair[0]], &rest[pair[1]], |label| needed(pair, label));
        rest.remove(pair[1]);
        rest.remove(pair[0]);
        rest.push(product);
    }
    let last = rest.pop().expect("one is left").summed(|label| distinct.contains(&label));
    let order: Vec<isize> =
        output.iter().map(|label| last.axis(*label).expect("the output is kept") as isize).collect();
    Ok(last.tensor.permute(&order))
}
