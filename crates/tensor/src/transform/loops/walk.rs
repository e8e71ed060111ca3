//! Going through what a loop or a branch computes, piece by piece.

use std::any::Any;

use crate::{CustomOp, Tensor};

use super::branch::Cond;
use super::repeat::While;
use super::scan::Scan;

/// Called with where in the loop one is and what is computed there, not yet computed; returns it computed.
type Run<'a, E> = &'a mut dyn FnMut(String, Vec<Tensor>) -> Result<Vec<Tensor>, E>;

/// Runs what goes into output `out` of a loop or branch at computed inputs through `run`, until that fails; `None` if
/// the op is none.
pub(crate) fn walk_loop<E>(
    op: &dyn CustomOp,
    out: usize,
    inputs: &[Tensor],
    run: Run<E>,
) -> Option<Result<(), E>> {
    let any: &dyn Any = op;
    if let Some(scan) = any.downcast_ref::<Scan>() {
        return Some(scan.walk(out, inputs, run));
    }
    if let Some(repeat) = any.downcast_ref::<While>() {
        return Some(repeat.walk(inputs, run));
    }
    any.downcast_ref::<Cond>().map(|branch| branch.walk(out, inputs, run))
}

impl Scan {
    fn walk<E>(&self, out: usize, inputs: &[Tensor], run: Run<E>) -> Result<(), E> {
        let mut carry = inputs[..self.carries].to_vec();
        let (sequences, constants) = inputs[self.carries..].split_at(self.sequences);
        for step in 0..self.length {
            let at = if self.reverse { self.length - 1 - step } else { step };
            let elements = sequences.iter().map(|sequence| sequence.narrow(0, at, 1).squeeze(0));
            let arguments: Vec<Tensor> =
                carry.iter().cloned().chain(elements).chain(constants.iter().cloned()).collect();
            crate::eval(&arguments);
            // All carries, and the stack or sum that is asked for.
            let mut outputs = self.body.traced.at(&arguments);
            let own = (self.carries..outputs.len()).contains(&out).then(|| outputs[out].clone());
            outputs.truncate(self.carries);
            outputs.extend(own);
            carry = run(format!("scan at position {at}"), outputs)?;
            carry.truncate(self.carries);
        }
        Ok(())
    }
}

impl While {
    fn walk<E>(&self, inputs: &[Tensor], run: Run<E>) -> Result<(), E> {
        let mut arguments = inputs.to_vec();
        for step in 0.. {
            let holds = run(
                format!("the condition of while_loop at step {step}"),
                self.condition.traced.at(&arguments),
            )?;
            if holds[0].item() == 0.0 {
                break;
            }
            let carry = run(format!("while_loop at step {step}"), self.body.traced.at(&arguments))?;
            arguments.splice(..carry.len(), carry);
        }
        Ok(())
    }
}

impl Cond {
    fn walk<E>(&self, out: usize, inputs: &[Tensor], run: Run<E>) -> Result<(), E> {
        let branch = if inputs[0].item() != 0.0 { &self.then } else { &self.otherwise };
        run("cond".to_string(), vec![branch.traced.at(&inputs[1..]).swap_remove(out)]).map(drop)
    }
}
