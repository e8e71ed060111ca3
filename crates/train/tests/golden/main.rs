//! Metrics against numbers that scikit-learn and others computed (`metrics.py` in this folder).

use bolete_nn::loss::image::{peak_signal_to_noise_ratio, structural_similarity};
use bolete_tensor::{DType, Tensor, grad};
use bolete_train::{
    Averaging, Bleu, BleuSmoothing, Calibration, Confusion, ErrorRate, Metric, Ranking, Regression, TopK,
};
use serde_json::Value;

#[path = "../../../tensor/tests/golden/read.rs"]
mod read;
use read::{assert_numbers_close, file, numbers};

const TOLERANCE: f64 = 1e-9;

fn vector(value: &Value) -> Tensor {
    let values = numbers(value);
    let length = values.len();
    Tensor::from_vec(values, [length])
}

#[track_caller]
fn same(what: &str, found: Option<f64>, expected: &Value) {
    let found = found.unwrap_or_else(|| panic!("{what} does not exist"));
    assert_numbers_close(what, &[found], &[expected.as_f64().expect("a number")], TOLERANCE);
}

/// What is made by `add` in one go, and in two parts that are merged.
fn whole_and_merged<M: Metric + Clone>(empty: M, count: usize, add: impl Fn(&mut M, usize)) -> [M; 2] {
    let mut whole = empty.clone();
    (0..count).for_each(|item| add(&mut whole, item));
    let (mut first, mut second) = (empty.clone(), empty);
    (0..count / 3).for_each(|item| add(&mut first, item));
    (count / 3..count).for_each(|item| add(&mut second, item));
    first.merge(&second);
    [whole, first]
}

#[test]
fn confusion() {
    let golden = &file("metrics")["confusion"];
    let (actual, predicted) = (numbers(&golden["actual"]), numbers(&golden["predicted"]));
    let add = |confusion: &mut Confusion, item: usize| {
        confusion.add(actual[item] as usize, predicted[item] as usize)
    };
    let mut batch = Confusion::new(6);
    batch.add_batch(&vector(&golden["actual"]), &vector(&golden["predicted"]));
    let [whole, merged] = whole_and_merged(Confusion::new(6), actual.len(), add);
    for confusion in [whole, merged, batch] {
        same("accuracy", confusion.value(), &golden["accuracy"]);
        same("balanced accuracy", confusion.balanced_accuracy(), &golden["balanced_accuracy"]);
        same("kappa", confusion.cohen_kappa(), &golden["cohen_kappa"]);
        same("matthews", confusion.matthews_correlation(), &golden["matthews"]);
        same("mean iou", confusion.mean_intersection_over_union(), &golden["mean_iou"]);
        same("f1", confusion.f1(2), &golden["f1_of_2"]);
        for (name, averaging) in
            [("micro", Averaging::Micro), ("macro", Averaging::Macro), ("weighted", Averaging::Weighted)]
        {
            same(name, confusion.mean_precision(averaging), &golden[name][0]);
            same(name, confusion.mean_recall(averaging), &golden[name][1]);
            same(name, confusion.mean_f1(averaging), &golden[name][2]);
        }
    }
}

#[test]
fn ranking() {
    let golden = &file("metrics")["ranking"];
    let (scores, truth) = (numbers(&golden["scores"]), numbers(&golden["truth"]));
    let add = |ranking: &mut Ranking, item: usize| ranking.add(scores[item], truth[item] != 0.0);
    for ranking in whole_and_merged(Ranking::default(), scores.len(), add) {
        same("auc", ranking.value(), &golden["auc"]);
        same("average precision", ranking.average_precision(), &golden["average_precision"]);
        let curve = ranking.roc_curve();
        let rates: Vec<f64> = curve.iter().map(|point| point.false_positive_rate).collect();
        assert_numbers_close("fpr", &rates, &numbers(&golden["fpr"]), TOLERANCE);
        let rates: Vec<f64> = curve.iter().map(|point| point.true_positive_rate).collect();
        assert_numbers_close("tpr", &rates, &numbers(&golden["tpr"]), TOLERANCE);
        let curve = ranking.precision_recall_curve();
        let precision: Vec<f64> = curve.iter().map(|point| point.precision).collect();
        let recall: Vec<f64> = curve.iter().map(|point| point.recall).collect();
        assert_numbers_close("precision", &precision, &numbers(&golden["precision"]), TOLERANCE);
        assert_numbers_close("recall", &recall, &numbers(&golden["recall"]), TOLERANCE);
        let best =
            curve.iter().map(|point| 2.0 * point.precision * point.recall / (point.precision + point.recall));
        let (threshold, f1) = ranking.best_f1().expect("there are positives");
        assert_eq!(f1, best.fold(0.0, f64::max));
        assert!(curve.iter().any(|point| point.threshold == threshold));
    }
    let mut only = Ranking::default();
    only.add(1.0, true);
    assert_eq!((only.value(), only.average_precision()), (None, Some(1.0)));
    assert_eq!((Ranking::default().roc_auc(), Ranking::default().average_precision()), (None, None));
}

#[test]
fn top_k() {
    let golden = &file("metrics")["top"];
    let scores = Tensor::from_vec(numbers(&golden["scores"]), [60, 7]);
    let labels = vector(&golden["labels"]);
    for (k, expected) in [1, 2, 3, 5].into_iter().zip(golden["values"].as_array().expect("a list")) {
        let add = |top: &mut TopK, item: usize| {
            top.add_batch(&scores.narrow(0, item, 1), &labels.narrow(0, item, 1));
        };
        for top in whole_and_merged(TopK::new(k), 60, add) {
            same("top k", top.value(), expected);
        }
    }
}

#[test]
fn calibration() {
    let golden = &file("metrics")["calibration"];
    let probabilities = Tensor::from_vec(numbers(&golden["probabilities"]), [300, 4]);
    let labels = vector(&golden["labels"]);
    let add = |calibration: &mut Calibration, part: usize| {
        calibration.add_batch(&probabilities.narrow(0, part * 50, 50), &labels.narrow(0, part * 50, 50));
    };
    for calibration in whole_and_merged(Calibration::new(10), 6, add) {
        same("expected error", calibration.value(), &golden["expected_error"]);
        same("maximum error", calibration.maximum_error(), &golden["maximum_error"]);
        let counts: Vec<f64> = calibration.bins().iter().map(|bin| bin.count as f64).collect();
        assert_numbers_close("bins", &counts, &numbers(&golden["bins"]), 0.0);
    }
    assert_eq!(Calibration::new(3).value(), None);
}

#[test]
fn regression() {
    let golden = &file("metrics")["regression"];
    let (prediction, target) = (numbers(&golden["prediction"]), numbers(&golden["target"]));
    let add = |errors: &mut Regression, item: usize| errors.add(prediction[item], target[item]);
    for errors in whole_and_merged(Regression::default(), target.len(), add) {
        same("mse", errors.mean_squared_error(), &golden["mse"]);
        same("rmse", errors.value(), &golden["rmse"]);
        same("mae", errors.mean_absolute_error(), &golden["mae"]);
        same("max", errors.max_error(), &golden["max"]);
        same("r2", errors.r_squared(), &golden["r2"]);
        same("pearson", errors.pearson_correlation(), &golden["pearson"]);
    }
    assert_eq!(Regression::default().value(), None);
}

#[test]
fn text() {
    let golden = &file("metrics")["text"];
    let lines = |value: &Value| -> Vec<String> {
        let lines = value.as_array().expect("a list").iter();
        lines.map(|line| line.as_str().expect("a text").to_string()).collect()
    };
    let words = |line: &str| line.split(' ').map(str::to_string).collect::<Vec<_>>();
    let candidates = lines(&golden["candidates"]);
    let references = [lines(&golden["references"][0]), lines(&golden["references"][1])];
    let smoothings = [BleuSmoothing::None, BleuSmoothing::Add(1.0), BleuSmoothing::Exponential];
    for (index, smoothing) in smoothings.into_iter().enumerate() {
        let add = |bleu: &mut Bleu, item: usize| {
            let [first, second] = [&references[0][item], &references[1][item]].map(|line| words(line));
            bleu.add(&words(&candidates[item]), &[&first, &second]);
        };
        let empty = Bleu::new(4).with_smoothing(smoothing);
        for bleu in whole_and_merged(empty.clone(), candidates.len(), add) {
            same("bleu", bleu.value(), &golden["bleu"][index]);
        }
        let mut sentence = empty;
        sentence.add(&words("a b c d"), &[&words("a b d c")]);
        same("sentence", sentence.value(), &golden["sentence"][index]);
    }
    let (spoken, heard) = (lines(&golden["spoken"]), lines(&golden["heard"]));
    let add = |rate: &mut ErrorRate, item: usize| rate.add_words(&spoken[item], &heard[item]);
    for rate in whole_and_merged(ErrorRate::default(), spoken.len(), add) {
        same("wer", rate.value(), &golden["wer"]);
    }
    let add = |rate: &mut ErrorRate, item: usize| rate.add_characters(&spoken[item], &heard[item]);
    for rate in whole_and_merged(ErrorRate::default(), spoken.len(), add) {
        same("cer", rate.value(), &golden["cer"]);
    }
    assert_eq!((Bleu::new(4).value(), ErrorRate::default().value()), (None, None));
}

#[test]
fn images() {
    let golden = &file("metrics")["images"];
    let image = |name: &str| Tensor::from_vec(numbers(&golden[name]), [2, 3, 16, 14]);
    let (first, second) = (image("first"), image("second"));
    let found = structural_similarity(&first, &second, 1.0).to_vec::<f64>();
    assert_numbers_close("ssim", &found, &numbers(&golden["ssim"]), TOLERANCE);
    let found = peak_signal_to_noise_ratio(&first, &second, 1.0).to_vec::<f64>();
    assert_numbers_close("psnr", &found, &numbers(&golden["psnr"]), TOLERANCE);
    let equal = structural_similarity(&first, &first, 1.0).cast(DType::F64).to_vec::<f64>();
    assert_numbers_close("ssim of equal images", &equal, &[1.0, 1.0], 1e-12);
    // At its maximum it is flat.
    let slope = grad(|x: &Tensor| structural_similarity(x, &first, 1.0).sum(..))(&first);
    assert!(slope.abs().max(..).item() < 1e-9);
}

#[test]
#[should_panic(expected = "Ranking: a score is NaN")]
fn scores_without_a_rank_are_refused() {
    Ranking::default().add(f64::NAN, true);
}

#[test]
#[should_panic(expected = "Confusion: -1 is not the number of a class")]
fn negative_classes_are_refused() {
    Confusion::new(3).add_batch(&Tensor::from([-1i64]), &Tensor::from([0i64]));
}
