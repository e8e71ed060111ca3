//! Runs plans on the processor: one call after the other, each spread over the threads of a pool.

use std::ops::Range;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Instant;

use half::{bf16, f16};
use smallvec::SmallVec;

use crate::buffer::{Buffer, allocate};
use crate::cpu::kernels::compiled::Book;
use crate::cpu::kernels::convolution::{self, ConvolutionShape, Epilogue};
use crate::cpu::kernels::gemm::element::GemmElement;
use crate::cpu::kernels::gemm::{Accumulate, EpilogueBlock, Gemm, MatrixView, MatrixViewMut, gemm};
use crate::cpu::kernels::indexing::{self, Geometry};
use crate::cpu::kernels::isa::Isa;
use crate::cpu::kernels::memory::AlignedBytes;
use crate::cpu::kernels::philox;
use crate::cpu::kernels::pooling::{self, PoolingElement, PoolingShape};
use crate::cpu::kernels::threads::Pool;
use crate::device::{Device, Executable};
use crate::graph::walk::IdMap;
use crate::ops::convolution::{ConvolutionOp, Role};
use crate::ops::custom::{Engine, HostArray, HostArrayMut};
use crate::ops::pooling::{PoolOp, PoolRole};
use crate::ops::random::RandomOp;
use crate::plan::loops::LoopProgram;
use crate::plan::{Action, Kernel, MatrixOperand, Part, Place, Plan, trace};
use crate::{DType, Scalar};

use super::assemble;
use super::loops::{CompiledLoop, Memory};
use super::reduce;

/// Elements from which moving them on a second thread pays.
const WORTH_A_THREAD: usize = 32 * 1024;

/// The processor.
pub(crate) struct Cpu;

impl Device for Cpu {
    fn upload(&self, bytes: &[u8]) -> Buffer {
        Buffer::from_host(bytes)
    }
    fn allocate(&self, bytes: usize) -> Buffer {
        Buffer::uninitialised_host(bytes)
    }
    fn compile(&self, plan: Plan) -> Arc<dyn Executable> {
        // Layers that are alike have the same loops, which are compiled once.
        let mut known: IdMap<&LoopProgram, Arc<CompiledLoop>> = IdMap::default();
        let mut book = Book::default();
        let mut compiled = |program| {
            let new = || Arc::new(CompiledLoop::new(LoopProgram::clone(program), Isa::detected(), &mut book));
            known.entry(program).or_insert_with(new).clone()
        };
        let loops =
            plan.kernels.iter().map(|kernel| kernel.tail.as_ref().map(|tail| compiled(&tail.program)));
        let loops = loops.collect();
        book.finish();
        Arc::new(CpuExecutable { loops, plan })
    }
}

/// The pool that plans run on.
static POOL: RwLock<Option<Arc<Pool>>> = RwLock::new(None);

/// Sets the number of threads that plans run on, the calling one included. Without it, `BOLETE_THREADS` says, or else
/// the machine. Results do not depend on it.
pub fn set_threads(threads: usize) {
    *POOL.write().unwrap_or_else(|poisoned| poisoned.into_inner()) =
        Some(Arc::new(Pool::new(threads.max(1))));
}

/// The number of threads that plans run on.
pub fn threads() -> usize {
    with_pool(Pool::size)
}

/// Calls `body` with the pool that plans run on; kernels of custom ops use it too.
pub(crate) fn with_pool<R>(body: impl FnOnce(&Pool) -> R) -> R {
    let own = POOL.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
    match own {
        Some(pool) => body(&pool),
        None => body(Pool::global()),
    }
}

/// Arenas of plans that are not running, so that a replayed plan finds its memory again.
static ARENAS: Mutex<Vec<AlignedBytes>> = Mutex::new(Vec::new());
/// Arenas kept, one for each plan that runs at the same time, as a rule.
const KEPT_ARENAS: usize = 4;

fn with_arena<R>(bytes: usize, body: impl FnOnce(*mut u8) -> R) -> R {
    let found = {
        let mut arenas = ARENAS.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        // The smallest that is large enough.
        let fitting = arenas.iter().enumerate().filter(|(_, arena)| arena.len() >= bytes);
        let best = fitting.min_by_key(|(_, arena)| arena.len()).map(|(index, _)| index);
        best.map(|index| arenas.swap_remove(index))
    };
    let mut arena = found.unwrap_or_else(|| allocate(bytes));
    let result = body(arena.as_mut_ptr());
    let mut arenas = ARENAS.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    arenas.push(arena);
    if arenas.len() > KEPT_ARENAS {
        // The largest serve every plan; the smallest goes.
        let smallest = arenas.iter().enumerate().min_by_key(|(_, arena)| arena.len()).map(|(index, _)| index);
        drop(smallest.map(|index| arenas.swap_remove(index)));
    }
    result
}

/// A plan with its loops laid out.
struct CpuExecutable {
    plan: Plan,
    loops: Vec<Option<Arc<CompiledLoop>>>,
}

impl Executable for CpuExecutable {
    fn plan(&self) -> &Plan {
        &self.plan
    }

    fn run(&self, inputs: &[Buffer], outputs: &[Buffer], numbers: &[Scalar]) -> Result<(), String> {
        with_pool(|pool| {
            with_arena(self.plan.arena_bytes, |arena| {
                let run = Run { pool, isa: Isa::detected(), inputs, outputs, numbers, arena };
                let tracing = trace::is_enabled();
                for (kernel, own_loop) in self.plan.kernels.iter().zip(&self.loops) {
                    let start = tracing.then(Instant::now);
                    // SAFETY: places were planned so that what a kernel writes is its own, and buffers have the
                    // sizes that the plan states.
                    unsafe { run.kernel(kernel, own_loop.as_deref())? };
                    if let Some(start) = start {
                        trace::record(kernel, start);
                    }
                }
                Ok(())
            })
        })
    }
}

/// A running plan.
struct Run<'a> {
    pool: &'a Pool,
    isa: Isa,
    inputs: &'a [Buffer],
    outputs: &'a [Buffer],
    numbers: &'a [Scalar],
    arena: *mut u8,
}

/// A pointer that tasks share; each uses a part of its own.
#[derive(Clone, Copy)]
struct Shared(*mut u8);

// SAFETY: tasks write to disjoint parts.
unsafe impl Sync for Shared {}

impl Shared {
    fn get(self) -> *mut u8 {
        self.0
    }
}

impl Run<'_> {
    fn place(&self, place: Place) -> *mut u8 {
        match place {
            Place::Buffer(index) => self.inputs[index as usize].host_pointer(),
            Place::Output(index) => self.outputs[index as usize].host_pointer(),
            // SAFETY: the arena has as many bytes as the plan asked for.
            Place::Arena(offset) => unsafe { self.arena.add(offset) },
        }
    }

    fn places(&self, places: &[Place]) -> SmallVec<[*mut u8; 8]> {
        places.iter().map(|place| self.place(*place)).collect()
    }

    /// # Safety
    /// All places are valid for what the kernel does.
    unsafe fn kernel(&self, kernel: &Kernel, tail: Option<&CompiledLoop>) -> Result<(), String> {
        let (tail_reads, tail_writes) = match &kernel.tail {
            Some(tail) => (self.places(&tail.reads), self.places(&tail.writes)),
            None => Default::default(),
        };
        let memory = Memory { reads: &tail_reads, writes: &tail_writes, numbers: self.numbers };
        let reads = self.places(&kernel.reads);
        let writes = self.places(&kernel.writes);
        // SAFETY: passed on from the caller, here and below.
        unsafe {
            match &kernel.action {
                Action::Loop => tail.expect("a loop is compiled").run(self.pool, self.isa, memory),
                Action::Matmul { dtype, batch, m, n, k, a, b } => {
                    let sizes = [*batch, *m, *n, *k];
                    match dtype {
                        DType::F32 => self.matmul::<f32>(sizes, (a, b), &reads, writes[0], tail, memory),
                        DType::F64 => self.matmul::<f64>(sizes, (a, b), &reads, writes[0], tail, memory),
                        DType::BF16 => self.matmul::<bf16>(sizes, (a, b), &reads, writes[0], tail, memory),
                        DType::F16 => self.matmul::<f16>(sizes, (a, b), &reads, writes[0], tail, memory),
                        DType::I32 => self.matmul::<i32>(sizes, (a, b), &reads, writes[0], tail, memory),
                        DType::I64 => self.matmul::<i64>(sizes, (a, b), &reads, writes[0], tail, memory),
                        DType::U8 => self.matmul::<u8>(sizes, (a, b), &reads, writes[0], tail, memory),
                        DType::Bool => unreachable!("booleans are multiplied as integers"),
                    }
                }
                Action::Convolution { dtype, op } => match dtype {
                    DType::F32 => self.convolution::<f32>(op, &reads, writes[0], tail, memory),
                    DType::F64 => self.convolution::<f64>(op, &reads, writes[0], tail, memory),
                    other => unreachable!("{other} is convolved in f32"),
                },
                Action::Pool { dtype, op, planes } => match dtype {
                    DType::F32 => self.pool::<f32>(op, *planes, &reads, writes[0]),
                    DType::F64 => self.pool::<f64>(op, *planes, &reads, writes[0]),
                    other => unreachable!("{other} is pooled in f32"),
                },
                Action::Assemble { dtype, parts, fill, elements } => {
                    self.assemble(*dtype, parts, *fill, *elements, &reads, writes[0]);
                }
                Action::Take { dtype, geometry } => {
                    return self.take(dtype.size(), *geometry, &reads, writes[0], &kernel.name);
                }
                Action::ScatterAdd { dtype, geometry } => {
                    let error = match dtype {
                        DType::F32 => self.scatter_add::<f32>(*geometry, &reads, writes[0]),
                        DType::F64 => self.scatter_add::<f64>(*geometry, &reads, writes[0]),
                        DType::F16 => self.scatter_add::<f16>(*geometry, &reads, writes[0]),
                        DType::BF16 => self.scatter_add::<bf16>(*geometry, &reads, writes[0]),
                        DType::I32 => self.scatter_add::<i32>(*geometry, &reads, writes[0]),
                        DType::I64 => self.scatter_add::<i64>(*geometry, &reads, writes[0]),
                        DType::U8 | DType::Bool => self.scatter_add::<u8>(*geometry, &reads, writes[0]),
                    };
                    return error.map_err(|error| format!("{}: {error}", kernel.name));
                }
                Action::ArgMax { dtype, outer, length, inner } => {
                    let (values, target) = (Shared(reads[0]), Shared(writes[0]));
                    let minimum = WORTH_A_THREAD / (length * inner).max(1) + 1;
                    self.pool.for_ranges(*outer, minimum, &|range| {
                        let target = target.get().cast::<i64>();
                        reduce::argmax(*dtype, values.get(), *length, *inner, range, target);
                    });
                }
                Action::Random { dtype, op, keys, count } => {
                    self.random(*dtype, op, *keys, *count, reads[0], writes[0]);
                }
                Action::Custom { op, inputs, outputs } => {
                    let bytes = |meta: &crate::graph::node::Meta| meta.shape.elements() * meta.dtype.size();
                    let arrays: Vec<HostArray> = inputs
                        .iter()
                        .zip(&reads)
                        .map(|(meta, pointer)| HostArray {
                            shape: &meta.shape,
                            dtype: meta.dtype,
                            bytes: std::slice::from_raw_parts(*pointer, bytes(meta)),
                        })
                        .collect();
                    let overwrites = op.0.overwrites(Engine);
                    let mut targets: Vec<HostArrayMut> = outputs
                        .iter()
                        .zip(&writes)
                        .map(|(meta, pointer)| {
                            // A user's kernel sees zeros, never what was there before.
                            if !overwrites {
                                std::ptr::write_bytes(*pointer, 0, bytes(meta));
                            }
                            HostArrayMut {
                                shape: &meta.shape,
                                dtype: meta.dtype,
                                bytes: std::slice::from_raw_parts_mut(*pointer, bytes(meta)),
                            }
                        })
                        .collect();
                    op.0.compute(&arrays, &mut targets);
                }
            }
        }
        Ok(())
    }

    /// # Safety
    /// As for [`kernel`](Run::kernel).
    unsafe fn matmul<T: GemmElement>(
        &self,
        [batch, m, n, k]: [usize; 4],
        (a, b): (&MatrixOperand, &MatrixOperand),
        reads: &[*mut u8],
        target: *mut u8,
        tail: Option<&CompiledLoop>,
        memory: Memory,
    ) {
        let view = |operand: &MatrixOperand, pointer: *mut u8| MatrixView {
            // SAFETY: the planner put the operand's first element inside its memory.
            ptr: unsafe { pointer.cast::<T>().cast_const().offset(operand.offset) },
            row_stride: operand.strides.row,
            column_stride: operand.strides.column,
            batch_stride: operand.strides.batch,
        };
        let product = Gemm {
            batch,
            m,
            n,
            k,
            a: view(a, reads[0]),
            b: view(b, reads[1]),
            c: MatrixViewMut {
                ptr: target.cast::<T>(),
                row_stride: n as isize,
                batch_stride: (m * n) as isize,
            },
            accumulate: Accumulate::Replace,
        };
        let isa = self.isa;
        let finish = |block: EpilogueBlock| {
            let tail = tail.expect("the epilogue is given only if there is a loop");
            let row = tail.program.row;
            let first = (block.batch * m + block.rows.start) * n;
            let end = (block.batch * m + block.rows.end) * n;
            // SAFETY: blocks are disjoint and whole rows of the loop.
            unsafe { tail.run_rows(isa, memory, first / row..end / row) };
        };
        let epilogue: Option<&(dyn Fn(EpilogueBlock) + Sync)> =
            if tail.is_some() && n > 0 { Some(&finish) } else { None };
        // SAFETY: passed on from the caller.
        unsafe { gemm(self.pool, isa, &product, epilogue) };
    }

    /// # Safety
    /// As for [`kernel`](Run::kernel).
    unsafe fn convolution<T: GemmElement>(
        &self,
        op: &ConvolutionOp,
        reads: &[*mut u8],
        target: *mut u8,
        tail: Option<&CompiledLoop>,
        memory: Memory,
    ) {
        let options = &op.options;
        let shape = ConvolutionShape {
            images: op.image[0],
            channels: op.image[1],
            outputs: op.output[1],
            groups: options.groups,
            size: [op.image[2], op.image[3]],
            kernel: [op.kernel[2], op.kernel[3]],
            stride: options.stride,
            padding: options.padding.map(|(low, high)| [low, high]),
            dilation: options.dilation,
        };
        let count = |lengths: &[usize; 4]| lengths.iter().product::<usize>();
        // SAFETY: the planner's sizes, passed on from the caller.
        let source = |index: usize, lengths: &[usize; 4]| unsafe {
            std::slice::from_raw_parts(reads[index].cast::<T>().cast_const(), count(lengths))
        };
        // SAFETY: as above; the target is this kernel's own.
        let made = |lengths: &[usize; 4]| unsafe {
            std::slice::from_raw_parts_mut(target.cast::<T>(), count(lengths))
        };
        match op.role {
            Role::Output => {
                let (x, w, y) = (source(0, &op.image), source(1, &op.kernel), made(&op.output));
                let isa = self.isa;
                let row = tail.map_or(1, |tail| tail.program.row);
                let finish = |range: Range<usize>| {
                    let tail = tail.expect("the epilogue is given only if there is a loop");
                    // SAFETY: ranges are disjoint and whole rows of the loop.
                    unsafe { tail.run_rows(isa, memory, range.start / row..range.end / row) };
                };
                let epilogue = tail.map(|_| Epilogue { row, run: &finish });
                let epilogue = epilogue.as_ref();
                convolution::forward(self.pool, isa, &shape, x, w, y, epilogue);
            }
            Role::Image => {
                let (y, w, x) = (source(0, &op.output), source(1, &op.kernel), made(&op.image));
                convolution::input_gradient(self.pool, self.isa, &shape, y, w, x);
            }
            Role::Kernel => {
                let (x, y, w) = (source(0, &op.image), source(1, &op.output), made(&op.kernel));
                convolution::weight_gradient(self.pool, self.isa, &shape, x, y, w);
            }
        }
    }

    /// # Safety
    /// As for [`kernel`](Run::kernel).
    unsafe fn pool<T: PoolingElement>(&self, op: &PoolOp, planes: usize, reads: &[*mut u8], target: *mut u8) {
        let options = &op.options;
        let shape = PoolingShape {
            planes,
            size: op.image,
            window: options.window,
            stride: options.stride,
            padding: options.padding.map(|(low, high)| [low, high]),
            dilation: options.dilation,
        };
        let (image, output) = (planes * op.image[0] * op.image[1], planes * op.output[0] * op.output[1]);
        // SAFETY: the planner's sizes, passed on from the caller.
        let source = |index: usize, count: usize| unsafe {
            std::slice::from_raw_parts(reads[index].cast::<T>().cast_const(), count)
        };
        // SAFETY: as above; the target is this kernel's own.
        let made = |count: usize| unsafe { std::slice::from_raw_parts_mut(target.cast::<T>(), count) };
        let (pool, isa) = (self.pool, self.isa);
        match op.role {
            PoolRole::SelectMax => {
                let (x, t) = (source(0, image), source(1, image));
                pooling::max_select(pool, isa, &shape, x, t, T::ZERO, made(output));
            }
            PoolRole::ScatterMax => {
                pooling::max_scatter(pool, isa, &shape, source(0, image), source(1, output), made(image));
            }
            PoolRole::Sum => pooling::sum(pool, isa, &shape, source(0, image), made(output)),
            PoolRole::Spread => pooling::sum_transposed(pool, isa, &shape, source(0, output), made(image)),
        }
    }

    /// # Safety
    /// As for [`kernel`](Run::kernel).
    unsafe fn assemble(
        &self,
        dtype: DType,
        parts: &[Part],
        fill: Option<isize>,
        elements: usize,
        reads: &[*mut u8],
        target: *mut u8,
    ) {
        let size = dtype.size();
        let target = Shared(target);
        // SAFETY: passed on from the caller, here and below; parts do not overlap.
        unsafe {
            if let Some(offset) = fill {
                let value = Shared(reads[reads.len() - 1].offset(offset * size as isize));
                self.pool.for_ranges(elements, WORTH_A_THREAD, &|range| {
                    let start = target.get().add(range.start * size);
                    assemble::fill(value.get(), size, start, range.len());
                });
            }
            for (part, source) in parts.iter().zip(reads) {
                let lengths = &part.source.shape;
                let rows = lengths.first().copied().unwrap_or(1);
                let source = Shared(*source);
                let step = |strides: &[isize]| strides.first().copied().unwrap_or(0);
                let minimum = WORTH_A_THREAD / (part.source.shape.elements() / rows.max(1)).max(1) + 1;
                self.pool.for_ranges(rows, minimum, &|range| {
                    let mut own: SmallVec<[usize; 6]> = SmallVec::from_slice(lengths);
                    if let Some(first) = own.first_mut() {
                        *first = range.len();
                    }
                    let first = range.start as isize;
                    let from = part.source.offset + first * step(&part.source.strides);
                    let to = part.offset + first * step(&part.strides);
                    assemble::copy(
                        size,
                        &own,
                        (source.get(), &part.source.strides, from),
                        (target.get(), &part.strides, to),
                    );
                });
            }
        }
    }

    /// # Safety
    /// As for [`kernel`](Run::kernel).
    unsafe fn take(
        &self,
        size: usize,
        geometry: Geometry,
        reads: &[*mut u8],
        target: *mut u8,
        name: &str,
    ) -> Result<(), String> {
        // SAFETY: the planner's sizes, passed on from the caller.
        let indices = unsafe {
            std::slice::from_raw_parts(reads[1].cast::<i64>().cast_const(), geometry.batch * geometry.m)
        };
        indexing::check_indices(indices, geometry.n).map_err(|error| format!("{name}: {error}"))?;
        let (data, target) = (Shared(reads[0]), Shared(target));
        let rows = geometry.batch * geometry.pre;
        let minimum = WORTH_A_THREAD / (geometry.m * geometry.post).max(1) + 1;
        self.pool.for_ranges(rows, minimum, &|range| {
            // SAFETY: as above; rows are disjoint.
            let result = unsafe {
                indexing::take(size, geometry, data.get(), indices, target.get(), range, 0..geometry.post)
            };
            result.expect("the indices have been checked");
        });
        Ok(())
    }

    /// # Safety
    /// As for [`kernel`](Run::kernel).
    unsafe fn scatter_add<T: indexing::Accumulate>(
        &self,
        geometry: Geometry,
        reads: &[*mut u8],
        target: *mut u8,
    ) -> Result<(), indexing::IndexError> {
        // SAFETY: the planner's sizes, passed on from the caller.
        let indices = unsafe {
            std::slice::from_raw_parts(reads[1].cast::<i64>().cast_const(), geometry.batch * geometry.m)
        };
        indexing::check_indices(indices, geometry.n)?;
        let rows = geometry.batch * geometry.pre;
        // SAFETY: the target is this kernel's own, of this size.
        unsafe { std::ptr::write_bytes(target, 0, rows * geometry.n * geometry.post * size_of::<T>()) };
        let (updates, target) = (Shared(reads[0]), Shared(target));
        let isa = self.isa;
        let add = |rows: std::ops::Range<usize>, columns: std::ops::Range<usize>| {
            let (updates, target) = (updates.get().cast::<T>().cast_const(), target.get().cast::<T>());
            // SAFETY: as above; rows or columns are disjoint.
            let result =
                unsafe { indexing::scatter_add(isa, geometry, updates, indices, target, rows, columns) };
            result.expect("the indices have been checked");
        };
        let work = rows * geometry.m * geometry.post;
        if rows == 1 && work > WORTH_A_THREAD {
            // One table of rows: threads share the columns.
            self.pool.for_ranges(geometry.post, 16, &|columns| add(0..1, columns));
        } else {
            let minimum = WORTH_A_THREAD / (geometry.m * geometry.post).max(1) + 1;
            self.pool.for_ranges(rows, minimum, &|rows| add(rows, 0..geometry.post));
        }
        Ok(())
    }

    /// # Safety
    /// As for [`kernel`](Run::kernel).
    unsafe fn random(
        &self,
        dtype: DType,
        op: &RandomOp,
        keys: usize,
        count: usize,
        source: *mut u8,
        target: *mut u8,
    ) {
        let isa = self.isa;
        let target = Shared(target);
        for index in 0..keys {
            // SAFETY: the planner's sizes, passed on from the caller.
            let key = unsafe { *source.cast::<i64>().add(index) } as u64;
            let first = index * count;
            match op {
                RandomOp::Uniform => self.pool.for_ranges(count, WORTH_A_THREAD / 4, &|range| {
                    // SAFETY: ranges are disjoint parts of the target.
                    unsafe {
                        let at = first + range.start;
                        let (start, length) = (range.start as u64, range.len());
                        match dtype {
                            DType::F32 => {
                                let out = std::slice::from_raw_parts_mut(
                                    target.get().cast::<f32>().add(at),
                                    length,
                                );
                                philox::fill_uniform_f32(isa, key, 0, start, out);
                            }
                            DType::F64 => {
                                let out = std::slice::from_raw_parts_mut(
                                    target.get().cast::<f64>().add(at),
                                    length,
                                );
                                philox::fill_uniform_f64(isa, key, 0, start, out);
                            }
                            other => unreachable!("{other} is drawn in f32"),
                        }
                    }
                }),
                RandomOp::Split | RandomOp::Permutation => {
                    // SAFETY: as above.
                    let out = unsafe {
                        std::slice::from_raw_parts_mut(target.get().cast::<i64>().add(first), count)
                    };
                    match op {
                        RandomOp::Permutation => philox::permutation(key, out),
                        _ => {
                            for (child, out) in out.iter_mut().enumerate() {
                                *out = philox::derive_key(key, child as u64) as i64;
                            }
                        }
                    }
                }
            }
        }
    }
}
