"""Writes drift.json: samples, and what SciPy says of their differences. Needs numpy and scipy."""

import json
import pathlib

import numpy as np
from scipy import stats

rng = np.random.default_rng(7)


def numbers(name, before, now):
    ordered = np.sort(before)
    n = len(before)
    cuts = np.unique(ordered[[(i + 1) * n // 50 - 1 for i in range(50)]])
    up_to = [float(np.mean(before <= c)) for c in cuts]

    def snapped(values):
        places = np.searchsorted(cuts, values)
        return np.append(cuts, np.inf)[places].clip(max=1e300)

    statistic = stats.ks_2samp(snapped(before), snapped(now)).statistic
    scale = np.sqrt(n * len(now) / (n + len(now)))
    deciles = np.concatenate([[-np.inf], ordered[[(i + 1) * n // 10 - 1 for i in range(9)]], [np.inf]])
    e = np.array([np.mean((before > a) & (before <= b)) for a, b in zip(deciles, deciles[1:])])
    a = np.array([np.mean((now > a) & (now <= b)) for a, b in zip(deciles, deciles[1:])])
    e, a = np.maximum(e, 1e-4), np.maximum(a, 1e-4)
    return {
        "name": name,
        "count": n,
        "cuts": [float(c) for c in cuts],
        "upTo": up_to,
        "now": [float(v) for v in now],
        "distance": float(statistic),
        "exactDistance": float(stats.ks_2samp(before, now).statistic),
        "pValue": float(stats.kstwobign.sf(statistic * scale)),
        "stability": float(np.sum((a - e) * np.log(a / e))),
    }


def words(name, before, now):
    table = np.array([list(before.values()), list(now.values())])
    result = stats.chi2_contingency(table, correction=False)
    return {
        "name": name,
        "before": before,
        "now": now,
        "statistic": float(result.statistic),
        "pValue": float(result.pvalue),
    }


def vectors(name, before, now):
    together = np.concatenate([before, now])
    square = np.sum((together[:, None] - together[None]) ** 2, axis=-1)
    own = np.sqrt(square[: len(before), : len(before)])
    bandwidth = float(np.median(own[np.triu_indices(len(before), 1)]))
    kernel = np.exp(-square / (2 * bandwidth**2))
    n = len(before)
    squared = kernel[:n, :n].mean() + kernel[n:, n:].mean() - 2 * kernel[:n, n:].mean()
    return {
        "name": name,
        "before": before.round(4).tolist(),
        "now": now.round(4).tolist(),
        "bandwidth": bandwidth,
        "discrepancy": float(np.sqrt(squared)),
    }


p_values = np.sort(rng.uniform(0, 1, 12) ** 3)
before = np.round(rng.normal(0, 1, 1000), 6)
result = {
    "numbers": [
        numbers("same", before, np.round(rng.normal(0, 1, 400), 6)),
        numbers("shifted", before, np.round(rng.normal(0.5, 1, 400), 6)),
        numbers("beyond", before, np.round(rng.normal(9, 1, 300), 6)),
        numbers("wider", before, np.round(rng.normal(0, 2, 500), 6)),
    ],
    "words": [
        words("same", {"red": 500, "green": 300, "blue": 200}, {"red": 255, "green": 143, "blue": 102}),
        words("moved", {"red": 500, "green": 300, "blue": 200}, {"red": 100, "green": 310, "blue": 90}),
    ],
    "vectors": [
        vectors("same", rng.normal(0, 1, (400, 6)), rng.normal(0, 1, (300, 6))),
        vectors("moved", rng.normal(0, 1, (400, 6)), rng.normal(0.7, 1, (300, 6))),
    ],
    "adjusted": {
        "pValues": p_values.tolist(),
        "expected": stats.false_discovery_control(p_values).tolist(),
    },
}
target = pathlib.Path(__file__).with_name("drift.json")
target.write_text(json.dumps(result, indent=None) + "\n")
