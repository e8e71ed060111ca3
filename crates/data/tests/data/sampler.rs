//! What each sampler promises of an epoch.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::support::assert_message;
use bolete_data::sampler::*;
use bolete_data::{Loader, LoaderOptions, Randomness};

fn plan(len: usize, batch_size: usize) -> EpochPlan {
    EpochPlan { len, batch_size, drop_last: false, seed: 5, epoch: 2 }
}

fn sorted(mut order: Vec<usize>) -> Vec<usize> {
    order.sort_unstable();
    order
}

/// Labels of classes of very different sizes, mixed.
fn labels(sizes: &[usize]) -> Vec<i64> {
    let mut labels: Vec<i64> =
        sizes.iter().enumerate().flat_map(|(class, &size)| vec![class as i64 * 3 - 2; size]).collect();
    Randomness::new(1).shuffle(&mut labels);
    labels
}

fn every_kind(len: usize) -> Vec<Arc<dyn Sampler>> {
    let labels: Vec<i64> = (0..len).map(|index| (index % 7 % 3) as i64).collect();
    let weights: Vec<f64> = (0..len).map(|index| (index % 4) as f64).collect();
    let lengths: Vec<usize> = (0..len).map(|index| index * 37 % 50).collect();
    let mut samplers: Vec<Arc<dyn Sampler>> = vec![
        Arc::new(Sequential),
        Arc::new(Shuffled),
        Arc::new(FixedSubset::new((0..len).step_by(3).collect(), true)),
        Arc::new(FixedSubset::new((0..len).step_by(3).collect(), false)),
        Arc::new(Weighted::with_replacement(weights.clone(), len / 2).unwrap()),
        Arc::new(Weighted::without_replacement(weights, len / 2).unwrap()),
        Arc::new(Stratified::new(&labels)),
        Arc::new(ClassBalanced::new(&labels)),
        Arc::new(ClassBalanced::new(&labels).with_count(2 * len)),
        Arc::new(Bucketed::new(&lengths, &[10, 30]).unwrap()),
        Arc::new(Bucketed::with_even_buckets(&lengths, 4).with_most_padded(200)),
    ];
    for rank in 0..3 {
        for uneven in [Uneven::Repeat, Uneven::Drop] {
            samplers.push(Arc::new(Shard::new(Arc::new(Shuffled), rank, 3, uneven).unwrap()));
        }
    }
    samplers
}

#[test]
fn every_sampler_keeps_its_word() {
    let samplers = every_kind(100);
    for sampler in &samplers {
        sampler.check(100).unwrap();
        for (batch_size, drop_last) in [(1, false), (7, false), (7, true), (1000, false), (1000, true)] {
            let plan = EpochPlan { drop_last, ..plan(100, batch_size) };
            let batches = sampler.batches(&plan);
            assert_eq!(batches, sampler.batches(&plan), "{sampler:?}");
            for epoch in 0..3 {
                let count = sampler.batches(&EpochPlan { epoch, ..plan }).len();
                assert_eq!(count, sampler.batch_count(&plan), "{sampler:?}");
            }
            assert!(batches.iter().all(|batch| (1..=batch_size).contains(&batch.len())), "{sampler:?}");
            assert!(batches.iter().flatten().all(|&index| index < 100), "{sampler:?}");
            let order = sampler.order(100, 5, 2);
            assert_eq!(order.len(), sampler.count(100), "{sampler:?}");
            if !drop_last {
                assert_eq!(sorted(batches.iter().flatten().copied().collect()), sorted(order), "{sampler:?}");
            }
        }
        if !matches!(format!("{sampler:?}").as_str(), "Sequential")
            && !format!("{sampler:?}").contains("shuffle: false")
        {
            assert_ne!(sampler.order(100, 5, 2), sampler.order(100, 5, 3), "{sampler:?}");
            assert_ne!(sampler.order(100, 5, 2), sampler.order(100, 6, 2), "{sampler:?}");
        }
    }
    let prints: BTreeSet<u64> = samplers.iter().map(|sampler| sampler.fingerprint()).collect();
    assert_eq!(prints.len(), samplers.len());
}

#[test]
fn no_items_give_no_batches() {
    for sampler in every_kind(0) {
        assert_eq!(sampler.batches(&plan(0, 4)).len(), 0, "{sampler:?}");
        assert_eq!(sampler.batch_count(&plan(0, 4)), 0, "{sampler:?}");
    }
}

#[test]
fn draws_with_replacement_follow_the_weights() {
    let weights = vec![1.0, 0.0, 3.0, 0.5, 1e-12, 5.5];
    let sampler = Weighted::with_replacement(weights.clone(), 100_000).unwrap();
    let mut counts = [0.0; 6];
    sampler.order(6, 1, 0).into_iter().for_each(|index| counts[index] += 1.0);
    for (count, weight) in counts.iter().zip(&weights) {
        let expected = weight * 10_000.0;
        // Five standard deviations.
        assert!((count - expected).abs() <= 5.0 * f64::sqrt(expected), "{count} for {expected}");
    }
    // Weights whose sum is infinite, and weights that leave rounding errors at an item of weight 0.
    let huge = Weighted::with_replacement(vec![f64::MAX, 0.0, f64::MAX], 1000).unwrap();
    let order = huge.order(3, 0, 0);
    assert!(!order.contains(&1) && order.contains(&0) && order.contains(&2));
    let tenths = Weighted::with_replacement([vec![0.1; 30], vec![0.0; 7]].concat(), 10_000).unwrap();
    assert!(tenths.order(37, 0, 0).iter().all(|&index| index < 30));
}

#[test]
fn draws_without_replacement_are_different_items_the_heavy_ones_first() {
    let weights = vec![1.0, 2.0, 0.0, 7.0];
    let sampler = Weighted::without_replacement(weights, 2).unwrap();
    let mut first = [0.0f64; 4];
    let mut second_after_last = [0.0f64; 4];
    for epoch in 0..20_000 {
        let order = sampler.order(4, 3, epoch);
        assert!(order.len() == 2 && order[0] != order[1]);
        first[order[0]] += 1.0;
        if order[0] == 3 {
            second_after_last[order[1]] += 1.0;
        }
    }
    for (count, expected) in first.iter().zip([2_000.0, 4_000.0, 0.0, 14_000.0]) {
        assert!((count - expected).abs() <= 5.0 * f64::sqrt(expected), "{first:?}");
    }
    // Once the heaviest is gone, the others are drawn in the proportion that is left, 1 to 2.
    let share = second_after_last[1] / (second_after_last[0] + second_after_last[1]);
    assert!((share - 2.0 / 3.0).abs() < 0.02, "{share}");
}

#[test]
fn stratified_batches_have_the_classes_in_proportion() {
    // Shares of a batch of 20: 10, 6, 3, 1.
    let whole = labels(&[500, 300, 150, 50]);
    let batches = Stratified::new(&whole).batches(&plan(1000, 20));
    for batch in batches.iter() {
        let count = |class: i64| batch.iter().filter(|&&index| whole[index] == class).count();
        assert_eq!([count(-2), count(1), count(4), count(7)], [10, 6, 3, 1]);
    }
    let uneven = labels(&[403, 211, 97, 13, 1]);
    let sampler = Stratified::new(&uneven);
    let order = sampler.order(725, 5, 2);
    assert_eq!(sorted(order), (0..725).collect::<Vec<_>>());
    for batch in sampler.batches(&plan(725, 32)).iter() {
        for (class, size) in [(-2, 403.0), (1, 211.0), (4, 97.0), (7, 13.0), (10, 1.0)] {
            let count = batch.iter().filter(|&&index| uneven[index] == class).count() as f64;
            assert!((count - size / 725.0 * batch.len() as f64).abs() < 2.0, "{count} of class {class}");
        }
    }
}

#[test]
fn balanced_batches_have_every_class_equally_often() {
    let labels = labels(&[90, 9, 1]);
    let sampler = ClassBalanced::new(&labels).with_count(300);
    for batch in sampler.batches(&plan(100, 30)).iter() {
        for class in [-2, 1, 4] {
            assert_eq!(batch.iter().filter(|&&index| labels[index] == class).count(), 10);
        }
    }
    // Small classes are gone through again and again, none of their items more often than another.
    let mut counts = vec![0; 100];
    sampler.order(100, 0, 0).into_iter().for_each(|index| counts[index] += 1);
    for (index, &count) in counts.iter().enumerate() {
        let expected = if labels[index] == -2 {
            1..=2
        } else if labels[index] == 1 {
            11..=12
        } else {
            100..=100
        };
        assert!(expected.contains(&count), "{count} times an item of class {}", labels[index]);
    }
}

#[test]
fn buckets_keep_lengths_together_and_limit_the_padding() {
    let lengths: Vec<usize> = (0..500).map(|index| 1 + index * 7919 % 200).collect();
    let sampler = Bucketed::with_even_buckets(&lengths, 10);
    for batch in sampler.batches(&plan(500, 16)).iter() {
        let of = batch.iter().map(|&index| lengths[index]);
        assert!(of.clone().max().unwrap() - of.min().unwrap() <= 20);
    }
    let limited = sampler.with_most_padded(1000);
    let batches = limited.batches(&plan(500, 64));
    for batch in batches.iter() {
        let longest = batch.iter().map(|&index| lengths[index]).max().unwrap();
        assert!(longest * batch.len() <= 1000 && batch.len() <= 64);
    }
    // A single item above the limit still gets its batch.
    assert_eq!(Bucketed::new(&[50, 60], &[]).unwrap().with_most_padded(10).batches(&plan(2, 4)).len(), 2);
    assert_message(Bucketed::new(&[1], &[5, 5]), &["bounds that rise", "5 after 5"]);
}

#[test]
fn shards_cover_the_epoch_and_are_of_one_size() {
    for (len, world) in [(10, 3), (12, 4), (2, 5), (0, 2)] {
        let shards = |uneven| -> Vec<Vec<usize>> {
            let of = |rank| Shard::new(Arc::new(Shuffled), rank, world, uneven).unwrap().order(len, 9, 1);
            (0..world).map(of).collect()
        };
        let repeated = shards(Uneven::Repeat);
        assert!(repeated.iter().all(|shard| shard.len() == len.div_ceil(world)));
        assert_eq!(repeated.concat().into_iter().collect::<BTreeSet<_>>().len(), len);
        let dropped = shards(Uneven::Drop);
        assert!(dropped.iter().all(|shard| shard.len() == len / world));
        assert_eq!(dropped.concat().into_iter().collect::<BTreeSet<_>>().len(), len / world * world);
    }
    // Three ranks with batches of 2 see what one process with batches of 6 sees.
    let whole = Shuffled.batches(&plan(18, 6));
    for rank in 0..3 {
        let shard = Shard::new(Arc::new(Shuffled), rank, 3, Uneven::Repeat).unwrap();
        for (part, whole) in shard.batches(&plan(18, 2)).iter().zip(whole.iter()) {
            assert!(part.iter().all(|index| whole.contains(index)));
        }
    }
    assert_message(Shard::new(Arc::new(Shuffled), 2, 2, Uneven::Drop), &["a rank below 2", "found 2"]);
}

#[test]
fn samplers_that_do_not_fit_are_refused() {
    assert_message(Weighted::with_replacement(vec![1.0, -1.0], 1), &["finite weights", "-1 at position 1"]);
    assert_message(Weighted::with_replacement(vec![f64::NAN], 1), &["finite weights", "NaN"]);
    assert_message(Weighted::with_replacement(vec![0.0; 3], 1), &["at least one weight above 0"]);
    assert_message(
        Weighted::without_replacement(vec![0.0, 1.0], 2),
        &["at least 2 weights above 0", "found 1"],
    );
    let items = Arc::new(bolete_data::drawn_digits::draw(3, 0, &Default::default()));
    let loader = || Loader::new(Arc::clone(&items), LoaderOptions::default()).unwrap();
    assert_message(loader().with_sampler(Stratified::new(&[1, 2])), &["3 labels", "found 2"]);
    assert_message(
        loader().with_sampler(FixedSubset::new(vec![0, 3], false)),
        &["indices below 3", "found 3"],
    );
    let shard = Shard::new(Arc::new(ClassBalanced::new(&[1])), 0, 1, Uneven::Drop).unwrap();
    assert_message(loader().with_sampler(shard), &["3 labels", "found 1"]);
}

#[test]
fn a_loader_makes_the_batches_of_its_sampler() {
    let items = Arc::new(bolete_data::drawn_digits::draw(40, 0, &Default::default()));
    let lengths: Vec<usize> = (0..40).collect();
    let options = LoaderOptions { batch_size: 8, seed: 3, ..LoaderOptions::default() };
    let loader = Loader::new(items, options).unwrap();
    let plain = loader.fingerprint();
    let loader = loader.with_sampler(Bucketed::with_even_buckets(&lengths, 3)).unwrap();
    assert_ne!(loader.fingerprint(), plain);
    let sizes: Vec<usize> = loader.epoch(1).unwrap().map(|batch| batch.unwrap().batch).collect();
    assert_eq!((sizes.len(), sizes.iter().sum::<usize>()), (loader.batches_per_epoch(), 40));
    let rest: Vec<_> = loader.epoch_from(1, 2).unwrap().map(Result::unwrap).collect();
    let whole: Vec<_> = loader.epoch(1).unwrap().map(Result::unwrap).collect();
    assert_eq!(rest, whole[2..]);
}
