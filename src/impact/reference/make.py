"""Numbers of reference libraries that the tests of src/impact compare with.

Run: python make.py > reference.json   (numpy, scipy; their versions are stored with the numbers)
Every row of a sample is written out, so that nothing of the formulas under test is used.
"""
import json

import numpy as np
import scipy
from scipy import stats

VALUES = {"tp": 60.0, "fp": -15.0, "fn": -40.0, "tn": 0.0}


def rows(counts):
    return np.concatenate([np.full(counts[name], VALUES[name]) for name in ("tp", "fp", "fn", "tn")])


def one(counts):
    sample = rows(counts)
    half = stats.norm.ppf(0.975) * np.sqrt(len(sample) * sample.var(ddof=1))
    return {"counts": counts, "mean": sample.mean(), "variance": sample.var(ddof=1), "sum": sample.sum(), "half": half}


def pair(a, b):
    found = stats.ttest_ind(rows(a), rows(b), equal_var=False)
    interval = found.confidence_interval(0.95)
    return {"a": a, "b": b, "value": 1000 * (rows(a).mean() - rows(b).mean()), "low": 1000 * interval.low,
            "high": 1000 * interval.high, "df": found.df}


def counts(tp, fp, fn, tn):
    return {"tp": tp, "fp": fp, "fn": fn, "tn": tn}


SMALL, MONTH, CANARY = counts(3, 1, 1, 5), counts(2210, 1904, 2381, 21330), counts(301, 188, 204, 2342)
print(json.dumps({
    "versions": {"numpy": np.__version__, "scipy": scipy.__version__},
    "worth": [one(SMALL), one(MONTH), one(CANARY), one(counts(0, 0, 0, 7))],
    "differences": [pair(CANARY, MONTH), pair(SMALL, MONTH), pair(SMALL, counts(0, 1, 1, 1))],
    "quantiles": [{"confidence": c, "df": d, "t": stats.t.ppf((1 + c) / 2, d)} for c in (0.9, 0.95, 0.99)
                  for d in (1.0, 2.5, 4.5, 30.0, 2961.7)],
}, indent=1, sort_keys=True))
