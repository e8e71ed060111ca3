//! Evaluating a graph one node after the other, and following bad values back to where they began.

use crate::Tensor;
use crate::graph::evaluate::{eval, refuse_placeholder};
use crate::graph::node::Inputs;
use crate::graph::print::name;
use crate::graph::walk::{IdMap, key, reachable};
use crate::ops::Op;

use super::survey::{Survey, index, range};
use super::{NonFinite, Source, inside};

/// How a node came to have bad values.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Birth {
    /// From finite inputs.
    Fresh,
    /// A NaN from infinities.
    OfInfinity,
    /// It had its values before.
    Leaf,
    /// Bad values came in.
    Carried,
}

/// An output with bad values.
struct Bad {
    output: Tensor,
    value: Tensor,
    /// Some of the values are NaN.
    nan: bool,
    birth: Birth,
    /// The values of the inputs, kept where the node may be to blame.
    inputs: Vec<Tensor>,
    /// The bad inputs.
    from: Vec<(u64, u16)>,
}

/// The values of targets, or the first op to blame if one of them is not finite.
#[track_caller]
pub(super) fn values(targets: &[Tensor]) -> Result<Vec<Tensor>, Box<NonFinite>> {
    let nodes = reachable(targets, |_| true);
    for tensor in &nodes {
        refuse_placeholder(tensor);
    }
    let mut uses: IdMap<u64, usize> = IdMap::default();
    for tensor in &nodes {
        let mut count = |input: &Tensor| *uses.entry(input.node.id).or_default() += 1;
        tensor.node.with_inputs(|inputs| inputs.iter().for_each(&mut count));
    }
    for target in targets {
        *uses.entry(target.node.id).or_default() += 1;
    }
    let mut computed: IdMap<u64, Vec<Tensor>> = IdMap::default();
    let mut bad: IdMap<(u64, u16), Bad> = IdMap::default();
    for tensor in &nodes {
        let id = tensor.node.id;
        let sources = tensor.node.inputs();
        let inputs: Inputs =
            sources.iter().map(|input| computed[&input.node.id][usize::from(input.out)].clone()).collect();
        let outputs = outputs_at(tensor, inputs.clone());
        for found in judge(tensor, &outputs, &sources, &inputs, &bad) {
            bad.insert(key(&found.output), found);
        }
        computed.insert(id, outputs);
        for input in &sources {
            let left = uses.get_mut(&input.node.id).expect("it has been counted");
            *left -= 1;
            if *left == 0 {
                computed.remove(&input.node.id);
            }
        }
    }
    match culprit(targets, &bad) {
        Some(bad) => Err(Box::new(report(bad))),
        None => Ok(targets
            .iter()
            .map(|target| computed[&target.node.id][usize::from(target.out)].clone())
            .collect()),
    }
}

/// The outputs of a node at computed inputs, as computed tensors apart from the graph.
#[track_caller]
fn outputs_at(tensor: &Tensor, inputs: Inputs) -> Vec<Tensor> {
    let node = &tensor.node;
    if inputs.is_empty() && node.is_evaluated() {
        let whole = |out| Tensor { node: node.clone(), out: out as u16 };
        return (0..node.outputs.len()).map(whole).collect();
    }
    let outputs = Tensor::record_many(node.op.clone(), inputs, node.outputs.clone());
    eval(&outputs);
    outputs
}

/// The bad ones among the outputs of a node.
fn judge(
    tensor: &Tensor,
    outputs: &[Tensor],
    sources: &[Tensor],
    inputs: &[Tensor],
    known: &IdMap<(u64, u16), Bad>,
) -> Vec<Bad> {
    let from: Vec<(u64, u16)> = sources.iter().map(key).filter(|source| known.contains_key(source)).collect();
    let mut found = Vec::new();
    for (out, value) in outputs.iter().enumerate().filter(|(_, value)| value.dtype().is_float()) {
        let survey = Survey::of(value);
        if survey.bad().is_none() {
            continue;
        }
        let nan = survey.has_nan();
        let birth = if sources.is_empty() {
            Birth::Leaf
        } else if from.is_empty() {
            Birth::Fresh
        } else if nan && !from.iter().any(|source| known[source].nan) {
            Birth::OfInfinity
        } else {
            Birth::Carried
        };
        let is_suspect = matches!(birth, Birth::Fresh | Birth::OfInfinity);
        found.push(Bad {
            output: Tensor { node: tensor.node.clone(), out: out as u16 },
            value: value.clone(),
            nan,
            birth,
            inputs: if is_suspect { inputs.to_vec() } else { Vec::new() },
            from: from.clone(),
        });
    }
    found
}

/// The node to blame for bad targets.
fn culprit<'a>(targets: &[Tensor], bad: &'a IdMap<(u64, u16), Bad>) -> Option<&'a Bad> {
    let mut seen: IdMap<(u64, u16), ()> = IdMap::default();
    let mut stack: Vec<(u64, u16)> =
        targets.iter().map(key).filter(|target| bad.contains_key(target)).collect();
    let mut suspects: Vec<&Bad> = Vec::new();
    while let Some(id) = stack.pop() {
        if seen.insert(id, ()).is_none() {
            let found = &bad[&id];
            stack.extend(&found.from);
            suspects.push(found);
        }
    }
    // What is certainly wrong goes before what may be meant: an infinity that was there from the start.
    let rank = |bad: &Bad| match bad.birth {
        Birth::Fresh => Some(0),
        Birth::Leaf if bad.nan => Some(0),
        Birth::OfInfinity => Some(1),
        Birth::Leaf => Some(2),
        Birth::Carried => None,
    };
    suspects.into_iter().filter(|bad| rank(bad).is_some()).min_by_key(|bad| (rank(bad), key(&bad.output)))
}

fn report(bad: &Bad) -> NonFinite {
    let node = &bad.output.node;
    let survey = Survey::of(&bad.value);
    let (position, value) = survey.bad().expect("a bad output has a bad value");
    let own = NonFinite {
        op: name(&bad.output),
        within: Vec::new(),
        shape: bad.output.shape().clone(),
        dtype: bad.output.dtype(),
        value,
        index: index(&bad.output, position),
        count: survey.count,
        file: node.site.file(),
        line: node.site.line(),
        column: node.site.column(),
        phase: node.phase,
        inputs: bad.inputs.iter().map(range).collect(),
        source: match bad.birth {
            Birth::Leaf => Source::Leaf,
            Birth::OfInfinity => Source::OpOnInfinity,
            Birth::Fresh | Birth::Carried => Source::Op,
        },
        leaf: (bad.birth == Birth::Leaf).then(|| bad.output.id()),
    };
    match &node.op {
        Op::Custom(op) if own.source != Source::Leaf => {
            inside::first(op, bad.output.out.into(), &bad.inputs, node.origin()).unwrap_or(own)
        }
        _ => own,
    }
}
