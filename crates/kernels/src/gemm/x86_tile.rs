//! Whole tiles of AVX-512 vectors, 12 rows by 2 vectors, in assembly.
//!
//! What the compiler makes of [`Tile`] keeps every number of A in a register, because two multiply-adds use it, and adds
//! to all pointers in every step: over fifty instructions for 24 multiply-adds. A core that shares its front end with
//! another hardware thread issues three a cycle, of which two should multiply. Here the multiply-adds read every third
//! row themselves, pointers move once in four steps, and 36 instructions are left.
//!
//! The loop also fetches what is needed later, a little at a time: bursts would fill the buffers that its own loads go
//! through. Sums are added in the same order as by the compiled tile, so the bits are the same.

use super::Accumulate;
use super::tile::Tile;
use std::arch::asm;
use std::arch::x86_64::*;

/// Rows of a tile.
const ROWS: usize = 12;
/// Tiles of less depth fetch all of C before the products: there are too few to spread it over.
const SPREAD: usize = 192;

/// What the loop keeps in memory. Its registers are taken; the assembly names these fields by their offsets.
#[repr(C)]
struct Nest {
    /// 0: the row of C to fetch next.
    c: *const u8,
    /// 8: bytes from row to row of C.
    c_row: isize,
    /// 16: the lines of A to fetch next.
    left: *const u8,
    /// 24: bytes to the lines after them.
    left_step: isize,
    /// 32: parts of the loop still to do, with a fetch of C and A before each.
    parts: usize,
    /// 40: times four steps in a part.
    fours: usize,
    /// 48: the last parts below this number take four steps more.
    longer: usize,
    /// 56: single steps at the end.
    ones: usize,
}

/// Three rows times both vectors of B: the first is read by the multiply-adds.
macro_rules! three_rows {
    ([$multiply:literal, $spread:literal, $times:literal], [$x:expr, $y:expr, $z:expr], $t:literal $u:literal, $s:tt) => {
        three_rows!(@ $multiply, $spread, $times, $x, $y, $z, $t, $u, $s)
    };
    (@ $multiply:literal, $spread:literal, $times:literal, $x:expr, $y:expr, $z:expr, $t:literal, $u:literal,
     [$s0:literal $s1:literal $s2:literal $s3:literal $s4:literal $s5:literal]) => {
        concat!(
            $spread, " ", $t, ", ", $y, "\n",
            $spread, " ", $u, ", ", $z, "\n",
            $multiply, " ", $s0, ", zmm24, ", $x, $times, "\n",
            $multiply, " ", $s1, ", zmm25, ", $x, $times, "\n",
            $multiply, " ", $s2, ", zmm24, ", $t, "\n",
            $multiply, " ", $s3, ", zmm25, ", $t, "\n",
            $multiply, " ", $s4, ", zmm24, ", $u, "\n",
            $multiply, " ", $s5, ", zmm25, ", $u, "\n",
        )
    };
}

/// A column of A, given as four times three places, times a row of B.
macro_rules! step {
    ($words:tt, $b:expr, $first:tt $second:tt $third:tt $fourth:tt) => {
        concat!(
            "vmovups zmm24, [", $b, "]\n",
            "vmovups zmm25, [", $b, " + 64]\n",
            three_rows!($words, $first, "zmm26" "zmm27", ["zmm0" "zmm1" "zmm2" "zmm3" "zmm4" "zmm5"]),
            three_rows!($words, $second, "zmm28" "zmm29", ["zmm6" "zmm7" "zmm8" "zmm9" "zmm10" "zmm11"]),
            three_rows!($words, $third, "zmm30" "zmm31", ["zmm12" "zmm13" "zmm14" "zmm15" "zmm16" "zmm17"]),
            three_rows!($words, $fourth, "zmm26" "zmm27", ["zmm18" "zmm19" "zmm20" "zmm21" "zmm22" "zmm23"]),
        )
    };
}

/// A step where the rows of A are contiguous; `$at` bytes from their pointers.
macro_rules! step_in_rows {
    ($words:tt, $b:expr, $at:expr) => {
        step!($words, $b,
            [concat!("[{a0} + ", $at, "]"), concat!("[{a0} + {a_row} + ", $at, "]"), concat!("[{a0} + 2*{a_row} + ", $at, "]")]
            [concat!("[{a3} + ", $at, "]"), concat!("[{a3} + {a_row} + ", $at, "]"), concat!("[{a3} + 2*{a_row} + ", $at, "]")]
            [concat!("[{a6} + ", $at, "]"), concat!("[{a6} + {a_row} + ", $at, "]"), concat!("[{a6} + 2*{a_row} + ", $at, "]")]
            [concat!("[{a9} + ", $at, "]"), concat!("[{a9} + {a_row} + ", $at, "]"), concat!("[{a9} + 2*{a_row} + ", $at, "]")]
        )
    };
}

/// Moves the pointers to the rows of A by `$bytes`.
macro_rules! move_rows {
    ($bytes:expr) => {
        concat!(
            "add {a0}, ",
            $bytes,
            "\nadd {a3}, ",
            $bytes,
            "\nadd {a6}, ",
            $bytes,
            "\nadd {a9}, ",
            $bytes,
            "\n"
        )
    };
}

/// A step where the columns of A are contiguous, of numbers of `$size` bytes.
macro_rules! step_in_columns {
    ($words:tt, $b:expr, $size:literal) => {
        concat!(
            step!($words, $b,
                ["[{a}]", concat!("[{a} + ", $size, "]"), concat!("[{a} + 2*", $size, "]")]
                [concat!("[{a} + 3*", $size, "]"), concat!("[{a} + 4*", $size, "]"), concat!("[{a} + 5*", $size, "]")]
                [concat!("[{a} + 6*", $size, "]"), concat!("[{a} + 7*", $size, "]"), concat!("[{a} + 8*", $size, "]")]
                [concat!("[{a} + 9*", $size, "]"), concat!("[{a} + 10*", $size, "]"), concat!("[{a} + 11*", $size, "]")]
            ),
            "add {a}, {a_depth}\n",
        )
    };
}

/// The whole loop: parts of four steps, with some of C and A fetched before each part and a line of B before each four
/// steps, and single steps in the end.
macro_rules! nest {
    ($four:expr, $one:expr) => {
        concat!(
            "2:\n",
            "mov {count}, [{nest}]\n",
            "prefetcht0 [{count}]\n",
            "prefetcht0 [{count} + 64]\n",
            "add {count}, [{nest} + 8]\n",
            "mov [{nest}], {count}\n",
            "mov {count}, [{nest} + 16]\n",
            "prefetcht1 [{count}]\n",
            "prefetcht1 [{count} + 64]\n",
            "prefetcht1 [{count} + 128]\n",
            "prefetcht1 [{count} + 192]\n",
            "add {count}, [{nest} + 24]\n",
            "mov [{nest} + 16], {count}\n",
            // One more if parts < longer: the comparison leaves a borrow, which moves do not touch.
            "mov {count}, [{nest} + 32]\n",
            "cmp {count}, [{nest} + 48]\n",
            "mov {count}, [{nest} + 40]\n",
            "adc {count}, 0\n",
            "je 4f\n",
            "3:\n",
            "prefetcht1 [{ahead}]\n",
            "add {ahead}, 64\n",
            $four,
            "dec {count}\n",
            "jne 3b\n",
            "4:\n",
            "dec qword ptr [{nest} + 32]\n",
            "jne 2b\n",
            "mov {count}, [{nest} + 56]\n",
            "test {count}, {count}\n",
            "je 6f\n",
            "5:\n",
            $one,
            "dec {count}\n",
            "jne 5b\n",
            "6:\n",
        )
    };
}

/// Runs a loop with the sums in registers.
macro_rules! run {
    ($loop:expr, $sums:ident, $($operands:tt)*) => {
        asm!(
            $loop,
            $($operands)*
            inout("zmm0") $sums[0][0], inout("zmm1") $sums[0][1], inout("zmm2") $sums[1][0],
            inout("zmm3") $sums[1][1], inout("zmm4") $sums[2][0], inout("zmm5") $sums[2][1],
            inout("zmm6") $sums[3][0], inout("zmm7") $sums[3][1], inout("zmm8") $sums[4][0],
            inout("zmm9") $sums[4][1], inout("zmm10") $sums[5][0], inout("zmm11") $sums[5][1],
            inout("zmm12") $sums[6][0], inout("zmm13") $sums[6][1], inout("zmm14") $sums[7][0],
            inout("zmm15") $sums[7][1], inout("zmm16") $sums[8][0], inout("zmm17") $sums[8][1],
            inout("zmm18") $sums[9][0], inout("zmm19") $sums[9][1], inout("zmm20") $sums[10][0],
            inout("zmm21") $sums[10][1], inout("zmm22") $sums[11][0], inout("zmm23") $sums[11][1],
            out("zmm24") _, out("zmm25") _, out("zmm26") _, out("zmm27") _,
            out("zmm28") _, out("zmm29") _, out("zmm30") _, out("zmm31") _,
            options(nostack),
        )
    };
}

macro_rules! whole_tile {
    ($(#[$meta:meta])* $name:ident, $element:ident, $zero:ident, $load:ident, $store:ident, $add:ident, $size:literal, $words:tt) => {
        $(#[$meta])*
        ///
        /// # Panics
        /// If neither the rows nor the columns of A are contiguous.
        ///
        /// # Safety
        /// The operands are valid for the depth and this size of tile; the processor has AVX-512.
        #[target_feature(enable = "avx512f")]
        pub unsafe fn $name(tile: &Tile<$element>) {
            const BYTES: isize = size_of::<$element>() as isize;
            const LANES: usize = 64 / size_of::<$element>();
            let fours = tile.depth / 4;
            let parts = if tile.depth < SPREAD { 1 } else { ROWS };
            let mut nest = Nest {
                c: tile.c.cast(),
                c_row: tile.c_row * BYTES,
                left: tile.ahead.left.cast(),
                left_step: tile.ahead.left_step * BYTES,
                parts,
                fours: fours / parts,
                longer: fours % parts + 1,
                ones: tile.depth % 4,
            };
            // SAFETY: the caller vouches for the operands: the loops read `depth` columns of 12 rows of A and rows of two
            // vectors of B, and write to `nest` alone. Fetching does not fault, wherever it is.
            unsafe {
                if parts == 1 {
                    for row in 0..ROWS as isize {
                        let c = tile.c.wrapping_offset(row * tile.c_row);
                        _mm_prefetch::<_MM_HINT_T0>(c.cast());
                        _mm_prefetch::<_MM_HINT_T0>(c.wrapping_add(LANES).cast());
                    }
                }
                let mut sums = [[$zero(); 2]; ROWS];
                if tile.a_depth == 1 {
                    let row = |row: isize| tile.a.wrapping_offset(row * tile.a_row);
                    run!(
                        nest!(
                            concat!(
                                step_in_rows!($words, "{b}", "0"),
                                step_in_rows!($words, "{b} + {b_depth}", $size),
                                "lea {b}, [{b} + 2*{b_depth}]\n",
                                step_in_rows!($words, "{b}", concat!("2*", $size)),
                                step_in_rows!($words, "{b} + {b_depth}", concat!("3*", $size)),
                                "lea {b}, [{b} + 2*{b_depth}]\n",
                                move_rows!(concat!("4*", $size)),
                            ),
                            concat!(
                                step_in_rows!($words, "{b}", "0"),
                                "add {b}, {b_depth}\n",
                                move_rows!($size)
                            )
                        ),
                        sums,
                        a0 = inout(reg) row(0) => _,
                        a3 = inout(reg) row(3) => _,
                        a6 = inout(reg) row(6) => _,
                        a9 = inout(reg) row(9) => _,
                        a_row = in(reg) tile.a_row * BYTES,
                        b = inout(reg) tile.b => _,
                        b_depth = in(reg) tile.b_depth * BYTES,
                        ahead = inout(reg) tile.ahead.right => _,
                        count = out(reg) _,
                        nest = in(reg) &raw mut nest,
                    );
                } else {
                    assert!(tile.a_row == 1, "a tile whose rows and columns are both apart");
                    run!(
                        nest!(
                            concat!(
                                step_in_columns!($words, "{b}", $size),
                                step_in_columns!($words, "{b} + {b_depth}", $size),
                                "lea {b}, [{b} + 2*{b_depth}]\n",
                                step_in_columns!($words, "{b}", $size),
                                step_in_columns!($words, "{b} + {b_depth}", $size),
                                "lea {b}, [{b} + 2*{b_depth}]\n",
                            ),
                            concat!(step_in_columns!($words, "{b}", $size), "add {b}, {b_depth}\n")
                        ),
                        sums,
                        a = inout(reg) tile.a => _,
                        a_depth = in(reg) tile.a_depth * BYTES,
                        b = inout(reg) tile.b => _,
                        b_depth = in(reg) tile.b_depth * BYTES,
                        ahead = inout(reg) tile.ahead.right => _,
                        count = out(reg) _,
                        nest = in(reg) &raw mut nest,
                    );
                }
                for (row, sums) in sums.into_iter().enumerate() {
                    let c = tile.c.offset(row as isize * tile.c_row);
                    for (column, mut sum) in sums.into_iter().enumerate() {
                        let to = c.add(column * LANES);
                        if tile.accumulate == Accumulate::Add {
                            sum = $add(sum, $load(to));
                        }
                        $store(to, sum);
                    }
                }
            }
        }
    };
}

whole_tile!(
    /// A whole tile of f32, 12 by 32.
    whole_tile_f32,
    f32,
    _mm512_setzero_ps,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_add_ps,
    "4",
    ["vfmadd231ps", "vbroadcastss", "{{1to16}}"]
);
whole_tile!(
    /// A whole tile of f64, 12 by 16.
    whole_tile_f64,
    f64,
    _mm512_setzero_pd,
    _mm512_loadu_pd,
    _mm512_storeu_pd,
    _mm512_add_pd,
    "8",
    ["vfmadd231pd", "vbroadcastsd", "{{1to8}}"]
);
