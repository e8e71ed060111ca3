use super::*;
use crate::isa::Avx512;
use crate::math::Float;

/// Numbers of all kinds: special ones first, then all magnitudes, then moderate ones.
fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let special = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
        f32::MIN_POSITIVE,
        -f32::MIN_POSITIVE / 4.0,
        f32::MAX,
        88.7,
        -103.9,
        0.625,
        0.925,
        1e-10,
        20.0,
    ];
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    (0..count)
        .map(|index| match index {
            0..16 => special[(index + seed as usize) % 16],
            _ if index % 2 == 0 => f32::from_bits(next() as u32),
            _ => (next() as u32 as f32 / u32::MAX as f32 - 0.5) * 20.0,
        })
        .collect()
}

fn same(a: f32, b: f32) -> bool {
    a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
}

/// The program as code for each instruction set of this machine that there is code for.
fn compiled(builder: &Builder) -> Vec<Arc<Code>> {
    let sets = Isa::available().iter().filter(|isa| Builder::compiles_for(**isa));
    let mut book = Book::default();
    let codes: Vec<Arc<Code>> =
        sets.map(|isa| builder.compile(*isa, false, &mut book).expect("the program is small")).collect();
    book.finish();
    if codes.is_empty() {
        eprintln!("skipped: there is no machine code for this machine");
    }
    codes
}

fn each<const N: usize>(codes: Vec<Arc<Code>>, counts: [usize; N]) -> Vec<(Arc<Code>, usize)> {
    codes.into_iter().flat_map(|code| counts.map(|count| (code.clone(), count))).collect()
}

#[test]
fn functions_give_the_bits_of_the_interpreter() {
    type Program = fn(&mut Builder, Vector) -> Vector;
    type Kernel = fn(f32) -> f32;
    let functions: &[(&str, Program, Kernel)] = &[
        ("exp", Builder::exp, |x| Float::exp::<Avx512>(x)),
        ("exp_m1", Builder::exp_m1, |x| Float::exp_m1::<Avx512>(x)),
        ("ln", Builder::ln, |x| Float::ln::<Avx512>(x)),
        ("ln_1p", Builder::ln_1p, |x| Float::ln_1p::<Avx512>(x)),
        ("tanh", Builder::tanh, |x| Float::tanh::<Avx512>(x)),
        ("sigmoid", Builder::sigmoid, |x| Float::sigmoid::<Avx512>(x)),
        ("softplus", Builder::softplus, |x| Float::softplus::<Avx512>(x)),
        ("erf", Builder::erf, |x| Float::erf::<Avx512>(x)),
        ("sqrt", Builder::square_root, |x| Float::sqrt::<Avx512>(x)),
        ("magnitude", Builder::magnitude, |x| Float::abs::<Avx512>(x)),
        ("negate", Builder::negate, |x| -x),
        ("sign", Builder::sign, |x| Float::sign::<Avx512>(x)),
        ("relu", Builder::relu, |x| if x.is_nan() || x > 0.0 || x == 0.0 { x } else { 0.0 }),
        ("floor", |b, x| b.round(Rounding::Floor, x), |x| Float::floor::<Avx512>(x)),
        ("ceil", |b, x| b.round(Rounding::Ceil, x), |x| Float::ceil::<Avx512>(x)),
        ("round", |b, x| b.round(Rounding::Nearest, x), |x| Float::round::<Avx512>(x)),
        ("trunc", |b, x| b.round(Rounding::Truncate, x), |x| Float::trunc::<Avx512>(x)),
    ];
    for (name, program, kernel) in functions {
        let mut builder = Builder::new();
        let x = builder.load(Stream(0), Stored::F32, Access::Streamed);
        let y = program(&mut builder, x);
        builder.store(Stream(1), Stored::F32, Access::Cached, y);
        for (code, count) in each(compiled(&builder), [0, 1, 7, 8, 9, 15, 16, 17, 20_000]) {
            let mut source = numbers(count, count as u64);
            let mut target = vec![7.0f32; count + 1];
            let streams = [source.as_mut_ptr().cast(), target.as_mut_ptr().cast()];
            // SAFETY: both streams hold `count` numbers.
            unsafe { code.run(&streams, &[], count) };
            assert_eq!(target[count], 7.0, "{name} wrote behind the end");
            for (x, y) in source.iter().zip(&target) {
                assert!(same(kernel(*x), *y), "{name}({x:e}) is {:e}, not {y:e}", kernel(*x));
            }
        }
    }
}

/// What a program computes, one position at a time.
fn evaluate(builder: &Builder, inputs: &[Vec<f32>], numbers: &[f32], at: usize) -> Vec<f32> {
    let mut values: Vec<f32> = Vec::new();
    for node in &builder.nodes {
        let value = |Vector(number): Vector| values[number as usize];
        let truth = |Truth(number): Truth| values[number as usize] != 0.0;
        let flag = |truth: bool| f32::from(u8::from(truth));
        values.push(match *node {
            Node::Load(Stream(stream), ..) => inputs[stream as usize][at],
            Node::Scalar(Stream(stream)) => inputs[stream as usize][0],
            Node::Uniform(index) => numbers[index as usize],
            Node::Constant(index) => f32::from_bits(builder.constants[index as usize]),
            Node::Binary(operation, a, b) => {
                let (a, b) = (value(a), value(b));
                match operation {
                    Binary::Add => a + b,
                    Binary::Subtract => a - b,
                    Binary::Multiply => a * b,
                    Binary::Divide => a / b,
                    Binary::Larger => {
                        if a > b {
                            a
                        } else {
                            b
                        }
                    }
                    _ => {
                        if a < b {
                            a
                        } else {
                            b
                        }
                    }
                }
            }
            Node::MultiplyAdd(a, b, c) => value(a).mul_add(value(b), value(c)),
            Node::Compare(Comparison::Less, a, b) => flag(value(a) < value(b)),
            Node::Compare(Comparison::GreaterEqual, a, b) => flag(value(a) >= value(b)),
            Node::Compare(_, a, b) => flag(value(a) != value(b)),
            Node::Logic(Logic::And, a, b) => flag(truth(a) & truth(b)),
            Node::Logic(Logic::Or, a, b) => flag(truth(a) | truth(b)),
            Node::Logic(Logic::Xor, a, b) => flag(truth(a) ^ truth(b)),
            Node::Not(a) => flag(!truth(a)),
            Node::Select(condition, a, b) => {
                if truth(condition) {
                    value(a)
                } else {
                    value(b)
                }
            }
            Node::Store(.., a) => value(a),
            ref other => unreachable!("{other:?} is not made here"),
        });
    }
    values
}

#[test]
fn long_random_programs_survive_the_shortage_of_registers() {
    let mut state = 12345u64;
    let mut draw = |end: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % end
    };
    for round in 0..200 {
        let mut builder = Builder::new();
        let mut values: Vec<Vector> =
            (0..4).map(|stream| builder.load(Stream(stream), Stored::F32, Access::Streamed)).collect();
        values.push(builder.scalar(Stream(4)));
        values.push(builder.uniform(1));
        // Numbers for all positions may keep the registers that are left: programs with many of them and few values.
        let constants = if round % 2 == 0 { 1 } else { 10 };
        values.extend((0..constants).map(|index| builder.constant(0.75 + index as f32 / 8.0)));
        let mut truths: Vec<Truth> = Vec::new();
        for _ in 0..draw(150) + 1 {
            // Old values stay in use, so that many are alive at once.
            let from = if round % 4 == 1 { values.len().saturating_sub(8) } else { 0 };
            let mut any = || match draw(3) {
                0 if constants > 1 => values[6 + draw(constants)],
                _ => values[from + draw(values.len() - from)],
            };
            let [a, b, c] = [any(), any(), any()];
            match draw(10) {
                0 => values.push(builder.add(a, b)),
                1 => values.push(builder.subtract(a, b)),
                2 | 3 => values.push(builder.multiply(a, b)),
                4 => values.push(builder.divide(a, b)),
                5 | 6 => values.push(builder.multiply_add(a, b, c)),
                7 => values.push(builder.binary(Binary::Larger, a, b)),
                8 => {
                    let less = builder.compare(Comparison::Less, a, b);
                    let at_least = builder.compare(Comparison::GreaterEqual, b, c);
                    let both = builder.logic(Logic::Xor, less, at_least);
                    let not = builder.not(both);
                    truths = vec![less, not];
                }
                _ => {
                    if let Some(truth) = truths.pop() {
                        values.push(builder.select(truth, a, b));
                    }
                }
            }
        }
        let outputs: Vec<Vector> = values.iter().rev().take(5).copied().collect();
        for (index, output) in outputs.iter().enumerate() {
            builder.store(Stream(5 + index as u32), Stored::F32, Access::Streamed, *output);
        }
        let count = draw(70);
        let inputs: Vec<Vec<f32>> = (0..5).map(|stream| numbers(count.max(1), round * 5 + stream)).collect();
        let uniforms = [1.5f32, -0.3];
        for code in compiled(&builder) {
            let mut memory = inputs.clone();
            memory.extend((0..5).map(|_| vec![0.0f32; count]));
            let streams: Vec<*mut u8> = memory.iter_mut().map(|part| part.as_mut_ptr().cast()).collect();
            // SAFETY: every stream holds `count` numbers.
            unsafe { code.run(&streams, &uniforms.map(f32::to_bits), count) };
            for at in 0..count {
                let expected = evaluate(&builder, &inputs, &uniforms, at);
                for (Vector(output), target) in outputs.iter().zip(&memory[5..]) {
                    let (expected, found) = (expected[*output as usize], target[at]);
                    assert!(
                        same(expected, found),
                        "program {round}, position {at}: {expected:e} and {found:e}"
                    );
                }
            }
        }
    }
}

#[test]
fn stores_past_the_cache_are_whole() {
    let mut builder = Builder::new();
    let x = builder.load(Stream(0), Stored::F32, Access::Streamed);
    let y = builder.add(x, x);
    builder.store(Stream(1), Stored::F32, Access::Streamed, y);
    assert!(builder.streams_stores());
    for isa in Isa::available().iter().filter(|isa| Builder::compiles_for(**isa)) {
        let mut book = Book::default();
        let code = builder.compile(*isa, true, &mut book).expect("the program is small");
        book.finish();
        let count = 990;
        let mut source = numbers(count, 1);
        let mut memory = vec![0f32; count + 16];
        let skipped = memory.as_ptr().align_offset(64);
        let target = &mut memory[skipped..skipped + count];
        // SAFETY: both streams hold `count` numbers, and the target begins at a multiple of 64.
        unsafe { code.run(&[source.as_mut_ptr().cast(), target.as_mut_ptr().cast()], &[], count) };
        assert!(source.iter().zip(&*target).all(|(x, y)| same(x + x, *y)));
    }
}

#[test]
fn reductions_leave_lanes() {
    // A few accumulators are kept in registers, many on the stack.
    for sums in [1, 2, 6] {
        let mut builder = Builder::new();
        let x = builder.load(Stream(0), Stored::F32, Access::Streamed);
        let y = builder.multiply(x, x);
        builder.reduce(Reduction::Max, Stream(1), x);
        if sums > 1 {
            builder.reduce(Reduction::Min, Stream(2), x);
        }
        for sum in 0..sums {
            builder.reduce(Reduction::Sum, Stream(3 + sum), y);
        }
        for (code, count) in each(compiled(&builder), [1, 7, 8, 9, 16, 24, 37, 1000]) {
            let mut source: Vec<f32> = (0..count).map(|index| ((index * 7919) % 101) as f32 - 50.0).collect();
            if count == 37 {
                source[20] = f32::NAN;
                source[35] = f32::NAN;
            }
            let mut lanes = vec![[0.0f32; LANES]; 2 + sums as usize];
            let streams: Vec<*mut u8> = std::iter::once(source.as_mut_ptr().cast())
                .chain(lanes.iter_mut().map(|lanes| lanes.as_mut_ptr().cast()))
                .collect();
            // SAFETY: the source holds `count` numbers, the others `LANES`.
            unsafe { code.run(&streams, &[], count) };
            for lane in 0..LANES {
                let own = source.iter().skip(lane).step_by(LANES);
                let sum = own.clone().fold(-0.0f32, |sum, x| sum + x * x);
                let nan = own.clone().any(|x| x.is_nan());
                let extreme = |start: f32, choose: fn(f32, f32) -> f32| {
                    if nan { f32::NAN } else { own.clone().fold(start, |a, b| choose(a, *b)) }
                };
                assert!(same(lanes[0][lane], extreme(f32::NEG_INFINITY, f32::max)), "{count} {lane}");
                assert!(sums == 1 || same(lanes[1][lane], extreme(f32::INFINITY, f32::min)));
                assert!(lanes[2..].iter().all(|lanes| same(lanes[lane], sum)), "{count} {lane}");
            }
        }
    }
}

#[test]
fn other_types_are_read_and_written() {
    let mut builder = Builder::new();
    let x = builder.load(Stream(0), Stored::Bf16, Access::Streamed);
    let truth = builder.load_truth(Stream(1));
    let half = builder.constant(0.3);
    let y = builder.multiply(x, half);
    let z = builder.select(truth, y, x);
    builder.store(Stream(2), Stored::Bf16, Access::Cached, z);
    let less = builder.compare(Comparison::Less, y, half);
    builder.store_truth(Stream(3), less);
    for (code, count) in each(compiled(&builder), [1, 3, 8, 11, 16, 50_000]) {
        let mut x: Vec<half::bf16> =
            (0..count).map(|i| half::bf16::from_bits((i * 331 % 65536) as u16)).collect();
        let mut truth: Vec<u8> = (0..count).map(|i| (i % 3 == 0) as u8).collect();
        let (mut z, mut less) = (vec![half::bf16::ONE; count + 1], vec![9u8; count + 1]);
        let streams = [x.as_mut_ptr().cast(), truth.as_mut_ptr(), z.as_mut_ptr().cast(), less.as_mut_ptr()];
        // SAFETY: every stream holds `count` elements.
        unsafe { code.run(&streams, &[], count) };
        for at in 0..count {
            let wide = x[at].to_f32();
            let y = wide * 0.3;
            let expected = half::bf16::from_f32(if truth[at] == 1 { y } else { wide });
            assert!(expected == z[at] || expected.is_nan() && z[at].is_nan(), "{wide} {expected} {}", z[at]);
            assert_eq!(less[at], u8::from(y < 0.3));
        }
        assert_eq!((z[count], less[count]), (half::bf16::ONE, 9), "written behind the end");
    }
}

#[test]
fn programs_that_were_compiled_before_are_found_again() {
    let program = |factor: f32| {
        let mut builder = Builder::new();
        let x = builder.load(Stream(0), Stored::F32, Access::Cached);
        let factor = builder.constant(factor);
        let y = builder.binary(Binary::Multiply, x, factor);
        builder.store(Stream(1), Stored::F32, Access::Cached, y);
        builder
    };
    for isa in Isa::available().iter().filter(|isa| Builder::compiles_for(**isa)) {
        let compile = |factor: f32, book: &mut Book| {
            program(factor).compile(*isa, false, book).expect("the program is small")
        };
        let mut book = Book::default();
        // Numbers that no other test multiplies by.
        let [one, other] = [0.7316, -11.25].map(|factor| compile(factor, &mut book));
        assert!(Arc::ptr_eq(&one, &compile(0.7316, &mut book)) && !Arc::ptr_eq(&one, &other));
        book.finish();
        let mut next = Book::default();
        let [again, third] = [0.7316, 2.5e-3].map(|factor| compile(factor, &mut next));
        assert!(Arc::ptr_eq(&one, &again));
        next.finish();
        for (code, factor) in [(one, 0.7316f32), (other, -11.25), (third, 2.5e-3)] {
            let mut from: Vec<f32> = (0..21).map(|index| index as f32 - 7.5).collect();
            let mut to = vec![0f32; 21];
            let streams = [from.as_mut_ptr().cast(), to.as_mut_ptr().cast()];
            // SAFETY: both streams hold 21 numbers.
            unsafe { code.run(&streams, &[], 21) };
            assert!(from.iter().zip(&to).all(|(x, y)| x * factor == *y));
        }
    }
}
