//! The derivatives of a scan, which are scans.

use std::sync::Arc;

use crate::graph::node::Meta;
use crate::transform::trace::Traced;
use crate::transform::{forward, reverse};
use crate::{Tensor, custom};

use super::piece::Piece;
use super::scan::{Scan, element, may_be_differentiated, zeros};

/// The tensors of a list that are there.
fn present(list: &[Option<Tensor>]) -> Vec<Tensor> {
    list.iter().flatten().cloned().collect()
}

/// Puts the elements of `from` where `like` has something.
fn restored(like: &[bool], from: &mut impl Iterator<Item = Tensor>) -> Vec<Option<Tensor>> {
    like.iter().map(|there| if *there { from.next() } else { None }).collect()
}

fn are_there(list: &[Option<Tensor>]) -> Vec<bool> {
    list.iter().map(Option::is_some).collect()
}

fn metas(tensors: &[Tensor]) -> impl Iterator<Item = Meta> {
    tensors.iter().map(|tensor| tensor.meta().clone())
}

impl Scan {
    /// The inputs by kind: initial carries, sequences, constants.
    fn kinds<'a, T>(&self, inputs: &'a [T]) -> [&'a [T]; 3] {
        let (carries, rest) = inputs.split_at(self.carries);
        let (sequences, constants) = rest.split_at(self.sequences);
        [carries, sequences, constants]
    }

    /// The outputs by kind: final carries, stacks, sums, saved carries.
    fn output_kinds<'a, T>(&self, outputs: &'a [T]) -> [&'a [T]; 4] {
        let (carries, rest) = outputs.split_at(self.carries);
        let (stacks, rest) = rest.split_at(self.stacks());
        let (sums, saved) = rest.split_at(self.sums);
        [carries, stacks, sums, saved]
    }

    /// The reverse derivative: a loop the other way, whose carries are the cotangents of the carries, and whose sums
    /// those of the constants. Each step computes the body again from the carry that it began with.
    pub fn pulled(
        &self,
        inputs: &[Tensor],
        outputs: &[Tensor],
        cotangents: &[Option<Tensor>],
        wanted: &[bool],
    ) -> Vec<Option<Tensor>> {
        let saved = self.saved(inputs, outputs);
        let [init, sequences, constants] = self.kinds(inputs);
        let [_, wanted_sequences, wanted_constants] = self.kinds(wanted);
        let [of_carries, of_stacks, of_sums, of_saved] = self.output_kinds(cotangents);
        let floats: Vec<bool> = init.iter().map(|carry| carry.dtype().is_float()).collect();
        let count = |marks: &[bool]| marks.iter().filter(|mark| **mark).count();

        let start: Vec<Tensor> = (init.iter().zip(of_carries).zip(&floats))
            .filter(|(_, float)| **float)
            .map(|((carry, cotangent), _)| cotangent.clone().unwrap_or_else(|| carry.zeros_like()))
            .collect();
        let stacks: Vec<Tensor> = [saved, sequences.to_vec(), present(of_stacks), present(of_saved)].concat();
        let fixed: Vec<Tensor> = [constants.to_vec(), present(of_sums)].concat();
        let arguments = metas(&start).chain(stacks.iter().map(element)).chain(metas(&fixed));
        let body = Traced::derived(&[&self.body.traced], arguments.collect::<Vec<Meta>>(), |holes| {
            let mut rest = holes.iter().cloned();
            let arrived = restored(&floats, &mut rest);
            let mut own: Vec<Tensor> = rest.by_ref().take(self.carries + self.sequences).collect();
            let stacks = restored(&are_there(of_stacks), &mut rest);
            let more = restored(&are_there(of_saved), &mut rest);
            own.extend(rest.by_ref().take(constants.len()));
            let sums = restored(&are_there(of_sums), &mut rest);
            let marks = [&floats, wanted_sequences, wanted_constants].concat();
            let all = [arrived, stacks, sums].concat();
            let pulled = reverse::through(&own, &marks, &all, |own| self.body.traced.at(own));
            let mut sent = Vec::new();
            for (index, _) in marks.iter().enumerate().filter(|(_, mark)| **mark) {
                let mut cotangent = pulled[index].clone().unwrap_or_else(|| zeros(own[index].meta()));
                if let Some(Some(saved)) = more.get(index) {
                    cotangent = cotangent + saved;
                }
                sent.push(cotangent);
            }
            sent
        });
        let all = [start, stacks, fixed].concat();
        let op = Scan {
            carries: count(&floats),
            sequences: all.len() - count(&floats) - constants.len() - present(of_sums).len(),
            sums: count(wanted_constants),
            reverse: !self.reverse,
            save: may_be_differentiated(&all),
            body: Piece::new(Arc::new(body), count(wanted_constants)),
            length: self.length,
        };
        if op.own_outputs() == 0 {
            return vec![None; inputs.len()];
        }
        let mut made = custom(op, &all).into_iter();
        let marks = [&floats, wanted_sequences, wanted_constants].concat();
        restored(&marks, &mut made)
    }

    /// The forward derivative: a loop the same way over the tangents, linear in them.
    pub fn pushed(
        &self,
        inputs: &[Tensor],
        outputs: &[Tensor],
        tangents: &[Option<Tensor>],
    ) -> Vec<Option<Tensor>> {
        let saved = self.saved(inputs, outputs);
        let [init, sequences, constants] = self.kinds(inputs);
        let [of_carries, of_sequences, of_constants] = self.kinds(tangents);
        let floats: Vec<bool> = init.iter().map(|carry| carry.dtype().is_float()).collect();
        let start: Vec<Tensor> = (init.iter().zip(of_carries).zip(&floats))
            .filter(|(_, float)| **float)
            .map(|((carry, tangent), _)| tangent.clone().unwrap_or_else(|| carry.zeros_like()))
            .collect();
        let stacks: Vec<Tensor> = [saved, sequences.to_vec(), present(of_sequences)].concat();
        let fixed: Vec<Tensor> = [constants.to_vec(), present(of_constants)].concat();
        let arguments = metas(&start).chain(stacks.iter().map(element)).chain(metas(&fixed));
        let mut flows = Vec::new();
        let body = Traced::derived(&[&self.body.traced], arguments.collect::<Vec<Meta>>(), |holes| {
            let mut rest = holes.iter().cloned();
            let carries = restored(&floats, &mut rest);
            let mut own: Vec<Tensor> = rest.by_ref().take(self.carries + self.sequences).collect();
            let sequences = restored(&are_there(of_sequences), &mut rest);
            own.extend(rest.by_ref().take(constants.len()));
            let constants = restored(&are_there(of_constants), &mut rest);
            let along = [carries, sequences, constants].concat();
            let mut pushed = forward::through(&own, &along, |own| self.body.traced.at(own)).to_vec();
            for (index, float) in floats.iter().enumerate() {
                // The tangent of a carry is carried even where it stays zero.
                if *float && pushed[index].is_none() {
                    pushed[index] = Some(zeros(own[index].meta()));
                }
            }
            flows = are_there(&pushed);
            present(&pushed)
        });
        let [_, _, flowing_sums, _] = self.output_kinds(&flows);
        let carries = start.len();
        let sums = flowing_sums.iter().filter(|flows| **flows).count();
        let sequences = stacks.len();
        let all = [start, stacks, fixed].concat();
        let op = Scan {
            body: Piece::new(Arc::new(body), sums),
            carries,
            sequences,
            sums,
            length: self.length,
            reverse: self.reverse,
            save: self.save || may_be_differentiated(&all),
        };
        let count = self.own_outputs() + if self.save { self.carries } else { 0 };
        if op.own_outputs() == 0 {
            return vec![None; count];
        }
        let mut made = custom(op, &all).into_iter();
        let mut pushed = restored(&flows, &mut made);
        if self.save {
            pushed.extend(restored(&floats, &mut made));
        }
        pushed
    }
}
