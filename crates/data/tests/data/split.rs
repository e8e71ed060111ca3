//! Splits are exhaustive, disjoint and the same each time.

use crate::support::assert_message;
use bolete_data::split::{self, Split};

fn assert_covers(parts: &[&[usize]], len: usize) {
    let mut all = parts.concat();
    all.sort_unstable();
    assert_eq!(all, (0..len).collect::<Vec<_>>());
    assert!(parts.iter().all(|part| part.is_sorted()));
}

fn assert_split(split: &Split, len: usize) {
    assert_covers(&[&split.train, &split.validation, &split.test], len);
}

#[test]
fn splits_have_the_shares_that_were_asked_for() {
    for len in [0, 1, 2, 7, 100, 1001] {
        for (validation, test) in [(0.0, 0.0), (0.1, 0.2), (0.5, 0.5), (1.0, 0.0), (0.0, 1.0), (0.1, 0.9)] {
            let labels: Vec<i64> = (0..len).map(|index| (index * index % 5) as i64).collect();
            let random = split::random(len, validation, test, 3).unwrap();
            assert_split(&random, len);
            assert_eq!(random, split::random(len, validation, test, 3).unwrap());
            assert_split(&split::stratified(&labels, validation, test, 3).unwrap(), len);
            assert_split(&split::sequential(len, validation, test).unwrap(), len);
            assert_eq!(random.test.len(), (test * len as f64).round() as usize);
        }
    }
    assert_ne!(split::random(50, 0.2, 0.2, 3).unwrap(), split::random(50, 0.2, 0.2, 4).unwrap());
    let ordered = split::sequential(10, 0.2, 0.3).unwrap();
    assert_eq!((ordered.validation, ordered.test), (vec![5, 6], vec![7, 8, 9]));
    assert_message(split::random(10, 0.6, 0.5, 0), &["at most 1", "0.6 for validation and 0.5"]);
    assert_message(split::random(10, f64::NAN, 0.5, 0), &["NaN"]);
}

#[test]
fn stratified_splits_keep_the_proportions() {
    let labels: Vec<i64> = (0..1000).map(|index| if index % 10 == 0 { 1 } else { 0 }).collect();
    let split = split::stratified(&labels, 0.1, 0.2, 5).unwrap();
    let rare = |part: &[usize]| part.iter().filter(|&&index| labels[index] == 1).count();
    assert_eq!([rare(&split.train), rare(&split.validation), rare(&split.test)], [70, 10, 20]);
}

#[test]
fn folds_hold_out_each_item_once() {
    let labels: Vec<i64> = (0..103).map(|index| [0, 0, 0, 1, 1, 2][index % 6]).collect();
    for folds in [2, 5, 103] {
        for made in
            [split::k_fold(103, folds, 1).unwrap(), split::stratified_k_fold(&labels, folds, 1).unwrap()]
        {
            assert_eq!(made.len(), folds);
            made.iter().for_each(|fold| assert_covers(&[&fold.train, &fold.validation], 103));
            let held_out: Vec<Vec<usize>> = made.iter().map(|fold| fold.validation.clone()).collect();
            assert!(
                held_out
                    .iter()
                    .all(|part| part.len() == 103 / folds || part.len() == 103usize.div_ceil(folds))
            );
            let mut all = held_out.concat();
            all.sort_unstable();
            assert_eq!(all, (0..103).collect::<Vec<_>>());
        }
        for class in 0..3 {
            let counts = split::stratified_k_fold(&labels, folds, 1)
                .unwrap()
                .into_iter()
                .map(|fold| fold.validation.into_iter().filter(|&index| labels[index] == class).count());
            let counts: Vec<usize> = counts.collect();
            assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1, "{counts:?}");
        }
    }
    assert_message(split::k_fold(10, 1, 0), &["from 2 folds to 10", "found 1"]);
    assert_message(split::k_fold(3, 4, 0), &["from 2 folds to 3", "found 4"]);
}
