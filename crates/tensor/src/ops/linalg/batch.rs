//! Batches of matrices on host memory, in parallel.

use std::sync::Mutex;

use crate::cpu::execute::with_pool;
use crate::cpu::kernels::isa::Isa;
use crate::cpu::kernels::linalg::real::Machine;
use crate::ops::custom::{HostArray, HostArrayMut};
use crate::{Element, Shape};

/// Operations that are worth handing to a thread.
const WORTHWHILE: usize = 20_000;

/// Number, rows and columns of the matrices in a shape.
pub(super) fn sizes(shape: &Shape) -> (usize, usize, usize) {
    let axes = shape.rank() - 2;
    (shape[..axes].iter().product(), shape[axes], shape[axes + 1])
}

/// The values cut in `count` equal parts.
pub(super) fn parts<'a, T: Element>(array: &'a HostArray, count: usize) -> Vec<&'a [T]> {
    let values = array.as_slice::<T>();
    let size = values.len() / count.max(1);
    (0..count).map(|index| &values[index * size..(index + 1) * size]).collect()
}

/// The values cut in `count` equal parts, to write.
pub(super) fn parts_mut<'a, T: Element>(array: &'a mut HostArrayMut, count: usize) -> Vec<&'a mut [T]> {
    let mut rest = array.as_mut_slice::<T>();
    let size = rest.len() / count.max(1);
    (0..count)
        .map(|_| {
            let (part, others) = std::mem::take(&mut rest).split_at_mut(size);
            rest = others;
            part
        })
        .collect()
}

/// Calls `body` with each job and its number; a job takes about `operations`.
pub(super) fn each<J: Send>(jobs: Vec<J>, operations: usize, body: impl Fn(Machine, usize, J) + Sync) {
    with_pool(|pool| {
        let on = Machine { pool, isa: Isa::detected() };
        if jobs.len() == 1 {
            // Alone, so that the products inside may use all threads.
            return jobs.into_iter().for_each(|job| body(on, 0, job));
        }
        let jobs: Vec<Mutex<Option<J>>> = jobs.into_iter().map(|job| Mutex::new(Some(job))).collect();
        pool.for_ranges(jobs.len(), WORTHWHILE.div_ceil(operations.max(1)), &|range| {
            for index in range {
                let job = jobs[index].lock().expect("the lock is not held while a job runs").take();
                body(on, index, job.expect("each job runs once"));
            }
        });
    });
}

/// Evaluates the body with `$T` standing for `f32` or `f64`, whichever `$dtype` is.
macro_rules! for_real {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            $crate::DType::F64 => {
                type $T = f64;
                $body
            }
            _ => {
                type $T = f32;
                $body
            }
        }
    };
}
pub(super) use for_real;
