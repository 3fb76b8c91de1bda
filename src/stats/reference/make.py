"""Numbers of reference libraries that the tests of src/stats compare with.

Run: python make.py > reference.json   (numpy, scipy, scikit-learn; their versions are stored with the numbers)
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


def scores(seed, rows, rounding=None):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, rows)
    values = 1 / (1 + np.exp(-(random.normal(0, 1, rows) + 0.8 * labels - 0.4)))
    if rounding is not None:
        values = np.round(values, rounding)
    return labels, values


def delong_variance(labels, values):
    """DeLong, DeLong and Clarke-Pearson (1988) by its definition, pair by pair."""
    up, down = values[labels == 1], values[labels == 0]
    wins = (up[:, None] > down[None, :]) + 0.5 * (up[:, None] == down[None, :])
    return np.var(wins.mean(axis=1), ddof=1) / len(up) + np.var(wins.mean(axis=0), ddof=1) / len(down)


def binary(seed, rows, rounding):
    labels, values = scores(seed, rows, rounding)
    auc = metrics.roc_auc_score(labels, values)
    spread = 1.959963984540054 * math.sqrt(delong_variance(labels, values))
    chosen = values >= 0.5
    return {
        "labels": labels.tolist(),
        "scores": values.tolist(),
        "auc": auc,
        "auc_low": max(0.0, auc - spread),
        "auc_high": min(1.0, auc + spread),
        "log_loss": metrics.log_loss(labels, np.clip(values, 1e-15, 1 - 1e-15)),
        "brier": metrics.brier_score_loss(labels, values),
        "recall": metrics.recall_score(labels, chosen, zero_division=0),
        "precision": metrics.precision_score(labels, chosen, zero_division=0),
        "f1": metrics.f1_score(labels, chosen, zero_division=0),
        "average_precision": metrics.average_precision_score(labels, values),
    }


def calibration(seed, rows, bins):
    """Expected calibration error over bins of equal numbers of rows, by its definition (no ties in the scores)."""
    labels, values = scores(seed, rows)
    order = np.argsort(values, kind="stable")
    parts = np.array_split(order, bins)  # the first rows % bins parts hold one more
    gaps = [abs(labels[p].mean() - values[p].mean()) for p in parts]
    return {
        "labels": labels.tolist(),
        "scores": values.tolist(),
        "bins": bins,
        "ece": float(sum(g * len(p) for g, p in zip(gaps, parts)) / rows),
        "max": float(max(gaps)),
    }


def wilson(hits, n, confidence):
    interval = stats.binomtest(hits, n).proportion_ci(confidence_level=confidence, method="wilson")
    return {"hits": hits, "n": n, "confidence": confidence, "low": interval.low, "high": interval.high}


def distances(seed, bins, rows):
    random = np.random.default_rng(seed)
    a = random.multinomial(rows, random.dirichlet(np.ones(bins)))
    b = random.multinomial(rows // 2, random.dirichlet(np.ones(bins)))
    p, q = a / a.sum(), b / b.sum()
    # Values that stand for their bins give scipy's two-sample test the same empirical distributions.
    ks = stats.ks_2samp(np.repeat(np.arange(bins), a), np.repeat(np.arange(bins), b), method="asymp")
    smooth_p, smooth_q = (a + 0.5) / (a.sum() + bins / 2), (b + 0.5) / (b.sum() + bins / 2)
    return {
        "a": a.tolist(),
        "b": b.tolist(),
        "js": float(jensenshannon(p, q, base=2) ** 2),
        "total_variation": float(np.abs(p - q).sum() / 2),
        "l_infinity": float(np.abs(p - q).max()),
        "psi": float(stats.entropy(smooth_p, smooth_q) + stats.entropy(smooth_q, smooth_p)),
        "ks": float(ks.statistic),
        "chi2_p": float(stats.chi2_contingency(np.array([a, b])[:, (a + b) > 0], correction=False).pvalue),
    }


def effect(seed, rows):
    """Effect sizes: Cohen's d by its definition, Cramer's V and Pearson's correlation by the libraries."""
    random = np.random.default_rng(seed)
    a, b = random.normal(1.0, 2.0, rows), random.normal(0.5, 1.0, 2 * rows)
    pooled = ((len(a) - 1) * np.var(a, ddof=1) + (len(b) - 1) * np.var(b, ddof=1)) / (len(a) + len(b) - 2)
    p = random.multinomial(rows, random.dirichlet(np.ones(6)))
    q = random.multinomial(3 * rows, random.dirichlet(np.ones(6)))
    x = random.normal(size=rows)
    y = x + random.normal(size=rows)
    return {
        "a": {"n": len(a), "mean": float(np.mean(a)), "variance": float(np.var(a, ddof=1))},
        "b": {"n": len(b), "mean": float(np.mean(b)), "variance": float(np.var(b, ddof=1))},
        "cohens_d": float((np.mean(a) - np.mean(b)) / math.sqrt(pooled)),
        "p": p.tolist(),
        "q": q.tolist(),
        "cramers_v": float(stats.contingency.association(np.array([p, q])[:, (p + q) > 0], method="cramer")),
        "x": x.tolist(),
        "y": y.tolist(),
        "correlation": float(np.corrcoef(x, y)[0, 1]),
    }


def main():
    tail = [1e-300, 1e-20, 1e-9, 0.001, 0.025, 0.3, 0.5, 0.8, 0.975, 0.999999]
    points = [-37.0, -8.0, -1.96, -0.5, 0.0, 0.5, 1.0, 2.575, 8.0]
    values = np.random.default_rng(5).normal(size=37)
    probabilities = [0.0, 0.1, 0.25, 0.5, 0.9, 0.99, 1.0]
    lambdas = [0.1, 0.3, 0.5, 1.0, 1.5, 2.0, 3.0]
    out = {
        "made_by": {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__, "scikit-learn": sklearn.__version__},
        "normal_quantile": [{"p": p, "z": float(stats.norm.ppf(p))} for p in tail],
        "normal_cdf": [{"z": z, "p": float(stats.norm.cdf(z))} for z in points],
        "kolmogorov": [{"x": x, "p": float(stats.kstwobign.sf(x))} for x in lambdas],
        "chi2": [{"x": x, "df": df, "p": float(stats.chi2.sf(x, df))} for x, df in [(0.5, 1), (3.84, 1), (10.0, 4), (100.0, 60), (300.0, 9)]],
        "wilson": [wilson(h, n, c) for h, n, c in [(0, 10, 0.95), (10, 10, 0.95), (3, 10, 0.95), (47, 100, 0.9), (1, 100000, 0.99)]],
        "binary": [binary(1, 40, None), binary(2, 60, 1), binary(3, 200, 2)],
        "calibration": [calibration(4, 103, 10), calibration(5, 50, 5)],
        "distances": [distances(6, 10, 1000), distances(7, 4, 57), distances(8, 25, 30)],
        "effects": [effect(9, 40), effect(10, 300)],
        "quantiles": {"values": values.tolist(), "p": probabilities, "q": np.quantile(values, probabilities).tolist()},
    }
    print(json.dumps(out, separators=(",", ":")))


main()
