"""Ten metrics of 10,000 rows with ten labels, resampled, with scikit-learn; beside BootstrapBenchmark.

pip install scikit-learn; python bootstrap.py
"""

import statistics
import time

import numpy as np
import sklearn
from sklearn import metrics

ROWS, LABELS, BINS, RESAMPLES, ROUNDS = 10_000, 10, 15, 20, 5


def calibration_error(actual, predicted, confidence):
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    count = np.bincount(bins, minlength=BINS)
    right = np.bincount(bins, weights=actual == predicted, minlength=BINS)
    sure = np.bincount(bins, weights=confidence, minlength=BINS)
    return np.abs(right - sure).sum() / count.sum()


def measure(actual, predicted, probabilities, confidence):
    return (
        metrics.accuracy_score(actual, predicted),
        metrics.precision_score(actual, predicted, average="macro"),
        metrics.recall_score(actual, predicted, average="macro"),
        metrics.f1_score(actual, predicted, average="macro"),
        metrics.f1_score(actual, predicted, average="micro"),
        metrics.f1_score(actual, predicted, average=None)[3],
        metrics.roc_auc_score(actual, probabilities, multi_class="ovr"),
        metrics.average_precision_score(actual, probabilities, average="macro"),
        metrics.log_loss(actual, probabilities),
        calibration_error(actual, predicted, confidence),
    )


random = np.random.default_rng(1)
actual = random.integers(0, LABELS, ROWS)
logits = random.standard_normal((ROWS, LABELS))
logits[np.arange(ROWS), actual] += 2
probabilities = np.exp(logits)
probabilities /= probabilities.sum(axis=1, keepdims=True)
predicted = probabilities.argmax(axis=1)
confidence = probabilities.max(axis=1)

rounds = []
for _ in range(ROUNDS):
    begin = time.perf_counter()
    for _ in range(RESAMPLES):
        rows = random.integers(0, ROWS, ROWS)
        measure(actual[rows], predicted[rows], probabilities[rows], confidence[rows])
    rounds.append((time.perf_counter() - begin) / RESAMPLES * 1000)
print(f"scikit-learn {sklearn.__version__}: {statistics.median(rounds):.1f} ms a resample, rounds {rounds}")
