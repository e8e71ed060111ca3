//! The fast product against its definition, over sizes, strides, types, instruction sets and pools.

use super::*;
use half::{bf16, f16};
use std::sync::Mutex;

/// A type that tests can make from small integers and compare.
trait Sample: GemmElement + PartialEq + std::fmt::Debug {
    fn of(value: i32) -> Self;
    fn close(self, other: Self, depth: usize) -> bool;
}

macro_rules! sample {
    ($($type:ty, $of:expr, $close:expr;)*) => {$(
        impl Sample for $type {
            fn of(value: i32) -> Self {
                let of: fn(i32) -> $type = $of;
                of(value)
            }
            fn close(self, other: Self, depth: usize) -> bool {
                let close: fn($type, $type, usize) -> bool = $close;
                close(self, other, depth)
            }
        }
    )*};
}

sample! {
    f32, |v| v as f32 / 64.0, |x, y, k| (x - y).abs() <= 1e-6 * (k + 1) as f32;
    f64, |v| v as f64 / 64.0, |x, y, k| (x - y).abs() <= 1e-14 * (k + 1) as f64;
    bf16, |v| bf16::from_f32(v as f32 / 64.0), |x, y, k| {
        (x.to_f32() - y.to_f32()).abs() <= x.to_f32().abs() / 128.0 + 1e-6 * (k + 1) as f32
    };
    f16, |v| f16::from_f32(v as f32 / 64.0), |x, y, k| {
        (x.to_f32() - y.to_f32()).abs() <= x.to_f32().abs() / 1024.0 + 1e-6 * (k + 1) as f32
    };
    i32, |v| v * 123_457, |x, y, _| x == y;
    i64, |v| v as i64 * 123_456_789_123, |x, y, _| x == y;
    u8, |v| v as u8, |x, y, _| x == y;
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 33) as usize) % limit
    }

    fn values<T: Sample>(&mut self, count: usize) -> Vec<T> {
        (0..count).map(|_| T::of(self.below(129) as i32 - 64)).collect()
    }
}

/// Row and column stride of an operand of `[rows, columns]`, and the elements that a matrix takes.
type Layout = fn(usize, usize) -> (usize, usize, usize);

const LAYOUTS: [Layout; 5] = [
    |rows, columns| (columns, 1, rows * columns),
    |rows, columns| (1, rows, rows * columns),
    |rows, columns| (columns * 2 + 3, 2, rows * (columns * 2 + 3)),
    |_, columns| (0, 1, columns),
    |rows, _| (1, 0, rows),
];

struct Case {
    sizes: [usize; 4],
    layouts: [Layout; 2],
    broadcast: [bool; 2],
    accumulate: Accumulate,
}

impl Case {
    /// The result of `run` on operands of this case, `padding` elements after each row included.
    fn result<T: Sample>(&self, padding: usize, run: impl FnOnce(&Gemm<T>)) -> Vec<T> {
        let [batch, m, n, k] = self.sizes;
        let mut random = Random(7);
        let mut operand = |layout: Layout, rows: usize, columns: usize, broadcast: bool| {
            let (row, column, size) = layout(rows, columns);
            let stride = if broadcast { 0 } else { size };
            (random.values::<T>(size * batch.max(1)), row, column, stride)
        };
        let a = operand(self.layouts[0], m, k, self.broadcast[0]);
        let b = operand(self.layouts[1], k, n, self.broadcast[1]);
        let mut c: Vec<T> = random.values(batch * m * (n + padding));
        let view = |operand: &(Vec<T>, usize, usize, usize)| MatrixView {
            ptr: operand.0.as_ptr(),
            row_stride: operand.1 as isize,
            column_stride: operand.2 as isize,
            batch_stride: operand.3 as isize,
        };
        let row_stride = (n + padding) as isize;
        let c_view = MatrixViewMut { ptr: c.as_mut_ptr(), row_stride, batch_stride: row_stride * m as isize };
        run(&Gemm { batch, m, n, k, a: view(&a), b: view(&b), c: c_view, accumulate: self.accumulate });
        c
    }

    fn check<T: Sample>(&self, pools: &[Pool]) {
        let [batch, m, n, k] = self.sizes;
        let padding = (m + n) % 3;
        // SAFETY: `result` makes valid operands.
        let expected = self.result::<T>(padding, |gemm| unsafe { oracle::gemm(gemm) });
        for &isa in Isa::available() {
            let mut first: Option<Vec<T>> = None;
            for (pool, with_epilogue) in pools.iter().zip([false, true].into_iter().cycle()) {
                let seen = Mutex::new(vec![0; batch * m]);
                let epilogue = |block: EpilogueBlock| {
                    let mut seen = seen.lock().unwrap();
                    block.rows.for_each(|row| seen[block.batch * m + row] += 1);
                };
                let epilogue: &(dyn Fn(EpilogueBlock) + Sync) = &epilogue;
                let actual = self.result::<T>(padding, |product| {
                    // SAFETY: `result` makes valid operands.
                    unsafe { gemm(pool, isa, product, with_epilogue.then_some(epilogue)) }
                });
                let context = format!("{isa:?} {:?} {:?} pool {}", self.sizes, self.accumulate, pool.size());
                if with_epilogue {
                    assert!(seen.lock().unwrap().iter().all(|&count| count == 1), "{context}");
                }
                for (at, (&x, &y)) in expected.iter().zip(&actual).enumerate() {
                    assert!(x.close(y, k), "{context} at {at}: {x:?} {y:?}");
                }
                match &first {
                    None => first = Some(actual),
                    Some(first) => assert!(first == &actual, "{context}: other bits"),
                }
            }
        }
    }
}

fn pools() -> Vec<Pool> {
    [1, 2, 3, 5].into_iter().map(Pool::new).collect()
}

fn sweep<T: Sample>(rounds: usize) {
    let pools = pools();
    let mut random = Random(rounds as u64);
    let extents = [0, 1, 2, 3, 4, 5, 7, 8, 11, 13, 16, 17, 31, 32, 33, 48, 61];
    for round in 0..rounds {
        let mut extent = || extents[random.below(extents.len())];
        let sizes = [extent() % 4, extent(), extent(), extent()];
        let layouts = [LAYOUTS[random.below(5)], LAYOUTS[random.below(5)]];
        let broadcast = [random.below(3) == 0, random.below(2) == 0];
        let accumulate = if round % 2 == 0 { Accumulate::Replace } else { Accumulate::Add };
        Case { sizes, layouts, broadcast, accumulate }.check::<T>(&pools);
    }
}

#[test]
fn small_products_of_all_types() {
    sweep::<f32>(400);
    sweep::<f64>(200);
    sweep::<bf16>(100);
    sweep::<f16>(100);
    sweep::<i32>(100);
    sweep::<i64>(100);
    sweep::<u8>(100);
}

#[test]
fn large_products_cross_every_block_boundary() {
    let pools = pools();
    let sizes = [
        [1, 397, 211, 1601],
        [1, 64, 512, 784],
        [3, 100, 130, 300],
        [1, 1, 1001, 700],
        [1, 5, 700, 1001],
        [1, 6, 300, 1024],
        [1, 8, 130, 512],
        [2, 300, 7, 1024],
        [1, 1001, 1, 700],
        [1, 1001, 3, 257],
        [40, 33, 35, 64],
        [1, 2, 4100, 33],
        [1, 100, 70, 3201],
        [1, 25, 2600, 1700],
    ];
    for sizes in sizes {
        for layouts in [[0, 0], [0, 1], [1, 0], [1, 1], [2, 2]] {
            let layouts = layouts.map(|index: usize| LAYOUTS[index]);
            let accumulate = Accumulate::Add;
            Case { sizes, layouts, broadcast: [false, true], accumulate }.check::<f32>(&pools);
            if sizes[1] < 200 {
                let accumulate = Accumulate::Replace;
                let case = Case { sizes, layouts, broadcast: [false; 2], accumulate };
                case.check::<f64>(&pools);
                case.check::<bf16>(&pools);
            }
        }
    }
}

/// What the pairs of AVX512_BF16 give up, and what they do not.
#[test]
fn brain_numbers_are_summed_in_single_precision() {
    let pool = Pool::new(1);
    let product = |a: &[f32], b: &[f32], isa| {
        let brain = |values: &[f32]| values.iter().map(|&value| bf16::from_f32(value)).collect::<Vec<_>>();
        let (a, b, mut c) = (brain(a), brain(b), [bf16::ONE]);
        let view =
            |ptr, row_stride, column_stride| MatrixView { ptr, row_stride, column_stride, batch_stride: 0 };
        let k = a.len();
        let product = Gemm {
            batch: 1,
            m: 1,
            n: 1,
            k,
            a: view(a.as_ptr(), k as isize, 1),
            b: view(b.as_ptr(), 1, 1),
            c: MatrixViewMut { ptr: c.as_mut_ptr(), row_stride: 1, batch_stride: 1 },
            accumulate: Accumulate::Replace,
        };
        // SAFETY: the views are of vectors of `k` numbers.
        unsafe { gemm(&pool, isa, &product, None) };
        c[0].to_f32()
    };
    for &isa in Isa::available() {
        // Lost in a sum of bf16, not in one of f32; in either place of a pair.
        assert_eq!(product(&[1.0, 1.0 / 4096.0, -1.0], &[1.0; 3], isa), 1.0 / 4096.0);
        assert_eq!(product(&[1.0, -1.0, 1.0 / 4096.0], &[1.0; 3], isa), 1.0 / 4096.0);
        assert_eq!(product(&[0.0, f32::INFINITY, 1.0], &[1.0; 3], isa), f32::INFINITY);
        assert!(product(&[f32::INFINITY, -f32::INFINITY, 1.0], &[1.0; 3], isa).is_nan());
        assert!(product(&[f32::NAN, 1.0, 1.0], &[1.0; 3], isa).is_nan());
        // Products below the normal numbers may count as zeros.
        let tiny = product(&[1e-39, 1e-39], &[1.0; 2], isa);
        assert!((0.0..3e-39).contains(&tiny), "{tiny:e}");
    }
}

/// A strip of a product, computed in pieces of at most this many rows.
struct Pieces<N> {
    tile: tile::Tile<N>,
    rows: usize,
    most: usize,
    columns: usize,
}

impl<N: Number> tile::VectorKernel<N> for Pieces<N> {
    #[inline(always)]
    unsafe fn run<V: vector::Vector<Element = N>, const ROWS: usize>(self) {
        let mut row = 0;
        while row < self.rows {
            let rows = if self.rows - row < self.most { self.rows - row } else { self.most };
            let tile = tile::Tile {
                a: self.tile.a.wrapping_offset(row as isize * self.tile.a_row),
                c: self.tile.c.wrapping_offset(row as isize * self.tile.c_row),
                ..self.tile
            };
            // SAFETY: these rows are part of the strip.
            unsafe { tile.strip::<V, ROWS>(rows, self.columns) };
            row += rows;
        }
    }
}

/// Tiles in assembly, which are whole ones, give the bits of the same rows in smaller tiles.
fn pieces_agree<T: Sample + Number>(depth: usize, a_by_rows: bool, accumulate: Accumulate) {
    let mut random = Random(depth as u64 + 1);
    for &isa in Isa::available() {
        let tile::TileSize { columns, .. } = tile::TileSize::of::<T>(isa);
        let (rows, c_row) = (29, columns + 5);
        let a = random.values::<T>(rows * (depth + 3));
        let b = random.values::<T>((columns + 2) * depth);
        let before = random.values::<T>(rows * c_row);
        let results = [rows, 1].map(|most| {
            let mut c = before.clone();
            let (a_row, a_depth) = if a_by_rows { (depth + 3, 1) } else { (1, rows) };
            let tile = tile::Tile {
                depth,
                a: a.as_ptr(),
                a_row: a_row as isize,
                a_depth: a_depth as isize,
                b: b.as_ptr(),
                b_depth: columns as isize + 2,
                c: c.as_mut_ptr(),
                c_row: c_row as isize,
                accumulate,
                ahead: tile::Ahead::nothing(a.as_ptr(), b.as_ptr()),
            };
            // SAFETY: the vectors hold what the sizes and strides name.
            unsafe { tile::dispatch(isa, Pieces { tile, rows, most, columns }) };
            c
        });
        assert!(results[0] == results[1], "{isa:?}, depth {depth}, by rows {a_by_rows}, {accumulate:?}");
        let zero = before == results[0];
        assert!(
            !zero || (depth == 0 && accumulate == Accumulate::Add),
            "{isa:?} depth {depth}: nothing was written"
        );
    }
}

#[test]
fn whole_tiles_have_the_bits_of_their_rows() {
    for depth in (0..20).chain([47, 48, 191, 192, 193, 239, 240, 241, 767, 768, 1001]) {
        for by_rows in [true, false] {
            for accumulate in [Accumulate::Replace, Accumulate::Add] {
                pieces_agree::<f32>(depth, by_rows, accumulate);
                pieces_agree::<f64>(depth, by_rows, accumulate);
            }
        }
    }
}
