"""A window of requests and what numpy, scipy and scikit-learn say of it; the tests of src/monitor compare.

Run: python make.py > reference.json   (the libraries' versions are stored with the numbers)
"""
import json
import math
import platform

import numpy as np
import scipy
import sklearn
from scipy import stats
from scipy.spatial.distance import jensenshannon
from sklearn import metrics

MISSING = -1.0
BINS = 10
CATEGORIES = 50
Z = 1.959963984540054
random = np.random.default_rng(20130901)


def number(values):
    """As a model sees it: single precision; the number for "not known" is a null."""
    values = np.asarray([np.nan if value is None else value for value in values], dtype=np.float64)
    values = np.where(values == MISSING, np.nan, values)
    return values.astype(np.float32).astype(np.float64)


def edges(reference):
    known = number(reference)
    known = known[~np.isnan(known)]
    distinct = np.unique(known)
    if len(distinct) <= BINS:
        return distinct[1:]
    return even_edges(np.quantile(known, np.arange(1000) / 1000, method="inverted_cdf"))


def even_edges(points):
    """Bins as even as can be; a value that fills a bin has one of its own and the others share the rest."""
    values, counts = np.unique(points, return_counts=True)
    heavy = counts >= len(points) / BINS
    heavy_left, rest_left = heavy.sum(), counts[~heavy].sum()
    inner, inside, was_heavy = [], 0, False
    for value, count, is_heavy in zip(values, counts, heavy):
        bins_left = BINS - len(inner)
        target = max(len(points) / 100, rest_left / max(1, bins_left - heavy_left))
        if inside > 0 and bins_left > 1 and (was_heavy or is_heavy or inside >= target):
            inner.append(value)
            heavy_left -= was_heavy
            rest_left -= 0 if was_heavy else inside
            inside = 0
        was_heavy = is_heavy
        inside += count
    return np.array(inner)


def count_numbers(values, inner):
    values = number(values)
    known = values[~np.isnan(values)]
    counts = np.bincount(np.searchsorted(inner, known, side="right"), minlength=len(inner) + 1)
    return np.append(counts, len(values) - len(known))


def count_texts(values, categories):
    known = [value for value in values if value is not None]
    counts = [sum(value == category for value in known) for category in categories]
    return np.array(counts + [len(known) - sum(counts), len(values) - len(known)])


def top(values):
    known, counts = np.unique([value for value in values if value is not None], return_counts=True)
    return [str(known[i]) for i in np.lexsort((known, -counts))[:CATEGORIES]]


def distances(now, then):
    p, q = now / now.sum(), then / then.sum()
    bins = len(now)
    smooth_p, smooth_q = (now + 0.5) / (now.sum() + bins / 2), (then + 0.5) / (then.sum() + bins / 2)
    return {
        "counts": now.tolist(),
        "reference_counts": then.tolist(),
        "n": int(now.sum()),
        "reference_n": int(then.sum()),
        "null_rate": float(now[-1] / now.sum()),
        "reference_null_rate": float(then[-1] / then.sum()),
        "psi": float(stats.entropy(smooth_p, smooth_q) + stats.entropy(smooth_q, smooth_p)),
        "js": float(jensenshannon(p, q, base=2) ** 2),
    }


def compare_numbers(now, then):
    inner = edges(then)
    out = distances(count_numbers(now, inner), count_numbers(then, inner))
    a, b = number(now), number(then)
    a, b = a[~np.isnan(a)], b[~np.isnan(b)]
    pooled = ((len(a) - 1) * np.var(a, ddof=1) + (len(b) - 1) * np.var(b, ddof=1)) / (len(a) + len(b) - 2)
    return out | {"edges": inner.tolist(), "mean": float(a.mean()), "reference_mean": float(b.mean()),
                  "effect": float((a.mean() - b.mean()) / math.sqrt(pooled))}


def compare_texts(now, then):
    categories = top(then)
    a, b = count_texts(now, categories), count_texts(then, categories)
    table = np.array([a, b])[:, (a + b) > 0]
    return distances(a, b) | {"categories": categories, "effect": float(stats.contingency.association(table, method="cramer"))}


def delong(labels, scores):
    up, down = scores[labels == 1], scores[labels == 0]
    wins = (up[:, None] > down[None, :]) + 0.5 * (up[:, None] == down[None, :])
    return np.var(wins.mean(axis=1), ddof=1) / len(up) + np.var(wins.mean(axis=0), ddof=1) / len(down)


def mean_interval(values):
    half = Z * values.std(ddof=1) / math.sqrt(len(values))
    return {"value": float(values.mean()), "low": float(max(0.0, values.mean() - half)), "high": float(values.mean() + half), "n": len(values)}


def wilson(hits, n):
    interval = stats.binomtest(int(hits), int(n)).proportion_ci(method="wilson")
    return {"value": float(hits / n), "low": float(interval.low), "high": float(interval.high), "n": int(n)}


def calibration(labels, scores, bins):
    """Bins of equal numbers of rows; rows of equal probability share the bin of the first of them."""
    order = np.argsort(scores, kind="stable")
    ends = np.cumsum([len(part) for part in np.array_split(order, bins)])
    error, start = 0.0, 0
    for end in ends:
        while 0 < end < len(order) and scores[order[end]] == scores[order[end - 1]]:
            end += 1
        if end > start:
            part = order[start:end]
            error += len(part) * abs(labels[part].mean() - scores[part].mean())
            start = end
    return float(error / len(scores))


def performance(labels, scores, threshold):
    auc, spread = metrics.roc_auc_score(labels, scores), Z * math.sqrt(delong(labels, scores))
    chosen = scores.astype(np.float32) >= np.float32(threshold)
    tn, fp, fn, tp = metrics.confusion_matrix(labels, chosen).ravel()
    clipped = np.clip(np.where(labels == 1, scores, 1 - scores), 1e-15, 1 - 1e-15)
    assert abs(metrics.log_loss(labels, np.clip(scores, 1e-15, 1 - 1e-15)) - -np.log(clipped).mean()) < 1e-12
    return {
        "auc": {"value": auc, "low": max(0.0, auc - spread), "high": min(1.0, auc + spread), "n": len(labels)},
        "precision": wilson(tp, tp + fp),
        "recall": wilson(tp, tp + fn),
        "log_loss": mean_interval(-np.log(clipped)),
        "brier": mean_interval((scores - labels) ** 2),
        "base_rate": wilson(labels.sum(), len(labels)),
        "mean_score": mean_interval(scores),
        "calibration_error": calibration(labels, scores, 10),
        "confusion": {"tp": int(tp), "fp": int(fp), "fn": int(fn), "tn": int(tn)},
    }


def columns(rows, shift):
    """Smooth, whole with nulls, few values, a rare flag, mostly zero, and texts."""
    delay = np.round(random.gamma(2.0 + shift, 12.0, rows))
    delay[random.random(rows) < 0.03 + 0.1 * shift] = MISSING
    carriers, tails = np.array(["AA", "B6", "DL", "UA", "WN"]), np.array([f"N{i:03}" for i in range(80)])
    carrier = random.choice(carriers, rows, p=[0.4, 0.3, 0.15, 0.1, 0.05] if not shift else [0.2, 0.3, 0.15, 0.1, 0.25])
    weights = 1 / np.arange(1, 81)
    return {
        "distance": (random.lognormal(6 + 0.2 * shift, 0.6, rows)).tolist(),
        "delay": [None if i % 31 == 5 else float(value) for i, value in enumerate(delay)],
        "hour": random.integers(6, 12, rows).astype(float).tolist(),
        "night": (random.random(rows) < 0.01 + 0.05 * shift).astype(float).tolist(),
        "carrier": [None if random.random() < 0.02 else str(value) for value in carrier],
        "tail": [str(value) for value in random.choice(tails, rows, p=weights / weights.sum())],
    }


def main():
    threshold = 0.41
    then, now = columns(700, 0), columns(400, 1)
    scored = np.round(1 / (1 + np.exp(-random.normal(-0.3, 1, 500))), 3).astype(np.float32).astype(np.float64)
    signal = random.normal(0.2, 1, 400)
    scores = np.round(1 / (1 + np.exp(-signal)), 2).astype(np.float32).astype(np.float64)
    shadow = (1 / (1 + np.exp(-(signal + random.normal(0, 0.3, 400))))).astype(np.float32).astype(np.float64)
    labels = (random.random(400) < scores * 0.8 + 0.05).astype(int)
    durations = np.round(random.gamma(3, 700, 400)).astype(int)
    refused, labelled = np.arange(400) % 53 == 7, np.arange(400) % 9 != 4
    answered = ~refused
    known = answered & labelled
    inputs = {name: (compare_texts if name in ("carrier", "tail") else compare_numbers)(now[name], then[name]) for name in then}
    difference = shadow[answered] - scores[answered]
    flips = (shadow[answered].astype(np.float32) >= np.float32(0.5)) != (scores[answered].astype(np.float32) >= np.float32(threshold))
    out = {
        "made_by": {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__, "scikit-learn": sklearn.__version__},
        "missing": MISSING,
        "threshold": threshold,
        "taught": then,
        "scored": scored.tolist(),
        "window": now | {"score": scores.tolist(), "shadow": shadow.tolist(), "label": labels.tolist(), "duration": durations.tolist(),
                         "refused": refused.tolist(), "labelled": labelled.tolist()},
        "inputs": inputs,
        "score": compare_numbers(scores[answered], scored),
        "performance": performance(labels[known], scores[known], threshold),
        "latency": {f"p{p}": int(np.quantile(durations, p / 100, method="inverted_cdf")) for p in (50, 95, 99)} | {"mean": float(durations.mean())},
        "difference": {"n": int(answered.sum()), "mean_abs": float(np.abs(difference).mean()), "max_abs": float(np.abs(difference).max()),
                       "flips": int(flips.sum()), "flip_rate": float(flips.mean()),
                       "correlation": float(np.corrcoef(shadow[answered], scores[answered])[0, 1])},
    }
    print(json.dumps(out, separators=(",", ":")))


main()
