//! Convolution by the minimal filtering algorithms of Winograd, as Lavin and Gray have them ("Fast Algorithms for
//! Convolutional Neural Networks", 2015): tiles of the input and kernels are evaluated at points, where a convolution
//! is a product at each point, and a tile of the output is interpolated from the products. Kernels of 3 x 3 take 36
//! multiplications for 144, of 5 x 5 36 for 100, and of 3 x 3 with a stride of two 81 for 144.
//!
//! Channels lie in the lanes of vectors while values are transformed; the products at a point, summed over channels, are
//! products of matrices. A task makes the values of a block of tiles at the points, and then, panel by panel, those of the
//! weights, multiplies, and interpolates. It shares no values with other tasks: what one core has written, another reads
//! many times slower where they do not share a cache, and what two tasks both make costs less. (With values that all
//! threads shared, two cores of different complexes of a Zen 4 were slower than one.)

mod lanes;
mod points;
mod product;
mod strided;
mod tiling;
mod transform;
mod weight_gradient;

use super::super::gemm::element::GemmElement;
use super::super::gemm::tile::{TileSize, VECTORS, dispatch};
use super::{ConvolutionShape, Epilogue, Finish, SMALLEST_PART, Shared, run_all, with_parts};
use crate::isa::Isa;
use crate::threads::Pool;
use points::{OfInput, Planes, Spread, ToPoints, buffer_len};
use product::{Product, Rooms, Weights};
use std::any::TypeId;
use std::marker::PhantomData;
use std::ops::Range;
use strided::{Strided, StridedInputGradient};
use tiling::{Tiling, Volume};
use transform::{Algorithm, FiveByFive, ThreeByThree};

/// Fewest channels of a group, of the input and of the output: with less, lanes are empty.
const FEWEST_CHANNELS: usize = 8;

/// Which algorithm a convolution is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Choice {
    ThreeByThree,
    FiveByFive,
    Strided,
}

impl Choice {
    /// The algorithm for a shape, if one is faster than the products of the definition. Those take longer for the
    /// derivatives, so that there taking the weights to the points counts for nothing.
    fn of<T: GemmElement>(shape: &ConvolutionShape, output: [usize; 2], derivative: bool) -> Option<Choice> {
        let pixels = shape.images * output[0] * output[1];
        let float = TypeId::of::<T>() == TypeId::of::<f32>();
        if !float || shape.dilation != [1, 1] || pixels * shape.size[0] * shape.size[1] == 0 {
            return None;
        }
        fn sizes<A: Algorithm>() -> [usize; 3] {
            [A::OUTPUT, A::POINTS, A::WEIGHTS_COST]
        }
        let (choice, [size, points, weights]) = match (shape.kernel, shape.stride) {
            ([3, 3], [1, 1]) => (Choice::ThreeByThree, sizes::<ThreeByThree>()),
            ([5, 5], [1, 1]) => (Choice::FiveByFive, sizes::<FiveByFive>()),
            ([3, 3], [2, 2]) => (Choice::Strided, sizes::<Strided>()),
            _ => return None,
        };
        let [channels, outputs] = [shape.channels, shape.outputs].map(|count| count / shape.groups);
        if channels.min(outputs) < FEWEST_CHANNELS {
            return None;
        }
        // Values of a tile cost six multiplications each, and the products of the definition a fifth more than they
        // would without packing.
        let tiles = shape.images * output[0].div_ceil(size) * output[1].div_ceil(size);
        let values = 6 * tiles * (channels + outputs) / (channels * outputs);
        let weights = if derivative { 0 } else { weights };
        let fast = points * points * (tiles + weights + values);
        (5 * fast < 6 * shape.kernel[0] * shape.kernel[1] * pixels).then_some(choice)
    }
}

/// [`super::forward`], if there is an algorithm for the shape; says whether.
pub fn forward<T: GemmElement>(
    pool: &Pool,
    isa: Isa,
    shape: &ConvolutionShape,
    output: [usize; 2],
    [x, w]: [&[T]; 2],
    y: &mut [T],
    epilogue: Option<&Epilogue>,
) -> bool {
    let Some(choice) = Choice::of::<T>(shape, output, false) else { return false };
    let (x, w, y) = (as_f32(x), as_f32(w), as_f32_mut(y));
    let sizes = Sizes::of(shape, output);
    match choice {
        Choice::ThreeByThree => convolve::<ThreeByThree>(pool, isa, &sizes, [x, w], false, y, epilogue),
        Choice::FiveByFive => convolve::<FiveByFive>(pool, isa, &sizes, [x, w], false, y, epilogue),
        Choice::Strided => convolve::<Strided>(pool, isa, &sizes, [x, w], false, y, epilogue),
    }
    true
}

/// [`super::input_gradient`], if there is an algorithm for the shape; says whether.
pub fn input_gradient<T: GemmElement>(
    pool: &Pool,
    isa: Isa,
    shape: &ConvolutionShape,
    output: [usize; 2],
    [dy, w]: [&[T]; 2],
    dx: &mut [T],
) -> bool {
    let Some(choice) = Choice::of::<T>(shape, output, true) else { return false };
    let low = [shape.padding[0][0], shape.padding[1][0]];
    let most = if choice == Choice::Strided { 1 } else { shape.kernel[0] - 1 };
    if low.iter().any(|&low| low > most || (choice == Choice::Strided && low != 1)) {
        return false;
    }
    let (dy, w, dx) = (as_f32(dy), as_f32(w), as_f32_mut(dx));
    let forward = Sizes::of(shape, output);
    let sizes = Sizes {
        channels: forward.outputs,
        outputs: forward.channels,
        input: output,
        output: shape.size,
        // Pixels are at most as far from the first derivative as the kernel reaches.
        low: if choice == Choice::Strided { [0, 0] } else { low.map(|low| most - low) },
        ..forward
    };
    match choice {
        Choice::ThreeByThree => convolve::<ThreeByThree>(pool, isa, &sizes, [dy, w], true, dx, None),
        Choice::FiveByFive => convolve::<FiveByFive>(pool, isa, &sizes, [dy, w], true, dx, None),
        Choice::Strided => convolve::<StridedInputGradient>(pool, isa, &sizes, [dy, w], true, dx, None),
    }
    true
}

/// [`super::weight_gradient`], if there is an algorithm for the shape; says whether.
pub fn weight_gradient<T: GemmElement>(
    pool: &Pool,
    isa: Isa,
    shape: &ConvolutionShape,
    output: [usize; 2],
    [x, dy]: [&[T]; 2],
    dw: &mut [T],
) -> bool {
    let Some(choice) = Choice::of::<T>(shape, output, true) else { return false };
    let (x, dy, dw) = (as_f32(x), as_f32(dy), as_f32_mut(dw));
    let sizes = Sizes::of(shape, output);
    match choice {
        Choice::ThreeByThree => {
            weight_gradient::weight_gradient::<ThreeByThree>(pool, isa, &sizes, x, dy, dw);
        }
        Choice::FiveByFive => weight_gradient::weight_gradient::<FiveByFive>(pool, isa, &sizes, x, dy, dw),
        Choice::Strided => weight_gradient::weight_gradient::<Strided>(pool, isa, &sizes, x, dy, dw),
    }
    true
}

/// The elements, which are `f32`.
fn as_f32<T: GemmElement>(values: &[T]) -> &[f32] {
    assert!(TypeId::of::<T>() == TypeId::of::<f32>());
    // SAFETY: the types are the same.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), values.len()) }
}

/// The elements, which are `f32`.
fn as_f32_mut<T: GemmElement>(values: &mut [T]) -> &mut [f32] {
    assert!(TypeId::of::<T>() == TypeId::of::<f32>());
    // SAFETY: the types are the same.
    unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), values.len()) }
}

/// Sizes of a convolution. Channels and outputs are those of a group.
#[derive(Clone, Copy)]
struct Sizes {
    images: usize,
    groups: usize,
    channels: usize,
    outputs: usize,
    input: [usize; 2],
    output: [usize; 2],
    /// How far the first tile begins before the image.
    low: [usize; 2],
}

impl Sizes {
    fn of(shape: &ConvolutionShape, output: [usize; 2]) -> Sizes {
        Sizes {
            images: shape.images,
            groups: shape.groups,
            channels: shape.channels / shape.groups,
            outputs: shape.outputs / shape.groups,
            input: shape.size,
            output,
            low: [shape.padding[0][0], shape.padding[1][0]],
        }
    }
}

impl Weights {
    /// The weights of a group: `[outputs, channels, kernel]`, or `[channels, outputs, kernel]` with turned kernels.
    fn of_group<A: Algorithm>(w: &[f32], sizes: &Sizes, group: usize, turned: bool) -> Weights {
        let &Sizes { outputs, channels, .. } = sizes;
        let kernel = A::KERNEL * A::KERNEL;
        let start = w[group * outputs * channels * kernel..].as_ptr();
        let (output, channel) = if turned { (kernel, outputs * kernel) } else { (channels * kernel, kernel) };
        Weights { start, output, channel, outputs, channels, turned }
    }
}

impl Planes {
    /// The images of a group.
    fn of_inputs(x: &[f32], sizes: &Sizes, group: usize) -> Planes {
        let plane = sizes.input[0] * sizes.input[1];
        Planes {
            start: x[group * sizes.channels * plane..].as_ptr(),
            image: sizes.groups * sizes.channels * plane,
            channels: sizes.channels,
            size: sizes.input,
            low: sizes.low,
        }
    }
}

/// Vectors of an instruction set.
fn lanes(isa: Isa) -> usize {
    TileSize::of::<f32>(isa).columns / VECTORS
}

/// y = x * w.
fn convolve<A: Algorithm>(
    pool: &Pool,
    isa: Isa,
    sizes: &Sizes,
    [x, w]: [&[f32]; 2],
    turned: bool,
    y: &mut [f32],
    epilogue: Option<&Epilogue>,
) {
    let &Sizes { images, groups, channels, outputs, output, .. } = sizes;
    let lanes = lanes(isa);
    let panels = outputs.div_ceil(VECTORS * lanes);
    // The order of sums depends on the channels alone, so the number of threads may decide about the tiles.
    let (tiling, shares) = [1, pool.size()]
        .map(|multiple| {
            let tiling = Tiling::new::<A>(images, output, channels, multiple);
            (tiling, shares(tiling.blocks(), panels, pool.size()))
        })
        .into_iter()
        .min_by_key(|(tiling, shares)| {
            // What is made again: weights by each block, values by each share; see `Choice::of`.
            let tiles = tiling.blocks() * tiling.capacity();
            A::WEIGHTS_COST * tiling.blocks() + 6 * tiles * shares / outputs
        })
        .expect("two ways");
    let pitch = channels.next_multiple_of(lanes).min(A::PANEL);
    let (volume, volume_len) = Volume::new::<A>(tiling.capacity(), channels, pitch);
    let pixels = output[0] * output[1];
    let products = images * groups * outputs * channels * pixels;
    let rooms = Rooms::new::<A>(&tiling, pitch, lanes);
    let to = Shared(y.as_mut_ptr());
    let tasks = tiling.blocks() * shares;
    let of_rows = A::OUTPUT * output[1];
    let in_parts = epilogue.is_some_and(|epilogue| {
        let whole_lines = tiling.lines_of_block().is_some_and(|lines| lines * of_rows >= SMALLEST_PART);
        pixels.is_multiple_of(epilogue.row) && of_rows.is_multiple_of(epilogue.row) && whole_lines
    });
    Finish::with(epilogue, images, groups * outputs * pixels, in_parts, |finish| {
        run_all(pool, groups * tasks, products, &|task| {
            let (group, block, share) = (task / tasks, task % tasks / shares, task % shares);
            let buffer = buffer_len::<OfInput<A>>(&tiling, lanes);
            with_parts([volume_len, rooms.all().max(buffer)], |[values, scratch]: [&mut [f32]; 2]| {
                let volume = Volume { start: values.as_mut_ptr(), ..volume };
                let planes = Planes::of_inputs(x, sizes, group);
                spread::<OfInput<A>>(isa, &tiling, block, planes, volume, scratch);
                let [first, end] = [share, share + 1].map(|share| share * panels / shares);
                for panel in first..end {
                    let product = Product::<A> {
                        tiling: &tiling,
                        block,
                        volume,
                        weights: Weights::of_group::<A>(w, sizes, group, turned),
                        first: panel * VECTORS * lanes,
                        to: to.at(group * outputs * pixels),
                        image: groups * outputs * pixels,
                        size: output,
                        scratch: scratch.as_mut_ptr(),
                        rooms,
                        algorithm: PhantomData,
                    };
                    // SAFETY: the shape was checked against the slices; the volume has the values of this block; tasks
                    // write to different outputs.
                    unsafe { dispatch(isa, product) };
                }
            });
            let [first, end] = [share, share + 1].map(|share| share * panels / shares);
            let width = VECTORS * lanes;
            let planes = group * outputs + first * width..group * outputs + outputs.min(end * width);
            written::<A>(finish, &tiling, block, output, groups * outputs, planes);
        });
    });
}

/// Hands over the outputs of a block in these of the `all` planes of its images.
fn written<A: Algorithm>(
    finish: &Finish,
    tiling: &Tiling,
    block: usize,
    output: [usize; 2],
    all: usize,
    planes: Range<usize>,
) {
    let pixels = output[0] * output[1];
    let units = tiling.units(block);
    let mut unit = units.start;
    while unit < units.end {
        let run = tiling.run(unit, units.end);
        unit = run.end;
        let of = |tiles: &Range<usize>, size: usize| tiles.start * A::OUTPUT..size.min(tiles.end * A::OUTPUT);
        let (rows, columns) = (of(&run.rows, output[0]), of(&run.columns, output[1]));
        let plane = |plane: usize| (run.image * all + plane) * pixels;
        if !finish.in_parts() {
            finish.count(run.image, rows.len() * columns.len() * planes.len());
        } else if rows.len() == output[0] {
            finish.part(plane(planes.start)..plane(planes.end));
        } else {
            for start in planes.clone().map(plane) {
                finish.part(start + rows.start * output[1]..start + rows.end * output[1]);
            }
        }
    }
}

/// In how many tasks, of at most `panels`, to divide each of these blocks: as few as give every thread as much as the
/// others, because each makes the values of the block for itself.
fn shares(blocks: usize, panels: usize, threads: usize) -> usize {
    let balanced = |shares: &usize| {
        let tasks = blocks * shares;
        (tasks.is_multiple_of(threads) && panels.is_multiple_of(*shares)) || tasks >= 4 * threads
    };
    (1..panels).find(balanced).unwrap_or(panels)
}

/// Makes the values of the tiles of a block at the points.
///
/// # Panics
/// If `buffer` is shorter than [`buffer_len`].
fn spread<P: ToPoints>(
    isa: Isa,
    tiling: &Tiling,
    block: usize,
    planes: Planes,
    volume: Volume,
    buffer: &mut [f32],
) {
    let lanes = lanes(isa);
    assert!(buffer.len() >= buffer_len::<P>(tiling, lanes));
    for channel in (0..planes.channels).step_by(lanes) {
        let buffer = buffer.as_mut_ptr();
        let spread = Spread::<P> { tiling, block, planes, channel, volume, buffer, transform: PhantomData };
        // SAFETY: the planes are those of slices that were checked; the volume has room for the block.
        unsafe { dispatch(isa, spread) };
    }
}
