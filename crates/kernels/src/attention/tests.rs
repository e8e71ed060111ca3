//! The tiled kernels against the definition, for every instruction set.

use super::oracle;
use super::*;
use crate::isa::Isa;
use crate::threads::Pool;

/// Numbers that look random, in (−1, 1).
fn numbers(count: usize, seed: usize) -> Vec<f64> {
    (0..count)
        .map(|index| ((index * 7919 + seed * 104_729 + 17) as f64 * 0.618_033_988_75).fract() * 2.0 - 1.0)
        .collect()
}

fn assert_close(what: &str, found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() < 1e-12, "{what}: element {index} is {found}, expected {expected}");
    }
}

struct Example {
    shape: AttentionShape,
    query: Vec<f64>,
    key: Vec<f64>,
    value: Vec<f64>,
    bias: Option<Vec<f64>>,
    mask: Option<Vec<bool>>,
}

impl Example {
    fn new(shape: AttentionShape, bias: bool, mask: bool) -> Example {
        let key_heads = shape.heads / shape.group;
        let scores = shape.heads * shape.queries * shape.keys;
        Example {
            shape,
            query: numbers(shape.heads * shape.queries * shape.width, 1),
            key: numbers(key_heads * shape.keys * shape.width, 2),
            value: numbers(key_heads * shape.keys * shape.value_width, 3),
            bias: bias.then(|| numbers(scores, 4)),
            // Every fifth query of a head sees nothing.
            mask: mask.then(|| {
                let noise = numbers(scores, 5);
                (0..scores).map(|at| noise[at] > -0.3 && at / shape.keys.max(1) % 5 != 2).collect()
            }),
        }
    }

    fn check(&self, isa: Isa, starts: &[usize]) {
        let shape = self.shape;
        let whole = |values| Stretched { values, starts, row: shape.keys, column: 1 };
        let masked = |values| Stretched { values, starts, row: shape.keys, column: 1 };
        let scores = Scores {
            shape,
            query: &self.query,
            key: &self.key,
            bias: self.bias.as_deref().map(whole),
            mask: self.mask.as_deref().map(masked),
        };
        let pool = Pool::new(2);
        let what = format!("{shape:?} {isa:?}");
        let AttentionShape { heads, group, queries, keys, width, value_width, scale, .. } = shape;
        let (mut output, mut log_sum) =
            (vec![f64::NAN; heads * queries * value_width], vec![f64::NAN; heads * queries]);
        forward(&pool, isa, &scores, &self.value, &mut output, &mut log_sum);
        let (weights, log_sums) = oracle::weights(&scores);
        let mut expected = vec![0.0; output.len()];
        for row in 0..heads * queries {
            for key in 0..keys {
                for channel in 0..value_width {
                    let value = self.value[(row / queries / group * keys + key) * value_width + channel];
                    expected[row * value_width + channel] += weights[row * keys + key] * value;
                }
            }
        }
        assert_close(&format!("{what} output"), &output, &expected);
        assert_close(&format!("{what} log-sum"), &log_sum, &log_sums);

        let cotangent = numbers(output.len(), 6);
        let delta: Vec<f64> = (0..heads * queries)
            .map(|row| {
                (0..value_width)
                    .map(|at| output[row * value_width + at] * cotangent[row * value_width + at])
                    .sum()
            })
            .collect();
        let given =
            Derivative { value: &self.value, log_sum: &log_sum, delta: &delta, cotangent: &cotangent };
        let (mut dq, mut dk, mut dv) =
            (vec![0.0; self.query.len()], vec![0.0; self.key.len()], vec![0.0; self.value.len()]);
        let gradients = Gradients { query: &mut dq, key: &mut dk, value: &mut dv };
        backward(&pool, isa, &scores, &given, gradients);
        let (mut eq, mut ek, mut ev, mut eb) = (
            vec![0.0; dq.len()],
            vec![0.0; dk.len()],
            vec![0.0; dv.len()],
            vec![0.0; heads * queries * keys],
        );
        for row in 0..heads * queries {
            for key in 0..keys {
                let at = row / queries / group * keys + key;
                let weight = weights[row * keys + key];
                let mut product = 0.0;
                for channel in 0..value_width {
                    let cotangent = cotangent[row * value_width + channel];
                    product += cotangent * self.value[at * value_width + channel];
                    ev[at * value_width + channel] += weight * cotangent;
                }
                let score = weight * (product - delta[row]);
                eb[row * keys + key] = score;
                for channel in 0..width {
                    eq[row * width + channel] += scale * score * self.key[at * width + channel];
                    ek[at * width + channel] += scale * score * self.query[row * width + channel];
                }
            }
        }
        assert_close(&format!("{what} query"), &dq, &eq);
        assert_close(&format!("{what} key"), &dk, &ek);
        assert_close(&format!("{what} value"), &dv, &ev);
        if self.bias.is_some() {
            let mut db = vec![0.0; eb.len()];
            bias_gradient(&pool, isa, &scores, &given, &mut db);
            assert_close(&format!("{what} bias"), &db, &eb);
        }
    }
}

#[test]
fn tiles_give_what_the_definition_gives() {
    let shape = AttentionShape {
        heads: 2,
        group: 1,
        queries: 5,
        keys: 7,
        width: 3,
        value_width: 4,
        scale: 0.5,
        causal: false,
        window: None,
    };
    let shapes = [
        shape,
        AttentionShape { causal: true, ..shape },
        AttentionShape { causal: true, queries: 9, ..shape },
        AttentionShape { window: Some(2), ..shape },
        AttentionShape { window: Some(3), causal: true, group: 2, ..shape },
        AttentionShape { queries: 1, keys: 1, width: 1, value_width: 1, ..shape },
        AttentionShape { queries: 200, keys: 530, heads: 4, group: 2, width: 17, value_width: 9, ..shape },
        AttentionShape {
            queries: 300,
            keys: 300,
            heads: 1,
            width: 16,
            value_width: 16,
            causal: true,
            ..shape
        },
        // A few queries against many keys, as in decoding, with and without shared heads.
        AttentionShape {
            queries: 1,
            keys: 1100,
            heads: 3,
            width: 33,
            value_width: 40,
            causal: true,
            ..shape
        },
        AttentionShape { queries: 1, keys: 700, heads: 6, group: 3, width: 64, value_width: 64, ..shape },
        AttentionShape { queries: 2, keys: 90, heads: 8, group: 4, width: 5, causal: true, ..shape },
        AttentionShape { keys: 0, ..shape },
        AttentionShape { queries: 0, ..shape },
    ];
    for isa in Isa::available() {
        for shape in shapes {
            let starts: Vec<usize> = (0..shape.heads).map(|head| head * shape.queries * shape.keys).collect();
            for (bias, mask) in [(false, false), (true, false), (false, true), (true, true)] {
                Example::new(shape, bias, mask).check(*isa, &starts);
            }
        }
    }
}

/// A cache that is not full: one row of the mask for all queries, which ends in a long run of what is not there.
#[test]
fn what_the_mask_hides_is_not_read() {
    let (heads, keys, width) = (3, 900, 24);
    for (queries, first, seen) in [(1, 0, 70), (3, 130, 131), (20, 200, 700), (2, 0, 0)] {
        let shape = AttentionShape {
            heads,
            group: 1,
            queries,
            keys,
            width,
            value_width: width,
            scale: 0.2,
            causal: false,
            window: None,
        };
        let mut example = Example::new(shape, false, false);
        let range = first..seen;
        let mask: Vec<bool> = (0..keys).map(|key| range.contains(&key)).collect();
        let starts = vec![0; heads];
        let mask = Stretched { values: &mask[..], starts: &starts, row: 0, column: 1 };
        let expected = {
            let scores =
                Scores { shape, query: &example.query, key: &example.key, bias: None, mask: Some(mask) };
            oracle::weights(&scores).1
        };
        for head in 0..heads {
            for key in (0..keys).filter(|key| !range.contains(key)) {
                example.key[(head * keys + key) * width..][..width].fill(f64::NAN);
                example.value[(head * keys + key) * width..][..width].fill(f64::NAN);
            }
        }
        let scores = Scores { shape, query: &example.query, key: &example.key, bias: None, mask: Some(mask) };
        for isa in Isa::available() {
            let mut output = vec![f64::NAN; heads * queries * width];
            let mut log_sum = vec![f64::NAN; heads * queries];
            forward(&Pool::new(2), *isa, &scores, &example.value, &mut output, &mut log_sum);
            assert_close("log-sum", &log_sum, &expected);
            assert!(output.iter().all(|value| value.is_finite()), "{isa:?} {first}..{seen}");
        }
    }
}

#[test]
fn the_same_bits_on_any_number_of_threads() {
    let shape = AttentionShape {
        heads: 3,
        group: 1,
        queries: 400,
        keys: 700,
        width: 8,
        value_width: 8,
        scale: 0.3,
        causal: true,
        window: None,
    };
    let example = Example::new(shape, false, false);
    let single = |values: &[f64]| values.iter().map(|value| *value as f32).collect::<Vec<f32>>();
    let (query, key, value) = (single(&example.query), single(&example.key), single(&example.value));
    let scores = Scores { shape, query: &query, key: &key, bias: None, mask: None };
    let bits = |threads: usize| {
        let pool = Pool::new(threads);
        let (mut output, mut log_sum) = (vec![0f32; 3 * 400 * 8], vec![0f32; 3 * 400]);
        forward(&pool, Isa::detected(), &scores, &value, &mut output, &mut log_sum);
        let delta = vec![0.1f32; 3 * 400];
        let given = Derivative { value: &value, log_sum: &log_sum, delta: &delta, cotangent: &output };
        let (mut dq, mut dk, mut dv) =
            (vec![0f32; query.len()], vec![0f32; key.len()], vec![0f32; value.len()]);
        let gradients = Gradients { query: &mut dq, key: &mut dk, value: &mut dv };
        backward(&pool, Isa::detected(), &scores, &given, gradients);
        [output, dq, dk, dv].concat().into_iter().map(f32::to_bits).collect::<Vec<_>>()
    };
    assert_eq!(bits(1), bits(2));
    assert_eq!(bits(1), bits(5));
}
