"""Writes metrics.json with scikit-learn, SciPy, scikit-image, sacrebleu and jiwer.

    python metrics.py
"""

import json
import pathlib

import jiwer
import numpy as np
import sacrebleu
from scipy import stats
from skimage import metrics as image
from sklearn import metrics

random = np.random.default_rng(0)
actual = random.integers(0, 5, 200)
predicted = np.where(random.random(200) < 0.6, actual, random.integers(0, 4, 200))
actual[actual == 3] = 2  # a class that is predicted but never seen
confusion = {
    "actual": actual.tolist(),
    "predicted": predicted.tolist(),
    "classes": 6,
    "accuracy": metrics.accuracy_score(actual, predicted),
    "balanced_accuracy": metrics.recall_score(actual, predicted, labels=[0, 1, 2, 4], average="macro"),
    "cohen_kappa": metrics.cohen_kappa_score(actual, predicted),
    "matthews": metrics.matthews_corrcoef(actual, predicted),
    "mean_iou": metrics.jaccard_score(actual, predicted, average="macro"),
    "f1_of_2": metrics.f1_score(actual, predicted, average=None)[2],
}
for averaging in ("micro", "macro", "weighted"):
    options = {"average": averaging, "zero_division": 0}
    confusion[averaging] = [
        metrics.precision_score(actual, predicted, **options),
        metrics.recall_score(actual, predicted, **options),
        metrics.f1_score(actual, predicted, **options),
    ]

truth = random.random(150) < 0.3
scores = np.round(random.normal(size=150) + truth, 1)  # with ties
fpr, tpr, _ = metrics.roc_curve(truth, scores, drop_intermediate=False)
precision, recall, _ = metrics.precision_recall_curve(truth, scores)
ranking = {
    "scores": scores.tolist(),
    "truth": truth.astype(int).tolist(),
    "auc": metrics.roc_auc_score(truth, scores),
    "average_precision": metrics.average_precision_score(truth, scores),
    "fpr": fpr.tolist(),
    "tpr": tpr.tolist(),
    "precision": precision[:-1][::-1].tolist(),
    "recall": recall[:-1][::-1].tolist(),
}

table = random.normal(size=(60, 7))
labels = random.integers(0, 7, 60)
top = {
    "scores": table.flatten().tolist(),
    "labels": labels.tolist(),
    "values": [metrics.top_k_accuracy_score(labels, table, k=k, labels=range(7)) for k in (1, 2, 3, 5)],
}

probabilities = random.dirichlet(np.ones(4) * 0.5, 300)
classes = np.array([random.choice(4, p=p) for p in probabilities])
confidence, hit = probabilities.max(1), probabilities.argmax(1) == classes
edges, error, worst, bins = np.linspace(0, 1, 11), 0.0, 0.0, []
for low, high in zip(edges[:-1], edges[1:]):
    inside = (confidence > low) & (confidence <= high)
    bins.append(int(inside.sum()))
    if inside.any():
        gap = abs(hit[inside].mean() - confidence[inside].mean())
        error += gap * inside.mean()
        worst = max(worst, gap)
calibration = {
    "probabilities": probabilities.flatten().tolist(),
    "labels": classes.tolist(),
    "expected_error": error,
    "maximum_error": worst,
    "bins": bins,
}

x = random.normal(size=80) * 3 + 1e6
y = x + random.normal(size=80)
regression = {
    "prediction": y.tolist(),
    "target": x.tolist(),
    "mse": metrics.mean_squared_error(x, y),
    "rmse": metrics.root_mean_squared_error(x, y),
    "mae": metrics.mean_absolute_error(x, y),
    "max": metrics.max_error(x, y),
    "r2": metrics.r2_score(x, y),
    "pearson": stats.pearsonr(x, y).statistic,
}

candidates = ["the cat is on a mat", "there is a cat", "he read the book because he was interested in history", "on"]
references = [
    ["the cat is on the mat", "a cat is here", "he was interested in history because he read the book", "of course"],
    ["there is a cat on the mat today", "there is one cat", "he read the book", "on it"],
]
score = lambda method, value=None: sacrebleu.corpus_bleu(
    candidates, references, tokenize="none", smooth_method=method, smooth_value=value, force=True).score / 100
one = lambda method, value=None: sacrebleu.sentence_bleu(
    "a b c d", ["a b d c"], tokenize="none", smooth_method=method, smooth_value=value).score / 100
spoken = ["the quick brown fox", "jumps over the lazy dog", "hello world again", "zurich is nice"]
heard = ["the quick brawn fox fox", "jumps the lazy dog", "yellow word", "zürich is nice indeed yes"]
text = {
    "candidates": candidates,
    "references": references,
    "bleu": [score("none"), score("add-k", 1.0), score("exp")],
    "sentence": [one("none"), one("add-k", 1.0), one("exp")],
    "spoken": spoken,
    "heard": heard,
    "wer": jiwer.wer(spoken, heard),
    "cer": jiwer.cer(spoken, heard),
}

first = random.random((2, 3, 16, 14))
second = np.clip(first + random.normal(size=first.shape) * 0.1, 0, 1)
images = {
    "shape": list(first.shape),
    "first": np.round(first, 6).flatten().tolist(),
    "second": np.round(second, 6).flatten().tolist(),
    "ssim": [
        image.structural_similarity(a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1.0,
                                    channel_axis=0)
        for a, b in zip(np.round(first, 6), np.round(second, 6))
    ],
    "psnr": [image.peak_signal_noise_ratio(a, b, data_range=1.0) for a, b in zip(np.round(first, 6), np.round(second, 6))],
}

golden = {"confusion": confusion, "ranking": ranking, "top": top, "calibration": calibration, "regression": regression,
          "text": text, "images": images}
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
